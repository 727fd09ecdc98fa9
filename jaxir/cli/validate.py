"""`jaxir validate`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from jaxir.cli.common import Finite, names
from jaxir.errors import UserError
from jaxir.resources import cores


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--device", help="Where compiled code runs: auto (the best one here), cpu, gpu, tpu or all.  [default: auto]"
)
@click.option("--sample", default=0, type=click.IntRange(0), help="Rows, chosen by their ids.  [default: all]")
@click.option(
    "--oracles",
    callback=names,
    metavar="LIST",
    help="interpreter and compiled run the IR; source and numpy run the Python.  [default: all four]",
)
@click.option(
    "--mutants", default=0, show_default=True, type=click.IntRange(0), help="Mutants of each row's IR to try."
)
@click.option("--workers", type=click.IntRange(1), help="Processes at a time.  [default: all cores]")
@click.option("--seconds", default=60.0, show_default=True, type=Finite(1), help="Time limit of a row.")
@click.option("--memory", default=4.0, show_default=True, type=Finite(2), help="Memory limit of a row in GiB.")
@click.option(
    "--trusted",
    is_flag=True,
    help="The corpus is your own: run it in persistent workers, faster and without a sandbox.",
)
@click.option(
    "--any-source",
    is_flag=True,
    help="Run sources that name files, processes, callbacks and what else is not on the list of allowed names.",
)
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for verification/.  [default: FOLDER]"
)
@click.option("--runtime", type=click.Path(path_type=Path), help="YAML like configs/runtime.yaml.")
@click.option("--no-fallback", is_flag=True, help="A device that is asked for and missing is an error.")
@click.option("--fresh", is_flag=True, help="Start anew instead of going on.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON.")
@click.pass_context
def validate(
    ctx: click.Context,
    folder: Path,
    device: str | None,
    sample: int,
    oracles: list[str] | None,
    mutants: int,
    workers: int | None,
    seconds: float,
    memory: float,
    trusted: bool,
    any_source: bool,
    out: Path | None,
    runtime: Path | None,
    no_fallback: bool,
    fresh: bool,
    as_json: bool,
) -> None:
    """Run both sides of each row of a corpus and compare what they give.

    FOLDER is a corpus of jaxir, or any folder or file of Parquet or JSON rows with a source and an IR column. Both are
    executed, each row in a sandboxed process that may die, if its source names only what a list allows. Results go to
    verification/ beside the data, which stays as it is; the same command goes on after an interruption. Exits with 1 if
    a row is wrong. With --device all and several devices, results and optimised HLO are also compared from device to
    device.

    \b
    Examples:
      jaxir validate data/sample --sample 6 --oracles interpreter,numpy --out data/proof
      jaxir validate data/sample --sample 4 --mutants 4 --trusted --out data/mutants
    """
    import json

    from tqdm import tqdm

    from jaxir.analysis.corpus import open_corpus
    from jaxir.analysis.payloads import payloads
    from jaxir.executor import runtime as runtimes
    from jaxir.executor.crossdevice import compare_devices
    from jaxir.executor.devices import UNLIMITED_BYTES, discover, resolve
    from jaxir.executor.isolation import ENVIRONMENT, Limits
    from jaxir.executor.validation import ORACLES, Settings
    from jaxir.executor.validation import validate as run

    corpus = open_corpus(folder)
    if out is None and folder.is_file():
        raise UserError(f"{folder}: is a file, there is no place beside its rows; give a folder with --out")
    settings = Settings(
        oracles=tuple(oracles or ORACLES),
        mutants=mutants,
        trusted=trusted,
        any_source=any_source,
        workers=workers or cores(),
        limits=Limits(seconds, int(memory * 2**30)),
    )
    settings.check()
    config = runtimes.load(runtime, {"device": {"backend": device, "fallback": False if no_fallback else None}})
    here = discover(config.environment())
    found = resolve(config.device.backend, here, fallback=config.device.fallback, most=1)
    if found.warning:
        click.echo(f"jaxir: {found.warning}", err=True)
    wrong = 0
    summaries = {}
    for one in found.devices:
        environment: dict[str, str] | None = None
        limited = settings
        if one.platform != "cpu":
            # A driver reserves far more address space than there is memory.
            limited = _with_memory(settings, UNLIMITED_BYTES)
            environment = {**ENVIRONMENT, **config.environment(one.platform), "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
        with tqdm(total=sample or None, desc=str(one), unit="row", leave=False, disable=None) as bar:
            summary = run(
                payloads(corpus, sample),
                out or folder,
                one.platform,
                limited,
                environment=environment,
                fresh=fresh,
                progress=bar.update,
            )
        summaries[one.platform] = summary
        wrong += sum(summary["status"].get(status, 0) for status in ("disagreed", "failed", "died"))
        if not as_json:
            click.echo("\n".join(_lines(one.platform, summary, out or folder)))
    devices = resolve("all", here).devices if config.device.backend == "all" else ()
    if len(devices) > 1 and corpus.kind == "jaxir":
        memory_bytes = UNLIMITED_BYTES if len({one.platform for one in devices}) > 1 else settings.limits.memory_bytes
        limited = _with_memory(settings, memory_bytes)
        summaries["devices"] = compare_devices(
            payloads(corpus, sample),
            devices,
            {**config.environment(), "XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
            trusted=trusted,
            workers=settings.workers,
            limits=limited.limits,
        )
        if not as_json:
            click.echo("\n".join(_cross_lines(str(devices[0]), summaries["devices"])))
    if as_json:
        click.echo(json.dumps(summaries, indent=2))
    ctx.exit(1 if wrong else 0)


def _with_memory(settings: Any, memory_bytes: int) -> Any:
    import dataclasses

    return dataclasses.replace(settings, limits=dataclasses.replace(settings.limits, memory_bytes=memory_bytes))


def _lines(platform: str, summary: Mapping[str, Any], out: Path) -> Iterator[str]:
    counts = ", ".join(f"{count} {status}" for status, count in summary["status"].items()) or "nothing to do"
    yield f"{platform}: {summary['rows']} rows: {counts}"
    for title, key in (
        ("oracles that agreed", "pairs"),
        ("known limits", "limits"),
        ("wrong", "reasons"),
    ):
        if summary[key]:
            yield f"  {title}:"
            for name, count in [*summary[key].items()][:12]:
                yield f"    {count:>6}  {_clean(name)}"
    yield (
        f"  largest error of rows that agree: {summary['max_abs_error']:.2g} absolute, "
        f"{summary['max_rel_error']:.2g} relative, {summary['max_ulp_error']:.3g} ulp"
    )
    for key, counts in summary.items():
        if key.startswith("same_"):
            what = key.removeprefix("same_").replace("_", " ")
            yield f"  {what} as stored: {counts.get('yes', 0)} yes, {counts.get('no', 0)} no"
    made = summary["mutants"]
    if made["made"]:
        rate = "none could be" if made["catch_rate"] is None else f"{made['catch_rate']:.2%} of those that differ"
        yield f"  mutants: {made['made']} made, {made['caught']} caught ({rate}), {made['undetected']} give the same"
    yield f"  table and failures: {out / 'verification'}"


def _cross_lines(first: str, table: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    for name, counts in table.items():
        yield (
            f"{name} against {first}: {counts['rows']} rows: {counts['same_bits']} with the same bits, "
            f"{counts['agree']} agree, {counts['beyond']} beyond the tolerance, {counts['failed']} failed; "
            f"largest error {counts['max_abs_error']:.2g} absolute, {counts['max_rel_error']:.2g} relative"
        )
        for op, (rows, there, here) in [*counts["hlo"].items()][:12]:
            yield f"  optimised HLO, {op}: {rows} rows differ, {there} on {first}, {here} on {name}"


def _clean(text: str) -> str:
    from jaxir.analysis.text import clean

    return clean(text)
