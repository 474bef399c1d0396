"""What is read from AWS: a guarded session, collectors, and the frozen snapshot they fill."""
