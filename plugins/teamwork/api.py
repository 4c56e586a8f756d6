"""What other plugins may import from teamwork."""

from plugins.teamwork.notices import wanted
from plugins.teamwork.tables import Activity, Task

__all__ = ["Activity", "Task", "wanted"]
