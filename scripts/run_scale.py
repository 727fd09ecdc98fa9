"""A long run with a log of what it costs: seconds of CPU and of the clock, and memory, every 1,000 rows.

    python scripts/run_scale.py --rows 100000 --out data/scale-100k
    python scripts/run_scale.py --rows 1000000 --out data/scale-1m

The log is OUT.jsonl beside the corpus, one line for each step, the worker processes that were there among them; the
figures of the whole run are OUT.json and printed. A run that was stopped goes on with the same command and logs on.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import statistics
import threading
import time
from pathlib import Path
from typing import Any

import click
import psutil

from jaxir import config, pipeline
from jaxir.cli.common import cores

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
        self._first: int | None = None  #: rows that were there already
        self.steps: list[dict[str, Any]] = []

    def __call__(self, progress: pipeline.Progress) -> None:
        if self._first is None:
            self._first = progress.rows
        last = self.steps[-1]["rows"] if self.steps else None
        if last is not None and progress.rows < min(last + self._every, progress.target) and not progress.note:
            return
        step = {
            "rows": progress.rows,
            "rejected": progress.rejected,
            "seconds": round(time.monotonic() - self._started, 2),
            **self._watch.step(),
            "note": progress.note,
        }
        self.steps.append(step)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(step) + "\n")

    def figures(self, stats: dict[str, Any]) -> dict[str, Any]:
        """What the run cost, and how the cost of a row went over it."""
        made = [step for step in self.steps if not step["note"]] or self.steps[:1]  # all rows were there already
        costs = [
            1000 * (after["workers_cpu"] + after["parent_cpu"] - before["workers_cpu"] - before["parent_cpu"])
            / (after["rows"] - before["rows"])
            for before, after in itertools.pairwise(made)
            if after["rows"] > before["rows"]
        ]  # fmt: skip
        first, last, end = made[0], made[-1], self.steps[-1]
        rows = max(1, last["rows"] - first["rows"])
        parent = last["parent_cpu"] - first["parent_cpu"]
        tenth = max(1, len(costs) // 10)
        return {
            "rows": stats["rows"],
            "rows_made": last["rows"] - first["rows"],
            "rejection_rate": stats["rejection_rate"],
            "seconds": end["seconds"],
            "rows_per_second": round(rows / max(1e-9, last["seconds"] - first["seconds"]), 2),
            "cpu_ms_per_row": round(1000 * (parent + last["workers_cpu"] - first["workers_cpu"]) / rows, 3),
            "parent_cpu_ms_per_row": round(1000 * parent / rows, 3),
            "cpu_ms_per_row_first_tenth": round(statistics.mean(costs[:tenth]), 3) if costs else None,
            "cpu_ms_per_row_last_tenth": round(statistics.mean(costs[-tenth:]), 3) if costs else None,
            "publish_cpu_s": round(end["parent_cpu"] - last["parent_cpu"], 2),
            "peak_parent_rss_mb": max(step["parent_rss_mb"] for step in self.steps),
            "peak_parent_rss_mb_before_publish": max(step["parent_rss_mb"] for step in made),
            "peak_worker_rss_mb": max(step["worker_rss_mb"] for step in self.steps),
        }


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
    figures = {"workers": workers, **log.figures(stats)}
    out.with_name(f"{out.name}.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    click.echo(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
