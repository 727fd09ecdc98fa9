"""Make rows of a corpus again from their own records, and compare them to the last byte.

A row's seed, index and attempt give its kernel again through the plan of the recorded config; it is then lowered,
checked and run as when it was made. A row that comes out equal is also lowered by public JAX in a new process. Nothing
of the corpus is executed: only text that the plan has made again, and found equal, is.
"""

from __future__ import annotations

import bisect
import contextlib
import dataclasses
import itertools
import json
import math
import multiprocessing
import multiprocessing.forkserver
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pebble import ProcessPool

from jaxir import config, engines, files, pipeline
from jaxir.analysis.records import read_records
from jaxir.candidate import Result, Setup, Task
from jaxir.engines import Engine, WorkerDied
from jaxir.errors import UserError
from jaxir.executor.isolation.pools import LOST, answer
from jaxir.generator.rng import Rng
from jaxir.sample import SCHEMA, ArraySpec, Sample, to_table
from jaxir.writer import opening, shards

#: Rows that are under way at a time.
WINDOW = 200
#: Seconds that one lowering in a new process may take.
TIME_LIMIT = 300.0

_NEW_PROCESS = "stablehlo in a new process"


@dataclasses.dataclass(frozen=True)
class Difference:
    """What of a row, or of the files where `index` is None, is not what was stored."""

    index: int | None
    what: str  #: a field, "bytes", "rejected", ...
    detail: str

    def __str__(self) -> str:
        place = "files" if self.index is None else f"index {self.index}"
        return f"{place}: {self.what}: {self.detail}"


@dataclasses.dataclass(frozen=True)
class Reproduction:
    """What came of it."""

    rows: int  #: of the corpus
    chosen: int  #: rows that were made again
    lowered: int  #: of these, rows that public JAX lowered again in a new process
    differences: tuple[Difference, ...]


def verify(
    folder: Path,
    *,
    sample: int = 100,
    seed: int = 0,
    workers: int = 1,
    template_folders: Sequence[Path] = (),
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Reproduction:
    """Make a share of a corpus again and compare field by field, then byte for byte.

    Args:
        folder: a published corpus of `jaxir generate`, downloaded ones included.
        sample: how many rows; 0 for all.
        seed: draws them; the same seed draws the same rows.
        workers: worker processes.
        template_folders: the user's own templates that the corpus was made with.
        report: called with the rows that are done and all that were chosen.

    Raises:
        UserError: no such corpus, no record of its run, or versions or templates that are not the recorded ones.
    """
    run = _recorded_run(folder)
    chosen = config.from_identity(run, folder / "stats.json")
    _check_versions(folder, run, pipeline.identity(chosen, template_folders))
    source = _Source(folder)
    positions = _draw(source.rows, sample, seed)
    differences = list(_compare_files(folder))
    lowered = done = 0
    stored = source.read(positions)
    with (
        engines.local(Setup(chosen, tuple(template_folders), os.getpid()), workers) as engine,
        _new_processes(workers) as pool,
    ):
        while window := list(itertools.islice(stored, WINDOW)):
            pending = [(row, _make(engine, row)) for row in window]
            alone: list[tuple[Mapping[str, Any], Future[str]]] = []
            for row, future in pending:
                found = list(_compare_row(engine, row, future))
                differences += found
                if found:
                    done += 1
                    report(done, len(positions))
                else:
                    alone.append((row, pool.schedule(lowers_differently, args=[row], timeout=TIME_LIMIT)))
            for stored_row, lowering in alone:
                text = _lowered_alone(pool, stored_row, lowering)
                differences += [Difference(stored_row["index"], _NEW_PROCESS, text)] if text else []
                lowered += 1
                done += 1
                report(done, len(positions))
    return Reproduction(source.rows, len(positions), lowered, tuple(differences))


def _lowered_alone(pool: ProcessPool, row: Mapping[str, Any], first: Future[str]) -> str:
    """What differs in a new process, or ""; a process that dies or hangs is given a second try.

    The second comes after all others of the window.
    """
    with contextlib.suppress(*LOST):
        return answer(first, TIME_LIMIT)
    try:
        return answer(pool.schedule(lowers_differently, args=[row], timeout=TIME_LIMIT), WINDOW * TIME_LIMIT)
    except LOST as error:
        return f"the process that lowers it died twice ({type(error).__name__})"


# the record of the run


def _recorded_run(folder: Path) -> dict[str, Any]:
    """Config, templates and versions of the run: from `stats.json`, or from the run state of an older corpus."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; give a corpus of `jaxir generate`")
    try:
        run = json.loads((folder / "stats.json").read_text(encoding="utf-8")).get("run")
    except FileNotFoundError:
        run = None
    except (ValueError, AttributeError):
        raise UserError(f"{folder / 'stats.json'}: is damaged; get the file anew") from None
    if run is None and (entry := files.read_sealed(folder / opening.STATE / "run.json")):
        run = entry[0]["identity"]
    if not isinstance(run, dict):
        raise UserError(
            f"{folder / 'stats.json'}: holds no record of the run (`run`), which making rows again needs; expected a "
            "published corpus of `jaxir generate`"
        )
    return run


def _check_versions(folder: Path, recorded: Mapping[str, Any], here: Mapping[str, str]) -> None:
    """`UserError` where another machine, Python, package or template set would make other rows."""
    for name, what in (("machine", "a machine of kind"), ("python", "Python")):
        if recorded.get(name, here[name]) != here[name]:
            raise UserError(f"{folder}: was made with {what} {recorded[name]}, and here is {here[name]}; go there")
    packages = [name for name in ("jaxir", *engines.PACKAGES) if recorded.get(name) != here[name]]
    if packages:
        made = " and ".join(f"{name} {recorded.get(name)}" for name in packages)
        found = " and ".join(f"{name} {here[name]}" for name in packages)
        wanted = " ".join(f"{name}=={recorded.get(name)}" for name in packages)
        raise UserError(f"{folder}: was made with {made}, and here is {found}; install them: pip install {wanted}")
    if recorded.get("templates") != here["templates"]:
        raise UserError(
            f"{folder}: was made with other templates; name the folders that `jaxir generate` was given with "
            "--templates, or use the checkout of jaxir that made it"
        )
    other = [name for name in sorted({*recorded, *here} - {"pyarrow_version"}) if recorded.get(name) != here.get(name)]
    if other:
        raise UserError(f"{folder / 'stats.json'}: `run.{other[0]}` is not what this jaxir writes; get the file anew")


def _compare_files(folder: Path) -> Iterator[Difference]:
    """Whether the files in `data/` are those that were published."""
    try:
        recorded = json.loads((folder / "stats.json").read_text(encoding="utf-8"))["corpus"]["content_digest"]
    except (FileNotFoundError, KeyError, TypeError):
        return
    paths = sorted((folder / "data").iterdir())
    lines = [
        f"{files.sha256_file(path)}  data/{path.name}\n" for path in paths if path.suffix in (".parquet", ".jsonl")
    ]
    digest = files.sha256_bytes("".join(lines).encode())
    if digest != recorded:
        yield Difference(None, "content digest", f"now {digest}, stored {recorded}")


# the stored rows


class _Source:
    """The rows of a corpus by their position, from Parquet shards or JSON lines."""

    def __init__(self, folder: Path) -> None:
        data = folder / "data"
        for suffix in ("parquet", "jsonl"):
            self.paths = sorted(data.glob(f"*.{suffix}"))
            if self.paths:
                break
        else:
            raise UserError(f"{data}: no shards here; expected a published corpus of `jaxir generate`")
        self.is_parquet = suffix == "parquet"
        try:
            counts = [self._count(path) for path in self.paths]
        except (OSError, ValueError) as error:
            raise UserError(f"{data}: cannot be read: {error}".splitlines()[0]) from None
        self.starts = [0, *itertools.accumulate(counts)]
        self.rows = self.starts[-1]
        if not self.is_parquet and "stablehlo" not in next(read_records(self.paths[0])):
            raise UserError(f"{data}: has the legacy layout, with a line for each dialect; expected the native one")

    def _count(self, path: Path) -> int:
        if self.is_parquet:
            return int(pq.read_metadata(path).num_rows)
        with open(path, "rb") as file:
            return sum(1 for _ in file)

    def read(self, positions: Sequence[int]) -> Iterator[dict[str, Any]]:
        """The rows at ascending positions."""
        for number, path in enumerate(self.paths):
            first, last = (bisect.bisect_left(positions, start) for start in self.starts[number : number + 2])
            wanted = [position - self.starts[number] for position in positions[first:last]]
            if not wanted:
                continue
            if self.is_parquet:
                yield from shards.read_parquet(path, SCHEMA.names).take(wanted).to_pylist()
            else:
                chosen = set(wanted)
                yield from (row for place, row in enumerate(read_records(path)) if place in chosen)


def _draw(rows: int, sample: int, seed: int) -> list[int]:
    """Distinct positions in ascending order; a function of its arguments."""
    if not 0 < sample < rows:
        return list(range(rows))
    rng = Rng("verify-reproducible", seed)
    drawn: set[int] = set()
    while len(drawn) < sample:
        drawn.add(rng.integer(0, rows - 1))
    return sorted(drawn)


# making and comparing


def _make(engine: Engine, row: Mapping[str, Any], *, last_try: bool = False) -> Future[Result]:
    return engine.submit(Task(((row["index"], row["attempt"]),), attempts=1, last_try=last_try))


def _compare_row(engine: Engine, row: Mapping[str, Any], future: Future[Result]) -> Iterator[Difference]:
    try:
        result = future.result()
    except WorkerDied:
        try:
            result = _make(engine, row, last_try=True).result()
        except WorkerDied as error:
            yield Difference(row["index"], "worker died", str(error))
            return
    if result.error:
        raise UserError(result.error)
    outcome = result.outcomes[0]
    if outcome.sample is None:
        refused = outcome.rejections[-1]
        yield Difference(row["index"], "rejected", f"{refused.stage}: {refused.reason} {refused.detail}".rstrip())
        return
    yield from compare(row, outcome.sample)


def compare(row: Mapping[str, Any], sample: Sample) -> Iterator[Difference]:
    """The fields of a stored row that a sample does not have; where all are equal, the bytes of their files."""
    (made,) = to_table([sample]).to_pylist()
    equal = True
    for name in SCHEMA.names:
        if not _same(row.get(name), made[name]):
            equal = False
            yield Difference(row["index"], name, _first_difference(made[name], row.get(name)))
    if equal:
        stored = to_table([Sample(**{name: row[name] for name in SCHEMA.names})])
        if shards.parquet_bytes([stored]) != shards.parquet_bytes([to_table([sample])]):
            yield Difference(row["index"], "bytes", "equal fields give other Parquet bytes")


def _same(stored: Any, made: Any) -> bool:
    both_nan = isinstance(stored, float) and isinstance(made, float) and math.isnan(stored) and math.isnan(made)
    return both_nan or (type(stored) is type(made) and stored == made)


def _first_difference(made: Any, stored: Any) -> str:
    """The first lines that differ in two texts, cut to a readable length; else the two values."""
    pairs = itertools.zip_longest(str(made).split("\n"), str(stored).split("\n"), fillvalue="(no line)")
    now, before = next((pair for pair in pairs if pair[0] != pair[1]), (str(made), str(stored)))
    return f"now {now.strip()[:200]!r}, stored {before.strip()[:200]!r}"


# a new process for each row


@contextlib.contextmanager
def _new_processes(workers: int) -> Iterator[ProcessPool]:
    """Processes that run one task each, forked from one that has imported jax and done nothing else."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["jax", "jax.numpy", "jax.scipy"])
    with engines.environment(engines.WORKER_ENVIRONMENT):
        multiprocessing.forkserver.ensure_running()
    pool = ProcessPool(max_workers=workers, max_tasks=1, context=context)
    try:
        yield pool
    finally:
        pool.stop()  # type: ignore[no-untyped-call]  # pebble has no types here
        pool.join()


def lowers_differently(row: Mapping[str, Any]) -> str:
    """Why the row is not what public JAX makes of its source in this (new) process, or ""."""
    import jax

    from jaxir.extractor import symbolic

    namespace: dict[str, Any] = {}
    with jax.enable_x64(row["x64"]):
        exec(row["python_source"], namespace)
        specs = [ArraySpec.parse(text) for text in row["inputs"]]
        structs = symbolic.structs(specs)
        function: Any = jax.jit(namespace[row["function_name"]])
        if symbolic.symbols(specs):
            text = symbolic.exported_text(function, specs, row["platform"].split(","))
        elif row["platform"] == "cpu":
            text = function.lower(*structs).as_text()
        else:
            text = function.trace(*structs).lower(lowering_platforms=tuple(row["platform"].split(","))).as_text()
    return "" if text == row["stablehlo"] else _first_difference(text, row["stablehlo"])
