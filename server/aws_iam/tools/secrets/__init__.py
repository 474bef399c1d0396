"""The tool `secrets`: Secrets Manager and Parameter Store."""
