"""These tests run with our own plugins, on both databases."""

from tests.plugins.conftest import drain, entry_points, taken, work

__all__ = ["drain", "entry_points", "taken", "work"]
