"""What several commands share: the group that prints errors, options, files that the user names."""

from __future__ import annotations

import contextlib
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import click

from jaxir.errors import UserError
from jaxir.files import FULL


class Group(click.Group):
    """A click group that prints a `UserError` as one line and exits with 2, and offers the nearest command.

    So it does where there is no room for what is written; if even that line has none, the exit code says it alone.
    """

    def main(self, *args: Any, **extra: Any) -> Any:
        try:
            return super().main(*args, **extra)
        except OSError as error:
            if error.errno not in FULL:
                raise
            place = error.filename or "cannot write"  # standard streams have no name
            with contextlib.suppress(OSError):
                click.echo(f"jaxir: {place}: {error.strerror}; make room and give the same command again", err=True)
            for stream in (sys.stdout, sys.stderr):
                _let_go(stream)
            sys.exit(2)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            click.echo(f"jaxir: {error}", err=True)
            ctx.exit(2)


def _let_go(stream: TextIO) -> None:
    """Have the end of the interpreter find nothing to write here: it would fail again, with 120 as exit code."""
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


TEMPLATES = click.option(
    "--templates",
    "template_folders",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Add the templates of a folder of jaxtyped functions; may be given several times.",
)


class Finite(click.FloatRange):
    """A range of numbers that `inf` and `nan`, which click takes for numbers too, are outside of."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is no finite number.", param, ctx)
        return number


def names(_: click.Context, parameter: click.Parameter, value: str | None) -> list[str] | None:
    """A comma-separated option as a list."""
    return None if value is None else [item.strip() for item in value.split(",") if item.strip()]


def numbers(ctx: click.Context, parameter: click.Parameter, value: str | None) -> list[int] | None:
    items = names(ctx, parameter, value)
    if items is None:
        return None
    if not all(item.isdecimal() for item in items):
        raise UserError(f"{parameter.opts[0]} {value}: expected numbers with commas between, such as 1,2,3")
    return [int(item) for item in items]


def write_text(path: Path, text: str) -> None:
    with one_line(path):
        path.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def one_line(path: Path) -> Iterator[None]:
    """A file that cannot be written is the user's to mend."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None
