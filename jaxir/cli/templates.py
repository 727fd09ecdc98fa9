"""`jaxir templates`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from jaxir.cli.common import TEMPLATES, Group
from jaxir.errors import UserError


@click.group(cls=Group)
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
@TEMPLATES
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
@TEMPLATES
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
