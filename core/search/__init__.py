"""Search: the words by which records are found, kept by the write door, and asked for all entities at once."""
