"""The network apart from AWS's API. The only package that imports httpx."""
