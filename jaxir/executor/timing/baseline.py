"""Compare two timing tables: which rows became slower or faster, and by how much, beyond what the runs differ anyway.

Times are divided by the reference program's time in the same pass, then compared as logarithms. A difference
counts only where two tests agree, and the larger p-value is taken (an intersection-union test):

* Of a row: the samples differ (Mann-Whitney), and so do the passes (Student's t with the moderated variance of Smyth
  2004, doi:10.2202/1544-6115.1027). Samples of one process resemble each other, so the first test alone finds
  differences between processes; the few passes of a row alone say little, so their variance leans on all rows'.
  Over the rows, the rate of false discoveries is held at `alpha` (Benjamini-Hochberg).
* Of a whole run, for the calls and for each stage before them: most rows moved the same way (Wilcoxon signed-rank), and
  the passes moved, taken as wholes (Student's t); the smallest p-values count first (Holm).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import optimize, special, stats

from jaxir.errors import UserError
from jaxir.executor.timing.bench import typical

Array = npt.NDArray[np.float64]

#: What is compared of whole runs: a label and the column of `bench.SCHEMA` with a figure for each pass.
STAGES: Final = {
    "run": "",
    "trace": "trace_passes_ms",
    "lower": "lower_passes_ms",
    "compile": "compile_passes_ms",
}
#: Confidence of the intervals.
CONFIDENCE: Final = 0.95


@dataclasses.dataclass(frozen=True)
class Change:
    """How a time changed: new over old.

    Attributes:
        key: id of the row, or the stage of a whole run.
        ratio: new over old, normalised; above 1 is slower.
        low, high: confidence interval of the ratio, at `CONFIDENCE`.
        p: adjusted for the number of comparisons.
        significant: whether `p` is below `alpha`.
        old_ms, new_ms: median times as measured, not normalised.
    """

    key: str
    ratio: float
    low: float
    high: float
    p: float
    significant: bool
    old_ms: float
    new_ms: float


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What two runs say about each other.

    Attributes:
        pairs: rows that both runs timed in two passes or more.
        only_old, only_new: rows that one of them timed.
        rows: a `Change` for each pair, by falling ratio.
        stages: a `Change` for the calls of all rows and for each stage before them.
        notes: what limits the comparison, such as other hardware.
    """

    pairs: int
    only_old: int
    only_new: int
    rows: tuple[Change, ...]
    stages: tuple[Change, ...]
    notes: tuple[str, ...]

    @property
    def regressions(self) -> tuple[Change, ...]:
        """Significant changes for the worse, whole runs first."""
        return tuple(change for change in (*self.stages, *self.rows) if change.significant and change.ratio > 1)

    @property
    def improvements(self) -> tuple[Change, ...]:
        """Significant changes for the better, whole runs first."""
        return tuple(change for change in (*self.stages, *self.rows[::-1]) if change.significant and change.ratio < 1)


def compare(old: pa.Table, new: pa.Table, *, alpha: float = 0.05) -> Comparison:
    """Compare two tables of `bench.SCHEMA` of the same rows.

    Args:
        old: the baseline.
        new: what is held against it.
        alpha: rate of false discoveries among the rows, and error rate of the whole-run tests.

    Raises:
        UserError: no row was timed in two passes or more by both.
    """
    before, after = _timed(old), _timed(new)
    keys = [key for key in after if key in before]
    if not keys:
        raise UserError(
            "the baseline and this run have no row in common that both timed in two passes or more; time rows of the "
            "same corpus with the same --passes"
        )
    pairs = [(before[key], after[key]) for key in keys]
    rows = _rows(pairs, alpha)
    return Comparison(
        pairs=len(keys),
        only_old=len(before) - len(keys),
        only_new=len(after) - len(keys),
        rows=tuple(sorted(rows, key=lambda change: (-change.ratio, change.key))),
        stages=tuple(_stages(pairs, alpha)),
        notes=tuple(_notes(pairs)),
    )


def _timed(table: pa.Table) -> dict[str, dict[str, Any]]:
    """Rows by id that were timed in two processes or more: processes differ, so one says nothing about the next."""
    return {row["id"]: row for row in table.to_pylist() if row["passes"] >= 2}


def _notes(pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> list[str]:
    notes = []
    for column, label in (("device_name", "hardware"), ("jax_version", "JAX"), ("driver_version", "driver")):
        old, new = ({str(row[column]) for row in side} for side in zip(*pairs, strict=True))
        if old != new:
            notes.append(f"{label} differs: {', '.join(sorted(old))} before, {', '.join(sorted(new))} now")
    return notes


def _logs(row: Mapping[str, Any], column: str) -> Array:
    """Normalised times of a row, one a pass, as natural logarithms."""
    times = row[column] if column else [typical(values) for values in row["run_samples_ms"]]
    logs: Array = np.log(np.array(times)) - np.log(np.array(row["reference_passes_ms"]))
    return logs


def _relative(row: Mapping[str, Any]) -> list[float]:
    """All samples of a row over the reference of their pass."""
    passes = zip(row["run_samples_ms"], row["reference_passes_ms"], strict=True)
    return [sample / reference for samples, reference in passes for sample in samples]


def _rows(pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], alpha: float) -> list[Change]:
    old = [_logs(row, "") for row, _ in pairs]
    new = [_logs(row, "") for _, row in pairs]
    shift = np.array([b.mean() - a.mean() for a, b in zip(old, new, strict=True)])
    free = np.array([len(a) + len(b) - 2 for a, b in zip(old, new, strict=True)], dtype=np.float64)
    squares = np.array([a.var() * len(a) + b.var() * len(b) for a, b in zip(old, new, strict=True)])
    variance, degrees = moderated(squares / free, free)
    spread = np.sqrt(variance * np.array([1 / len(a) + 1 / len(b) for a, b in zip(old, new, strict=True)]))
    by_passes = 2 * stats.t.sf(np.abs(shift) / spread, degrees)
    by_samples = np.array(
        [stats.mannwhitneyu(_relative(a), _relative(b), alternative="two-sided").pvalue for a, b in pairs]
    )
    adjusted = stats.false_discovery_control(np.maximum(by_passes, by_samples), method="bh")
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, degrees) * spread
    return [
        Change(
            key=before["id"],
            ratio=float(np.exp(shift[place])),
            low=float(np.exp(shift[place] - reach[place])),
            high=float(np.exp(shift[place] + reach[place])),
            p=float(adjusted[place]),
            significant=bool(adjusted[place] < alpha),
            old_ms=before["run_ms"],
            new_ms=after["run_ms"],
        )
        for place, (before, after) in enumerate(pairs)
    ]


def moderated(variance: Array, free: Array) -> tuple[Array, Array]:
    """Variances drawn towards their common value, and the degrees of freedom that they then have.

    Smyth 2004, section 6.2: the variances of many rows are taken for draws from a scaled inverse chi-square, whose
    degrees of freedom and scale come from mean and variance of their logarithms.

    Args:
        variance: one a row, of `free` degrees of freedom each.
        free: degrees of freedom.
    """
    floored = np.maximum(variance, 1e-12)  # the same numbers twice have none, and a logarithm is taken
    if len(floored) < 2:
        return floored, free
    logs = np.log(floored) - special.digamma(free / 2) + np.log(free / 2)
    excess = float(np.var(logs, ddof=1) - special.polygamma(1, free / 2).mean())
    mean = float(logs.mean())
    if excess <= 0:  # no more scatter than equal variances show: all rows have the common one
        common = np.full_like(floored, np.exp(mean))
        return common, np.full_like(free, free.sum())
    prior = 2 * float(optimize.brentq(lambda half: special.polygamma(1, half) - excess, 1e-6, 1e9))
    scale = np.exp(mean + special.digamma(prior / 2) - np.log(prior / 2))
    return (prior * scale + free * floored) / (prior + free), np.minimum(prior + free, free.sum())


def _stages(pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]], alpha: float) -> list[Change]:
    found: list[Change] = []
    for name, column in STAGES.items():
        old = [_logs(row, column) for row, _ in pairs]
        new = [_logs(row, column) for _, row in pairs]
        shift = np.array([b.mean() - a.mean() for a, b in zip(old, new, strict=True)])
        by_rows = float(stats.wilcoxon(shift, zero_method="zsplit").pvalue) if np.any(shift) else 1.0
        ratio, low, high, by_passes = two_means(_whole_passes(old, old), _whole_passes(new, old))
        shown = column.replace("_passes_ms", "_ms") or "run_ms"
        old_ms, new_ms = (float(np.median([row[shown] for row in side])) for side in zip(*pairs, strict=True))
        found.append(Change(name, ratio, low, high, max(by_rows, by_passes), False, old_ms, new_ms))
    adjusted = holm([change.p for change in found])
    return [dataclasses.replace(change, p=p, significant=p < alpha) for change, p in zip(found, adjusted, strict=True)]


def _whole_passes(rows: Sequence[Array], base: Sequence[Array]) -> Array:
    """For each pass the median over the rows of how far it is from the row's mean in the base."""
    count = min(len(row) for row in rows)
    means = np.array([row.mean() for row in base])
    medians: Array = np.median(np.array([row[:count] for row in rows]) - means[:, None], axis=0)
    return medians


def two_means(old: Array, new: Array) -> tuple[float, float, float, float]:
    """Ratio, interval and p-value of two groups of logarithms (Student, equal variances)."""
    shift, free = float(new.mean() - old.mean()), len(old) + len(new) - 2
    variance = (((old - old.mean()) ** 2).sum() + ((new - new.mean()) ** 2).sum()) / free
    spread = max(float(np.sqrt(variance * (1 / len(old) + 1 / len(new)))), 1e-9)
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, free)) * spread
    p = float(2 * stats.t.sf(abs(shift) / spread, free))
    return float(np.exp(shift)), float(np.exp(shift - reach)), float(np.exp(shift + reach)), p


def holm(values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number (Holm 1979)."""
    adjusted = [0.0] * len(values)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min(1.0, (len(values) - rank) * values[place]))
        adjusted[place] = highest
    return adjusted
