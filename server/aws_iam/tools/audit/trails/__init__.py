"""`audit cloudtrail`: every trail, and the commands that mend it."""
