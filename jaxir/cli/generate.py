"""`jaxir generate`."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from jaxir.cli.common import TEMPLATES, Finite, names, numbers
from jaxir.errors import UserError
from jaxir.resources import cores

if TYPE_CHECKING:
    from jaxir.config import Config
    from jaxir.engines import Opener


@click.command()
@click.option("--target", type=int, help="Rows of the corpus.  [config: 10000]")
@click.option(
    "--balanced/--weighted",
    default=None,
    help="Equal counts of category, level and root template, or the weights of the config.",
)
@click.option(
    "--out",
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    help="Corpus folder.  [default: data/NAME[-balanced]-TARGET]",
)
@click.option(
    "--config", "config_name", default="default", show_default=True, help="A YAML file, or a name in configs/."
)
@click.option("--seed", type=int, help="Same seed and config, same bytes.  [config: 0]")
@click.option(
    "--workers", type=click.IntRange(1), help="Worker processes; changes the speed only.  [default: all cores]"
)
@click.option(
    "--engine",
    "engine_name",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="Where workers are: this machine, or a Ray cluster (pip install 'jaxir[ray]'); changes the speed only.",
)
@click.option(
    "--ray-address",
    metavar="HOST:PORT",
    help="Head of the cluster.  [default: RAY_ADDRESS, or the cluster of this machine, or one for this run]",
)
@click.option(
    "--format",
    "formats",
    callback=names,
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
    callback=names,
    metavar="LIST",
    help="Texts to store: stablehlo,hlo,jaxpr.  [config: stablehlo,jaxpr]",
)
@click.option(
    "--platforms",
    callback=names,
    metavar="LIST",
    help="Devices to lower for: cpu,cuda,rocm,tpu; none need be there.  [config: cpu]",
)
@click.option(
    "--verify",
    type=click.Choice(["none", "fast", "full"]),
    help="Prove each row: Python by NumPy against IR by the reference interpreter (JAX and XLA where one has a known "
    "limit), by all oracles, or not at all.  [config: fast]",
)
@click.option("--categories", callback=names, metavar="LIST", help="Only these categories.")
@click.option("--levels", callback=numbers, metavar="LIST", help="Only these levels, 1 to 5.")
@TEMPLATES
@click.option("--shard-size", type=int, help="Rows of a file at most.  [config: 1000]")
@click.option(
    "--exact-check",
    default=0.01,
    show_default=True,
    type=Finite(0, 1),
    help="Share of kernels that public JAX lowers a second time; a difference ends the run.",
)
@click.option("--fresh", is_flag=True, help="Start anew; what is there stays until the new corpus is complete.")
def generate(
    target: int | None,
    balanced: bool | None,
    out: Path | None,
    config_name: str,
    seed: int | None,
    workers: int | None,
    engine_name: str,
    ray_address: str | None,
    formats: list[str] | None,
    layout: str | None,
    dialects: list[str] | None,
    platforms: list[str] | None,
    verify: str | None,
    categories: list[str] | None,
    levels: list[int] | None,
    template_folders: Sequence[Path],
    shard_size: int | None,
    exact_check: float,
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
        "verify": verify,
        "categories": None if categories is None else dict.fromkeys(categories, 1.0),
        "levels": None if levels is None else dict.fromkeys(levels, 1.0),
        "shard_size": shard_size,
    }
    chosen = config.load(config_name, overrides)
    folder = out or Path("data") / config.corpus_name(config_name, chosen)
    if ray_address and engine_name != "ray":
        raise UserError(f"--ray-address {ray_address} without --engine ray; add it, or leave the address out")
    again = terminal.command_line()
    with terminal.Bar(folder, again) as bar, _engine(engine_name, ray_address) as (engine, most):
        figures = run(
            chosen,
            folder,
            template_folders=[path.resolve() for path in template_folders],
            workers=workers or most,
            engine=engine,
            fresh=fresh,
            exact_check=exact_check,
            command=_canonical_command(config_name, chosen, overrides, template_folders),
            report=bar,
        )
    for line in terminal.summary(folder, figures, bar.checked):
        click.echo(line)


@contextlib.contextmanager
def _engine(name: str, ray_address: str | None) -> Iterator[tuple[Opener, int]]:
    """What opens the engine, and how many workers it has room for."""
    if name == "ray":
        from jaxir import ray_engine

        with ray_engine.connect(ray_address) as cluster:
            yield cluster.engine, cluster.cpus
    else:
        from jaxir import engines

        yield engines.local, cores()


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
