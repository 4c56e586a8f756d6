"""Exchange rates from the European Central Bank."""
