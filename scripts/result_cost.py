"""What it costs to bring a row from a worker to the driver: pickled records, as today, or Arrow IPC batches.

    python scripts/result_cost.py --rows 500

Makes rows in this process as a worker does, and times both ways on them; CPU time, the least of five. Prints JSON.
"""

from __future__ import annotations

import json
import os
import pickle
import time
from collections.abc import Callable
from typing import Any

import click
import pyarrow as pa

from jaxir import candidate, config, engines, pipeline
from jaxir.admission import COLUMNS
from jaxir.sample import Sample, to_table


def least(action: Callable[[], Any]) -> tuple[float, Any]:
    """Microseconds of CPU, and what came of it."""
    seconds, value = [], None
    for _ in range(5):
        before = time.process_time()
        value = action()
        seconds.append(time.process_time() - before)
    return 1e6 * min(seconds), value


def batch(samples: list[Sample]) -> pa.Buffer:
    sink = pa.BufferOutputStream()
    table = to_table(samples)
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


@click.command()
@click.option("--rows", type=click.IntRange(1), default=500, show_default=True)
def main(rows: int) -> None:
    """See the text at the top of this file."""
    with engines.environment(engines.WORKER_ENVIRONMENT):
        before = time.process_time()
        candidate.start(candidate.Setup(config.load("default", {"target": rows + 50}), (), os.getppid()))
        start = time.process_time() - before

        def work(first: int, last: int) -> list[candidate.Result]:
            starts = range(first, last, pipeline.CHUNK)
            tasks = [candidate.Task(tuple((n + k, 0) for k in range(pipeline.CHUNK))) for n in starts]
            return [candidate.run(task) for task in tasks]

        work(rows, rows + 50)  # warm
        before = time.process_time()
        results = work(0, rows)
        worker = time.process_time() - before
    groups = [[outcome.sample for outcome in result.outcomes if outcome.sample] for result in results]
    made = sum(map(len, groups))
    keys = list(COLUMNS)
    dump, pickled = least(lambda: [pickle.dumps(result) for result in results])
    load, _ = least(lambda: [pickle.loads(text) for text in pickled])
    write, batches = least(lambda: [batch(group) for group in groups])
    read, tables = least(lambda: [pa.ipc.open_stream(text).read_all() for text in batches])
    python, _ = least(lambda: [table.select(keys).to_pylist() for table in tables])
    figures = {
        "rows": made,
        "start_cpu_s": round(start, 2),
        "worker_cpu_ms_per_row": round(1000 * worker / made, 2),
        "pickle_us_per_row": {"worker": round(dump / made, 1), "driver": round(load / made, 1)},
        "arrow_us_per_row": {
            "worker": round(write / made, 1),
            "driver": round(read / made, 1),
            "keys": round(python / made, 1),
        },
        "pickle_bytes_per_row": round(sum(map(len, pickled)) / made),
        "arrow_bytes_per_row": round(sum(text.size for text in batches) / made),
    }
    click.echo(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
