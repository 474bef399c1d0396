"""The command line: arguments and files in, pages and exit statuses out."""
