"""Rules on who may hand out permissions, and on SCPs and RCPs."""
