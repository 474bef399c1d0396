"""`irsa denied`: why a token is refused."""
