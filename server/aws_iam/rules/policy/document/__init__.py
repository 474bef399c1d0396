"""Rules on the form of a document: grammar, elements, sizes."""
