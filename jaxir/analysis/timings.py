"""The timing tables beside a corpus (`OUT/timing`, written by `jaxir bench`): figures, words and pictures."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from jaxir.analysis.text import Table, number
from jaxir.executor.timing import timetable

#: Columns whose distribution is shown, with their names.
SHOWN: Final = {
    "trace_ms": "trace, ms",
    "lower_ms": "lower, ms",
    "compile_ms": "compile, ms",
    "first_call_ms": "first call, ms",
    "run_ms": "call of the compiled program, ms",
    "eager_ms": "call of the plain function, ms",
    "eager_over_compiled": "plain over compiled",
    "break_even_calls": "calls until compiling has paid off",
    "model_flops_per_s": "flops/s of the cost model",
    "model_bytes_per_s": "bytes/s of the cost model",
    "peak_bytes": "program's peak memory, bytes",
}
_QUANTILES: Final = ("min", "p25", "p50", "p75", "max")
_MOST_GROUPS: Final = 14


@dataclasses.dataclass(frozen=True)
class Timing:
    """The times on one device: a table of `jaxir.executor.timing.bench.SCHEMA` with one row or more."""

    table: pa.Table

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Rows that could be timed."""
        return [row for row in self.table.to_pylist() if row["run_ms"] is not None]

    def figures(self) -> dict[str, Any]:
        """What the run says, as JSON can hold it; times in ms, see `jaxir.executor.timing.bench.SCHEMA`."""
        rows = self.rows
        first: Mapping[str, Any] = rows[0] if rows else self.table.slice(0, 1).to_pylist()[0]
        faults = [row["fault"] for row in self.table.to_pylist() if row["fault"]]
        return {
            **{name: first[name] for name in ("device", "device_used", "device_name", "runtime", "driver_version")},
            "jax_version": first["jax_version"],
            "rows": self.table.num_rows,
            "timed": len(rows),
            "passes": max((row["passes"] for row in rows), default=0),
            "faults": {fault: faults.count(fault) for fault in sorted(set(faults))},
            "floor_ms": min((row["floor_ms"] for row in rows), default=None),
            "reference_ms": _median([value for row in rows for value in row["reference_passes_ms"]]),
            "never_break_even": sum(row["eager_ms"] is not None and row["break_even_calls"] is None for row in rows),
            **{column: _spread([row[column] for row in rows]) for column in SHOWN},
            "pool_peak_bytes": max((row["pool_peak_bytes"] or 0 for row in rows), default=0) or None,
        }


def load(folder: Path) -> list[Timing]:
    """The times on each platform in `folder/timing`, [] where there are none.

    Raises:
        UserError: a file there is damaged.
    """
    return [Timing(timetable.read(parts)) for _, parts in sorted(timetable.platforms(folder).items())]


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _spread(values: Sequence[float | None]) -> dict[str, float] | None:
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    quartiles = np.percentile(known, [0, 25, 50, 75, 100])
    return {name: float(value) for name, value in zip(_QUANTILES, quartiles, strict=True)}


def table(timing: Timing) -> Table:
    """The figures of a run, a line a column."""
    figures = timing.figures()
    rows = []
    for column, label in SHOWN.items():
        spread = figures[column]
        if spread is not None:
            rows.append((label, *(short(spread[name]) for name in _QUANTILES)))
    return Table(f"Times on {title(figures)}", ("", *_QUANTILES), tuple(rows), note=" ".join(_notes(figures)))


def title(figures: Mapping[str, Any]) -> str:
    """`cpu:0, AMD EPYC, JAX 0.10.2`."""
    return f"{figures['device']}, {figures['device_name']}, JAX {figures['jax_version']}"


def _notes(figures: Mapping[str, Any]) -> Iterator[str]:
    yield f"{number(figures['timed'])} of {number(figures['rows'])} rows timed in {figures['passes']} passes."
    if figures["floor_ms"] is not None:
        yield f"A call that does nearly nothing takes {short(figures['floor_ms'])} ms."
    if figures["never_break_even"]:
        yield f"{number(figures['never_break_even'])} rows are no faster when compiled."
    if figures["pool_peak_bytes"]:
        yield f"The device's memory pool held up to {number(figures['pool_peak_bytes'])} bytes."
    for fault, count in list(figures["faults"].items())[:5]:
        yield f"{number(count)} not timed: {fault}."


def short(value: float) -> str:
    """Three significant digits, without an exponent below a million."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.2e}" if abs(value) >= 1e6 else f"{value:,.{min(digits, 6)}f}"


def pictures(timing: Timing, name: str) -> list[tuple[str, str]]:
    """(SVG text, caption) of a run.

    Args:
        timing: the run.
        name: prefix of the ids in the pictures, unique in the page.
    """
    from jaxir.analysis import charts  # matplotlib, which the command line does not need for a table

    rows = timing.rows
    if not rows:
        return []
    made = []
    panels = [
        (f"{label}, by {group}", _grouped(rows, group, column))
        for group in ("category", "level")
        for column, label in (("compile_ms", "compile ms"), ("run_ms", "call of the compiled program, ms"))
    ]
    caption = "Compile time and time of a call: quartiles, and whiskers from the 5th to the 95th percentile."
    made.append((charts.boxes(f"{name}-times", panels), caption))
    both = [row for row in rows if row["eager_ms"] is not None]
    if both:
        series = {
            f"level {level}": [(row["run_ms"], row["eager_ms"]) for row in both if row["level"] == level]
            for level in sorted({row["level"] for row in both})
        }
        caption = "One call: compiled against the plain function. On the line both take the same time."
        made.append((charts.points(f"{name}-eager", series, "compiled, ms", "plain function, ms"), caption))
    if pays := [row["break_even_calls"] for row in rows if row["break_even_calls"] is not None]:
        edges = np.geomspace(max(0.5, min(pays) * 0.99), max(pays) * 1.01 + 1, 31)
        counts, _ = np.histogram(pays, edges)
        panel = {"edges": edges.tolist(), "counts": counts.tolist()}
        picture = charts.histograms(
            f"{name}-even", [("calls until compiling has paid off", panel, round(statistics.median(pays)))]
        )
        made.append((picture, "Rows by the number of calls after which tracing, lowering and compiling have paid off."))
    return made


def _grouped(rows: Sequence[Mapping[str, Any]], group: str, column: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for key in sorted({row[group] for row in rows})[:_MOST_GROUPS]:
        label = f"level {key}" if group == "level" else key or "(none)"
        found[label] = [row[column] for row in rows if row[group] == key]
    return found
