"""SIGKILL: at random moments of a writer and of whole runs; the next run goes on and ends with the same bytes."""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import writing
from conftest import ROOT
from rows import IDENTITY
from writing import some_rows, tree, write

from jaxir.sample import to_table
from jaxir.writer.folder import Folder

TARGET = 100


def kill_somewhere(children: Any, out: Path, rng: random.Random) -> tuple[bool, int]:
    """Start a writer, kill it a random time after a random commit; whether it was alive, and the rows it had told."""
    ours, theirs = children.Pipe()
    process = children.Process(target=writing.write_and_tell, args=(out, TARGET, theirs))
    process.start()
    theirs.close()
    told, wait_for = 0, rng.choice((0, 20, 40, 60, 80, 100, 100))  # after 100 rows it publishes
    with contextlib.suppress(EOFError):  # it ended, or was killed below
        while told < wait_for:
            told = ours.recv()
        time.sleep(rng.uniform(0, 0.08))
        process.kill()
        while True:
            told = ours.recv()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0, told


def test_50_kills_of_the_writer_at_random_moments_at_least_30_after_a_commit(tmp_path: Path, children: Any) -> None:
    """After every kill what was acknowledged is there; the run that goes on after one or more ends with equal bytes."""
    rng, ending = random.Random(11), random.Random(12)  # how often `rng` is asked depends on the moments
    write(tmp_path / "reference", TARGET)
    expected = tree(tmp_path / "reference")
    out = tmp_path / "corpus"
    kills = after_commit = ends = safe = 0
    while kills < 50:
        alive, told = kill_somewhere(children, out, rng)
        if alive:
            kills += 1
            with Folder.open(out, IDENTITY) as folder:
                rows = folder.committed_rows
                assert rows >= min(max(told, safe), TARGET), "an acknowledged row is lost"
                stored = pa.concat_tables([to_table([]), *folder.iter_committed()])
                assert stored.equals(to_table(some_rows(0, rows)))
            after_commit += rows > 0
            safe = rows
        if not alive or ending.random() < 0.5:
            write(out, TARGET)
            assert tree(out) == expected
            shutil.rmtree(out)
            ends, safe = ends + 1, 0
    assert after_commit >= 30, (kills, after_commit)
    assert ends >= 15


@pytest.mark.slow
def test_10_kills_of_whole_runs_at_random_moments(tmp_path: Path) -> None:
    """What the script does a thousand times. (Three kills of a whole run are in `test_pipeline.py`.)"""
    script = [sys.executable, str(ROOT / "scripts" / "kill_runs.py"), "--kills", "10", "--rows", "210"]
    done = subprocess.run([*script, "--folder", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10 kills, " in done.stdout
