"""What AWS documents, as values: actions, keys, Regions, services, operations, issuers; each with its source."""
