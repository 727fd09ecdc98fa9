"""What `jaxir.executor.gains` and `jaxir.executor.scaling` measured, as tables and as a picture."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from jaxir.analysis.text import Table
from jaxir.analysis.timings import short
from jaxir.errors import UserError
from jaxir.executor.gains import CONFIDENCE, Speedup, Sustained, break_even_calls
from jaxir.executor.scaling import Point

#: Panels of the picture: label -> what it shows of a point.
_PANELS: Final[Mapping[str, Callable[[Sustained], float]]] = {
    "jitted call, ms": lambda sustained: sustained.jitted.median_ms,
    "plain call, ms": lambda sustained: sustained.plain.median_ms,
    "plain / jitted": lambda sustained: sustained.ratio,
}


def gains_table(measured: Mapping[str, tuple[Speedup, Sustained]]) -> Table:
    """A line for each function: first and second call, sustained calls of both, their ratio, break-even.

    Args:
        measured: label -> both results for the same function and arguments.
    """
    header = (
        *("", "first call, ms", "second call, ms", "first / second", "jitted, ms", "plain, ms"),
        *("plain / jitted", f"{CONFIDENCE:.0%} interval", "break-even, calls"),
    )
    rows = []
    for label, (speedup, sustained) in measured.items():
        rows.append(
            (
                label,
                short(speedup.first_call_ms),
                short(speedup.second_call_ms),
                short(speedup.speedup),
                *_times(sustained),
                " to ".join(map(short, sustained.ratio_interval)),
                _calls(break_even_calls(speedup, sustained)),
            )
        )
    return Table(f"Gains of compiling{_on([pair[1] for pair in measured.values()])}", header, tuple(rows))


def scaling_table(points: Sequence[Point]) -> Table:
    """A line for each point of `scaling`.

    Raises:
        UserError: there is no point.
    """
    names = _names(points)
    header = (*names, "first call, ms", "jitted, ms", "plain, ms", "plain / jitted", "break-even, calls")
    rows = tuple(
        (
            *(f"{point.sizes[name]:,}" for name in names),
            short(point.speedup.first_call_ms),
            *_times(point.sustained),
            _calls(point.break_even_calls),
        )
        for point in points
    )
    return Table(f"Scaling over {' and '.join(names)}{_on([point.sustained for point in points])}", header, rows)


def scaling_picture(points: Sequence[Point], name: str = "scaling") -> str:
    """SVG text for a page of the report, over the size that varies fastest; `charts.alone` makes a file of it.

    Args:
        points: of `scaling`.
        name: prefix of the ids in the picture, unique in its page.

    Raises:
        UserError: there is no point.
    """
    from jaxir.analysis import charts  # matplotlib, which a table does not need

    *others, x = _names(points)
    groups = itertools.groupby(points, lambda point: ", ".join(f"{other} {point.sizes[other]:,}" for other in others))
    series = {label or x: list(group) for label, group in groups}
    panels = [
        (label, {key: [(point.sizes[x], take(point.sustained)) for point in group] for key, group in series.items()})
        for label, take in _PANELS.items()
    ]
    return charts.curves(name, panels, x)


def _names(points: Sequence[Point]) -> tuple[str, ...]:
    if not points:
        raise UserError("scaling: expected one point or more, got none")
    return tuple(points[0].sizes)


def _times(sustained: Sustained) -> tuple[str, str, str]:
    return short(sustained.jitted.median_ms), short(sustained.plain.median_ms), short(sustained.ratio)


def _calls(count: int | None) -> str:
    return "never" if count is None else f"{count:,}"


def _on(runs: Sequence[Sustained]) -> str:
    """` on cpu, JAX 0.10.2`."""
    kinds = sorted({f"{run.device_kind}, JAX {run.jax_version}" for run in runs})
    return f" on {'; '.join(kinds)}" if kinds else ""
