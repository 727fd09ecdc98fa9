"""What compiling a function gains: first call against second, sustained speed, break-even.

Each function takes a callable and its arguments and runs both in this process; keyword and static arguments are bound
with `functools.partial`. Times are measured as in `jaxir.executor.timing.stages`: until results are ready, a sample
being the mean of as many calls as fill a millisecond or more, programs in turn, so that what the machine does meanwhile
falls on all of them.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.metadata
import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

import jax
from scipy import stats

from jaxir.errors import UserError
from jaxir.executor.fallback import is_jitted, plain_of
from jaxir.executor.metrics import Metrics, collect
from jaxir.executor.timing.stages import (
    Call,
    alternate,
    calls_per_sample,
    ready,
    reference_program,
    sample,
    where,
)

#: Confidence of all intervals.
CONFIDENCE: Final = 0.95
#: Rounds below which the median of a distribution has no interval at `CONFIDENCE`.
FEWEST_RUNS: Final = 6


@dataclasses.dataclass(frozen=True)
class Speedup:
    """The first call of a jitted function, which traces and compiles, and the second; medians over the repeats.

    Attributes:
        first_call_ms, second_call_ms: each until its results are ready.
        trace_ms, lower_ms, compile_ms: parts of the first call, as JAX reports them.
        cache_hits: programs that JAX's compile cache on the disk had; where it is not 0, the first call compiled less.
        device_used, device_kind: what ran it.
    """

    first_call_ms: float
    second_call_ms: float
    trace_ms: float
    lower_ms: float
    compile_ms: float
    cache_hits: int
    device_used: str
    device_kind: str

    @property
    def speedup(self) -> float:
        """First over second call."""
        return self.first_call_ms / self.second_call_ms


@dataclasses.dataclass(frozen=True)
class Samples:
    """Times of one program.

    Attributes:
        samples_ms: mean time of a call in each sample, in the order of measurement.
        calls: calls in a sample.
    """

    samples_ms: tuple[float, ...]
    calls: int

    @property
    def mean_ms(self) -> float:
        """Mean time of a call in ms, over all samples; all have the same number of calls."""
        return statistics.fmean(self.samples_ms)

    @property
    def median_ms(self) -> float:
        """Median of the samples in ms, each the mean time of a call in it."""
        return statistics.median(self.samples_ms)

    @property
    def std_ms(self) -> float:
        """Standard deviation of the samples (n - 1)."""
        return statistics.stdev(self.samples_ms)

    @property
    def interval_ms(self) -> tuple[float, float]:
        """Confidence interval of the median at `CONFIDENCE`."""
        return median_interval(self.samples_ms)


@dataclasses.dataclass(frozen=True)
class Sustained:
    """Many calls of a jitted function and of the plain one, in turn with a reference program.

    Attributes:
        jitted, plain, reference: samples; the n-th of each were taken in the same round.
        floor_ms: a call of a program that does nearly nothing; no jitted function is faster.
        device_used, device_kind: what ran it.
        jax_version: of JAX.
    """

    jitted: Samples
    plain: Samples
    reference: Samples
    floor_ms: float
    device_used: str
    device_kind: str
    jax_version: str

    @property
    def runs(self) -> int:
        """Rounds."""
        return len(self.jitted.samples_ms)

    @property
    def ratio(self) -> float:
        """Plain over jitted: the median over the rounds. Above 1, compiling gains."""
        return statistics.median(self._ratios())

    @property
    def ratio_interval(self) -> tuple[float, float]:
        """Confidence interval of `ratio` at `CONFIDENCE`."""
        return median_interval(self._ratios())

    def _ratios(self) -> list[float]:
        pairs = zip(self.plain.samples_ms, self.jitted.samples_ms, strict=True)
        return [plain / jitted for plain, jitted in pairs]


def measure_compilation_speedup(fn: Callable[..., Any], *args: Any, repeats: int = 3) -> Speedup:
    """Time the first call of a jitted function and the second one.

    JAX's caches are emptied before, so that a first call is one whatever ran earlier; what else the process had
    compiled is compiled again when it is next called.

    Args:
        fn: a function that JAX can trace, or one that `jax.jit` made.
        *args: its arguments.
        repeats: how often to do it.

    Raises:
        UserError: `repeats` is below 1.
        Exception: what the function or its tracing raises.
    """
    if repeats < 1:
        raise UserError(f"repeats: expected 1 or more, got {repeats}")
    jitted = _jitted(fn)
    collected: list[Metrics] = []
    times: list[tuple[float, float]] = []
    for _ in range(repeats):
        jax.clear_caches()  # type: ignore[no-untyped-call]  # jax has no types here
        with collect(memory=False) as metrics:
            first, results = _timed(jitted, args)
            second, _ = _timed(jitted, args)
        collected.append(metrics)
        times.append((first, second))
    return Speedup(
        first_call_ms=statistics.median(first for first, _ in times),
        second_call_ms=statistics.median(second for _, second in times),
        trace_ms=statistics.median(one.trace_ms for one in collected),
        lower_ms=statistics.median(one.lower_ms for one in collected),
        compile_ms=statistics.median(one.compile_ms for one in collected),
        cache_hits=sum(one.cache_hits for one in collected),
        **where(results, jax.local_devices()[0]),
    )


def benchmark_sustained_performance(
    fn: Callable[..., Any], *args: Any, runs: int = 30, seconds: float = 30.0
) -> Sustained:
    """Time a jitted function against the plain one, called op by op, once all that both need is compiled.

    Args:
        fn: a function that JAX can trace, or one that `jax.jit` made.
        *args: its arguments.
        runs: samples of each program.
        seconds: after which no further sample is begun, but for the `FEWEST_RUNS` first ones.

    Raises:
        UserError: `runs` is below `FEWEST_RUNS`.
        Exception: what the function or its tracing raises.
    """
    if runs < FEWEST_RUNS:
        raise UserError(f"runs: expected {FEWEST_RUNS} or more, since fewer have no confidence interval; got {runs}")
    jitted: Call = functools.partial(call, _jitted(fn), args)
    plain: Call = functools.partial(call, plain_of(fn), args)
    place = where(jitted(), jax.local_devices()[0])
    reference, reference_calls, floor_ms = reference_program(place["device_used"])
    programs = [*_as_long(jitted, plain), (reference, reference_calls)]
    taken = alternate(programs, runs, seconds, fewest=FEWEST_RUNS)
    samples = [Samples(tuple(one), calls) for one, (_, calls) in zip(taken, programs, strict=True)]
    return Sustained(
        jitted=samples[0],
        plain=samples[1],
        reference=samples[2],
        floor_ms=floor_ms,
        device_used=place["device_used"],
        device_kind=place["device_kind"],
        jax_version=importlib.metadata.version("jax"),
    )


def break_even_calls(speedup: Speedup, sustained: Sustained) -> int | None:
    """Calls after which a jitted function, its first call included, has taken no longer than the plain one.

    Args:
        speedup: of `measure_compilation_speedup`.
        sustained: of `benchmark_sustained_performance`, for the same function and arguments.

    Returns:
        None if compiling never pays off.
    """
    jitted_ms = sustained.jitted.median_ms
    saved_ms = jitted_ms * (sustained.ratio - 1)
    if saved_ms <= 0:
        return None
    return max(1, math.ceil((speedup.first_call_ms - jitted_ms) / saved_ms))


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """Confidence interval of the median at `CONFIDENCE`, from order statistics, whatever the distribution is."""
    found = stats.quantile_test(values, p=0.5).confidence_interval(CONFIDENCE)
    return float(found.low), float(found.high)


def _jitted(fn: Callable[..., Any]) -> Callable[..., Any]:
    return fn if is_jitted(fn) else jax.jit(fn)


def _as_long(*programs: Call) -> list[tuple[Call, int]]:
    """Programs with the calls of a sample, so many that samples of all take about as long as the longest.

    A machine that is shared gives a long sample less than a short one, which may fit between two interruptions.
    """
    calls = [calls_per_sample(program) for program in programs]
    each_ms = [sample(program, count) for program, count in zip(programs, calls, strict=True)]
    longest_ms = max(count * ms for count, ms in zip(calls, each_ms, strict=True))
    return [
        (program, max(count, round(longest_ms / ms)))
        for program, count, ms in zip(programs, calls, each_ms, strict=True)
    ]


def call(fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """The results of a function, ready."""
    return ready(fn(*args))


def _timed(fn: Callable[..., Any], args: tuple[Any, ...]) -> tuple[float, Any]:
    """Time of one call in ms, and its results."""
    start = time.perf_counter()
    results = call(fn, args)
    return (time.perf_counter() - start) * 1e3, results
