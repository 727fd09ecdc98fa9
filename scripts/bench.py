"""Distinct samples per second of the pipeline, beside the plain loop over the same kernels, interleaved in one run.

    python scripts/bench.py --rows 400 --rounds 3 --json bench.json

Each round makes a corpus of `--rows` rows with all workers (wall time, start-up included and apart), then runs the
plain loop `exec`, `jax.jit(f).lower(*specs).as_text()` over the same kernels in one process. The loop is what a script
without jaxir would do: no hashes, no checks, no run, no files; and its kernels are known to work and to be distinct.
Machines are noisy: look at the ratio of a round, not at the seconds.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import pyarrow.dataset

LOOP = """
import json, sys, time
import jax
kernels = json.load(open(sys.argv[1]))
def struct(shape, dtype):
    return jax.ShapeDtypeStruct(tuple(shape), jax.numpy.dtype(dtype))
structs = [[struct(*spec) for spec in specs] for _, _, specs in kernels]
start = time.perf_counter()
for (source, name, _), specs in zip(kernels, structs):
    namespace = {}
    exec(source, namespace)
    jax.jit(namespace[name]).lower(*specs).as_text()
print(time.perf_counter() - start)
"""


def kernels_of(corpus: Path) -> list[tuple[str, str, list[tuple[list[int], str]]]]:
    """Source, function name and argument specs of every row, in plan order."""
    table = pyarrow.dataset.dataset(sorted(map(str, (corpus / "data").glob("*.parquet")))).to_table(
        columns=["index", "python_source", "function_name", "inputs"]
    )
    kernels = []
    for row in table.sort_by("index").to_pylist():
        specs = []
        for text in row["inputs"]:
            dtype, _, dims = text.rstrip("]").partition("[")
            specs.append(([int(dim) for dim in dims.split(",") if dim], dtype))
        kernels.append((row["python_source"], row["function_name"], specs))
    return kernels


def generated(out: Path, rows: int, seed: int, workers: int) -> float:
    """Seconds of one `jaxir generate`, as a whole process."""
    command = [sys.executable, "-m", "jaxir", "generate", "--target", str(rows), "--balanced", "--seed", str(seed)]
    start = time.perf_counter()
    subprocess.run([*command, "--workers", str(workers), "--out", str(out)], check=True, capture_output=True)
    return time.perf_counter() - start


@click.command()
@click.option("--rows", default=400, show_default=True, type=click.IntRange(1))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--workers", default=os.cpu_count(), show_default=True, type=click.IntRange(1))
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Also write the figures here.")
def main(rows: int, rounds: int, workers: int, json_path: Path | None) -> None:
    """See the text at the top of this file."""
    results: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            out = Path(folder) / str(number)
            start_up = generated(Path(folder) / f"one-{number}", 1, number, workers)
            whole = generated(out, rows, number, workers)
            path = Path(folder) / "kernels.json"
            path.write_text(json.dumps(kernels_of(out)))
            environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
            loop = subprocess.run(
                [sys.executable, "-c", LOOP, str(path)], check=True, capture_output=True, text=True, env=environment
            )
            seconds = float(loop.stdout)
            entry = {
                "pipeline_rows_per_s": rows / whole,
                "pipeline_rows_per_s_without_start": rows / max(1e-9, whole - start_up),
                "start_s": start_up,
                "plain_loop_rows_per_s": rows / seconds,
            }
            entry["ratio"] = entry["pipeline_rows_per_s"] / entry["plain_loop_rows_per_s"]
            entry["ratio_without_start"] = entry["pipeline_rows_per_s_without_start"] / entry["plain_loop_rows_per_s"]
            results.append(entry)
            print(f"round {number}: " + ", ".join(f"{name} {value:.2f}" for name, value in entry.items()), flush=True)
    medians = {name: statistics.median(entry[name] for entry in results) for name in results[0]}
    print(f"median of {rounds} rounds of {rows} rows, {workers} workers:")
    for name, value in medians.items():
        print(f"  {name:<36} {value:8.2f}")
    if json_path is not None:
        json_path.write_text(
            json.dumps({"rows": rows, "workers": workers, "rounds": results, "median": medians}, indent=2) + "\n"
        )


if __name__ == "__main__":
    main()
