"""Make a corpus on this processor, and as if on others: the bytes must be the same.

    python scripts/check_processors.py --config small

Libraries ask the processor what it can do (`cpuid`) and choose their code by the answer. Here the answers are those of
a Haswell and of a Zen 2 (`scripts/disguise_processor.c`; needs Linux, `cc` and a processor that can trap `cpuid`). What
an instruction computes stays that of the real processor. Exits with 1 and names the fields where rows differ.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import click
import pyarrow.dataset as ds

HERE = Path(__file__).resolve().parent
PROCESSORS = ("haswell", "zen2")
#: Prints the instructions that NumPy finds, to see that the disguise works.
FOUND = """
from numpy._core._multiarray_umath import __cpu_features__ as features
print(*sorted(name for name, found in features.items() if found))
"""


def compiled(folder: Path) -> Path:
    """The library that disguises, compiled here."""
    library = folder / "disguise.so"
    source = HERE / "disguise_processor.c"
    done = subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library, source], capture_output=True, text=True)
    if done.returncode:
        raise click.ClickException(f"{source}: cc failed: {done.stderr.strip()}")
    return library


def run(command: list[str], **environment: str) -> str:
    """The output of a Python process; `click.ClickException` if it fails."""
    done = subprocess.run([sys.executable, *command], env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise click.ClickException(f"{environment.get('DISGUISE', 'this processor')}: {last}")
    return done.stdout


def files(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((out / "data").iterdir())}


def differences(ours: Path, theirs: Path) -> str:
    """Which fields of how many rows differ between two corpora."""
    mine, other = ({row["index"]: row for row in rows(out)} for out in (ours, theirs))
    both = sorted(mine.keys() & other.keys())
    fields = Counter(name for index in both for name in mine[index] if mine[index][name] != other[index][name])
    changed = [index for index in both if mine[index] != other[index]]
    alone = len(mine.keys() ^ other.keys())
    return f"{len(changed)} of {len(both)} rows (indices {changed[:10]}), {dict(fields)}; {alone} in one corpus only"


def rows(out: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ds.dataset(out / "data").to_table().to_pylist()
    return found


@click.command()
@click.option("--config", "config_name", default="small", show_default=True)
@click.option("--target", type=click.IntRange(1), help="Rows.  [default: the config's]")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), help="Where to work.  [default: a temporary folder]")
def main(config_name: str, target: int | None, seed: int, folder: Path | None) -> None:
    """See the text at the top of this file."""
    with tempfile.TemporaryDirectory() as temporary:
        work = folder or Path(temporary)
        disguise = {"LD_PRELOAD": str(compiled(Path(temporary)))}
        command = ["-m", "jaxir", "generate", "--config", config_name, "--seed", str(seed)]
        command += ["--target", str(target)] if target else []
        run([*command, "--out", str(work / "here")])
        click.echo(f"this processor: {run(['-c', FOUND]).strip()}")
        failed = False
        for name in PROCESSORS:
            seen = run(["-c", FOUND], DISGUISE=name, **disguise).strip()
            run([*command, "--out", str(work / name)], DISGUISE=name, **disguise)
            same = files(work / name) == files(work / "here")
            failed |= not same
            click.echo(f"{name}: {seen}")
            click.echo(f"{name}: {'the same bytes' if same else differences(work / 'here', work / name)}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
