"""The command line: arguments and files in, answers and exit statuses out."""
