"""Timing tables and small corpora of known speed, for the tests of timing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from corpora import native_rows, write_native

from jaxir.executor.timing.bench import SCHEMA

#: A loop whose number of turns is the work of a row.
LOOP = (
    "from jax import lax\n\n\ndef kernel(x):\n    return lax.fori_loop(0, {turns}, lambda i, a: a * 1.001 + 0.5, x)\n"
)


def payload(source: str, **changes: Any) -> dict[str, Any]:
    """What a timing worker gets."""
    kernel = {"python_source": source, "function_name": "kernel", "inputs": ["float32[8]"], "input_seed": 3}
    return kernel | {"x64": False, "num_devices": 1, "platform": "cpu", "repeats": 4, "seconds": 60.0} | changes


def corpus_of_loops(folder: Path, turns: Sequence[int]) -> Path:
    """A corpus of one row for each number of turns; ids do not depend on them."""
    rows = native_rows(len(turns))
    for number, (row, count) in enumerate(zip(rows, turns, strict=True)):
        row |= {"id": f"{number:032x}", "python_source": LOOP.format(turns=count), "function_name": "kernel"}
        row |= {"inputs": ["float32[8]"], "input_seed": 3, "num_devices": 1, "flops": 16.0 * count, "split": "train"}
    return write_native(folder, rows)


def recorded(
    rng: np.random.Generator,
    rows: int,
    *,
    passes: int = 3,
    slower: Mapping[int, float] | None = None,
) -> pa.Table:
    """A table as a busy machine would give it.

    Each row has a time and a noise between processes of its own, which depend on its number alone; processes differ by
    Student's t with 3 degrees of freedom, samples of one process by little, and a tenth of them is interrupted.

    Args:
        rng: draws the noise.
        rows: how many.
        passes: processes.
        slower: row -> factor on its time.
    """
    fixed = np.random.default_rng(7)
    times, noises = np.exp(fixed.normal(-3, 1.5, rows)), fixed.uniform(0.005, 0.05, rows)
    whole = rng.normal(0, 0.01, passes)  # how much faster or slower a process is as a whole
    made = []
    for number in range(rows):
        samples = []
        for shift in whole:
            mean = times[number] * np.exp(shift + noises[number] * rng.standard_t(3))
            late = rng.exponential(2, 10) * (rng.random(10) < 0.1)
            scatter = np.exp(np.abs(rng.normal(0, 0.03, 10)) + late)
            samples.append((mean * (slower or {}).get(number, 1.0) * scatter).tolist())
        typical = {"trace": 20.0, "lower": 20.0, "compile": 90.0}
        stages = {
            f"{stage}_passes_ms": (ms * np.exp(rng.normal(0, 0.1, passes))).tolist() for stage, ms in typical.items()
        }
        made.append(
            dict.fromkeys(SCHEMA.names)
            | {"id": f"row-{number:04d}", "device_name": "a CPU", "jax_version": "1", "driver_version": "", "fault": ""}
            | {"passes": passes, "run_samples_ms": samples, "run_ms": float(np.median(samples))}
            | {**{f"{stage}_ms": ms for stage, ms in typical.items()}, **stages}
            | {"reference_passes_ms": (0.1 * np.exp(whole / 2)).tolist()}
        )
    return pa.Table.from_pylist(made, schema=SCHEMA)
