"""The command line: click commands that parse, call and print, one module each; heavy imports wait until one runs."""

from __future__ import annotations

import click

from jaxir.cli import analyze, bench, devices, extract, generate, mcp, reproduce, run, templates, validate
from jaxir.cli.common import Group
from jaxir.version import __version__


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="jaxir")
def main() -> None:
    """Large, verified data sets of (Python kernel, compiler IR) pairs from JAX.

    \b
    Examples:
      jaxir generate --target 10000 --balanced
      jaxir analyze
      jaxir validate data/sample --sample 20
      jaxir templates list --category math
    """


for command in (
    generate.generate,
    analyze.analyze,
    extract.extract,
    templates.templates,
    reproduce.verify_reproducible,
    bench.bench,
    devices.devices,
    validate.validate,
    run.run,
    mcp.mcp,
):
    main.add_command(command)
