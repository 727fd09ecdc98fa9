"""The main job on real processes: same bytes whatever happens, and refusals that lose nothing."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import Future
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from conftest import ROOT, run_jaxir, table_of

from jaxir import config, pipeline
from jaxir.admission import Admission
from jaxir.candidate import Outcome, Result
from jaxir.errors import UserError
from jaxir.generator.plan import ATTEMPTS_PER_LEVEL
from jaxir.sample import CATEGORIES, SCHEMA, split_of
from jaxir.writer.folder import Folder

TARGET = 130  # a block and a short one


def tree(folder: Path) -> dict[str, bytes]:
    """Everything of a corpus but its run state."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and ".jaxir" not in path.parts]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def data(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in tree(folder).items() if name.startswith("data/")}


def rows(folder: Path) -> list[dict]:
    table = table_of(folder)
    assert table.schema.equals(SCHEMA)
    return table.to_pylist()


def command(out: Path, *more: str, target: int = TARGET) -> list[str]:
    return ["generate", "--target", str(target), "--balanced", "--out", str(out), *more]


def start(arguments: list[str], cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "jaxir", *arguments], cwd=cwd, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def commits(out: Path) -> int:
    return len(list((out / ".jaxir" / "ledger").glob("*.json")))


def wait_until(process: subprocess.Popen[str], condition) -> None:
    end = time.monotonic() + 300
    while not condition():
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("pipeline") / "out"
    done = run_jaxir(command(out, "--workers", "2"), out.parent)
    assert done.returncode == 0, done.stderr
    assert f"{TARGET} rows, {TARGET} distinct IRs" in done.stdout
    return out


def test_rows_are_balanced_distinct_and_complete(corpus):
    found = rows(corpus)
    assert [row["index"] for row in found] == list(range(TARGET))
    assert Counter(row["category"] for row in found) == dict.fromkeys(CATEGORIES, TARGET // 5)
    assert len({row["canonical_hash"] for row in found}) == TARGET
    assert len({row["id"] for row in found}) == TARGET
    assert max(Counter(row["skeleton_hash"] for row in found).values()) <= 5
    for name in ("python_source", "skeleton_hash", "behavior_hash", "canonical_hash"):
        splits = {(row[name], row["split"]) for row in found}
        assert len(splits) == len({row[name] for row in found}), f"{name} is in two splits"
    for row in found:
        assert row["split"] == split_of(row["skeleton_hash"])
        for name in (
            "python_source",
            "description",
            "stablehlo",
            "jaxpr",
            "signature",
            "output_digest",
            "behavior_hash",
        ):
            assert row[name], (row["index"], name)
        assert row["inputs"]
        assert row["outputs"]
        assert f"@jit_{row['function_name']} " in row["stablehlo"].splitlines()[0]


def test_rows_come_again_from_their_records_and_lower_to_their_text_in_a_process_of_their_own(corpus):
    done = run_jaxir(["verify-reproducible", corpus, "--sample", "16"], corpus.parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"16 of 16 rows, drawn from {TARGET}, came out byte for byte" in done.stdout
    assert "16 were also lowered in a new process each" in done.stdout


def test_another_number_of_workers_gives_the_same_bytes(corpus, tmp_path):
    out = tmp_path / "out"
    done = run_jaxir(
        command(out, "--workers", "3"),
        tmp_path,
        {"PYTHONHASHSEED": "5", "TZ": "Asia/Tokyo", "JAX_DEFAULT_MATMUL_PRECISION": "highest"},
    )
    assert done.returncode == 0, done.stderr
    # Only `.jaxir/` may differ: the card, the figures and the report are the same as well.
    assert tree(out) == tree(corpus)


def test_three_kills_and_a_resume_give_the_same_bytes(corpus, tmp_path):
    out = tmp_path / "out"

    def in_the_second_block() -> bool:  # or past it, on a fast machine
        return time.monotonic() > started + 8 or (out / ".jaxir" / "staging").exists()

    moments = (lambda: commits(out) >= 1, in_the_second_block, lambda: (out / ".jaxir" / "staging").exists())
    for reached in moments:
        started = time.monotonic()
        with start(command(out, "--workers", "2"), tmp_path) as process:
            wait_until(process, lambda process=process: psutil.Process(process.pid).children(recursive=True))
            children = psutil.Process(process.pid).children(recursive=True)
            wait_until(process, reached)
            process.kill()
        assert commits(out) >= 1
        # No orphan: the workers notice that their parent is gone.
        _, alive = psutil.wait_procs(children, timeout=30)
        assert not alive
    done = run_jaxir(command(out, "--workers", "2"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert data(out) == data(corpus)


def test_a_killed_worker_costs_nothing(corpus, tmp_path):
    out = tmp_path / "out"

    def workers() -> list[psutil.Process]:
        found = []
        for child in psutil.Process(process.pid).children():
            with contextlib.suppress(psutil.Error):  # it may end meanwhile
                if "spawn_main" in " ".join(child.cmdline()):
                    found.append(child)
        return found

    with start(command(out, "--workers", "2"), tmp_path) as process:
        wait_until(process, lambda: len(workers()) == 2)
        workers()[0].kill()
        wait_until(process, lambda: commits(out) >= 1)
        for child in workers()[-1:]:  # none where the last block was done at this moment
            child.kill()
        _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    assert data(out) == data(corpus)


def test_an_extended_run_equals_one_that_went_this_far_at_once(corpus, tmp_path):
    out = tmp_path / "out"
    for target in (60, TARGET):
        done = run_jaxir(command(out, "--workers", "2", target=target), tmp_path)
        assert done.returncode == 0, done.stderr
    assert data(out) == data(corpus)


def test_a_damaged_shard_costs_the_blocks_that_had_rows_in_it_and_no_other(corpus, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(corpus, out)
    victim = next(
        path
        for path in sorted((out / "data").iterdir())
        if max(pq.read_table(path, columns=["index"])["index"].to_pylist()) < pipeline.BLOCK
    )
    victim.write_bytes(victim.read_bytes()[:-1])
    ledger = {path: path.stat().st_mtime_ns for path in (out / ".jaxir" / "ledger").iterdir()}
    done = run_jaxir(command(out, "--workers", "2"), tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"{pipeline.BLOCK} committed rows cannot be read; they are made again" in done.stderr
    assert tree(out) == tree(corpus)
    assert {path: path.stat().st_mtime_ns for path in (out / ".jaxir" / "ledger").iterdir()} == ledger


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_stop_is_one_line_on_how_to_go_on(tmp_path, number, code):
    out = tmp_path / "out"
    with start(command(out, "--workers", "2"), tmp_path) as process:
        wait_until(process, lambda: commits(out) >= 1)
        process.send_signal(number)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == code, errors
    assert "Traceback" not in errors
    last = errors.strip().splitlines()[-1]
    assert last.startswith(("jaxir: stopped; 1", "jaxir: stopped; 2"))
    assert f"go on with: jaxir generate --target {TARGET} --balanced --out {out}" in last


@pytest.mark.parametrize("delay", [0.0, 0.3, 0.8])
def test_ctrl_c_while_workers_start_is_one_line_too(tmp_path, delay):
    """A terminal sends it to the whole group, so also to processes that have not got far enough to ignore it."""
    out = tmp_path / "out"
    words = [sys.executable, "-m", "jaxir", *command(out, "--workers", "2")]
    with subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        wait_until(process, lambda: len(psutil.Process(process.pid).children()) >= 2)
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert errors.strip().splitlines()[-1].startswith("jaxir: stopped; 0 rows are safe")
    assert "Traceback" not in errors


def test_the_same_command_again_changes_nothing(corpus):
    before = tree(corpus)
    done = run_jaxir(command(corpus, "--workers", "2"), corpus.parent)
    assert done.returncode == 0, done.stderr
    assert tree(corpus) == before


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--seed", "1"], "seed was"),
        (["--levels", "1,2"], "levels was"),
        (["--dialects", "stablehlo"], "dialects was"),
        (["--target", "50"], "rows are committed, more than the target of 50"),
    ],
)
def test_a_run_of_other_settings_is_refused_and_nothing_is_lost(corpus, more, message):
    before = tree(corpus)
    done = run_jaxir(command(corpus, *more), corpus.parent)
    assert done.returncode == 2
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert tree(corpus) == before


def test_a_run_of_another_jax_version_is_refused(corpus):
    identity = pipeline.identity(config.load("default", {"balanced": True}), [])
    with pytest.raises(UserError, match=r"jax was .*, now .*0\.0\.1"):
        Folder.open(corpus, {**identity, "jax": "0.0.1"})
    Folder.open(corpus, identity).close()


BAD_TEMPLATE = '''
from jax import Array
from jaxtyping import Float


def broken(x: Float[Array, "m n"]) -> Float[Array, "m n"]:
    """a product that only square matrices have"""
    return x @ x @ x.T @ x
'''


def test_a_template_that_does_not_type_check_is_named_before_anything_is_made(tmp_path):
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "math.py").write_text(BAD_TEMPLATE)
    (tmp_path / "one.yaml").write_text("max_attempts: 4\n")
    arguments = ["generate", "--config", "one.yaml", "--target", "2000", "--templates", "ops", "--out", "out"]
    arguments += ["--levels", "1", "--categories", "math", "--balanced"]
    done = run_jaxir([*arguments, "--workers", "2"], tmp_path)
    assert done.returncode == 2
    assert f"{tmp_path / 'ops' / 'math.py'}:6: template 'broken': tracing raises" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_users_own_templates_are_used(tmp_path):
    good = BAD_TEMPLATE.replace("x @ x @ x.T @ x", "x @ x.T @ x").replace("broken", "my_gram")
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "math.py").write_text(good)
    done = run_jaxir(["templates", "check", "ops"], tmp_path)
    assert done.returncode == 0, done.stdout
    done = run_jaxir(["templates", "show", "my_gram", "--templates", "ops"], tmp_path)
    assert "def my_gram" in done.stdout


OVER_DEVICES = """
import jax
import numpy as np
from jax import lax
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Float


def my_scattered_cubes(x: Float[Array, "4 4 n"]) -> Float[Array, "4 n"]:
    \"\"\"the cubes of the slices of four devices summed, each device keeping the slice of its own number\"\"\"
    mesh = Mesh(np.array(jax.devices()[:4]), ("i",))

    def body(block):
        return lax.psum_scatter(block[0] ** 3, "i")[None]

    return jax.shard_map(body, mesh=mesh, in_specs=PartitionSpec("i"), out_specs=PartitionSpec("i"))(x)
"""


def test_a_users_own_template_may_run_over_devices(tmp_path):
    (tmp_path / "ops").mkdir()
    (tmp_path / "ops" / "combined.py").write_text(OVER_DEVICES)
    done = run_jaxir(["generate", "--target", "5", "--templates", "ops", "--workers", "1", "--out", "out"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "out: 5 rows" in done.stdout


def test_templates_that_hold_too_few_programs_are_said_so(tmp_path):
    (tmp_path / "one.yaml").write_text(
        "max_attempts: 2\nrows_per_skeleton: 1\nlevels: {1: 1}\ncategories: {arithmetic: 1}\nbalanced: true\n"
    )
    done = run_jaxir(["generate", "--config", "one.yaml", "--target", "900", "--out", "out"], tmp_path)
    assert done.returncode == 2
    last = done.stderr.strip().splitlines()[-1]
    assert re.match(r"jaxir: index \d+: its candidates up to attempt 2 were refused", last)
    assert "raise rows_per_skeleton" in last
    assert "Traceback" not in done.stderr


def test_an_index_goes_up_a_level_where_other_rows_hold_all_that_its_template_has(tmp_path):
    """Level 1 has one skeleton here, and each level more has as many as there are rows."""
    from rows import make_sample

    tried: list[tuple[int, int]] = []

    class Engine:
        workers = 1

        def __init__(self, top: int) -> None:
            self.top = top

        def submit(self, task, *, urgent=False):
            future = Future()
            future.set_result(Result(tuple(self.outcome(index, attempt) for index, attempt in task.indices)))
            return future

        def outcome(self, index, attempt):
            tried.append((index, attempt))
            level = min(1 + attempt // ATTEMPTS_PER_LEVEL, self.top)
            name = f"{index:016x}{attempt:016x}"
            own = {"canonical_hash": name, "behavior_hash": name, "python_source": name, "split": "train"}
            skeleton = "ab" * 16 if level == 1 else name
            sample = make_sample(index, **own, level=level, attempt=attempt, skeleton_hash=skeleton)
            return Outcome(index, attempt + 1, sample, ())

    def fill(top: int) -> list[tuple[int, int]]:
        settings = config.load("default", {"target": 8, "levels": dict.fromkeys(range(1, top + 1), 1)})
        with Folder.open(tmp_path / str(top), {}) as folder:
            run = pipeline._Run(settings, folder, lambda progress: None)
            run.fill(Engine(top))
            table = pa.concat_tables(folder.iter_committed(["level", "attempt"]))
            return [(row["level"], row["attempt"]) for row in table.to_pylist()]

    assert fill(2) == [(1, 0)] * 5 + [(2, 16)] * 3
    assert [attempt for index, attempt in tried if index == 7] == [0, 1, 16]
    tried.clear()
    with pytest.raises(UserError, match="index 5: its candidates up to attempt 64 were refused, as rows that exist"):
        fill(1)
    assert [attempt for index, attempt in tried if index == 5] == list(range(64))


def test_admission_takes_five_rows_of_a_skeleton_and_lets_nothing_into_two_splits():
    from rows import make_sample

    def row(number: int, **changes) -> dict:
        own = {"canonical_hash": f"{number:032x}", "behavior_hash": f"{number:032x}", "python_source": str(number)}
        return vars(make_sample(number, **{"skeleton_hash": "ab" * 16, "split": "train", **own, **changes}))

    admission = Admission(5)
    rows = [row(number) for number in range(7)]
    assert [admission.refuse(item) for item in rows] == [*[""] * 5, *["skeleton is full"] * 2]
    assert admission.refuse(rows[0]) == "duplicate IR"
    other = {"skeleton_hash": "cd" * 16, "split": "test"}
    assert admission.refuse(row(8, python_source="3", **other)) == "source is in another split"
    assert admission.refuse(row(8, behavior_hash=f"{3:032x}", **other)) == "behaviour is in another split"
    assert admission.refuse(row(8, python_source="3", skeleton_hash="ef" * 16)) == ""
