"""`jaxir mcp`."""

from __future__ import annotations

import click


@click.command()
def mcp() -> None:
    """Serve agents over the Model Context Protocol, on standard input and output (extra `mcp`).

    Tools: run_jax_scripts, check_jax_availability, monitor_jax_performance, benchmark_jax_script, extract_ir. Scripts
    that a client names are executed with your rights, in child processes.

    \b
    Examples:
      jaxir mcp
    """
    from jaxir.server import serve

    serve()
