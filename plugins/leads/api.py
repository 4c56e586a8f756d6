"""What other plugins may import from leads."""

from plugins.leads.tables import Lead

__all__ = ["Lead"]
