"""Who can act: root, users, roles, policies, identity providers, and the contacts of the account."""
