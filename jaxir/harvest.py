"""Harvested functions to a corpus: proved in clean processes, admitted by the rules of every corpus, written.

A corpus of harvested rows is extended by further harvests: what is in it stays, what is new comes after it.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jaxir.admission import COLUMNS, Admission, Tally, recall
from jaxir.errors import UserError
from jaxir.executor.isolation import Job, run_isolated
from jaxir.sample import Sample, from_row
from jaxir.version import __version__
from jaxir.writer.folder import Folder

PROVE: Final = "jaxir.executor.scripts.harvest:prove"
#: Rows that may share one program skeleton.
ROWS_PER_SKELETON: Final = 5


@dataclasses.dataclass(frozen=True)
class Harvest:
    """What came of a harvest.

    Attributes:
        noted: functions that scripts jitted, each with one set of argument types.
        added: rows that are new in the corpus.
        rows: rows of the corpus now.
        skipped: (script, function, reason) of each that is no row.
    """

    noted: int
    added: int
    rows: int
    skipped: tuple[tuple[str, str, str], ...]


def harvest(results: Sequence[Mapping[str, Any]], out: Path, *, workers: int = 1, command: str = "") -> Harvest:
    """Add what scripts jitted to a corpus folder, which need not exist.

    Args:
        results: from `run_scripts` with `harvest`, in the order in which rows are to come in.
        out: the corpus.
        workers: processes that prove rows.
        command: the command line, for the dataset card.

    Raises:
        UserError: the folder holds something else, or nothing could be harvested into a new corpus.
    """
    skipped: list[tuple[str, str, str]] = []
    jobs: list[Job] = []
    for result in results:
        noted = json.loads(result["harvest"] or '{"kernels": [], "skipped": []}')
        skipped += [(result["script"], one["function"], one["reason"]) for one in noted["skipped"]]
        jobs += [Job(f"{result['script']}:{one['operation']}", one) for one in noted["kernels"]]
    count = len(jobs) + len(skipped)
    with Folder.open(out, _identity()) as folder:
        admission, tally = Admission(ROWS_PER_SKELETON), Tally()
        for table in folder.iter_committed(COLUMNS):
            recall(table.to_pylist(), admission, tally)
        rows: list[Sample] = []
        first = 0 if folder.last_index is None else folder.last_index + 1
        refused: Counter[tuple[str, str]] = Counter()
        for job, verdict in zip(jobs, run_isolated(PROVE, jobs, workers=workers, fresh=False), strict=True):
            script, _, function = job.key.rpartition(":")
            if verdict.value is None:
                skipped.append((script, function, verdict.died))
                refused["verify", "not proved"] += 1
                continue
            sample = dataclasses.replace(from_row(verdict.value), index=first + len(rows))
            reason = admission.refuse(vars(sample))
            if reason:
                skipped.append((script, function, reason))
                refused["admit", reason] += 1
                continue
            rows.append(sample)
            tally.add(vars(sample))
        total = folder.committed_rows + len(rows)
        if not total:
            raise UserError(f"{out}: nothing to write, none of {count} jitted functions became a row{_why(skipped)}")
        if rows:
            folder.commit(rows, refused)
        if rows or not folder.is_published(total):
            stats = {
                "rows": total,
                "distinct_canonical_hashes": len(admission.canonical),
                "distinct_skeletons": len(admission.skeletons),
                **tally.figures(),
            }
            folder.publish(total, stats=stats, command=command)
    return Harvest(count, len(rows), total, tuple(skipped))


def _identity() -> dict[str, str]:
    versions = {name: importlib.metadata.version(name) for name in ("jax", "jaxlib")}
    return {"harvest": "1", **versions, "jaxir": __version__}


def _why(skipped: Sequence[tuple[str, str, str]]) -> str:
    return f"; the first: {skipped[0][1]}: {skipped[0][2]}" if skipped else ""
