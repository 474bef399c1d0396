"""What AWS documents, with its sources: actions, condition keys, Regions, services, operations, issuers."""
