"""What other plugins may use of the company."""

from __future__ import annotations

from plugins.company.logo import logo
from plugins.company.numbers import give_back, next_numbers
from plugins.company.profile import profile

__all__ = ["give_back", "logo", "next_numbers", "profile"]
