"""Who else may use a resource: resource policies and shares."""
