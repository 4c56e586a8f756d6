"""Imports taken back: what they created goes, what they changed is as it was, and what was edited since stays and is told."""
