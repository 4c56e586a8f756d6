"""What other plugins may import from visits."""

from dealwright_visits.plugin import Visit

__all__ = ["Visit"]
