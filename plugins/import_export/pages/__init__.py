"""Importing in a browser: the file, its columns, a look at what will be, the import, its outcome, and the way back."""
