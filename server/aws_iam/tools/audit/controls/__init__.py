"""The CIS controls, one file per subject."""
