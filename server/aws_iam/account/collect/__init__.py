"""The facts of an account: each with its frozen type, its name in a snapshot and the function that reads it, in one file."""
