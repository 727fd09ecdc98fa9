"""Runs of `benchmark_sustained_performance` in a JSON file, and whether a new run is slower than they were.

Times are divided by the reference program's time of the same run and compared as logarithms, as in
`jaxir.executor.timing.baseline`: a difference counts only where the samples differ (Mann-Whitney) and the runs do
(Student's t), and the larger p-value is taken, then adjusted for the two programs (Holm). Samples of one process
resemble each other, so a baseline needs at least two runs, each in a process of its own; four or five show
differences of some tens of percent.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import TypeAdapter, ValidationError
from scipy import stats

from jaxir.errors import UserError
from jaxir.executor.gains import Samples, Sustained
from jaxir.executor.timing.baseline import Array, Change, holm, two_means
from jaxir.executor.timing.bench import typical
from jaxir.files import disk_errors, write_atomic

#: Runs that a baseline needs.
FEWEST_RUNS: Final = 2
_RUNS: Final = TypeAdapter(list[Sustained])


@dataclasses.dataclass(frozen=True)
class Regression:
    """What new runs say against a baseline.

    Attributes:
        changes: how the jitted and the plain function changed, in this order; `key` is `jitted` or `plain`.
        notes: what limits the comparison, such as other hardware.
    """

    changes: tuple[Change, ...]
    notes: tuple[str, ...]

    @property
    def regressed(self) -> bool:
        """Whether one of them became slower beyond what runs differ anyway."""
        return any(change.significant and change.ratio > 1 for change in self.changes)


def add_run(path: Path, run: Sustained) -> int:
    """Add a run to a baseline, which is made if it is not there; one writer at a time.

    Returns:
        The number of runs in it.

    Raises:
        UserError: the file cannot be read or written, or is no baseline.
    """
    runs = [*(read_runs(path) if path.exists() else ()), run]
    data = json.dumps([dataclasses.asdict(one) for one in runs], indent=1) + "\n"
    with disk_errors(path):
        write_atomic(path, data.encode())
    return len(runs)


def read_runs(path: Path) -> list[Sustained]:
    """The runs of a baseline.

    Raises:
        UserError: the file cannot be read, or is no baseline.
    """
    with disk_errors(path):
        data = path.read_bytes()
    try:
        return _RUNS.validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the file"
        raise UserError(f"{path}: no baseline of runs ({place}: {first['msg']}); make it with add_run") from None


def detect_regression(
    baseline: Path | Sequence[Sustained], current: Sustained | Sequence[Sustained], *, alpha: float = 0.05
) -> Regression:
    """Hold runs against a baseline.

    Args:
        baseline: a file of `add_run`, or its runs.
        current: one run or several, each measured in a process of its own.
        alpha: the rate at which runs of one speed are said to differ.

    Raises:
        UserError: the baseline cannot be read or has too few runs, or there is no current run.
    """
    old = read_runs(baseline) if isinstance(baseline, Path) else list(baseline)
    new = [current] if isinstance(current, Sustained) else list(current)
    if len(old) < FEWEST_RUNS or not new:
        shown = baseline if isinstance(baseline, Path) else "the baseline"
        raise UserError(
            f"{shown}: {len(old)} runs against {len(new)}; expected {FEWEST_RUNS} or more in the baseline and 1 or"
            " more to hold against it, each from a process of its own, since processes differ"
        )
    changes = [_change(name, old, new) for name in ("jitted", "plain")]
    adjusted = holm([change.p for change in changes])
    return Regression(
        tuple(
            dataclasses.replace(change, p=p, significant=p < alpha) for change, p in zip(changes, adjusted, strict=True)
        ),
        tuple(_notes(old, new)),
    )


def _change(name: str, old: Sequence[Sustained], new: Sequence[Sustained]) -> Change:
    ratio, low, high, by_runs = two_means(_logs(name, old), _logs(name, new))
    by_samples = float(stats.mannwhitneyu(_relative(name, old), _relative(name, new)).pvalue)
    before, after = (float(np.median([getattr(run, name).median_ms for run in side])) for side in (old, new))
    return Change(name, ratio, low, high, max(by_runs, by_samples), False, before, after)


def _logs(name: str, runs: Sequence[Sustained]) -> Array:
    """Normalised times, one a run, as natural logarithms."""
    times: Array = np.log([_typical(getattr(run, name)) / _typical(run.reference) for run in runs])
    return times


def _relative(name: str, runs: Sequence[Sustained]) -> list[float]:
    """All samples over the reference of their run."""
    return [sample / _typical(run.reference) for run in runs for sample in getattr(run, name).samples_ms]


def _typical(samples: Samples) -> float:
    return typical(samples.samples_ms)


def _notes(old: Sequence[Sustained], new: Sequence[Sustained]) -> list[str]:
    notes = []
    for field, label in (("device_kind", "hardware"), ("jax_version", "JAX")):
        before, after = ({str(getattr(run, field)) for run in side} for side in (old, new))
        if before != after:
            notes.append(f"{label} differs: {', '.join(sorted(before))} before, {', '.join(sorted(after))} now")
    return notes
