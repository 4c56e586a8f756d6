"""Company: what the company says of itself, its currencies and rates, its numbers, its master data."""
