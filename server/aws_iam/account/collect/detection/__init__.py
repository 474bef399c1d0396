"""The AWS services that look for weaknesses: Access Analyzer, Security Hub, Macie."""
