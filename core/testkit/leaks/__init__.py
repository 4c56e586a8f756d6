"""The leak kit: whatever one may not see is changed, and not one byte of any answer may change with it."""
