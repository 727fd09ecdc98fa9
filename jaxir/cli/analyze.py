"""`jaxir analyze`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jaxir.cli.common import names, one_line, write_text
from jaxir.resources import cores

if TYPE_CHECKING:
    from jaxir.analysis.corpus import Corpus


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option(
    "--save",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the figures, and all that is missing, as Markdown.",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a report with pictures, one offline page.",
)
@click.option(
    "--platforms",
    callback=names,
    metavar="LIST",
    help="Also lower a share of the sources for these (cuda,rocm,tpu) and for the CPU, and show what differs. "
    "Executes the sources, in sandboxed processes; no device is needed.",
)
@click.option("--missing", is_flag=True, help="Name everything of the universe that is missing or thin, not a few.")
@click.option("--sample", default=200, show_default=True, type=click.IntRange(1), help="Rows for --platforms.")
@click.option("--workers", type=click.IntRange(1), help="Processes at a time.  [default: all cores]")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON instead of a table.")
def analyze(
    folder: Path | None,
    save: Path | None,
    html: Path | None,
    platforms: list[str] | None,
    missing: bool,
    sample: int,
    workers: int | None,
    as_json: bool,
) -> None:
    """Say what a corpus holds: balance, coverage, uniqueness, leakage between splits.

    FOLDER is a corpus of jaxir, or any folder or file of Parquet or JSON rows with a source and an IR column;
    without it, the newest corpus under data/ is taken. Coverage is counted against what JAX can emit on a CPU and
    against its public functions. Nothing is executed, unless --platforms asks for it.

    \b
    Examples:
      jaxir analyze
      jaxir analyze data/sample --save stats.md --html report.html
      jaxir analyze data/sample --missing
      jaxir analyze data/sample --json
      jaxir analyze data/sample --platforms cuda,tpu --sample 20
    """
    import dataclasses
    import json

    from tqdm import tqdm

    from jaxir.analysis.corpus import newest_corpus, open_corpus
    from jaxir.analysis.stats import analyze as run

    workers = workers or cores()
    corpus = newest_corpus() if folder is None else open_corpus(folder)
    with tqdm(desc=str(corpus.path), unit="row", leave=False, disable=None) as bar:
        stats = run(corpus, bar.update, workers=workers)
    if platforms:
        stats = dataclasses.replace(stats, lowering=_lowerings(corpus, platforms, sample, workers))
    click.echo(json.dumps(stats.to_dict(), indent=2) if as_json else stats.to_text(missing))
    if save is not None:
        write_text(save, stats.to_markdown())
    if html is not None:
        from jaxir.analysis import timings
        from jaxir.analysis.report import write_report

        timed = timings.load(corpus.path)
        with one_line(html):
            write_report(stats, html, timed=timed)


def _lowerings(corpus: Corpus, platforms: list[str], sample: int, workers: int) -> dict[str, Any]:
    from tqdm import tqdm

    from jaxir.analysis.crosslowering import compare_lowerings
    from jaxir.extractor.lower import check_platforms

    check_platforms(platforms)
    with tqdm(desc="lowering", unit="row", leave=False, disable=None) as bar:
        return compare_lowerings(corpus, platforms, sample=sample, workers=workers, progress=bar.update)
