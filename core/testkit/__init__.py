"""What plugin authors test with: fixtures of pytest over a real, freshly migrated database."""
