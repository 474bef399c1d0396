"""What policies effectively allow: Allow minus Deny, for resources and conditions that a request can meet."""
