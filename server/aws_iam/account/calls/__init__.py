"""One call to AWS: retries, rates, complete answers, failures."""
