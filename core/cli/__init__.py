"""The command line: the same doors, for people and scripts."""
