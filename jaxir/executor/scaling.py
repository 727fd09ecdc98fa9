"""How the times of a function grow with its sizes, such as batch size and model size."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxir.errors import UserError
from jaxir.executor.gains import (
    Speedup,
    Sustained,
    benchmark_sustained_performance,
    break_even_calls,
    measure_compilation_speedup,
)


@dataclasses.dataclass(frozen=True)
class Point:
    """What was measured at one choice of sizes.

    Attributes:
        sizes: name -> size.
        speedup: first call against second.
        sustained: jitted against plain.
        break_even_calls: None if compiling never pays off.
    """

    sizes: dict[str, int]
    speedup: Speedup
    sustained: Sustained
    break_even_calls: int | None


def scaling(
    fn: Callable[..., Any],
    make_args: Callable[..., Sequence[Any]],
    sizes: Mapping[str, Sequence[int]],
    *,
    runs: int = 10,
    seconds: float = 5.0,
) -> tuple[Point, ...]:
    """Measure a function at every combination of sizes, the last name varying fastest.

    `jaxir.analysis.gains` makes a table and a picture of the points. JAX's caches are emptied, as by
    `measure_compilation_speedup`.

    Args:
        fn: a function that JAX can trace, or one that `jax.jit` made.
        make_args: called with one size by name, such as `make_args(batch=8, model=64)`; gives the arguments of `fn`.
        sizes: name -> the sizes to try, such as `{"model": [64, 256], "batch": [8, 32, 128]}`.
        runs: samples of each program at each combination.
        seconds: after which no further sample is begun at a combination.

    Raises:
        UserError: no size is given, or `runs` is too small.
        Exception: what `fn` and `make_args` raise.
    """
    if not sizes or not all(sizes.values()):
        empty = next((name for name, values in sizes.items() if not values), "sizes")
        raise UserError(f"{empty}: expected one size or more, got none")
    points = []
    for values in itertools.product(*sizes.values()):
        chosen = dict(zip(sizes, values, strict=True))
        args = make_args(**chosen)
        speedup = measure_compilation_speedup(fn, *args, repeats=1)
        sustained = benchmark_sustained_performance(fn, *args, runs=runs, seconds=seconds)
        points.append(Point(chosen, speedup, sustained, break_even_calls(speedup, sustained)))
    return tuple(points)
