"""Pages, looked at as HTML; what needs a browser is in `tests/browser`."""
