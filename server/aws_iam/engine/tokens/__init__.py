"""Web identity tokens: their claims, what of them AWS compares, and why a trust policy refuses them. Pure."""
