"""What another system has exported, all of its files in one go: recognised, translated, linked, and undone as one."""
