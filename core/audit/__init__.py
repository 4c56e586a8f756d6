"""The audit: what was done, by whom and through what, and the proof that nobody has changed it since."""
