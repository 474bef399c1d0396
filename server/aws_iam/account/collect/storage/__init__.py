"""Where data is stored: buckets, databases, volumes."""
