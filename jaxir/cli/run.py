"""`jaxir run`."""

from __future__ import annotations

from pathlib import Path

import click

from jaxir.cli.common import Finite


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--device", default=None, help="auto (the best one here), cpu, gpu or tpu.  [default: auto]")
@click.option("--timeout", default=300.0, show_default=True, type=Finite(0, min_open=True), help="Seconds.")
@click.option("--memory", type=Finite(0, min_open=True), help="GB for one script.  [default: the machine's]")
@click.option("--recursive/--no-recursive", default=True, show_default=True, help="Look into folders of PATH.")
@click.option("--profile", is_flag=True, help="Write jax_profiling/, with JAX's own trace.")
@click.option("--benchmark-runs", default=0, show_default=True, type=click.IntRange(0), help="Further, timed runs.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1), help="Scripts at a time.")
@click.option("--retries", default=1, show_default=True, type=click.IntRange(0), help="After transient failures only.")
@click.option("--debug", is_flag=True, help="A NaN or an infinity is an error.")
@click.option("--harvest", type=click.Path(path_type=Path, file_okay=False), help="Add what scripts jit to a corpus.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Place of jax_results/.  [default: PATH]")
@click.option("--runtime", type=click.Path(path_type=Path), help="YAML like configs/runtime.yaml.")
@click.option("--no-fallback", is_flag=True, help="A device that is asked for and missing is an error.")
@click.pass_context
def run(
    ctx: click.Context,
    path: Path,
    device: str | None,
    timeout: float,
    memory: float | None,
    recursive: bool,
    profile: bool,
    benchmark_runs: int,
    jobs: int,
    retries: int,
    debug: bool,
    harvest: Path | None,
    out: Path | None,
    runtime: Path | None,
    no_fallback: bool,
) -> None:
    """Run JAX scripts: a file, or all files of a folder that import jax, each in a process of its own.

    The scripts are executed as they are, with your rights. Results go to jax_results/ in PATH or --out: a summary,
    metrics, a log, one file for each script. Exits with 1 if a script fails.

    \b
    Examples:
      jaxir run scripts/examples/basic_jit.py --out data/run
      jaxir run scripts/examples --jobs 2 --out data/run --harvest data/harvest
    """
    from jaxir.errors import UserError
    from jaxir.executor import runtime as runtimes
    from jaxir.executor.devices import CHOICES
    from jaxir.executor.scripts import find_jax_scripts, get_jax_device_info
    from jaxir.executor.scripts.results import PROFILING, TRACES, line_of, write_results
    from jaxir.executor.scripts.run import Settings, run_scripts
    from jaxir.resources import cores
    from jaxir.terminal import command_line

    config = runtimes.load(runtime, {"device": {"backend": device, "fallback": False if no_fallback else None}})
    if config.device.backend == "all":
        raise UserError(f"--device all: a script runs on one device; expected one of {', '.join(CHOICES[:-1])}")
    scripts = find_jax_scripts(path, recursive)
    if not scripts:
        raise UserError(f"{path}: no JAX script here; expected Python files that import jax")
    folder = out or (path if path.is_dir() else path.parent)
    settings = Settings(
        device=config.device.backend,
        timeout=timeout,
        memory_bytes=int(memory * 1e9) if memory else None,
        profile=folder / PROFILING / TRACES if profile else None,
        benchmark_runs=benchmark_runs,
        debug=debug,
        fallback=config.device.fallback,
        retries=retries,
        jobs=jobs,
        harvest=harvest is not None,
        runtime=config,
    )
    results = run_scripts(scripts, settings, report=lambda result: click.echo(line_of(result)))
    if results[0]["warning"]:
        click.echo(f"jaxir: {results[0]['warning']}", err=True)
    place = write_results(folder, results, get_jax_device_info(), profile=profile)
    failed = sum(not result["success"] for result in results)
    click.echo(f"{len(results) - failed} of {len(results)} scripts succeeded; results: {place}")
    if harvest is not None:
        from jaxir.harvest import harvest as collect

        found = collect(results, harvest, workers=min(jobs, cores()), command=command_line())
        click.echo(f"{harvest}: {found.rows} rows, {found.added} of them new, from {found.noted} jitted functions")
        for script, function, reason in found.skipped:
            click.echo(f"  left out: {Path(script).name}: {function}: {reason}")
    ctx.exit(1 if failed else 0)
