"""These tests run with the probe, which has a field of every type and implements every hook."""

from tests.probe.fixtures import entry_points

__all__ = ["entry_points"]
