"""Workers that are killed, hang or eat memory cost their attempt; and nothing outside a run changes its bytes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import run_jaxir
from writing import tree

from jaxir import config, engines, pipeline
from jaxir.executor.environment import VIRTUAL_DEVICES
from jaxir.generator.plan import Plan
from jaxir.generator.templates import load_library

#: A template that is like any other in the process that checks it, and takes its worker with it at arrays of one rank.
TEMPLATES = '''
import multiprocessing
import os
import signal
import time

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float


def _strike(x):
    if multiprocessing.parent_process() is not None and x.ndim == {rank}:
        {deed}
    return x


def fatal(x: Float[Array, "*b"]) -> Float[Array, "*b"]:
    """the tame double"""
    return jnp.cos(_strike(x)) + x
'''
DEEDS = {
    "killed": "os.kill(os.getpid(), signal.SIGKILL)",
    "exit": "os._exit(7)",
    "memory": "bytearray(1 << 60)",
    "hangs": "time.sleep(10_000)",
}
ROWS = 4


def a_run_with(folder: Path, deed: str) -> config.Config:
    """Write the template so that it strikes at the first attempt of one index and at no later one; gives the config."""
    folder.mkdir()
    overrides = {"target": ROWS, "balanced": True, "levels": {1: 1.0}, "categories": {"math": 1.0}}
    (folder / "math.py").write_text(TEMPLATES.format(rank=99, deed=deed))
    library = load_library([folder])
    for seed in range(2000):
        chosen = config.load("default", {**overrides, "seed": seed})
        entries = [Plan(chosen, library).entry(index) for index in range(ROWS)]
        ranks = [entry.quota.rank for entry in entries if entry.root.name == "fatal"]
        if ranks and ranks[0]:
            (folder / "math.py").write_text(TEMPLATES.format(rank=ranks[0], deed=deed))
            return chosen
    raise AssertionError("the template is nobody's root")


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run in this process sets it, and other tests would inherit it."""
    monkeypatch.setenv("JAX_NUM_CPU_DEVICES", str(VIRTUAL_DEVICES))


def rejections(out: Path) -> dict[tuple[str, str], int]:
    figures = json.loads((out / "stats.json").read_text())
    return {(entry["stage"], entry["reason"]): entry["count"] for entry in figures["rejections"]}


def check(tmp_path: Path, deed: str) -> dict[tuple[str, str], int]:
    chosen = a_run_with(tmp_path / "ops", DEEDS[deed])
    pipeline.generate(chosen, tmp_path / "out", template_folders=[tmp_path / "ops"], workers=1)
    rows = [row for path in (tmp_path / "out" / "data").iterdir() for row in pq.read_table(path).to_pylist()]
    assert sorted(row["index"] for row in rows) == list(range(ROWS))
    assert [row["attempt"] for row in rows if row["operation"] == "fatal"] == [1], "the next attempt is admitted"
    return rejections(tmp_path / "out")


@pytest.mark.parametrize("deed", ["killed", pytest.param("exit", marks=pytest.mark.slow)])
def test_an_attempt_that_kills_its_worker_twice_is_rejected_and_the_run_goes_on(tmp_path: Path, deed: str) -> None:
    assert check(tmp_path, deed)["run", "worker died"] == 1


@pytest.mark.slow
def test_an_attempt_that_runs_out_of_memory_is_rejected_and_the_run_goes_on(tmp_path: Path) -> None:
    """A worker that the system kills for its memory gets SIGKILL, as above; one whose allocation fails is this."""
    assert check(tmp_path, "memory")["run", "worker died"] == 1


@pytest.mark.slow
def test_an_attempt_that_hangs_is_rejected_and_the_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "LAST_TIME_LIMIT", 40.0)
    assert check(tmp_path, "hangs")["run", "worker died"] == 1


@pytest.mark.slow
def test_a_machine_on_which_every_task_takes_too_long_makes_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = config.load("default", {"target": 5, "seed": 8})
    pipeline.generate(chosen, tmp_path / "usual", workers=1)
    monkeypatch.setattr(engines, "TIME_LIMIT", 0.02)
    pipeline.generate(chosen, tmp_path / "slow", workers=1)
    assert tree(tmp_path / "slow") == tree(tmp_path / "usual")


#: Another clock for every Python process: ten years ahead, and running backwards.
CLOCK = """
import time
real = time.time
start = real()
time.time = lambda: start + 315_360_000 - (real() - start)
time.time_ns = lambda: int(time.time() * 1e9)
"""


def test_hash_seed_locale_time_zone_clock_umask_folder_home_and_workers_do_not_count(tmp_path: Path) -> None:
    arguments = ["generate", "--target", "12", "--seed", "3", "--format", "parquet,jsonl"]
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(CLOCK)
    (tmp_path / "there").mkdir()
    first = run_jaxir([*arguments, "--out", "one", "--workers", "1"], tmp_path, {"PYTHONHASHSEED": "1", "TZ": "UTC"})
    assert first.returncode == 0, first.stderr
    before = os.umask(0o077)
    try:
        other = {
            "PYTHONHASHSEED": "2",
            "TZ": "Pacific/Kiritimati",
            "LC_ALL": "tr_TR.UTF-8",
            "LANG": "C",
            "HOME": str(tmp_path / "there"),
            "USER": "someone",
            "COLUMNS": "20",
            "JAX_DEFAULT_MATMUL_PRECISION": "highest",
            "PYTHONPATH": os.pathsep.join([str(tmp_path / "clock"), str(Path(pipeline.__file__).parent.parent)]),
        }
        second = run_jaxir([*arguments, "--out", tmp_path / "two", "--workers", "2"], tmp_path / "there", other)
    finally:
        os.umask(before)
    assert second.returncode == 0, second.stderr
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert len(tree(tmp_path / "one")) >= 8
