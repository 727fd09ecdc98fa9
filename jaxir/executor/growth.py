"""What many calls of a function do to the memory of the process and of the device."""

from __future__ import annotations

import dataclasses
import functools
import gc
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import jax
from scipy import stats

from jaxir.errors import UserError
from jaxir.executor.gains import call
from jaxir.executor.metrics import pool

#: Readings of the memory over the calls, after the first.
_READINGS: Final = 10


@dataclasses.dataclass(frozen=True)
class Growth:
    """Memory over many calls whose results are dropped.

    Attributes:
        calls: how many had been made at each reading.
        rss_bytes: resident memory of the process at each reading.
        pool_bytes: memory in use in the device's pool at each reading; () where the device tells nothing, as the CPU.
    """

    calls: tuple[int, ...]
    rss_bytes: tuple[int, ...]
    pool_bytes: tuple[int, ...]

    @property
    def rss_bytes_per_call(self) -> float:
        """Slope of the resident memory: the median over all pairs of readings (Theil 1950, Sen 1968)."""
        return _slope(self.calls, self.rss_bytes)

    @property
    def pool_bytes_per_call(self) -> float | None:
        """The same of the device's pool; None where it tells nothing."""
        return _slope(self.calls, self.pool_bytes) if self.pool_bytes else None


def memory_growth(fn: Callable[..., Any], *args: Any, calls: int = 200) -> Growth:
    """Read the memory while a function is called over and over; it is called once before the first reading.

    Args:
        fn: any function, jitted or not, called as it is.
        *args: its arguments.
        calls: how many, in up to 10 groups with a reading after each.

    Raises:
        UserError: `calls` is below 2, or the system needs psutil to tell the memory and has none.
    """
    if calls < 2:
        raise UserError(f"calls: expected 2 or more, got {calls}")
    program = functools.partial(call, fn, args)
    program()
    device = jax.local_devices()[0]
    counts = sorted({round(calls * reading / _READINGS) for reading in range(_READINGS + 1)})
    rss, pools = [], []
    done = 0
    for count in counts:
        for _ in range(count - done):
            program()
        done = count
        gc.collect()  # what only waits for the collector is no growth
        rss.append(resident_bytes())
        if (in_use := pool(device).get("bytes_in_use")) is not None:
            pools.append(in_use)
    return Growth(tuple(counts), tuple(rss), tuple(pools))


def resident_bytes() -> int:
    """Memory of this process that is in RAM.

    Raises:
        UserError: the system needs psutil for it and has none.
    """
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    try:
        import psutil
    except ImportError:
        raise UserError("psutil is missing, which tells the memory of a process here; install it") from None
    return int(psutil.Process().memory_info().rss)


def _slope(calls: Sequence[int], values: Sequence[int]) -> float:
    return float(stats.theilslopes(values, calls).slope)
