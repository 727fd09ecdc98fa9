"""`jaxir extract`."""

from __future__ import annotations

from collections.abc import Sequence

import click

from jaxir.cli.common import names


@click.command()
@click.argument("function", metavar="FILE.py:FUNCTION")
@click.option(
    "--arg",
    "arguments",
    multiple=True,
    metavar="TYPE",
    help="Type of an argument, in order: float32[3,4], int32[], or float32[b,4] with a symbolic dim.",
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
    callback=names,
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
      jaxir extract model.py:loss --arg float32[b,3] --arg float32[3]
    """
    import dataclasses
    import json

    from jaxir.extractor.inspection import extract as run
    from jaxir.extractor.inspection import load_function
    from jaxir.sample import ArraySpec

    specs = [ArraySpec.parse(text) for text in arguments]
    wanted = tuple(dialects) or ("stablehlo",)
    # The record holds all that there are.
    made = (tuple(dialects) or None) if as_json else wanted
    sample = run(load_function(function), *specs, dialects=made, platforms=tuple(platforms or ["cpu"]))
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(sample), indent=2))
    else:
        for dialect in wanted:
            click.echo(getattr(sample, dialect), nl=not getattr(sample, dialect).endswith("\n"))
