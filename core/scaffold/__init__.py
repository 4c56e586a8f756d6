"""What a new plugin begins with."""
