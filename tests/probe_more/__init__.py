"""A plugin that extends the probe, and whose name starts with the probe's."""
