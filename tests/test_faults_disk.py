"""Disks that are full, closed, broken or lie: one line, nothing lost, and equal bytes once they are mended."""

from __future__ import annotations

import errno
import functools
import hashlib
import logging
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import writing
from conftest import ROOT
from rows import IDENTITY
from writing import SETTINGS, some_rows, tree, write

from jaxir.sample import to_table
from jaxir.writer.folder import Folder

TARGET = 60


def ask(children: Any, target: Any, *args: Any) -> Any:
    ours, theirs = children.Pipe()
    process = children.Process(target=target, args=(*args, theirs))
    process.start()
    theirs.close()
    answer = ours.recv()
    process.join()
    return answer


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("expected") / "corpus"
    write(out, TARGET)
    return tree(out)


def stored_rows(out: Path) -> int:
    """The committed rows, which are the first ones of the run, byte for byte."""
    with Folder.open(out, IDENTITY, mend=True) as folder:
        kept = [record for record in folder.records if record not in folder.lost]
        for record, table in zip(kept, folder.iter_committed(), strict=True):
            assert table.equals(to_table(some_rows(record.first, record.last + 1)))
        return folder.whole_rows


def test_an_error_at_each_of_20_disk_calls_is_one_line_and_loses_nothing(
    tmp_path: Path, children: Any, expected: dict[str, bytes]
) -> None:
    """As on a disk that fills up, breaks or is closed at this call and stays so until the run ends."""
    out = tmp_path / "corpus"
    numbers = (errno.ENOSPC, errno.EIO, errno.EACCES)
    failed = 0
    for call in range(1, 1000, 4):
        number = numbers[failed % 3]
        message, acknowledged = ask(children, writing.write_and_fail, out, TARGET, call, number)
        if message == "done":
            break
        failed += 1
        assert os.strerror(number) in message
        assert "\n" not in message
        assert stored_rows(out) >= min(acknowledged, TARGET)
        if call % 12 == 1:
            write(out, TARGET)
            assert tree(out) == expected, call
        shutil.rmtree(out)
    assert failed >= 20


def test_permission_lost_midway_is_one_line_and_the_run_goes_on_later(
    children: Any, expected: dict[str, bytes]
) -> None:
    # Not in `tmp_path`, whose parents nobody but root may enter when root runs the tests.
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        if os.getuid() == 0:
            os.chown(base, 65534, 65534)
        message = ask(children, writing.write_and_lose_permission, base / "corpus", TARGET, 40)
        assert "\n" not in message
        assert message.startswith(str(base / "corpus" / ".jaxir"))
        assert f"{os.strerror(errno.EACCES)}; make it writable or choose another --out" in message
        for folder in (base / "corpus" / ".jaxir", base / "corpus" / ".jaxir" / "segments"):
            folder.chmod(0o700)
        assert stored_rows(base / "corpus") == 40
        write(base / "corpus", TARGET)
        assert tree(base / "corpus") == expected


# A disk of its own: a small tmpfs in a mount namespace.

_SMALL_DISK = """
import hashlib, resource, subprocess, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from writing import tree, write
from jaxir.errors import UserError

root, way, target = Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])

def remount(options):
    if way != "rlimit":
        subprocess.run(["mount", "-o", f"remount,{options}", root], check=True)

if way == "rlimit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
else:
    size = "size=150k" if way == "full" else "size=9m"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", root], check=True)
try:
    if way == "closed":
        write(root / "corpus", 40)
        remount("ro")
    write(root / "corpus", target)
    print("done")
except UserError as error:
    print(error)
if way == "rlimit":
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
remount("rw,size=9m")
write(root / "corpus", target)
print(hashlib.sha256(repr(sorted(tree(root / "corpus").items())).encode()).hexdigest())
"""


@functools.cache
def own_mounts() -> tuple[str, ...]:
    """The command that gives a process mounts of its own, as root or as a user; empty where the system permits none."""
    for command in (("unshare", "--mount"), ("unshare", "--user", "--map-root-user", "--mount")):
        probe = [*command, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
        if shutil.which("unshare") and subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            return command
    return ()


@pytest.mark.parametrize(("way", "number"), [("full", errno.ENOSPC), ("closed", errno.EROFS)])
def test_a_small_or_closed_disk_is_one_line_and_the_run_goes_on_later(
    tmp_path: Path, way: str, number: int, expected: dict[str, bytes]
) -> None:
    """Where the system permits no mounts, the size of a file is limited instead, in both cases."""
    mounts = own_mounts()
    way, number = (way, number) if mounts else ("rlimit", errno.EFBIG)
    (tmp_path / "disk").mkdir()
    command = [
        *mounts,
        sys.executable,
        "-c",
        _SMALL_DISK,
        str(ROOT / "tests"),
        str(tmp_path / "disk"),
        way,
        str(TARGET),
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr
    message, digest = done.stdout.splitlines()
    assert message.startswith(str(tmp_path / "disk" / "corpus"))
    assert os.strerror(number) in message
    assert digest == hashlib.sha256(repr(sorted(expected.items())).encode()).hexdigest()


# Files that are not what was written.


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run with three blocks and an unfinished file, a published corpus, and one whose extension is under way."""
    base = tmp_path_factory.mktemp("states")
    places = {name: base / name for name in ("midway", "published", "extended")}
    for name, out in places.items():
        if name == "midway":
            with Folder.open(out, IDENTITY) as folder:
                for start in (0, 20, 40):
                    folder.commit(
                        some_rows(start, start + 20), {("run", "not finite"): start // 20}, {"next": start + 20}
                    )
            (out / ".jaxir" / "segments" / "000003.arrow.tmp").write_bytes(b"half of a block")
        else:
            write(out, TARGET)
        if name == "extended":
            with Folder.open(out, IDENTITY) as folder:
                folder.commit(some_rows(60, 80), {("run", "not finite"): 3}, {"next": 80})
    return places


def damage(path: Path, kind: str, place: float) -> bool:
    """Flip a bit, cut the file, or overwrite it from a position on; whether that changed it."""
    before = path.read_bytes()
    position = int(place * len(before))
    if kind == "flip":
        changed = bytearray(before)
        changed[position] ^= 1 << (position % 8)
        after = bytes(changed)
    else:
        after = before[:position] + (b"\0" * (len(before) - position) if kind == "zeros" else b"")
    path.write_bytes(after)
    return after != before


def open_damaged(out: Path, victim: Path, changed: bool) -> None:
    """Open a corpus with a damaged file and check everything that it holds."""
    name, folder = victim.name, str(victim.parent.relative_to(out))
    whole = 80 if (out / ".jaxir" / "ledger" / "000003.json").exists() else 60
    rows = stored_rows(out)
    if not changed or folder in (".", "jsonl") or name in ("owner.json", "lock", "run.json") or name.endswith(".tmp"):
        assert rows == whole, "whole rows were dropped"
    if changed and folder == "data":
        # An extension has begun by taking the rows back from the shards.
        assert rows == whole if whole == 80 else rows < whole, "a damaged shard is believed"
    if changed and folder in (".", "data", "jsonl"):
        with Folder.open(out, IDENTITY, mend=True) as corpus:
            assert not corpus.is_published(TARGET, **SETTINGS)


def test_damage_at_150_random_bytes_of_all_files_is_found_and_mended(
    tmp_path: Path, states: dict[str, Path], expected: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    """A bit flipped, the file cut, or zeros from there on: what is not whole is made again, nothing else is lost."""
    caplog.set_level(logging.ERROR)
    rng = random.Random(2)
    out = tmp_path / "corpus"
    damaged: Counter[str] = Counter()
    for number in range(150):
        name = rng.choice(sorted(states))
        shutil.copytree(states[name], out)
        victims = sorted(path for path in out.rglob("*") if path.is_file() and path.stat().st_size)
        folder = rng.choice(sorted({path.parent for path in victims}))
        victim = rng.choice([path for path in victims if path.parent == folder])
        changed = damage(victim, rng.choice(("flip", "cut", "zeros")), rng.random())
        damaged[str(folder.relative_to(out))] += changed
        open_damaged(out, victim, changed)
        if name != "extended" and number % 2:
            write(out, TARGET)
            assert tree(out) == expected
        shutil.rmtree(out)
    assert min(damaged[place] for place in (".", "data", "jsonl", ".jaxir", ".jaxir/ledger", ".jaxir/segments")) >= 5
