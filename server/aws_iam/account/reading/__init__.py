"""Reading an account, many accounts, an organization or a snapshot."""
