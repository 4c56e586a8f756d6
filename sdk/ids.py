"""The order of ids: they are of version 7 (RFC 9562, section 5.7), and sort by the time of their making."""

from __future__ import annotations

from uuid import UUID

_LOW, _COUNT, _TIME = 64, 12, 80
"""Bits of chance with the variant, of the count above them, and where the time begins; four bits of version stand before the count."""


def behind(id: UUID, steps: int) -> UUID:
    """The id that stands so many places behind one of `ctx.new_ids`: always the same, so that a place can be kept by the first of a row."""
    tick = ((id.int >> _TIME) << _COUNT | id.int >> _LOW & (1 << _COUNT) - 1) + steps
    time, count = tick >> _COUNT, tick & (1 << _COUNT) - 1
    return UUID(int=time << _TIME | 7 << _LOW + _COUNT | count << _LOW | id.int & (1 << _LOW) - 1)
