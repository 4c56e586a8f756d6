"""What we ship for testing, tested."""
