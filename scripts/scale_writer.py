"""What the driver costs in a long run: commits, start-up, publish, report; CPU seconds and memory, without lowering.

    python scripts/scale_writer.py --rows 100000

Rows are those of `data/sample` (without HLO text) again and again, with an index and hashes of their own. Each step
runs in a process of its own, as after a kill. The disk needs about 6 kB a row.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import multiprocessing
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import click

IDENTITY = {"seed": 0, "config": "synthetic"}
SAMPLE = Path(__file__).resolve().parent.parent / "data" / "sample"


def commit(out: Path, rows: int, block_size: int) -> dict[str, Any]:
    from jaxir.sample import from_row, split_of
    from jaxir.writer import shards
    from jaxir.writer.folder import Folder

    stock = [row for path in sorted((SAMPLE / "data").iterdir()) for row in shards.read_parquet(path).to_pylist()]
    samples = [dataclasses.replace(from_row(row), hlo="") for row in stock]

    def block(start: int) -> list[Any]:
        made = []
        for index in range(start, min(start + block_size, rows)):
            mark = hashlib.sha256(str(index).encode()).hexdigest()
            names = ("id", "canonical_hash", "skeleton_hash", "behavior_hash")
            changes = dict.fromkeys(names, mark[:32])
            source = f"# {mark}\n{samples[index % len(samples)].python_source}"
            new = dataclasses.replace(samples[index % len(samples)], index=index, python_source=source, **changes)
            made.append(dataclasses.replace(new, split=split_of(mark)))
        return made

    seconds = 0.0
    thousands = []
    with Folder.open(out, IDENTITY) as folder:
        for start in range(0, rows, block_size):
            made = block(start)
            before = time.process_time()
            folder.commit(made, {("run", "constant output"): 3, ("admit", "duplicate IR"): 1})
            _ = folder.committed_rows, folder.rejections
            seconds += time.process_time() - before
            if folder.committed_rows % max(block_size, rows // 5) == 0:
                thousands.append(round(seconds, 1))
    return {"seconds": seconds, "after each fifth": thousands}


def resume(out: Path, rows: int, block_size: int) -> dict[str, Any]:
    from jaxir.admission import COLUMNS
    from jaxir.writer.folder import Folder

    before = time.process_time()
    with Folder.open(out, IDENTITY) as folder:
        opened = time.process_time() - before
        found = sum(table.num_rows for table in folder.iter_committed(COLUMNS))
    assert found == rows
    return {"seconds": opened, "reading what admission needs": round(time.process_time() - before - opened, 2)}


def publish(out: Path, rows: int, block_size: int) -> dict[str, Any]:
    from jaxir.writer.folder import Folder

    with Folder.open(out, IDENTITY) as folder:
        before = time.process_time()
        folder.publish(rows)
        return {"seconds": time.process_time() - before}


def report(out: Path, rows: int, block_size: int) -> dict[str, Any]:
    """Count the rows for the report, as a run does at its end: the driver's part, and that of its processes."""
    from jaxir.analysis.corpus import open_corpus
    from jaxir.analysis.stats import analyze
    from jaxir.resources import cores

    before = time.process_time()
    assert analyze(open_corpus(out), workers=max(2, cores())).rows == rows
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = time.process_time() - before
    return {"seconds": seconds, "its processes, ms a row": round(1000 * (theirs.ru_utime + theirs.ru_stime) / rows, 3)}


def extend(out: Path, rows: int, block_size: int) -> dict[str, Any]:
    """Take the rows back from the shards, as a run does that goes on after a publish."""
    from jaxir.writer.folder import Folder

    before = time.process_time()
    with Folder.open(out, IDENTITY) as folder:
        folder.drop_last_block()
    return {"seconds": time.process_time() - before}


def measured(step: str, out: Path, rows: int, block_size: int, answer: Any) -> None:
    figures = globals()[step](out, rows, block_size)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    answer.send({"step": step, **figures, "peak MB": round(peak)})


@click.command()
@click.option("--rows", type=click.IntRange(1), default=100_000, show_default=True)
@click.option("--block", "block_size", type=click.IntRange(1), default=100, show_default=True, help="Rows of a commit.")
@click.option("--json", "as_json", is_flag=True)
def main(rows: int, block_size: int, as_json: bool) -> None:
    """See the text at the top of this file."""
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        for step in ("commit", "resume", "publish", "report", "extend"):
            ours, theirs = context.Pipe()
            process = context.Process(target=measured, args=(step, Path(folder) / "corpus", rows, block_size, theirs))
            process.start()
            theirs.close()
            figures = ours.recv()
            process.join()
            figures["ms a row"] = round(1000 * figures["seconds"] / rows, 3)
            figures["seconds"] = round(figures["seconds"], 2)
            click.echo(
                json.dumps(figures) if as_json else "  ".join(f"{key}: {value}" for key, value in figures.items())
            )


if __name__ == "__main__":
    main()
