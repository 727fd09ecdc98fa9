"""Replay a corpus: every row in a process that may die, the results in a side table, the failures as reproducers."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.metadata
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from jaxir import files
from jaxir.errors import UserError
from jaxir.executor.isolation import Job, Limits, Verdict, run_isolated
from jaxir.executor.reproducer import write_reproducer
from jaxir.executor.sidetable import SideTable
from jaxir.version import __version__

#: Names of the oracles; `jaxir.executor.oracle` has them, but imports JAX.
ORACLES: Final = ("interpreter", "compiled", "source", "numpy")
#: Folder of the side table in the corpus folder.
FOLDER: Final = "verification"
#: Reproducers that are written at most; a corpus that is all wrong needs no more.
MOST_REPRODUCERS: Final = 100
FUNCTION: Final = "jaxir.executor.replay:check_row"

_text = pa.string()
#: One row of the table. `status`: `agreed` (oracles of both sides agree), `limited` (no oracle of one side can be
#: trusted with it, or rounding decides its results; see `limits`), `disagreed`, `failed` (cannot be run), `died`.
SCHEMA: Final = pa.schema(
    [
        ("id", _text),
        ("index", pa.int64()),
        ("device", _text),  # the platform that really ran
        ("status", _text),
        ("reason", _text),
        ("agreed", pa.list_(_text)),
        ("limits", _text),  # JSON: oracle -> its known limit
        ("seeds", pa.list_(pa.int64())),
        ("max_abs_error", pa.float64()),
        ("max_rel_error", pa.float64()),
        ("max_ulp_error", pa.float64()),
        ("same_lowering", pa.bool_()),  # null where the row was made by another JAX
        ("same_canonical_hash", pa.bool_()),
        ("same_output_digest", pa.bool_()),
        ("same_behavior_hash", pa.bool_()),
        ("mutants", pa.int32()),
        ("mutants_caught", pa.int32()),
        ("mutants_undetected", pa.int32()),
        ("died", _text),
    ]
)
#: What makes a row wrong.
WRONG: Final = ("disagreed", "failed", "died")
#: What a child may say.
STATUSES: Final = ("agreed", "limited", "disagreed", "failed")


@dataclasses.dataclass(frozen=True)
class Settings:
    """How a corpus is replayed.

    Attributes:
        oracles: names, some of `ORACLES`, with one of each side at least.
        mutants: single-op mutants of each row's IR to try.
        trusted: run in persistent workers instead of one sandboxed process a row, whatever the sources name.
        any_source: run sources that name what is not on the list (`allowlist`); else such a row is `limited`.
        workers: processes at a time.
        limits: for each row.
    """

    oracles: tuple[str, ...] = ORACLES
    mutants: int = 0
    trusted: bool = False
    any_source: bool = False
    workers: int = 1
    limits: Limits = dataclasses.field(default_factory=Limits)

    def check(self) -> None:
        """`UserError` for oracles that do not exist or prove nothing."""
        for name in self.oracles:
            if name not in ORACLES:
                raise UserError(f"unknown oracle '{name}'; expected some of {', '.join(ORACLES)}")
        sides = {("interpreter", "compiled"), ("source", "numpy")}
        if not all(set(side) & set(self.oracles) for side in sides):
            raise UserError(
                f"oracles '{','.join(self.oracles)}' run one side only; give one of interpreter, compiled and one of "
                "source, numpy"
            )


def validate(
    rows: Iterable[Mapping[str, Any]],
    out: Path,
    platform: str,
    settings: Settings,
    *,
    environment: Mapping[str, str] | None = None,
    fresh: bool = False,
    progress: Callable[[int], object] = lambda rows: None,
) -> dict[str, Any]:
    """Replay the rows of a corpus on one platform, or go on with it.

    Args:
        rows: plain JSON types, each with an `id` of its own and what else `replay.check_row` reads; from
            `jaxir.analysis.payloads`.
        out: folder for `verification/`; the corpus folder, or another one.
        platform: `cpu`, `gpu` or `tpu`, where `compiled` and `source` run.
        settings: how.
        environment: variables of the children that choose the device.
        fresh: start anew.
        progress: called with 1 for each row that is done, those of an earlier run included.

    Returns:
        The summary; see `summarise`.

    Raises:
        UserError: nothing can be read or written, or an earlier run had other settings.
    """
    settings.check()
    folder = out / FOLDER
    asked = {
        "oracles": list(settings.oracles),
        "mutants": settings.mutants,
        "any_source": settings.trusted or settings.any_source,
    }
    recorded = {**asked, "jax": importlib.metadata.version("jax"), "jaxir": __version__}
    table = SideTable(folder, platform, SCHEMA, recorded, fresh=fresh)
    payload_of: dict[str, dict[str, Any]] = {}

    def jobs() -> Iterator[Job]:
        for row in rows:
            if row["id"] in table.done:
                progress(1)
                continue
            payload = {**row, **asked, "device": platform}
            payload_of[row["id"]] = payload
            yield Job(row["id"], payload)

    kwargs = {} if environment is None else {"environment": environment}
    failures = folder / "failures"
    if fresh:
        with files.disk_errors(failures):
            for old in list(failures.glob(f"{platform}-*")):
                files.remove(old)
    written = len(list(failures.glob(f"{platform}-*/README.md")))
    verdicts = run_isolated(
        FUNCTION, jobs(), workers=settings.workers, limits=settings.limits, fresh=not settings.trusted, **kwargs
    )
    try:
        for verdict in map(_checked, verdicts):
            payload = payload_of.pop(verdict.key)
            result = _result(verdict, payload)
            table.add(result)
            if result["status"] in WRONG and written < MOST_REPRODUCERS:
                written += 1
                with files.disk_errors(folder):
                    write_reproducer(
                        failures / _folder_name(platform, verdict.key),
                        payload,
                        verdict,
                        function=FUNCTION,
                        limits=settings.limits,
                    )
            progress(1)
    finally:
        table.flush()
    summary = summarise(table.rows())
    with files.disk_errors(folder):
        files.write_atomic(folder / f"{platform}-summary.json", files.pretty_json(summary))
    return summary


def _folder_name(platform: str, key: str) -> str:
    """A foreign id may be anything: its letters and digits become a name, its hash tells `row-1` from `row1`."""
    plain = "".join(char for char in key if char.isalnum() and char.isascii())[:32]
    return f"{platform}-{plain or 'row'}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"


def _checked(verdict: Verdict) -> Verdict:
    """A verdict whose value is columns of the table. Foreign code may have written another one: `no result`."""
    try:
        (row,) = pa.Table.from_pylist([verdict.value], schema=SCHEMA).to_pylist()
        limits = json.loads(row["limits"])
        # All are text, and text that can be written.
        "".join((row["reason"], *row["agreed"], *limits, *limits.values())).encode()
    except (pa.ArrowException, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        row = {}
    if row.get("status") not in STATUSES:
        return dataclasses.replace(verdict, value=None, died=verdict.died or "no result")
    return dataclasses.replace(verdict, value={name: value for name, value in row.items() if value is not None})


def _result(verdict: Verdict, payload: Mapping[str, Any]) -> dict[str, Any]:
    base = {"id": verdict.key, "index": payload.get("index"), "died": verdict.died, "device": payload["device"]}
    if verdict.value is None:
        return {**base, "status": "died", "reason": verdict.died, "agreed": [], "limits": "{}", "seeds": []}
    return {**verdict.value, **base}


def summarise(rows: Iterator[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts over a side table.

    Returns:
        `rows`; `status` -> rows; `pairs`: oracles that agreed -> rows; `limits`: oracle and limit -> rows; `reasons`:
        reason -> rows that are wrong; `max_abs_error`, `max_rel_error`, `max_ulp_error`, the largest finite ones of
        rows that agreed; `same_*` -> rows of each answer; `mutants` with `caught`, `undetected`, and `catch_rate` of
        those that could be caught (null without any).
    """
    status: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    limits: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    same: dict[str, Counter[str]] = {}
    worst = dict.fromkeys(("max_abs_error", "max_rel_error", "max_ulp_error"), 0.0)
    mutants: Counter[str] = Counter(made=0, caught=0, undetected=0)
    for row in rows:
        status[row["status"]] += 1
        pairs["+".join(row["agreed"]) or "none"] += 1
        limits.update(_limits(row["limits"]))
        if row["status"] in WRONG:
            reasons[_kind_of(row["reason"])] += 1
        for name in row:
            if name.startswith("same_") and row[name] is not None:
                same.setdefault(name, Counter())["yes" if row[name] else "no"] += 1
        for name in worst:
            # JSON has no infinity.
            if row["status"] == "agreed" and math.isfinite(row[name] or 0.0):
                worst[name] = max(worst[name], row[name] or 0.0)
        mutants["made"] += row["mutants"] or 0
        mutants["caught"] += row["mutants_caught"] or 0
        mutants["undetected"] += row["mutants_undetected"] or 0
    different = mutants["made"] - mutants["undetected"]
    return {
        "rows": status.total(),
        "status": _sorted(status),
        "pairs": _sorted(pairs),
        "limits": _sorted(limits),
        "reasons": _sorted(reasons),
        **worst,
        **{name: _sorted(counts) for name, counts in sorted(same.items())},
        "mutants": {**mutants, "catch_rate": round(mutants["caught"] / different, 5) if different else None},
    }


def _limits(text: str) -> list[str]:
    return [f"{oracle}: {limit}" for oracle, limit in json.loads(text).items()]


def _kind_of(reason: str) -> str:
    """A reason without what is special to its row."""
    return reason.partition(" (")[0].partition(", input seed")[0][:120]


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
