"""`map` over processes of this machine, in order and in bounded memory."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from itertools import islice
from typing import Final, TypeVar

from pebble import ProcessPool

from jaxir.executor.isolation.pools import LOST, answer
from jaxir.executor.isolation.sandbox import end_with

Item = TypeVar("Item")
Result = TypeVar("Result")

#: Items that are done here before there are processes, which take about a second to start.
_ALONE: Final = 4
#: Items handed to the processes beyond the one whose result is due, for each of them.
_AHEAD: Final = 2
#: Seconds after which an item counts as lost: pebble does not notice the end of a process in each case.
_SECONDS: Final = 120.0


def ordered(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Generator[Result, None, None]:
    """Results in the order of the items, which are taken lazily; a few items are done without any process.

    Args:
        function: a pure function of a module. An item whose process was lost is done here.
        items: any number, also endless; items and results can be pickled.
        workers: processes; 1 for none beside this one.

    Raises:
        Exception: what the function raised. Leaving the iterator ends every process.
    """
    source = iter(items)
    if workers == 1:
        yield from map(function, source)
        return
    yield from map(function, islice(source, _ALONE))
    pool = ProcessPool(
        max_workers=workers,
        initializer=end_with,
        initargs=[os.getpid()],
        context=multiprocessing.get_context("spawn"),
    )
    under_way: deque[tuple[Item, Future[Result] | None]] = deque()

    def result_of(item: Item, future: Future[Result] | None) -> Result:
        if future is not None:
            with contextlib.suppress(*LOST):
                return answer(future, _SECONDS)
        return function(item)

    try:
        while True:
            for item in islice(source, _AHEAD * workers + 1 - len(under_way)):
                # A process that ends at once may take the pool with it.
                is_here = not pool.active
                under_way.append((item, None if is_here else pool.schedule(function, args=[item], timeout=_SECONDS)))
            if not under_way:
                return
            yield result_of(*under_way.popleft())
    finally:
        pool.stop()  # type: ignore[no-untyped-call]  # pebble has no types here
        pool.join()
