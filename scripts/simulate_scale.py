"""What runs of 10^5 to 10^9 rows would cost, from measured constants: a Markdown table.

    python scripts/simulate_scale.py
    python scripts/simulate_scale.py --cores 256 --worker-ms 20

Two designs (docs/scale.md): `driver`, today's, where results come to the driver, which admits and writes them; and
`tasks`, where tasks write rows to shared or object storage and the driver sees keys and commits names. Each constant is
an option, and `--help` says which command measured it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import Any

import click

#: Sizes of the table.
SIZES = (100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000)


def constant(default: float, what: str, source: str) -> Any:
    """A field of `Constants`: its value, its meaning, and the command that measured it (or who says so)."""
    return dataclasses.field(default=default, metadata={"help": f"{what} [{source}]"})


RUN = "scripts/run_scale.py --rows 10000 --config balanced_10k --out data/scale-10k"
WRITER = "scripts/scale_writer.py --rows 5000"
REPORT = "scripts/scale_writer.py --rows 50000"
RESULT = "scripts/result_cost.py --rows 200"
ADMISSION = "scripts/admission_memory.py"
ASSUMED = "assumed"


@dataclasses.dataclass(frozen=True)
class Constants:
    """Milliseconds and seconds of CPU unless the text says otherwise."""

    worker_ms: float = constant(165, "worker, for a row and the candidates refused before it", RUN)
    start_s: float = constant(2.5, "start of a worker process: import of JAX, templates", RESULT)
    rows_per_process: float = constant(2000, "rows that a worker process makes in its life", "engines.TASKS_PER_WORKER")
    driver_ms: float = constant(0.38, "driver today, for a row: unpickle, admit, write its segment", RUN)
    publish_ms: float = constant(0.34, "driver today, for a row: shards at the end", WRITER)
    report_ms: float = constant(0.19, "driver, for a row of the report at the end: read it, hand it out", REPORT)
    report_part_ms: float = constant(2.2, "a process, for a row of the report", REPORT)
    admit_us: float = constant(9.6, "admission and counts of a row", ADMISSION)
    key_us: float = constant(14.6, "keys of a row from an Arrow batch to Python", RESULT)
    commit_ms: float = constant(
        5.2, "a commit of few bytes: two files, synced and renamed", "scripts/scale_writer.py --rows 400 --block 2"
    )
    commit_rows: float = constant(1000, "rows of a commit where it holds names only", ASSUMED)
    result_bytes: float = constant(14600, "a row on its way to the driver, pickled", RESULT)
    key_bytes: float = constant(
        160, "the keys of a row on their way to the driver", "five digests, counts, a name's share"
    )
    stored_bytes: float = constant(1970, "a row in a Parquet shard", "size of data/ after " + RUN)
    state_bytes: float = constant(380, "admission state of a row in memory", ADMISSION)
    filter_bytes: float = constant(4.8, "the same as three Bloom filters of 13 bits a key", "0.2 % false alarms")
    base_mb: float = constant(235, "driver without rows, resident MB", RUN)
    put_ms: float = constant(60, "clock time to write an object of some MB", ASSUMED)
    object_rows: float = constant(10000, "rows of a shard", ASSUMED)
    task_rows: float = constant(500, "rows of a task that writes its own object", ASSUMED)
    node_hours: float = constant(24, "hours until a node is lost, on average (preemptible machines)", ASSUMED)
    node_lost_s: float = constant(120, "seconds until a lost node is replaced", ASSUMED)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """One row of the table."""

    rows: int
    design: str
    cores: int
    rows_per_second: float
    full: str  #: what decides the speed: `cores` or `driver`
    hours: float
    driver_busy: float  #: share of the time
    driver_gb: float
    lost: float  #: share of the core-seconds that lost nodes take with them
    mb_per_second: float  #: into the driver
    stored_gb: float
    objects: int


def simulate(c: Constants, rows: int, design: str, cores: int) -> Outcome:
    """Steady state of a run: the slower one of workers and driver decides."""
    # Of the core-seconds, what lost nodes take with them: half a task on each core, and the wait for another node.
    lost = (c.node_lost_s + c.task_rows * c.worker_ms / 2e3) / (c.node_hours * 3600)
    worker = c.worker_ms / 1e3 + c.start_s / c.rows_per_process
    if design == "driver":
        driver = c.driver_ms / 1e3
        into_driver = c.result_bytes
        memory = c.base_mb * 1e6 + c.state_bytes * rows
        publish = (c.publish_ms + max(c.report_ms, c.report_part_ms / cores)) / 1e3 * rows
        objects = math.ceil(rows / c.object_rows)
    else:
        worker += c.put_ms / 1e3 / c.task_rows
        driver = (c.admit_us + c.key_us) / 1e6 + c.commit_ms / 1e3 / c.commit_rows
        into_driver = c.key_bytes
        memory = c.base_mb * 1e6 + c.filter_bytes * rows
        # Shards are made from the objects of tasks, by tasks: a row is read once and written once more.
        # What a row adds to the report is counted there as well.
        each = 2 * c.put_ms / c.object_rows + c.publish_ms + c.report_part_ms
        publish = each / 1e3 * rows / cores
        objects = math.ceil(rows / c.task_rows) + math.ceil(rows / c.object_rows)
    by_cores, by_driver = cores * (1 - lost) / worker, 1 / driver
    speed = min(by_cores, by_driver)
    return Outcome(
        rows=rows,
        design=design,
        cores=cores,
        rows_per_second=speed,
        full="cores" if by_cores <= by_driver else "driver",
        hours=(rows / speed + publish) / 3600,
        driver_busy=driver * speed,
        driver_gb=memory / 1e9,
        lost=lost,
        mb_per_second=into_driver * speed / 1e6,
        stored_gb=c.stored_bytes * rows / 1e9,
        objects=objects,
    )


def table(outcomes: Iterable[Outcome]) -> str:
    """Markdown."""
    lines = [
        "| rows | design | cores | rows/s | full | hours | driver busy | driver GB | MB/s to driver | lost | stored GB "
        "| objects |",
        "|--:|---|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for o in outcomes:
        lines.append(
            f"| {o.rows:,} | {o.design} | {o.cores:,} | {o.rows_per_second:,.0f} | {o.full} | {o.hours:,.2f} | "
            f"{o.driver_busy:.0%} | {o.driver_gb:,.1f} | {o.mb_per_second:,.1f} | {o.lost:.2%} | "
            f"{o.stored_gb:,.2f} | {o.objects:,} |"
        )
    return "\n".join(lines)


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """An option for each constant."""
    for field in reversed(dataclasses.fields(Constants)):
        name = "--" + field.name.replace("_", "-")
        option = click.option(name, type=float, default=field.default, show_default=True, help=field.metadata["help"])
        command = option(command)
    return command


@click.command()
@click.option("--rows", type=click.IntRange(1), multiple=True, default=SIZES, show_default=True)
@click.option("--cores", type=click.IntRange(1), multiple=True, default=(2, 64, 1024), show_default=True)
@_options
def main(rows: tuple[int, ...], cores: tuple[int, ...], **constants: float) -> None:
    """See the text at the top of this file."""
    chosen = Constants(**constants)
    click.echo(table(simulate(chosen, n, design, k) for n in rows for k in cores for design in ("driver", "tasks")))


if __name__ == "__main__":
    main()
