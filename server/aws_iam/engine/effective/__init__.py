"""What policies really allow: Allow less Deny, and only on resources and conditions that a request can meet."""
