"""`jaxir bench`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jaxir.cli.common import Finite

if TYPE_CHECKING:
    from jaxir.executor.timing.baseline import Change, Comparison

#: Changes of single rows that are printed.
_MOST_CHANGES = 10


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--device", help="auto (the best one here), cpu, gpu, tpu or all.  [default: auto]")
@click.option(
    "--sample", default=100, show_default=True, type=click.IntRange(0), help="Rows to time, by their ids; 0 for all."
)
@click.option(
    "--passes",
    default=3,
    show_default=True,
    type=click.IntRange(1),
    help="Processes that time every row; a comparison needs 2 or more.",
)
@click.option("--repeats", default=10, show_default=True, type=click.IntRange(3), help="Samples of a row in each pass.")
@click.option(
    "--seconds",
    default=1.0,
    show_default=True,
    type=Finite(0, min_open=True),
    help="No further sample of a row in a pass after this long.",
)
@click.option("--eager/--no-eager", default=True, show_default=True, help="Time the plain functions too, op by op.")
@click.option(
    "--baseline", type=click.Path(path_type=Path, file_okay=False), help="Compare with the times in this folder."
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for timing/.  [default: FOLDER]")
@click.option("--fresh", is_flag=True, help="Start anew instead of going on.")
@click.option("--runtime", type=click.Path(path_type=Path), help="YAML like configs/runtime.yaml.")
@click.option("--no-fallback", is_flag=True, help="A device that is asked for and missing is an error.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.pass_context
def bench(
    ctx: click.Context,
    folder: Path,
    device: str | None,
    sample: int,
    passes: int,
    repeats: int,
    seconds: float,
    eager: bool,
    baseline: Path | None,
    out: Path | None,
    fresh: bool,
    runtime: Path | None,
    no_fallback: bool,
    as_json: bool,
) -> None:
    """Time the kernels of a corpus: trace, lower, compile, first call, further calls, and the plain function.

    FOLDER is a corpus that jaxir wrote. Its sources are executed, in worker processes but without a sandbox: time only
    what you trust. Times go to timing/ beside the data, which stays as it is; the same command goes on after an
    interruption, and `jaxir analyze --html` draws them. Exits with 1 if something became slower than the baseline.

    \b
    Examples:
      jaxir bench data/sample --sample 2 --passes 1 --out data/times
      jaxir bench data/sample --sample 3 --passes 2 --repeats 5 --no-eager --out data/before
      jaxir bench data/sample --sample 3 --passes 2 --repeats 5 --no-eager --out data/after --baseline data/before
    """
    import json

    from tqdm import tqdm

    from jaxir.analysis.corpus import open_corpus
    from jaxir.analysis.payloads import timed_rows
    from jaxir.errors import UserError
    from jaxir.executor import runtime as runtimes
    from jaxir.executor.devices import discover, resolve
    from jaxir.executor.timing import timetable
    from jaxir.executor.timing.bench import FOLDER, Settings
    from jaxir.executor.timing.bench import bench as run

    changes = {"backend": device, "fallback": False if no_fallback else None}
    config = runtimes.load(runtime, {"device": changes})
    settings = Settings(passes, repeats, seconds, eager)
    place = out or folder
    if baseline is not None and passes < 2:
        raise UserError(f"--passes {passes}: a comparison needs 2 or more, since processes differ")
    if baseline is not None and baseline.resolve() == place.resolve():
        raise UserError(f"--baseline {baseline}: this run writes there too; give another folder with --out")
    rows = timed_rows(open_corpus(folder), sample)
    found = resolve(config.device.backend, discover(config.environment()), fallback=config.device.fallback, most=1)
    if found.warning:
        click.echo(f"jaxir: {found.warning}", err=True)
    before = {one.platform: timetable.baseline(baseline, one.platform) for one in found.devices} if baseline else {}
    from jaxir.analysis.timings import Timing, table
    from jaxir.executor.timing.baseline import compare

    results = []
    regressed = False
    for one in found.devices:
        total = len(rows) * (settings.passes + settings.eager)
        with tqdm(total=total, desc=str(one), unit="row", leave=False, disable=None) as bar:
            timed = run(rows, place, one, config, settings, fresh=fresh, progress=bar.update)
        timing = Timing(timed)
        if not timing.rows:
            raise UserError(f"{folder}: no row could be timed on {one}; the first: {timed['fault'][0].as_py()}")
        figures = timing.figures()
        if not as_json:
            shown = table(timing)
            click.echo("\n".join(_lines(shown.title, [shown.header, *shown.rows], shown.note)))
            click.echo(f"  table: {place / FOLDER}")
        if one.platform in before:
            comparison = compare(before[one.platform], timed)
            regressed = regressed or bool(comparison.regressions)
            figures["baseline"] = _plain(comparison)
            if not as_json:
                click.echo("\n".join(_compared(comparison, str(baseline))))
        results.append(figures)
    if as_json:
        click.echo(json.dumps(results, indent=2))
    ctx.exit(1 if regressed else 0)


def _lines(title: str, rows: list[tuple[str, ...]], note: str) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    yield title
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        yield "  " + "  ".join(cells).rstrip()
    yield f"  {note}"


def _change(change: Change) -> tuple[str, ...]:
    interval = f"{change.low:.2f} to {change.high:.2f}"
    mark = "" if not change.significant else "slower" if change.ratio > 1 else "faster"
    return (change.key, f"{change.ratio:.2f}", interval, f"{change.p:.2g}", mark)


def _compared(comparison: Comparison, path: str) -> Iterator[str]:
    """The comparison as lines: whole runs, then the rows that changed most."""
    header = ("", "new / old", "95 % interval", "adjusted p", "")
    note = f"{comparison.pairs} rows in both runs, {comparison.only_old} only before, {comparison.only_new} only now."
    yield from _lines(
        f"Against {path}", [header, *map(_change, comparison.stages)], " ".join([note, *comparison.notes])
    )
    for label, changes in (("slower", comparison.regressions), ("faster", comparison.improvements)):
        rows = [change for change in changes if change in comparison.rows]
        if rows:
            shown = [header, *map(_change, rows[:_MOST_CHANGES])]
            yield from _lines(f"Rows that became {label}: {len(rows)}", shown, "")
    if not comparison.regressions and not comparison.improvements:
        yield "Nothing changed beyond what the runs differ anyway."


def _plain(comparison: Comparison) -> dict[str, Any]:
    """The comparison as JSON can hold it; of the rows those that changed."""
    import dataclasses

    plain = dataclasses.asdict(comparison)
    plain["rows"] = [row for row in plain["rows"] if row["significant"]]
    plain["regressions"] = len(comparison.regressions)
    plain["improvements"] = len(comparison.improvements)
    return plain
