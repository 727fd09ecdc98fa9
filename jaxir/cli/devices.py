"""`jaxir devices`."""

from __future__ import annotations

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def devices(as_json: bool) -> None:
    """Show the devices that JAX can compute on here, the one that `auto` takes first.

    JAX_PLATFORMS hides devices, as it does everywhere; a name in it that is missing here does no harm.

    \b
    Examples:
      jaxir devices
      jaxir devices --json
    """
    import dataclasses
    import json

    from jaxir.executor.devices import discover

    found = discover()
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(device) for device in found], indent=2))
        return
    header = ("device", "runtime", "name", "memory", "compute capability", "driver")
    rows = [header]
    for device in found:
        memory = "" if device.memory_bytes is None else f"{device.memory_bytes / 2**30:.1f} GiB"
        cells = (str(device), device.runtime, device.name, memory, device.compute_capability, device.driver_version)
        rows.append(tuple(cell or "-" for cell in cells))  # type: ignore[arg-type]  # as many as in the header
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
