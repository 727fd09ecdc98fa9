"""What a pebble pool leaves open: how long to wait for an answer, and what says that none will come."""

from __future__ import annotations

from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import Final, TypeVar

from pebble import ProcessExpired

Result = TypeVar("Result")

#: What `answer` raises of an item whose process, or whose pool, was lost.
LOST: Final = (ProcessExpired, BrokenProcessPool, TimeoutError)
#: Seconds that a process may take to start.
START: Final = 120.0


def answer(future: Future[Result], seconds: float) -> Result:
    """The result of an item that is due: all handed over before it are done, so it has a process, or is next.

    Args:
        future: of the item.
        seconds: the limit that pebble was given. It counts from when a process has taken the item, which one that is
            killed while it reads it never says: pebble would wait for ever.

    Raises:
        ProcessExpired, BrokenProcessPool, TimeoutError: see `LOST`.
        Exception: what the function raised.
    """
    return future.result(START + 2 * seconds)
