"""Power cuts: at every moment of a run, whatever was acknowledged is still there. Kill tests cannot see this."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import random
import shutil
from pathlib import Path

import powercut
import pyarrow as pa
import pytest
from rows import IDENTITY
from writing import SETTINGS, some_rows, tree, write

from jaxir.errors import UserError
from jaxir.sample import to_table
from jaxir.writer.folder import Folder


def events_of(root: Path, target: int, without: str) -> list[powercut.Event]:
    """What a run does to the disk; in a process of its own, because an audit hook stays for good."""
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    process = context.Process(target=powercut.record, args=(root, target, without, theirs))
    process.start()
    theirs.close()
    events: list[powercut.Event] = ours.recv()
    process.join()
    return events


def whole(out: Path, target: int, acknowledged: int) -> bool:
    """Open what the cut left: whether every acknowledged row is there, and nothing that is wrong."""
    try:
        with Folder.open(out, IDENTITY) as folder:
            rows = folder.committed_rows
            assert pa.concat_tables([to_table([]), *folder.iter_committed()]).equals(to_table(some_rows(0, rows)))
            return rows >= min(acknowledged, target) and (
                acknowledged <= target or folder.is_published(target, **SETTINGS)
            )
    except UserError:
        return False


def cuts(tmp_path: Path, begin: Path | None, target: int, without: str = "") -> dict[str, int]:
    """Every moment of a run (that begins with 60 rows), with states that a cut may leave; some are run to the end."""
    root = tmp_path / "run"
    root.mkdir()
    if begin is not None:
        shutil.copytree(begin, root / "corpus")
    events = events_of(root, target, without)
    expected = tree(root / "corpus")
    disk = powercut.Disk(begin.parent if begin else None)
    disk.acknowledged = 60 if begin else 0
    rng = random.Random(3)
    seen: set[str] = set()
    counts = {"moments": 0, "states": 0, "lost": 0, "finished": 0}
    for event in events:
        disk.do(event)
        counts["moments"] += 1
        for state in disk.states(rng):
            digest = hashlib.sha256(repr((sorted(state.items()), disk.acknowledged)).encode()).hexdigest()
            if digest in seen:
                continue
            seen.add(digest)
            counts["states"] += 1
            place = tmp_path / "cut"
            powercut.put(state, place)
            if not whole(place / "corpus", target, disk.acknowledged):
                counts["lost"] += 1
            if not without and counts["states"] % 10 == 0:
                write(place / "corpus", target)
                assert tree(place / "corpus") == expected, event
                counts["finished"] += 1
            shutil.rmtree(place)
    return counts


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR)


def test_no_acknowledged_row_is_lost_in_100_power_cuts_of_a_run(tmp_path: Path) -> None:
    counts = cuts(tmp_path, None, 60)
    assert counts["lost"] == 0, counts
    assert counts["states"] >= 100, counts
    assert counts["finished"] >= 10, counts


def test_no_acknowledged_row_is_lost_in_100_power_cuts_of_an_extension(tmp_path: Path) -> None:
    """The old shards are the only copy of their rows until the new ones have taken their place."""
    begin = tmp_path / "begin" / "corpus"
    write(begin, 60)
    counts = cuts(tmp_path, begin, 100)
    assert counts["lost"] == 0, counts
    assert counts["states"] >= 100, counts


@pytest.mark.parametrize("without", ["files", "folders"])
def test_a_writer_that_forgets_to_sync_is_caught(tmp_path: Path, without: str) -> None:
    """The control: the same cuts find the rows that a missing fsync of files, or of folders, loses."""
    counts = cuts(tmp_path, None, 60, without)
    assert counts["lost"] >= 20, counts
