"""`jaxir templates`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from jaxir.cli.common import TEMPLATES, Group
from jaxir.errors import Rejected, UserError


@click.group(cls=Group)
def templates() -> None:
    """List, show and type-check the templates that kernels are composed of.

    \b
    Examples:
      jaxir templates list
      jaxir templates show softmax
      jaxir templates check
      jaxir templates coverage
    """


@templates.command("list")
@click.option("--category", help="Only this category.")
@TEMPLATES
def templates_list(category: str | None, template_folders: Sequence[Path]) -> None:
    """One line a template: category, name and phrase."""
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
    try:
        text, inputs = show_alone(config.load(), library, template)
    except Rejected as error:
        raise UserError(
            f"{template.where}: no kernel can be made of '{name}' ({error.reason}); check its types, and its sizes "
            "against `arrays` in configs/default.yaml"
        ) from None
    click.echo(f"# A kernel of it, for {inputs}\n{text}", nl=False)


@templates.command("check")
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@click.option("--bindings", default=16, show_default=True, type=click.IntRange(1), help="Draws of types per template.")
def templates_check(folder: Path | None, bindings: int) -> None:
    """Trace every template over many bindings and name the line of each declared type that is wrong.

    FOLDER: a folder of templates; without it the built-in ones are checked. Exits with 2 if one is wrong.
    """
    from jaxir.executor.environment import show_devices

    show_devices()
    from jaxir import config, resources
    from jaxir.generator.check import check_template
    from jaxir.generator.plan import composers
    from jaxir.generator.templates import Library, read_library, template_files

    own = resources.folder("templates")
    place = (folder or own).resolve()
    if place.is_relative_to(own):
        # What is known of the library's element types stands above its folders.
        everything, errors = read_library([own])
        template_files([place])
        checked = [item for item in everything.templates if item.source.path.resolve().is_relative_to(place)]
        errors = [error for error in errors if place == own or str(place) in str(error)]
    else:
        assert folder is not None
        found, errors = read_library([folder])
        checked = list(found.templates)
        # Holes are filled from the whole library, which must not hold a name twice.
        everything, errors_of_both = read_library([own, folder])
        errors = errors or errors_of_both
    problems = [str(error) for error in errors]
    growers = composers(config.load(), Library(everything.templates))
    for template in checked:
        for problem in check_template(template, growers, bindings):
            problems.append(str(problem))
            click.echo(str(problem))
    for error in errors:
        click.echo(str(error))
    click.echo(f"{len(checked)} templates checked over {bindings} bindings each: {len(problems)} problem(s)")
    if problems:
        sys.exit(2)


@templates.command("coverage")
@click.option(
    "--thin", default=0, type=click.IntRange(0), metavar="N", help="Also name functions in N templates or fewer."
)
@click.option("--json", "as_json", is_flag=True, help="Print function -> templates, and what is missing, as JSON.")
@TEMPLATES
def templates_coverage(thin: int, as_json: bool, template_folders: Sequence[Path]) -> None:
    """Name the public functions of JAX that no template reaches.

    The template files are parsed, not run; `getattr(jnp, fn)` counts for each choice of a `Literal[...]` option.
    """
    import dataclasses
    import json

    from jaxir import resources
    from jaxir.analysis.reach import template_reach
    from jaxir.analysis.text import percent
    from jaxir.analysis.universe import universe
    from jaxir.generator.templates import template_files

    files = [path for _, path in template_files([resources.folder("templates"), *template_folders])]
    reach = template_reach(files)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(reach), indent=2))
        return
    known = universe()
    for title, names in (("public functions", known.functions), ("transforms and syntax", known.transforms)):
        reached = sum(name in reach.reached for name in names)
        click.echo(f"{title}: {reached} of {len(names)} reached ({percent(reached, len(names))})")
    missing = set(reach.missing)
    modules: dict[str, list[str]] = {}
    for name in sorted((*known.functions, *known.transforms)):
        modules.setdefault(_module(name), []).append(name)
    for module, inside in sorted(modules.items()):
        if absent := [name.removeprefix(f"{module}.") for name in inside if name in missing]:
            click.echo(f"\n{module}: {len(inside) - len(absent)} of {len(inside)}; missing:")
            click.echo(click.wrap_text(" ".join(absent), 100, "  ", "  "))
    if few := [f"{name} ({len(users)})" for name, users in reach.reached.items() if len(users) <= thin]:
        click.echo(f"\nin {thin} templates or fewer:")
        click.echo(click.wrap_text(" ".join(few), 100, "  ", "  "))
    if reach.unresolved:
        click.echo("\nnames that cannot be told from the text: " + ", ".join(reach.unresolved))


def _module(name: str) -> str:
    """The module of a function; the distributions of `jax.scipy.stats` stand under the one name."""
    module = name.rpartition(".")[0]
    return module if not module.startswith("jax.scipy.stats.") else "jax.scipy.stats"
