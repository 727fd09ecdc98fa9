"""The command line: click commands that parse, call and print. Nothing heavy is imported until a command needs it."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jaxir.errors import UserError
from jaxir.version import __version__

if TYPE_CHECKING:
    from jaxir.config import Config


class _Group(click.Group):
    """A click group that prints a `UserError` as one line and exits with 2, and offers the nearest command."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            click.echo(f"jaxir: {error}", err=True)
            ctx.exit(2)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="jaxir")
def main() -> None:
    """Large, verified data sets of (Python kernel, compiler IR) pairs from JAX.

    \b
    Examples:
      jaxir generate --target 10000 --balanced
      jaxir analyze
      jaxir templates list --category math
    """


_TEMPLATES = click.option(
    "--templates",
    "template_folders",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Add the templates of a folder of jaxtyped functions; may be given several times.",
)


def _names(_: click.Context, parameter: click.Parameter, value: str | None) -> list[str] | None:
    """A comma-separated option as a list."""
    return None if value is None else [item.strip() for item in value.split(",") if item.strip()]


def _numbers(ctx: click.Context, parameter: click.Parameter, value: str | None) -> list[int] | None:
    names = _names(ctx, parameter, value)
    if names is None:
        return None
    if not all(name.isdigit() for name in names):
        raise UserError(f"{parameter.opts[0]} {value}: expected numbers with commas between, such as 1,2,3")
    return [int(name) for name in names]


@main.command()
@click.option("--target", type=int, help="Rows of the corpus.  [config: 10000]")
@click.option(
    "--balanced/--weighted",
    default=None,
    help="Equal counts of category, level and root template, or the weights of the config.",
)
@click.option(
    "--out", "--output", "-o", type=click.Path(path_type=Path), help="Corpus folder.  [default: data/NAME-TARGET]"
)
@click.option(
    "--config", "config_name", default="default", show_default=True, help="A YAML file, or a name in configs/."
)
@click.option("--seed", type=int, help="Same seed and config, same bytes.  [config: 0]")
@click.option(
    "--workers", type=click.IntRange(1), help="Worker processes; changes the speed only.  [default: all cores]"
)
@click.option(
    "--format",
    "formats",
    callback=_names,
    metavar="LIST",
    help="parquet, jsonl, or both with a comma.  [config: parquet]",
)
@click.option(
    "--layout",
    type=click.Choice(["native", "legacy"]),
    help="Field names of JSONL; legacy: the predecessor's.  [config: native]",
)
@click.option(
    "--dialects",
    callback=_names,
    metavar="LIST",
    help="Texts to store: stablehlo,hlo,jaxpr.  [config: stablehlo,jaxpr]",
)
@click.option(
    "--platforms",
    callback=_names,
    metavar="LIST",
    help="Devices to lower for: cpu,cuda,rocm,tpu; none need be there.  [config: cpu]",
)
@click.option("--categories", callback=_names, metavar="LIST", help="Only these categories.")
@click.option("--levels", callback=_numbers, metavar="LIST", help="Only these levels, 1 to 5.")
@_TEMPLATES
@click.option("--shard-size", type=int, help="Rows of a file at most.  [config: 1000]")
@click.option("--fresh", is_flag=True, help="Start anew; what is there stays until the new corpus is complete.")
def generate(
    target: int | None,
    balanced: bool | None,
    out: Path | None,
    config_name: str,
    seed: int | None,
    workers: int | None,
    formats: list[str] | None,
    layout: str | None,
    dialects: list[str] | None,
    platforms: list[str] | None,
    categories: list[str] | None,
    levels: list[int] | None,
    template_folders: Sequence[Path],
    shard_size: int | None,
    fresh: bool,
) -> None:
    """Make a corpus, or go on with the one in the folder.

    The same arguments resume a run that was interrupted, at any moment and by anything; a larger --target extends one.

    \b
    Examples:
      jaxir generate --target 10000 --balanced
      jaxir generate --config small --out data/small
      jaxir generate --target 100 --categories math,array --levels 1,2 --format parquet,jsonl --out data/few
    """
    from jaxir import config, terminal
    from jaxir.pipeline import generate as run

    overrides = {
        "target": target,
        "balanced": balanced,
        "seed": seed,
        "formats": formats,
        "layout": layout,
        "dialects": dialects,
        "platforms": platforms,
        "categories": None if categories is None else dict.fromkeys(categories, 1.0),
        "levels": None if levels is None else dict.fromkeys(levels, 1.0),
        "shard_size": shard_size,
    }
    chosen = config.load(config_name, overrides)
    folder = out or Path("data") / config.corpus_name(config_name, chosen)
    again = terminal.command_line()
    with terminal.Bar(folder, again) as bar:
        figures = run(
            chosen,
            folder,
            template_folders=[path.resolve() for path in template_folders],
            workers=workers or _cores(),
            fresh=fresh,
            command=_canonical_command(config_name, chosen, overrides, template_folders),
            report=bar,
        )
    for line in terminal.summary(folder, figures):
        click.echo(line)


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _canonical_command(
    config_name: str, chosen: Config, overrides: dict[str, Any], template_folders: Sequence[Path]
) -> str:
    """The command that makes this corpus, for its card: what decides the bytes, and neither folder nor workers."""
    words = ["jaxir", "generate", "--target", str(chosen.target)]
    if config_name != "default":
        words += ["--config", config_name]
    names = {"formats": "format", "shard_size": "shard-size"}
    for name, value in overrides.items():
        if value is None or name == "target":
            continue
        if name == "balanced":
            words.append("--balanced" if value else "--weighted")
            continue
        items = ",".join(map(str, value)) if isinstance(value, list | dict) else str(value)
        words += [f"--{names.get(name, name)}", items]
    for folder in template_folders:
        words += ["--templates", folder.name]
    return shlex.join(words)


@main.command()
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
        _write(save, stats.to_markdown())
    if html is not None:
        from jaxir.analysis.report import write_report

        with _one_line(html):
            write_report(stats, html)


def _write(path: Path, text: str) -> None:
    with _one_line(path):
        path.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def _one_line(path: Path) -> Iterator[None]:
    """A file that cannot be written is the user's to mend."""
    try:
        yield
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None


@main.command()
@click.argument("function", metavar="FILE.py:FUNCTION")
@click.option(
    "--arg", "arguments", multiple=True, metavar="TYPE", help="Type of an argument, in order: float32[3,4], int32[]."
)
@click.option(
    "--dialect",
    "dialects",
    multiple=True,
    type=click.Choice(["stablehlo", "hlo", "jaxpr"]),
    help="Texts to print.  [default: stablehlo]",
)
@click.option(
    "--platforms",
    callback=_names,
    metavar="LIST",
    help="Devices to lower for: cpu,cuda,rocm,tpu; none need be there.  [default: cpu]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the whole record as JSON.")
def extract(
    function: str, arguments: Sequence[str], dialects: Sequence[str], platforms: list[str] | None, as_json: bool
) -> None:
    """Lower a function of a Python file, which is executed for it.

    \b
    Examples:
      jaxir extract model.py:loss --arg float32[8,3] --arg float32[3]
      jaxir extract model.py:loss --arg float32[8,3] --arg float32[3] --dialect hlo --platforms cuda
    """
    import dataclasses
    import json

    from jaxir.extractor.inspection import extract as run
    from jaxir.extractor.inspection import load_function
    from jaxir.sample import ArraySpec

    specs = [ArraySpec.parse(text) for text in arguments]
    wanted = tuple(dialects) or ("stablehlo",)
    if as_json:
        wanted = tuple(dialects) or ("stablehlo", "hlo", "jaxpr")
    sample = run(load_function(function), *specs, dialects=wanted, platforms=tuple(platforms or ["cpu"]))
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(sample), indent=2))
    else:
        for dialect in wanted:
            click.echo(getattr(sample, dialect), nl=not getattr(sample, dialect).endswith("\n"))


@main.group(cls=_Group)
def templates() -> None:
    """List, show and type-check the templates that kernels are composed of.

    \b
    Examples:
      jaxir templates list
      jaxir templates show softmax
      jaxir templates check
    """


@templates.command("list")
@click.option("--category", help="Only this category.")
@_TEMPLATES
def templates_list(category: str | None, template_folders: Sequence[Path]) -> None:
    """One line a template: category, name, signature and phrase."""
    from jaxir.generator.templates import load_library
    from jaxir.sample import CATEGORIES

    if category is not None and category not in CATEGORIES:
        raise UserError(f"--category {category}: no such category; known are {', '.join(CATEGORIES)}")
    library = load_library(template_folders)
    shown = [item for item in library.templates if category in (None, item.category)]
    width = max((len(item.name) for item in shown), default=0)
    for item in shown:
        click.echo(f"{item.category:<13} {item.name:<{width}}  {item.phrase}")
    counts = {name: len(items) for name, items in library.by_category.items()}
    click.echo(f"{len(shown)} templates; " + ", ".join(f"{name} {count}" for name, count in counts.items()))


@templates.command("show")
@click.argument("name")
@_TEMPLATES
def templates_show(name: str, template_folders: Sequence[Path]) -> None:
    """The text of a template, and a kernel made of it alone."""
    import difflib
    import inspect

    from jaxir import config
    from jaxir.generator.plan import show_alone
    from jaxir.generator.templates import load_library

    library = load_library(template_folders)
    if name not in library.by_name:
        near = difflib.get_close_matches(name, library.by_name, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "`jaxir templates list` names them all"
        raise UserError(f"no template '{name}'; {hint}")
    template = library.by_name[name]
    click.echo(f"# {template.where}\n{inspect.getsource(template.fn)}")
    text, inputs = show_alone(config.load(), library, template)
    click.echo(f"# A kernel of it, for {inputs}\n{text}", nl=False)


@templates.command("check")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--bindings", default=16, show_default=True, type=click.IntRange(1), help="Draws of types per template.")
def templates_check(folder: Path | None, bindings: int) -> None:
    """Trace every template over many bindings and name the line of each declared type that is wrong.

    FOLDER: a folder of templates; without it the built-in ones are checked. Exits with 2 if one is wrong.
    """
    from jaxir import config, resources
    from jaxir.generator.check import check_template
    from jaxir.generator.plan import composer
    from jaxir.generator.templates import Library, read_library

    own = resources.folder("templates")
    checked, errors = read_library([folder or own])
    if folder is None or folder.resolve().is_relative_to(own):
        everything = checked
    else:
        # Holes are filled from the whole library, which must not hold a name twice.
        everything, errors_of_both = read_library([own, folder])
        errors = errors or errors_of_both
    problems = [str(error) for error in errors]
    grower = composer(config.load(), Library(everything.templates))
    for template in checked.templates:
        for problem in check_template(template, grower, bindings):
            problems.append(str(problem))
            click.echo(str(problem))
    for error in errors:
        click.echo(str(error))
    click.echo(f"{len(checked.templates)} templates checked over {bindings} bindings each: {len(problems)} problem(s)")
    if problems:
        sys.exit(2)
