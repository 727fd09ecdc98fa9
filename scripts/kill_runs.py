"""Kill whole runs of `jaxir generate` at random moments and go on; the corpus must be that of an undisturbed run.

    python scripts/kill_runs.py --kills 1000

A corpus of `--rows` rows is made once without a disturbance. Then it is made again and again, each time with kills
(SIGKILL of the parent) between which the same command goes on. A kill comes a random time after a random event: the
start, a number of committed blocks, the beginning of a publish. After each kill every full block of the ledger that
was there before must still be there; until there is a publish the rows of each block must be on the disk, whole (what
was lost would be made again, with the same bytes); and no worker may outlive its parent. Exits with 1 at the first
difference.
"""

from __future__ import annotations

import hashlib
import json
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import psutil

#: Seconds in which a worker notices that its parent is gone.
ORPHANS_END = 30


def digest(out: Path) -> str:
    """Hash of everything but the run state."""
    total = hashlib.sha256()
    for path in sorted(path for path in out.rglob("*") if path.is_file() and ".jaxir" not in path.parts):
        total.update(f"{path.relative_to(out)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def ledger(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((out / ".jaxir" / "ledger").glob("*.json"))}


def missing(out: Path) -> list[str]:
    """Blocks of the ledger whose rows are neither in a whole segment nor in what is published, or about to be."""
    state = out / ".jaxir"
    if any((state / name).exists() for name in ("publish.json", "published.json")):
        return []  # whether the shards are whole shows in the digest at the end
    records = [json.loads(content)["body"] for content in ledger(out).values()]
    paths = {state / "segments" / f"{record['number']:06d}.arrow": record["sha256"] for record in records}
    return [
        path.name
        for path, wanted in paths.items()
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != wanted
    ]


def kill_at(command: list[str], out: Path, rows: int, rng: random.Random) -> tuple[bool, bool]:
    """One run that is killed: whether it was still alive then, and whether it had committed a block."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    here = psutil.Process(process.pid)
    blocks = -(-rows // 100)
    moment = rng.choice(("start", *["block"] * 2 * blocks, "publish"))
    number = rng.randrange(1, blocks + 1)
    delay = rng.uniform(0, 10 if moment == "start" else 1)
    while process.poll() is None:
        if moment == "start" or (moment == "block" and len(ledger(out)) >= number):
            break
        if moment == "publish" and (out / ".jaxir" / "staging").exists():
            break
        time.sleep(0.01)
    end = time.monotonic() + delay
    while process.poll() is None and time.monotonic() < end:
        time.sleep(0.005)
    try:
        children = here.children(recursive=True)
    except psutil.NoSuchProcess:
        children = []
    process.kill()
    code = process.wait()
    if code not in (0, -signal.SIGKILL):
        raise click.ClickException(f"a run ended by itself with exit code {code}: {shlex.join(command)}")
    alive = code != 0
    _, orphans = psutil.wait_procs(children, timeout=ORPHANS_END)
    if orphans:
        raise click.ClickException(f"{len(orphans)} workers outlived their parent")
    return alive, bool(ledger(out))


@click.command()
@click.option("--kills", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--rows", type=click.IntRange(1), default=250, show_default=True, help="Rows of the corpus.")
@click.option("--levels", default="1", show_default=True, help="Levels of its kernels: small ones are quick.")
@click.option("--seed", type=int, default=0, show_default=True, help="Draws the moments.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True)
@click.option("--folder", type=click.Path(path_type=Path), help="Where to work.  [default: a temporary folder]")
def main(kills: int, rows: int, levels: str, seed: int, workers: int, folder: Path | None) -> None:
    """See the text at the top of this file."""
    with tempfile.TemporaryDirectory() as temporary:
        out = (folder or Path(temporary)) / "corpus"
        command = [sys.executable, "-m", "jaxir", "generate", "--target", str(rows), "--balanced"]
        command += ["--levels", levels, "--workers", str(workers), "--out", str(out)]

        def finish() -> str:
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            found = digest(out)
            shutil.rmtree(out)
            return found

        expected = finish()
        rng = random.Random(seed)
        done = after_commit = corpora = 0
        while done < kills:
            before = ledger(out)
            alive, committed = kill_at(command, out, rows, rng)
            after = ledger(out)
            # A short last block is made anew where a run goes on; nothing else may change.
            if any(after.get(name) != content for name, content in list(before.items())[: rows // 100]):
                raise click.ClickException(f"kill {done + 1}: a committed block was lost or changed")
            if gone := missing(out):
                raise click.ClickException(f"kill {done + 1}: the rows of blocks {gone} are not there")
            done, after_commit = done + alive, after_commit + (alive and committed)
            if not alive or rng.random() < 0.3 or done == kills:
                if finish() != expected:
                    raise click.ClickException(f"after {done} kills: the corpus differs")
                corpora += 1
            if done % 25 == 0:
                click.echo(f"{done} kills so far", err=True)
    click.echo(f"{done} kills, {after_commit} of them after the first commit; {corpora} of {corpora} corpora are equal")


if __name__ == "__main__":
    main()
