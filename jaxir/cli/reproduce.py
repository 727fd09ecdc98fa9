"""`jaxir verify-reproducible`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import click

from jaxir.cli.common import TEMPLATES
from jaxir.resources import cores

#: Rows whose differences are printed, and fields of each: an attempt that was changed changes nearly every field.
SHOWN_ROWS, SHOWN_FIELDS = 20, 3


@click.command("verify-reproducible")
@click.argument("folder", type=click.Path(path_type=Path), metavar="OUT")
@click.option("--sample", type=click.IntRange(0), default=100, show_default=True, help="Rows to make again; 0 for all.")
@click.option("--seed", type=int, default=0, show_default=True, help="Draws the rows.")
@click.option("--workers", type=click.IntRange(1), help="Worker processes.  [default: all cores]")
@TEMPLATES
def verify_reproducible(
    folder: Path, sample: int, seed: int, workers: int | None, template_folders: Sequence[Path]
) -> None:
    """Make rows of a corpus again from their own records, and compare them to the last byte.

    A row's seed, index and attempt give its kernel again; it is lowered, checked and run as when it was made, compared
    with the stored row, and lowered once more by public JAX in a new process. Nothing of the corpus is executed but
    text that was made again. Needs the versions of jaxir and JAX that made the corpus. Exits with 1 if anything
    differs.

    \b
    Examples:
      jaxir verify-reproducible data/few --sample 50
      jaxir verify-reproducible data/few --sample 5 --seed 1 --workers 1
    """
    from tqdm import tqdm

    from jaxir.reproduce import verify

    with tqdm(unit="row", desc="made again", mininterval=0.5, disable=None) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        found = verify(
            folder,
            sample=sample,
            seed=seed,
            workers=workers or cores(),
            template_folders=[path.resolve() for path in template_folders],
            report=show,
        )
    by_row = [(index, list(part)) for index, part in itertools.groupby(found.differences, lambda entry: entry.index)]
    for index, differences in by_row[:SHOWN_ROWS]:
        for difference in differences[:SHOWN_FIELDS]:
            click.echo(str(difference))
        if len(differences) > SHOWN_FIELDS:
            click.echo(f"index {index}: and {len(differences) - SHOWN_FIELDS} more fields")
    if len(by_row) > SHOWN_ROWS:
        click.echo(f"... and {len(by_row) - SHOWN_ROWS} more rows")
    wrong = len({entry.index for entry in found.differences if entry.index is not None})
    click.echo(
        f"{folder}: {found.chosen - wrong} of {found.chosen} rows, drawn from {found.rows}, came out byte for byte "
        f"when made again from their records; {found.lowered} were also lowered in a new process each"
    )
    if found.differences:
        raise SystemExit(1)
