"""Speed of jaxir beside public JAX over the same kernels, interleaved in one run, since machines are noisy.

    python scripts/bench.py --rows 400 --rounds 3 --json bench.json

A round makes a corpus of `--rows` rows with a seed of its own and then measures, in processes of their own:

* extraction: `exec` of each source and its lowering to text, by the plain loop `jax.jit(f).lower(*specs).as_text()` and
  by jaxir's extractor, in one process and in one for each core. Imports and the first ten kernels, which warm
  both up, are not timed. The texts are compared (up to about 1,000 kernels a process: beyond, JAX's own caches evict
  entries and the plain loop's text is no longer that of a fresh process).
* pipeline: the whole `jaxir generate` with `--verify fast` and `--verify none` as a user sees it, start-up included,
  and without the start-up (measured as the time of one row). The plain loop neither makes kernels nor hashes, runs,
  verifies or writes anything, and its kernels are known to be distinct.
* reading: `load_dataset`, streaming, `jaxir analyze` over the corpus; `jaxir validate` over a share of it.

Rows a second are wall time; ratios are the figures to look at. For memory and for cost by size see `run_scale.py`.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import pyarrow.dataset

from jaxir.sample import ArraySpec

#: Kernels that warm a process up before the clock starts.
WARM = 10
#: What every measured process sees: one thread each, no device but the CPU.
ENVIRONMENT = {"JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}

#: Lowers kernels of a file and prints seconds and a digest of the texts; `lowered` is what the two ways differ in.
LOOP = """
import hashlib, json, sys, time
kernels = json.load(open(sys.argv[1]))
{way}

def measured(source, name, types, x64):
    with jax.enable_x64(x64):
        return lowered(source, name, prepare(types))

for kernel in kernels[:{warm}]:
    measured(*kernel)
texts = []
start = time.perf_counter()
for kernel in kernels[{warm}:]:
    texts.append(measured(*kernel))
seconds = time.perf_counter() - start
print(json.dumps([seconds, [hashlib.sha256(text.encode()).hexdigest() for text in texts]]))
"""
PLAIN = """
import jax

def prepare(types):
    specs = []
    for text in types:
        dtype, _, dims = text.rstrip("]").partition("[")
        shape = tuple(int(dim) for dim in dims.split(",") if dim)
        specs.append(jax.ShapeDtypeStruct(shape, jax.numpy.dtype(dtype)))
    return specs

def lowered(source, name, specs):
    namespace = {}
    exec(source, namespace)
    return jax.jit(namespace[name]).lower(*specs).as_text()
"""
JAXIR = """
import jax
from jaxir.extractor.fastpath import FAST
from jaxir.extractor.lower import load, lower
from jaxir.sample import ArraySpec

FAST.install()

def prepare(types):
    return [ArraySpec.parse(text) for text in types]

def lowered(source, name, specs):
    return lower(load(source, name), specs).stablehlo
"""
READER = """
import sys, time
from datasets import load_dataset
start = time.perf_counter()
{body}
print(time.perf_counter() - start)
"""
LOAD = "load_dataset(sys.argv[1], cache_dir=sys.argv[2])"
STREAM = "for row in load_dataset(sys.argv[1], split='train', streaming=True): pass"


def kernels_of(corpus: Path) -> list[tuple[str, str, list[str], bool]]:
    """Source, function name, argument types and x64 of every row, in plan order.

    Rows with symbolic dims or several devices are left out (3 %): both ways take the same public path for them.
    """
    files = sorted(map(str, (corpus / "data").glob("*.parquet")))
    columns = ["index", "python_source", "function_name", "inputs", "x64", "num_devices"]
    rows = pyarrow.dataset.dataset(files).to_table(columns=columns).sort_by("index").to_pylist()
    return [
        (row["python_source"], row["function_name"], row["inputs"], row["x64"])
        for row in rows
        if row["num_devices"] == 1 and not any(map(_is_symbolic, row["inputs"]))
    ]


def _is_symbolic(spec: str) -> bool:
    return any(isinstance(dim, str) for dim in ArraySpec.parse(spec).shape)


def run(command: Sequence[str]) -> str:
    """Output of a command; its errors are shown."""
    environment = {**os.environ, **ENVIRONMENT}
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def lowering(way: str, kernels: Sequence[Any], folder: Path, processes: int) -> tuple[float, list[str]]:
    """Kernels a second and digests of the texts, by so many processes that share the kernels."""
    code = LOOP.format(way=way, warm=WARM)
    children = []
    for number in range(processes):
        path = folder / f"kernels-{number}.json"
        path.write_text(json.dumps(list(kernels[:WARM]) + list(kernels[WARM + number :: processes])))
        children.append(
            subprocess.Popen(
                [sys.executable, "-c", code, str(path)],
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **ENVIRONMENT},
            )
        )
    answers = []
    for child in children:
        output, _ = child.communicate()
        if child.returncode:
            raise click.ClickException(f"a lowering process ended with exit code {child.returncode}")
        answers.append(json.loads(output))
    rate = sum(len(digests) / taken for taken, digests in answers)
    return rate, [digest for _, digests in answers for digest in digests]


def extraction(corpus: Path, folder: Path, workers: int) -> dict[str, float]:
    kernels = kernels_of(corpus)
    figures: dict[str, float] = {}
    for processes, label in ((1, "one process"), (workers, "all cores")):
        plain, expected = lowering(PLAIN, kernels, folder, processes)
        ours, texts = lowering(JAXIR, kernels, folder, processes)
        figures[f"plain loop, {label} (kernels/s)"] = plain
        figures[f"jaxir, {label} (kernels/s)"] = ours
        figures[f"texts that differ, {label}"] = sum(a != b for a, b in zip(expected, texts, strict=True))
    base = figures["plain loop, one process (kernels/s)"]
    for label in ("one process", "all cores"):
        figures[f"jaxir, {label}, to the plain loop in one process"] = figures[f"jaxir, {label} (kernels/s)"] / base
    return figures


def generated(out: Path, options: Sequence[str], rows: int, verify: str) -> float:
    """Seconds of one `jaxir generate`, as a whole process."""
    command = [sys.executable, "-m", "jaxir", "generate", "--balanced", *options, "--target", str(rows)]
    return seconds(lambda: run([*command, "--verify", verify, "--out", str(out)]))


def pipeline(whole: float, unverified: float, start: float, rows: int, plain: float) -> dict[str, float]:
    net = max(1e-9, whole - start)
    return {
        "generate (rows/s)": rows / whole,
        "generate without start-up (rows/s)": rows / net,
        "start-up (s)": start,
        "generate --verify none (rows/s)": rows / unverified,
        "verification to the rest of the work": max(0.0, whole - unverified) / max(1e-9, unverified - start),
        "generate to the plain loop in one process": rows / whole / plain,
        "generate without start-up to the plain loop in one process": rows / net / plain,
    }


def reading(corpus: Path, rows: int, folder: Path) -> dict[str, float]:
    def reader(body: str) -> float:
        code = READER.format(body=body)
        return float(run([sys.executable, "-c", code, str(corpus), str(folder / "cache")]))

    share = min(rows, 100)
    jaxir = [sys.executable, "-m", "jaxir"]
    analyze = seconds(lambda: run([*jaxir, "analyze", str(corpus)]))
    validate = seconds(lambda: run([*jaxir, "validate", str(corpus), "--sample", str(share)]))
    return {
        "load_dataset (rows/s)": rows / reader(LOAD),
        "streaming, train (rows/s)": rows / reader(STREAM),
        "analyze, start-up included (rows/s)": rows / analyze,
        f"validate, {share} rows, start-up included (rows/s)": share / validate,
    }


@click.command()
@click.option("--rows", default=400, show_default=True, type=click.IntRange(WARM * 2))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option("--workers", default=os.cpu_count(), show_default=True, type=click.IntRange(1))
@click.option("--levels", default="1,2,3,4,5", show_default=True, help="Levels of the kernels: their size.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Also write the figures here.")
def main(rows: int, rounds: int, workers: int, levels: str, json_path: Path | None) -> None:
    """See the text at the top of this file."""
    results: list[dict[str, float]] = []
    for seed in range(rounds):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            out = folder / "corpus"
            options = ["--seed", str(seed), "--workers", str(workers), "--levels", levels]
            start = generated(folder / "one", options, 1, "fast")
            whole = generated(out, options, rows, "fast")
            figures = extraction(out, folder, workers)
            unverified = generated(folder / "unverified", options, rows, "none")
            figures |= pipeline(whole, unverified, start, rows, figures["plain loop, one process (kernels/s)"])
            figures |= reading(out, rows, folder)
        results.append(figures)
        click.echo(f"round {seed + 1} of {rounds} done", err=True)
    width = max(map(len, results[0]))
    click.echo(f"| {rows} rows, {workers} workers, {rounds} rounds".ljust(width + 2) + " | median |    min |    max |")
    click.echo(f"|{'-' * (width + 2)}|-------:|-------:|-------:|")
    medians = {name: statistics.median(figures[name] for figures in results) for name in results[0]}
    for name, median in medians.items():
        values = [figures[name] for figures in results]
        click.echo(f"| {name:<{width}} | {median:6.2f} | {min(values):6.2f} | {max(values):6.2f} |")
    if json_path is not None:
        facts = {"rows": rows, "workers": workers, "rounds": results, "median": medians}
        json_path.write_text(json.dumps(facts, indent=2) + "\n")
    if any(value for figures in results for name, value in figures.items() if name.startswith("texts that differ")):
        raise click.ClickException("texts differ from those of public JAX")


if __name__ == "__main__":
    main()
