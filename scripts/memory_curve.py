"""Resident memory of one worker over many samples.

    python scripts/memory_curve.py --samples 3000 --json memory.json

One process does what a worker does (kernels are made, lowered, checked and run; `--lower-only`: made and lowered) and
its resident set is read every `--every` indices. Growth is the slope of the least-squares line over what follows
`--warm` indices. Linux only (`/proc/self/statm`).
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import click

from jaxir.engines import WORKER_ENVIRONMENT


def resident() -> float:
    """Resident set in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def worker(verify: str) -> Callable[[int], int]:
    """What a worker does for an index; gives 1 where it made a sample."""
    from jaxir import candidate, config

    candidate.start(candidate.Setup(config.load("default", {"verify": verify}), (), os.getppid(), exact_check=0.01))

    def make(index: int) -> int:
        result = candidate.run(candidate.Task(((index, 0),)))
        if result.error:
            raise click.ClickException(result.error)
        return sum(outcome.sample is not None for outcome in result.outcomes)

    return make


def lowering() -> Callable[[int], int]:
    """The lowering of the first attempt at an index alone."""
    from jaxir import config
    from jaxir.errors import Rejected
    from jaxir.extractor.fastpath import FAST
    from jaxir.extractor.lower import load, lower
    from jaxir.generator.plan import Plan
    from jaxir.generator.templates import load_library

    plan = Plan(config.load("default"), load_library())
    if os.environ.get("JAXIR_FAST_PATH") != "0":
        FAST.install()

    def make(index: int) -> int:
        try:
            kernel = plan.kernel(index)
            lower(load(kernel.source, kernel.function_name), kernel.inputs, dialects=("stablehlo", "jaxpr"))
        except Rejected:
            return 0
        return 1

    return make


@click.command()
@click.option("--samples", default=3000, show_default=True, type=click.IntRange(2), help="Indices.")
@click.option("--every", default=100, show_default=True, type=click.IntRange(1))
@click.option("--warm", default=1000, show_default=True, type=click.IntRange(0), help="Indices before growth counts.")
@click.option("--verify", default="fast", show_default=True, type=click.Choice(["fast", "full", "none"]))
@click.option("--lower-only", is_flag=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Also write the figures here.")
def main(samples: int, every: int, warm: int, verify: str, lower_only: bool, json_path: Path | None) -> None:
    """See the text at the top of this file."""
    os.environ.update(WORKER_ENVIRONMENT)
    make = lowering() if lower_only else worker(verify)
    click.echo("| indices | samples | resident MB | CPU ms an index |")
    click.echo("|--------:|--------:|------------:|----------------:|")
    curve = [(0, 0, resident())]
    made, start = 0, time.process_time()
    for index in range(samples):
        made += make(index)
        if (index + 1) % every == 0:
            now = time.process_time()
            curve.append((index + 1, made, resident()))
            click.echo(f"| {index + 1:7} | {made:7} | {curve[-1][2]:11.1f} | {(now - start) / every * 1e3:15.1f} |")
            start = now
    peak = max(point[2] for point in curve)
    figures = {"start_mb": curve[0][2], "peak_mb": peak, "curve": curve}
    tail = [point for point in curve if point[0] >= warm]
    if len(tail) > 2:
        slope, _ = statistics.linear_regression([point[0] for point in tail], [point[2] for point in tail])
        figures["growth_mb_per_1000"] = slope * 1000
        click.echo(f"growth after {warm} indices: {slope * 1000:.2f} MB for each 1,000; peak {peak:.0f} MB")
    if json_path is not None:
        json_path.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
