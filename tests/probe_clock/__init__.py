"""A plugin with schedules."""
