"""`jaxir analyze`."""

from __future__ import annotations

from pathlib import Path

import click

from jaxir.cli.common import one_line, write_text


@click.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--save", type=click.Path(path_type=Path, dir_okay=False), help="Also write the figures as Markdown.")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write a report with pictures, one offline page.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON instead of a table.")
def analyze(folder: Path | None, save: Path | None, html: Path | None, as_json: bool) -> None:
    """Say what a corpus holds: balance, coverage, uniqueness, leakage between splits.

    FOLDER is a corpus of jaxir, or any folder or file of Parquet or JSON rows with a source and an IR column;
    without it, the newest corpus under data/ is taken. Nothing of it is executed.

    \b
    Examples:
      jaxir analyze
      jaxir analyze data/sample --save stats.md --html report.html
      jaxir analyze data/sample --json
    """
    import json

    from tqdm import tqdm

    from jaxir.analysis.corpus import newest_corpus, open_corpus
    from jaxir.analysis.stats import analyze as run

    corpus = newest_corpus() if folder is None else open_corpus(folder)
    with tqdm(desc=str(corpus.path), unit="row", leave=False, disable=None) as bar:
        stats = run(corpus, bar.update)
    click.echo(json.dumps(stats.to_dict(), indent=2) if as_json else stats.to_text())
    if save is not None:
        write_text(save, stats.to_markdown())
    if html is not None:
        from jaxir.analysis.report import write_report

        with one_line(html):
            write_report(stats, html)
