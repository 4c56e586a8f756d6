"""Formulas: expressions in CEL that are checked once and give the same value in Python, on SQLite and on PostgreSQL."""
