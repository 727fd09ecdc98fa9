"""The fast path on several JAX versions: its texts against those of public JAX, each version in its own environment.

    python scripts/check_jax_versions.py --versions 0.10.0,0.10.1,0.10.2 --kernels 200

A version is installed with this checkout into a virtual environment below `--folder`, which is used again if it is
there. Reported: whether both halves of the fast path are on (and which private symbols are missing), the digest of the
functions that tracing passes by (`jaxir/extractor/fastpath/tracing.py`, `READ`), and how many texts differ. Exit code 1
if a text differs or a half is off.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import click

ROOT = Path(__file__).resolve().parents[1]
#: Runs inside each environment. Both ways start from emptied caches, as a fresh process does.
CHECK = """
import json, sys, warnings
import jax
from jaxir import config
from jaxir.errors import Rejected
from jaxir.extractor.fastpath import FAST, patches, tracing
from jaxir.extractor.lower import forget, load, lower
from jaxir.generator.plan import Plan
from jaxir.generator.templates import load_library

def text(kernel):
    try:
        with jax.enable_x64(kernel.x64):
            return lower(load(kernel.source, kernel.function_name), kernel.inputs).stablehlo
    except Rejected as error:
        return f"{error.stage}: {error}"

plan, kernels = Plan(config.load("default", {"balanced": True}), load_library()), []
for index in range(int(sys.argv[1])):
    try:
        kernels.append(plan.kernel(index))
    except Rejected:
        pass
public = []
for kernel in kernels:
    forget()
    public.append(text(kernel))
forget()
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    FAST.install()
differ = [kernel.index for kernel, expected in zip(kernels, public) if text(kernel) != expected]
found = patches.private(tracing.WANTED)
print(json.dumps({
    "jax": jax.__version__,
    "kernels": len(kernels),
    "lowered": sum(text.startswith("module") for text in public),
    "differ": differ,
    "active": FAST.active,
    "reason": FAST.reason,
    "fallbacks": dict(FAST.fallbacks),
    "digest": found if isinstance(found, str) else tracing.digest(found),
}))
"""


def python_of(folder: Path, version: str) -> Path:
    """The interpreter of an environment with this JAX and this checkout; made where it is missing."""
    home = folder / version
    python = home / "bin" / "python"
    if not python.exists():
        venv.create(home, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, f"jax=={version}", f"jaxlib=={version}", "--editable", str(ROOT)], check=True)
    return python


@click.command()
@click.option("--versions", default="0.10.0,0.10.1,0.10.2", show_default=True, help="JAX versions, with commas.")
@click.option("--kernels", default=200, show_default=True, type=click.IntRange(1))
@click.option("--folder", default=Path.home() / ".cache" / "jaxir-versions", type=click.Path(path_type=Path))
def main(versions: str, kernels: int, folder: Path) -> None:
    """See the text at the top of this file."""
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    failed = False
    click.echo("| JAX | kernels | lowered | texts that differ | fast path | digest |")
    click.echo("|-----|--------:|--------:|------------------:|-----------|--------|")
    for version in versions.split(","):
        command = [str(python_of(folder, version)), "-c", CHECK, str(kernels)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment, cwd=folder)
        found = json.loads(done.stdout)
        failed |= bool(found["differ"] or found["reason"])
        state = found["reason"] or "on"
        cells = (found["jax"], found["kernels"], found["lowered"], len(found["differ"]), state, found["digest"])
        click.echo(f"| {' | '.join(map(str, cells))} |")
        if found["differ"]:
            click.echo(f"JAX {version}: texts differ at the indices {found['differ'][:10]}", err=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
