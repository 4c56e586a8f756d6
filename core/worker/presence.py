"""Whether somebody runs what waits in the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.platform import Platform


def presence(platform: Platform) -> str:
    """`ok`, or what is wrong and what to do about it."""
    if not platform.config.redis_url:
        return "ok" if platform.config.drain else "nobody runs background work; set drain or REDIS_URL"
    try:
        from core.worker.rq_worker import worker_state  # noqa: PLC0415 (an extra)
    except ImportError as failure:
        return f"{failure}; pip install 'dealwright[rq]'"
    return worker_state(platform.config.redis_url)
