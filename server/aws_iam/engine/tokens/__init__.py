"""Web identity tokens: their claims, what AWS compares, and why a trust policy rejects them."""
