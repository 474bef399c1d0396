"""The action `policy test`: requests with the decision that is expected of the policies."""
