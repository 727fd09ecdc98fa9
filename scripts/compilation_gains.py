"""What compiling gains on a training step: the KL-divergence step of `scripts/examples/kl_training.py`.

    python scripts/compilation_gains.py --runs 30
    python scripts/compilation_gains.py --scaling scaling.svg --json gains.json

The plain step is the same function called op by op, each op compiled beforehand. `20 steps` is a loop in Python over
the step, which jit unrolls into one program: what is left is the work alone. Whether 100 calls make the memory grow is
the line below the table.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from jaxir.analysis.charts import alone
from jaxir.analysis.gains import gains_table, scaling_picture, scaling_table
from jaxir.analysis.text import markdown_table
from jaxir.executor.gains import Speedup, Sustained, benchmark_sustained_performance, measure_compilation_speedup
from jaxir.executor.growth import memory_growth
from jaxir.executor.scaling import scaling
from jaxir.extractor.inspection import load_function

SCRIPT = Path(__file__).resolve().parent / "examples" / "kl_training.py"
#: Sizes of the step: label -> batch and hidden units.
SIZES = {"batch 8, width 16": (8, 16), "batch 32, width 32": (32, 32), "batch 256, width 256": (256, 256)}
#: Steps of the loop that is compiled as one program.
LOOP = 20


def cases_of_step() -> dict[str, tuple[Callable[..., Any], tuple[Any, ...]]]:
    """Label -> a function and its arguments."""
    step, problem = (load_function(f"{SCRIPT}:{name}") for name in ("train_step", "problem"))

    def steps(*arguments: Any) -> Any:
        *parameters, inputs, targets = arguments
        for _ in range(LOOP):
            *parameters, value = step.__wrapped__(*parameters, inputs, targets)  # type: ignore[attr-defined]
        return *parameters, value

    cases = {label: (step, problem(batch=batch, hidden=width)) for label, (batch, width) in SIZES.items()}
    batch, width = next(iter(SIZES.values()))
    return {**cases, f"{LOOP} steps, batch {batch}, width {width}": (steps, problem(batch=batch, hidden=width))}


@click.command()
@click.option("--runs", default=30, show_default=True, type=click.IntRange(6), help="Samples of each program.")
@click.option("--seconds", default=20.0, show_default=True, help="No further sample of a case after this long.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write all samples here.")
@click.option("--scaling", "svg", type=click.Path(path_type=Path, dir_okay=False), help="Measure a grid; draw it here.")
def main(runs: int, seconds: float, json_path: Path | None, svg: Path | None) -> None:
    """Print Markdown tables of what compiling the KL-divergence training step gains."""
    measured: dict[str, tuple[Speedup, Sustained]] = {}
    cases = cases_of_step()
    for label, (fn, arguments) in cases.items():
        speedup = measure_compilation_speedup(fn, *arguments)
        measured[label] = speedup, benchmark_sustained_performance(fn, *arguments, runs=runs, seconds=seconds)
    click.echo(markdown_table(gains_table(measured)))
    fn, arguments = next(iter(cases.values()))
    growth = memory_growth(fn, *arguments, calls=100)
    click.echo(f"\nmemory over 100 jitted calls: {growth.rss_bytes_per_call:,.0f} bytes a call")
    if json_path is not None:
        plain = {label: [dataclasses.asdict(one) for one in pair] for label, pair in measured.items()}
        json_path.write_text(json.dumps(plain, indent=1) + "\n", encoding="utf-8")
    if svg is not None:
        step, problem = (load_function(f"{SCRIPT}:{name}") for name in ("train_step", "problem"))
        grid = {"hidden": (16, 64, 256), "batch": (8, 32, 128, 512)}
        points = scaling(step, problem, grid, runs=max(6, runs // 3), seconds=seconds / 4)
        click.echo("\n" + markdown_table(scaling_table(points)))
        svg.write_text(alone(scaling_picture(points)), encoding="utf-8")


if __name__ == "__main__":
    main()
