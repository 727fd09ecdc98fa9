"""A long run with a log of what it costs: seconds of CPU and of the clock, and memory, every 1,000 rows.

    python scripts/run_scale.py --rows 100000 --out data/scale-100k
    python scripts/run_scale.py --rows 1000000 --out data/scale-1m

The log is OUT.jsonl beside the corpus, one line for each step, the worker processes that were there among them. A run
that was stopped goes on with the same command and logs on. The figures of the whole log are OUT.json and printed, with
a Markdown table of what a row cost over the run; on a finished corpus the command only prints them again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import psutil

from jaxir import config, pipeline
from jaxir.analysis.text import Table, markdown_table
from jaxir.resources import cores

#: Seconds between two looks at the memory of the processes.
LOOK = 1.0


class Watch:
    """Resident memory and CPU time of this process and of its children, sampled by a thread."""

    def __init__(self) -> None:
        self._me = psutil.Process()
        self._lock = threading.Lock()
        self._spent: dict[int, float] = {}  #: CPU seconds of each child that was ever seen
        self._looking = 0.0  #: CPU seconds of this, which are no cost of the run
        self._peaks = {"parent": 0, "worker": 0, "all": 0}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Watch:
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(LOOK):
            self._look()

    def _look(self) -> None:
        before = time.thread_time()
        parent = self._me.memory_info().rss
        workers = []
        with self._lock:
            for child in self._me.children(recursive=True):
                with contextlib.suppress(psutil.Error):  # it is gone meanwhile
                    workers.append(child.memory_info().rss)
                    times = child.cpu_times()
                    self._spent[child.pid] = max(self._spent.get(child.pid, 0.0), times.user + times.system)
            sizes = {"parent": parent, "worker": max(workers, default=0), "all": parent + sum(workers)}
            for name, size in sizes.items():
                self._peaks[name] = max(self._peaks[name], size)
            self._looking += time.thread_time() - before

    def step(self) -> dict[str, float]:
        """CPU seconds since the start, and peaks of memory since the last step, in MB."""
        self._look()
        with self._lock:
            figures: dict[str, float] = {
                "parent_cpu": round(time.process_time() - self._looking, 3),
                "workers_cpu": round(sum(self._spent.values()), 3),
            }
            for name, size in self._peaks.items():
                figures[f"{name}_rss_mb"] = round(size / 1e6, 1)
            self._peaks = dict.fromkeys(self._peaks, 0)
        return figures


class Log:
    """Writes a line for every `every` rows; what `pipeline.generate` reports to."""

    def __init__(self, path: Path, every: int, watch: Watch) -> None:
        self._path, self._every, self._watch = path, every, watch
        self._started = time.monotonic()
        self._last: int | None = None  #: rows of the line before

    def __call__(self, progress: pipeline.Progress) -> None:
        is_step = self._last is None or progress.rows >= min(self._last + self._every, progress.target)
        if not is_step and not progress.note:
            return
        self._last = progress.rows
        step = {
            "rows": progress.rows,
            "rejected": progress.rejected,
            "seconds": round(time.monotonic() - self._started, 2),
            **self._watch.step(),
            "note": progress.note,
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(step) + "\n")

    def steps(self) -> list[dict[str, Any]]:
        """All lines, those of earlier parts of the run first."""
        return [json.loads(line) for line in self._path.read_text(encoding="utf-8").splitlines()]


@dataclasses.dataclass(frozen=True)
class Cost:
    """What some rows took, in seconds of the clock, of CPU, of the driver's CPU; and peaks of memory, in MB."""

    rows: int
    rejected: int
    seconds: float
    cpu: float
    driver: float
    driver_mb: float
    worker_mb: float

    @classmethod
    def between(cls, before: dict[str, Any], after: dict[str, Any]) -> Cost:
        driver, workers = (after[name] - before[name] for name in ("parent_cpu", "workers_cpu"))
        rows, rejected, seconds = (after[name] - before[name] for name in ("rows", "rejected", "seconds"))
        return cls(rows, rejected, seconds, driver + workers, driver, after["parent_rss_mb"], after["worker_rss_mb"])

    @classmethod
    def total(cls, costs: Sequence[Cost]) -> Cost:
        sums = ("rows", "rejected", "seconds", "cpu", "driver")
        added = {name: sum(getattr(cost, name) for cost in costs) for name in sums}
        peaks = {name: max(getattr(cost, name) for cost in costs) for name in ("driver_mb", "worker_mb")}
        return cls(**added, **peaks)

    def figures(self) -> dict[str, float]:
        """Of one row on average."""
        candidates = self.rows + self.rejected
        return {
            "rows_per_second": round(self.rows / self.seconds, 2),
            "cpu_ms_per_row": round(1000 * self.cpu / self.rows, 1),
            "refused_per_row": round(self.rejected / self.rows, 3),
            "cpu_ms_per_candidate": round(1000 * self.cpu / candidates, 1),
            "parent_cpu_ms_per_row": round(1000 * self.driver / self.rows, 3),
            "peak_parent_rss_mb": self.driver_mb,
            "peak_worker_rss_mb": self.worker_mb,
        }


def pairs(steps: Sequence[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Lines and those after them; not where a part of the run begins, since its clock and counters begin at zero."""
    return [(before, after) for before, after in itertools.pairwise(steps) if after["seconds"] > before["seconds"]]


def costs(steps: Sequence[dict[str, Any]]) -> dict[int, Cost]:
    """What rows took between two lines, by the number of rows at the second."""
    return {
        after["rows"]: Cost.between(before, after) for before, after in pairs(steps) if after["rows"] > before["rows"]
    }


def tenths(made: dict[int, Cost], rows: int) -> dict[str, dict[str, float]]:
    """The figures of each tenth of the run."""
    parts: dict[int, list[Cost]] = {}
    for end, cost in made.items():
        parts.setdefault((end - 1) * 10 // rows, []).append(cost)
    return {
        f"{rows * part // 10:,} to {rows * (part + 1) // 10:,}": Cost.total(group).figures()
        for part, group in sorted(parts.items())
    }


def summary(steps: Sequence[dict[str, Any]], stats: dict[str, Any]) -> dict[str, Any]:
    """What the run cost, its parts together, and how the cost of a row went over it."""
    made = costs(steps)
    if not made:
        return {"rows": stats["rows"], "rows_logged": 0}
    total = Cost.total(list(made.values()))
    publishing = [
        after["parent_cpu"] - before["parent_cpu"] for before, after in pairs(steps) if before["note"] and after["note"]
    ]
    return {
        "rows": stats["rows"],
        "rows_logged": total.rows,
        "rejection_rate": stats["rejection_rate"],
        "seconds": round(total.seconds, 2),
        **total.figures(),
        "peak_parent_rss_mb_before_publish": total.driver_mb,
        "peak_parent_rss_mb": max(step["parent_rss_mb"] for step in steps),
        "publish_cpu_s": round(sum(publishing), 2),
        "tenths": tenths(made, stats["rows"]),
    }


def table(figures: dict[str, Any]) -> Table:
    """The tenths, for Markdown."""
    header = (
        *("rows", "rows/s", "CPU of a row, ms", "refused candidates a row", "CPU of a candidate, ms"),
        *("driver, CPU of a row, ms", "driver at its peak, MB", "worker at its peak, MB"),
    )
    rows = tuple((name, *map(str, tenth.values())) for name, tenth in figures.get("tenths", {}).items())
    return Table("Cost over the run", header, rows)


@click.command()
@click.option("--rows", type=click.IntRange(1), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Corpus folder; the log goes beside it.")
@click.option("--workers", type=click.IntRange(1), default=cores, show_default="all cores")
@click.option("--config", "config_name", default="default", show_default=True)
@click.option("--every", type=click.IntRange(1), default=1000, show_default=True, help="Rows between two lines.")
def main(rows: int, out: Path, workers: int, config_name: str, every: int) -> None:
    """See the text at the top of this file."""
    chosen = config.load(config_name, {"target": rows})
    out.parent.mkdir(parents=True, exist_ok=True)
    with Watch() as watch:
        log = Log(out.with_name(f"{out.name}.jsonl"), every, watch)
        stats = pipeline.generate(chosen, out, workers=workers, report=log)
        log(pipeline.Progress(stats["rows"], rows, stats["rejected"], note="done"))
    figures = {"workers": workers, **summary(log.steps(), stats)}
    out.with_name(f"{out.name}.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    click.echo(markdown_table(table(figures)) + "\n")
    click.echo(json.dumps({name: value for name, value in figures.items() if name != "tenths"}, indent=2))


if __name__ == "__main__":
    main()
