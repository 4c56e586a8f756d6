"""A plugin with a mistake in it."""
