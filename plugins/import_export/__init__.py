"""Import and export: files in and out of every entity, through the one door."""
