"""The entity registry's machinery: the two doors, and what they share."""
