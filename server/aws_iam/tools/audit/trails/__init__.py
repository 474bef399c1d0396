"""`audit cloudtrail`: every trail, and the commands that fix it."""
