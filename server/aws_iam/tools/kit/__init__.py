"""What the tools share: how actions are declared, the account and policies they read, common arguments."""
