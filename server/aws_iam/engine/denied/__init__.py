"""From the text of an AccessDenied error to the denied request, and the smallest change that allows it."""
