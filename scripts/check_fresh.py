"""Lower every row of a corpus again, each alone in a new process, and compare with the stored StableHLO byte for byte.

    python scripts/check_fresh.py data/default-balanced-10000
    python scripts/check_fresh.py data/sample --rows 50

Only public JAX is used: `exec` of the stored source in an empty namespace, then `jax.jit(f).lower(*specs).as_text()`. A
new process is a fork of one that has imported jax and done nothing else. It executes the corpus' Python: run it on your
own corpora only. Exits with 1 if a row differs.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import click
import pyarrow.dataset
from pebble import ProcessPool
from tqdm import tqdm

COLUMNS = ["id", "function_name", "python_source", "inputs", "stablehlo", "platform"]


def differs(row: dict[str, Any]) -> str:
    """Why the row is not what public JAX makes of it in this (new) process, or ""."""
    import jax

    namespace: dict[str, Any] = {}
    exec(row["python_source"], namespace)
    specs = []
    for text in row["inputs"]:
        dtype, _, dims = text.rstrip("]").partition("[")
        shape = tuple(int(dim) for dim in dims.split(",") if dim)
        specs.append(jax.ShapeDtypeStruct(shape, jax.numpy.dtype(dtype)))
    function = jax.jit(namespace[row["function_name"]])
    if row["platform"] == "cpu":
        text = function.lower(*specs).as_text()
    else:
        text = function.trace(*specs).lower(lowering_platforms=tuple(row["platform"].split(","))).as_text()
    if text == row["stablehlo"]:
        return ""
    lines = zip(text.splitlines(), row["stablehlo"].splitlines(), strict=False)
    first = next((pair for pair in lines if pair[0] != pair[1]), ("(one is longer)", ""))
    return f"now {first[0].strip()!r}, stored {first[1].strip()!r}"


@click.command()
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--rows", type=int, help="Only this many rows, spread evenly over the corpus.")
@click.option("--workers", type=click.IntRange(1), default=os.cpu_count(), show_default=True)
def main(folder: Path, rows: int | None, workers: int) -> None:
    """See the text at the top of this file."""
    table = pyarrow.dataset.dataset(sorted(map(str, (folder / "data").glob("*.parquet")))).to_table(columns=COLUMNS)
    step = max(1, table.num_rows // rows) if rows else 1
    chosen = table.to_pylist()[::step][:rows]
    os.environ["JAX_PLATFORMS"] = "cpu"
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["jax", "jax.numpy", "jax.scipy"])
    wrong = 0
    # One task a process: each row is lowered first and last in its process.
    with ProcessPool(max_workers=workers, max_tasks=1, context=context) as pool:
        futures: list[Future[str]] = [pool.schedule(differs, args=[row], timeout=300) for row in chosen]
        for row, future in tqdm(zip(chosen, futures, strict=True), total=len(chosen), unit="row", mininterval=5):
            problem = future.result()
            if problem:
                wrong += 1
                print(f"{row['id']} {row['function_name']}: {problem}")
    print(f"{len(chosen) - wrong} of {len(chosen)} rows lower to the stored text, byte for byte, each in a new process")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
