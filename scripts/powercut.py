"""Cut the power of a real file system under the writer, again and again; no acknowledged row may be lost.

    sudo python scripts/powercut.py --cuts 100
    sudo python scripts/powercut.py --cuts 20 --without-fsync     # the control: rows must be lost

Each time an ext4 file system on a loop device is shut down without flushing its journal (`EXT4_IOC_SHUTDOWN`), a random
time after a random commit of the tests' writer; it is then mounted again, the rows are compared, and the run goes on to
the end. Needs Linux, root, `unshare`, `mkfs.ext4` and a free loop device. Exits with 1 if an acknowledged row is
lost, and for the control if none is.
"""

from __future__ import annotations

import array
import contextlib
import fcntl
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

TARGET = 100
#: linux/fs/ext4/ext4.h: EXT4_IOC_SHUTDOWN is _IOR('X', 125, __u32); flag 2 is EXT4_GOING_FLAGS_NOLOGFLUSH.
SHUTDOWN, NO_FLUSH = 0x8004587D, 2


def write(out: Path, without_fsync: bool, answer: Any) -> None:
    """The writer, in a process of its own; after the cut every call of it fails."""
    import writing

    from jaxir.errors import UserError

    if without_fsync:
        os.fsync = lambda descriptor: None
    with contextlib.suppress(UserError):
        writing.write_and_tell(out, TARGET, answer)


def cut(disk: Path, context: Any, rng: random.Random, without_fsync: bool) -> int:
    """Start a writer, shut the file system down under it; gives the rows that it had acknowledged."""
    ours, theirs = context.Pipe()
    process = context.Process(target=write, args=(disk / "corpus", without_fsync, theirs))
    process.start()
    theirs.close()
    told, wait_for = 0, rng.choice((0, 20, 40, 60, 80, 100, 101))
    root = os.open(disk, os.O_RDONLY)
    try:
        while told < wait_for:
            told = ours.recv()
        time.sleep(rng.uniform(0, 0.1))
        # What is told from now on may already be from after the cut.
        while ours.poll():
            told = ours.recv()
    except EOFError:  # the writer was done
        pass
    fcntl.ioctl(root, SHUTDOWN, array.array("I", [NO_FLUSH]))
    os.close(root)
    process.kill()
    process.join()
    return told


def whole(disk: Path, told: int) -> bool:
    """Whether the acknowledged rows are there, and the run can go on to the bytes of an undisturbed one."""
    import pyarrow as pa
    from rows import IDENTITY
    from writing import some_rows

    from jaxir.errors import UserError
    from jaxir.sample import to_table
    from jaxir.writer.folder import Folder

    try:
        with Folder.open(disk / "corpus", IDENTITY) as folder:
            rows = folder.committed_rows
            stored = pa.concat_tables([to_table([]), *folder.iter_committed()])
            return rows >= min(told, TARGET) and stored.equals(to_table(some_rows(0, rows)))
    except UserError as error:
        click.echo(f"  {error}", err=True)
        return False


@click.command()
@click.option("--cuts", type=click.IntRange(1), default=100, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--without-fsync", is_flag=True, help="The control: the writer syncs nothing.")
def main(cuts: int, seed: int, without_fsync: bool) -> None:
    """See the text at the top of this file."""
    if os.environ.get("JAXIR_POWERCUT_MOUNTS") != "own":
        environment = {**os.environ, "JAXIR_POWERCUT_MOUNTS": "own"}
        sys.exit(
            subprocess.run(["unshare", "--mount", sys.executable, *sys.argv], env=environment, check=False).returncode
        )
    import writing

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["writing", "huggingface_hub.repocard_data", "jinja2"])
    rng = random.Random(seed)
    lost = acknowledged = 0
    with tempfile.TemporaryDirectory() as folder:
        image, disk = Path(folder) / "image", Path(folder) / "disk"
        disk.mkdir()
        writing.write(Path(folder) / "reference", TARGET)
        expected = writing.tree(Path(folder) / "reference")
        for number in range(cuts):
            image.unlink(missing_ok=True)
            subprocess.run(["truncate", "--size", "32M", image], check=True)
            subprocess.run(["mkfs.ext4", "-q", "-F", image], check=True)
            mount = ["mount", "-o", "loop", image, disk]
            subprocess.run(mount, check=True)
            try:
                told = cut(disk, context, rng, without_fsync)
                subprocess.run(["umount", disk], check=True)
                subprocess.run(mount, check=True)
                acknowledged += min(told, TARGET)
                fine = whole(disk, told)
                if fine or without_fsync:
                    lost += not fine
                else:
                    raise click.ClickException(f"cut {number + 1}: {told} rows were acknowledged and are not all there")
                if fine:
                    writing.write(disk / "corpus", TARGET)
                    assert writing.tree(disk / "corpus") == expected
            finally:
                subprocess.run(["umount", disk], check=True)
    click.echo(f"{cuts} power cuts, {acknowledged} rows acknowledged before them; {lost} cuts lost rows")
    sys.exit(1 if without_fsync and not lost else 0)


if __name__ == "__main__":
    main()
