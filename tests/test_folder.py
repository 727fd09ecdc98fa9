"""The corpus folder: resume, extend, refuse, publish, and what kills, full disks and flipped bits do to it."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import datasets
import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import writing
from rows import IDENTITY, make_samples
from writing import SETTINGS, some_rows, tree, write

from jaxir import files
from jaxir.errors import UserError
from jaxir.sample import CATEGORIES, DIALECTS, SCHEMA, SPLITS, to_table
from jaxir.writer import shards
from jaxir.writer.folder import Folder

PUBLISHED_STATE = {
    "ledger",
    "lock",
    "owner.json",
    "published.copy.json",
    "published.json",
    "run.json",
    "segments",
}


def state_files(out: Path) -> set[str]:
    """What the run leaves in `.jaxir/`, except for the ledger's records."""
    found = {str(path.relative_to(out / ".jaxir")) for path in (out / ".jaxir").rglob("*")}
    return {path for path in found if not path.startswith("ledger/")}


def run_child(children: Any, target: Any, *args: Any) -> int:
    process = children.Process(target=target, args=args)
    process.start()
    process.join()
    code: int = process.exitcode
    return code


def ask_child(children: Any, target: Any, *args: Any) -> Any:
    ours, theirs = children.Pipe()
    process = children.Process(target=target, args=(*args, theirs))
    process.start()
    theirs.close()
    answer = ours.recv()
    process.join()
    return answer


# what is committed comes back


def test_commit_and_resume(tmp_path: Path) -> None:
    out = tmp_path / "corpus"
    with Folder.open(out, IDENTITY) as folder:
        assert (folder.committed_rows, folder.last_index, folder.extra, folder.rejections) == (0, None, {}, {})
        folder.commit(make_samples(0, 10), {("run", "not finite"): 2, ("lower", "failed"): 1}, {"next": [10, None]})
        folder.commit([], {("run", "not finite"): 5})
        folder.commit(make_samples(12, 20), {}, {"next": "ü"})
        before = (folder.records, folder.counts)
    with Folder.open(out, IDENTITY) as folder:
        assert (folder.records, folder.counts) == before
        assert folder.committed_rows == 18
        assert folder.last_index == 19
        assert folder.extra == {"next": "ü"}
        assert folder.rejections == {("lower", "failed"): 1, ("run", "not finite"): 7}
        assert folder.records[0].extra == {"next": [10, None]}
        expected = to_table(make_samples(0, 10) + make_samples(12, 20))
        assert pa.concat_tables(folder.iter_committed()).equals(expected)
        columns = ["skeleton_hash", "canonical_hash"]
        tables = list(folder.iter_committed(columns))
        assert [table.num_rows for table in tables] == [10, 0, 8]
        assert pa.concat_tables(tables).equals(expected.select(columns))


@pytest.mark.parametrize("indices", [(3, 2), (5, 5), (0, 1)])
def test_indices_must_ascend(tmp_path: Path, indices: tuple[int, int]) -> None:
    with Folder.open(tmp_path, IDENTITY) as folder:
        folder.commit(make_samples(0, 2))
        with pytest.raises(ValueError, match="ascend"):
            folder.commit([make_samples(index, index + 1)[0] for index in indices])
        assert folder.committed_rows == 2


def test_a_block_that_a_stop_left_uncounted_is_counted_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*arguments: object) -> None:
        raise KeyboardInterrupt

    samples = make_samples(0, 4)
    with Folder.open(tmp_path / "corpus", IDENTITY) as folder:
        folder.commit(samples[:2])
        with monkeypatch.context() as patched:
            patched.setattr("jaxir.writer.ledger.Ledger._add", stop)  # the file is written, the count is not
            with pytest.raises(KeyboardInterrupt):
                folder.commit(samples[2:])
        assert folder.committed_rows == 2
        folder.recount()
        assert folder.committed_rows == 4


def test_a_large_block(tmp_path: Path) -> None:
    """More rows of a split and category than a row group holds."""
    rows = make_samples(0, 2600, dialects=())
    with Folder.open(tmp_path / "corpus", IDENTITY) as folder:
        folder.commit([row for row in rows if row.category == "math" and row.split == "train"])
        many = [row for row in rows if row.index > (folder.last_index or 0)]
        folder.commit([*many, *make_samples(2600, 6000, dialects=(), category="math", split="train")])
        total = folder.committed_rows
        folder.publish(total, shard_size=1500)
        table = pa.concat_tables(
            [shards.read_parquet(path) for path in sorted((tmp_path / "corpus" / "data").iterdir())]
        )
    assert table.num_rows == total
    assert len(set(table["index"].to_pylist())) == total


# published files


def test_published_rows_are_sorted_complete_and_one_category_a_shard(tmp_path: Path) -> None:
    rows = make_samples(0, 100)
    with Folder.open(tmp_path, IDENTITY) as folder:
        folder.commit(rows)
        folder.publish(100, shard_size=7)
    paths = sorted(tmp_path.glob("data/*"), key=lambda path: (SPLITS.index(path.name.split("-")[0]), path.name))
    tables = [shards.read_parquet(path) for path in paths]
    assert all(table.num_rows <= 7 and len(set(table["category"].to_pylist())) == 1 for table in tables)
    order = sorted(rows, key=lambda row: (SPLITS.index(row.split), CATEGORIES.index(row.category), row.index))
    assert pa.concat_tables(tables).equals(to_table(order))


def test_files_depend_on_the_rows_alone(tmp_path: Path, reference: dict[int, dict[str, bytes]]) -> None:
    """Other blocks, another folder, a target that grew: the same bytes."""
    with Folder.open(tmp_path / "other", IDENTITY) as folder:
        start = 0
        for size, rejected in ((1, 0), (33, 1), (2, 1), (24, 1)):
            folder.commit(some_rows(start, start + size), {("run", "not finite"): rejected})
            start += size
        folder.publish(60, stats={"rows": 60}, command="jaxir generate --target 60", **SETTINGS)
    assert tree(tmp_path / "other") == reference[60]


def test_publish_again_changes_nothing(tmp_path: Path, reference: dict[int, dict[str, bytes]]) -> None:
    write(tmp_path, 60)
    with Folder.open(tmp_path, IDENTITY) as folder:
        folder.publish(60, stats={"rows": 60}, command="jaxir generate --target 60", **SETTINGS)
        assert folder.is_published(60, **SETTINGS)
    assert tree(tmp_path) == reference[60]


def test_segments_are_gone_after_publish_and_the_state_is_tidy(tmp_path: Path) -> None:
    write(tmp_path, 60)
    assert state_files(tmp_path) == PUBLISHED_STATE
    assert sum(path.stat().st_size for path in (tmp_path / ".jaxir").rglob("*.arrow")) == 0


def test_a_published_corpus_can_be_extended(tmp_path: Path, reference: dict[int, dict[str, bytes]]) -> None:
    write(tmp_path, 60)
    write(tmp_path, 100)
    assert tree(tmp_path) == reference[100]


def test_a_smaller_target_is_refused(tmp_path: Path) -> None:
    write(tmp_path, 60)
    before = tree(tmp_path)
    with pytest.raises(UserError, match=r"60 rows are committed, more than the target of 40; .*--fresh") as error:
        write(tmp_path, 40)
    assert "\n" not in str(error.value)
    assert tree(tmp_path) == before


def test_is_published_knows_its_settings(tmp_path: Path) -> None:
    write(tmp_path, 60)
    with Folder.open(tmp_path, IDENTITY) as folder:
        assert folder.is_published(60, **SETTINGS)
        assert folder.is_published(60, **{**SETTINGS, "formats": ("jsonl", "parquet")})
        assert not folder.is_published(61, **SETTINGS)
        for change in ({"formats": ("parquet",)}, {"layout": "native"}, {"shard_size": 31}):
            assert not folder.is_published(60, **{**SETTINGS, **change})


def test_other_settings_are_published_from_the_same_rows(tmp_path: Path) -> None:
    write(tmp_path / "both", 60)
    for name, settings in (("jsonl", {"formats": ("jsonl",)}), ("parquet", {"shard_size": 9})):
        with Folder.open(tmp_path / "both", IDENTITY) as folder:
            assert not folder.is_published(60, **settings)
            folder.publish(60, **settings)
        with Folder.open(tmp_path / name, IDENTITY) as folder:
            folder.commit(some_rows(0, 60), {("run", "not finite"): 3})
            folder.publish(60, **settings)
        assert tree(tmp_path / "both") == tree(tmp_path / name)
        assert not (tmp_path / "both" / "jsonl").exists()


def test_missing_rows_are_a_bug_of_the_caller(tmp_path: Path) -> None:
    with Folder.open(tmp_path, IDENTITY) as folder:
        with pytest.raises(ValueError, match="0 rows are committed"):
            folder.publish(0)
        folder.commit(make_samples(0, 5))
        with pytest.raises(ValueError, match="5 rows are committed, 6 were to be published"):
            folder.publish(6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"formats": ("csv",)}, "format 'csv' does not exist; choose from parquet, jsonl"),
        ({"formats": ()}, "no format given"),
        ({"layout": "old"}, "layout 'old' does not exist; choose from native, legacy"),
        ({"shard_size": 0}, "shard size must be at least 1 row, got 0"),
    ],
)
def test_bad_settings(tmp_path: Path, settings: dict[str, Any], message: str) -> None:
    with Folder.open(tmp_path, IDENTITY) as folder, pytest.raises(UserError, match=message):
        folder.publish(1, **settings)


def test_nothing_outside_the_state_names_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "a-host-with-this-name")
    write(tmp_path, 60)
    for path, content in tree(tmp_path).items():
        assert b"a-host-with-this-name" not in content, path
        assert str(tmp_path).encode() not in content, path
    owner = json.loads((tmp_path / ".jaxir" / "owner.json").read_text())
    assert owner == {"host": "a-host-with-this-name", "pid": os.getpid()}


# readers


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("readers") / "corpus"
    with Folder.open(out, IDENTITY) as folder:
        folder.commit(make_samples(0, 150))
        folder.publish(150, formats=("parquet", "jsonl"), shard_size=20)
    return out


def test_datasets(published: Path, tmp_path: Path) -> None:
    corpus = datasets.load_dataset(str(published), cache_dir=str(tmp_path))
    assert list(corpus) == list(SPLITS)
    assert sum(corpus.num_rows.values()) == 150
    assert corpus["train"].features == datasets.Features.from_arrow_schema(SCHEMA)
    rows = {row["index"]: row for split in corpus.values() for row in split}
    assert [rows[index] for index in range(150)] == to_table(make_samples(0, 150)).to_pylist()
    part = datasets.load_dataset(str(published), "array", split="test", cache_dir=str(tmp_path))
    stream = datasets.load_dataset(str(published), "array", split="test", streaming=True)
    assert list(stream) == list(part)
    assert {row["category"] for row in part} == {"array"}


def test_pandas_polars_duckdb(published: Path) -> None:
    expected = to_table(make_samples(0, 150)).to_pylist()
    frame = pd.read_parquet(published / "data").sort_values("index")
    assert frame["python_source"].tolist() == [row["python_source"] for row in expected]
    polar = pl.read_parquet(f"{published}/data/*.parquet").sort("index")
    assert polar.to_dicts() == expected
    with duckdb.connect() as connection:
        query = f"SELECT category, count(*), sum(len(inputs)) FROM '{published}/data/*.parquet' GROUP BY 1 ORDER BY 1"
        assert connection.sql(query).fetchall() == [(name, 30, 30) for name in sorted(CATEGORIES)]


def test_jsonl_beside_parquet(published: Path, tmp_path: Path) -> None:
    data_files = f"{published}/jsonl/*.jsonl"
    features = datasets.Features.from_arrow_schema(SCHEMA)  # as the card says: empty lists have no type in JSON
    options = {"data_files": data_files, "features": features, "cache_dir": str(tmp_path)}
    corpus = datasets.load_dataset("json", split="train", **options)
    assert corpus.num_rows == 150
    assert pl.read_ndjson(data_files)["index"].sort().to_list() == list(range(150))


@pytest.mark.parametrize("layout", shards.LAYOUTS)
def test_jsonl_alone(tmp_path: Path, layout: str) -> None:
    out = tmp_path / "corpus"
    samples = make_samples(0, 60, dialects=DIALECTS)
    with Folder.open(out, IDENTITY) as folder:
        folder.commit(samples)
        folder.publish(60, formats=("jsonl",), layout=layout, shard_size=10)
    corpus = datasets.load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    native = to_table(samples).to_pylist()
    rows = [row for split in corpus.values() for row in split]
    if layout == "native":
        expected = native
        rows.sort(key=lambda row: row["index"])
    else:
        expected = [line for row in native for line in shards.legacy_lines(row)]
        rows.sort(key=lambda row: (row["metadata"]["index"], DIALECTS.index(row["dialect"])))
    assert rows == expected
    stream = datasets.load_dataset(str(out), "math", split="train", streaming=True)
    first = next(iter(stream))
    assert first["category"] == "math"
    assert first in expected


def test_jsonl_alone_can_be_extended_and_is_lossless(tmp_path: Path) -> None:
    """NaN is no JSON, so the rows of such a corpus are kept as segments."""
    out = tmp_path / "corpus"
    samples = make_samples(0, 20, flops=float("nan"))
    with Folder.open(out, IDENTITY) as folder:
        folder.commit(samples)
        folder.publish(20, formats=("jsonl",))
    with Folder.open(out, IDENTITY) as folder:
        assert folder.is_published(20, formats=("jsonl",))
        table = pa.concat_tables(folder.iter_committed(["flops"]))
        assert all(value != value for value in table["flops"].to_pylist())


_LOAD = """
import json, sys
from datasets import load_dataset
print(json.dumps(sorted(load_dataset(sys.argv[1])["train"]["id"])))
"""


def test_regenerating_in_place_gives_the_new_rows(tmp_path: Path) -> None:
    """The users' case: the same folder, the same cache, another process, rows of another seed but of the same size."""
    out = tmp_path / "corpus"
    environment = {**os.environ, "HF_HOME": str(tmp_path / "cache"), "HF_HUB_OFFLINE": "1"}
    for seed in (1, 2):
        samples = make_samples(0, 40, seed=seed, split="train", python_source="pass", stablehlo="module", inputs=())
        with Folder.open(out, {**IDENTITY, "seed": seed}, fresh=True) as folder:
            folder.commit(samples)
            folder.publish(40)
        command = [sys.executable, "-c", _LOAD, str(out)]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert json.loads(result.stdout) == sorted(sample.id for sample in samples)


# identity, fresh, foreign folders


def test_another_identity_is_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path, 60)
    changed = {**IDENTITY, "seed": 8, "gone": None}
    del changed["templates"]
    with pytest.raises(UserError) as error:
        Folder.open(tmp_path, changed)
    message = str(error.value)
    assert "\n" not in message
    assert str(tmp_path) in message
    for part in ("seed was 7, now 8", 'templates was "cafe", now nothing', "gone was nothing, now null", "--fresh"):
        assert part in message
    assert "config" not in message


def test_the_version_of_pyarrow_is_part_of_the_identity(tmp_path: Path) -> None:
    Folder.open(tmp_path, IDENTITY).close()
    run = tmp_path / ".jaxir" / "run.json"
    body, _ = files.read_sealed(run) or pytest.fail("no run record")
    assert body["identity"].pop("pyarrow_version") == pa.__version__
    files.write_sealed(run, {**body, "identity": {**body["identity"], "pyarrow_version": "1.0"}})
    with pytest.raises(UserError, match=r'pyarrow_version was "1\.0"'):
        Folder.open(tmp_path, IDENTITY)


def test_fresh_keeps_the_published_files_until_the_new_ones_are_whole(
    tmp_path: Path, reference: dict[int, dict[str, bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, 60)
    with Folder.open(tmp_path, {**IDENTITY, "seed": 9}, fresh=True) as folder:
        assert folder.committed_rows == 0
        assert not folder.is_published(60, **SETTINGS)
        folder.commit(make_samples(0, 10, seed=9))
        assert tree(tmp_path) == reference[60]
    with Folder.open(tmp_path, {**IDENTITY, "seed": 9}) as folder:
        assert folder.committed_rows == 10
        assert tree(tmp_path) == reference[60]
        folder.publish(10)
    assert sorted(path.split("/")[0] for path in tree(tmp_path) if "data" not in path) == [
        "README.md",
        "croissant.json",
        "stats.json",
    ]
    write(tmp_path, 60, fresh=True)
    assert tree(tmp_path) == reference[60]
    assert not caplog.records


def test_fresh_with_the_same_identity_forgets_the_rows(tmp_path: Path) -> None:
    with Folder.open(tmp_path, IDENTITY) as folder:
        folder.commit(make_samples(0, 10))
    records = {path: path.read_bytes() for path in (tmp_path / ".jaxir" / "ledger").iterdir()}
    with Folder.open(tmp_path, IDENTITY, fresh=True) as folder:
        assert folder.committed_rows == 0
    for path, content in records.items():  # as if a kill had come before the old records were removed
        path.write_bytes(content)
    with Folder.open(tmp_path, IDENTITY, mend=True) as folder:
        assert folder.committed_rows == 0


def test_a_folder_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("\\section{}")
    for fresh in (False, True):
        with pytest.raises(UserError, match=r"holds 'thesis\.tex' and is no jaxir corpus; .*--out"):
            Folder.open(tmp_path, IDENTITY, fresh=fresh)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "corpus").write_text("")
    with pytest.raises(UserError, match="is a file"):
        Folder.open(tmp_path / "corpus", IDENTITY)
    with pytest.raises(UserError, match="Not a directory"):
        Folder.open(tmp_path / "corpus" / "below", IDENTITY)


def test_hidden_files_do_not_make_a_folder_foreign(tmp_path: Path) -> None:
    (tmp_path / ".gitkeep").write_text("")
    Folder.open(tmp_path, IDENTITY).close()


def test_a_published_corpus_without_its_state(tmp_path: Path, reference: dict[int, dict[str, bytes]]) -> None:
    """What a clone of a published data set is."""
    write(tmp_path, 60)
    shutil.rmtree(tmp_path / ".jaxir")
    with pytest.raises(UserError, match=r"published corpus without its run record .*--fresh"):
        Folder.open(tmp_path, IDENTITY)
    assert not (tmp_path / ".jaxir").exists()
    write(tmp_path, 60, fresh=True)
    assert tree(tmp_path) == reference[60]


def test_a_foreign_file_among_the_shards_is_never_removed(tmp_path: Path) -> None:
    write(tmp_path, 60)
    (tmp_path / "data" / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"data/notes\.txt: is no shard of jaxir"):
        Folder.open(tmp_path, IDENTITY)
    (tmp_path / "data" / "notes.txt").unlink()
    with Folder.open(tmp_path, IDENTITY) as folder:
        (tmp_path / "jsonl" / "notes.txt").write_text("mine")
        with pytest.raises(UserError, match=r"jsonl/notes\.txt"):
            folder.publish(60)
    assert (tmp_path / "jsonl" / "notes.txt").read_text() == "mine"


def test_other_files_of_the_corpus_stay(tmp_path: Path) -> None:
    write(tmp_path, 60)
    (tmp_path / "report.html").write_text("<html>")
    write(tmp_path, 100)
    assert (tmp_path / "report.html").read_text() == "<html>"


def test_a_damaged_run_record(tmp_path: Path, reference: dict[int, dict[str, bytes]]) -> None:
    write(tmp_path, 60)
    run = tmp_path / ".jaxir" / "run.json"
    run.write_bytes(run.read_bytes().replace(b'"seed": 7', b'"seed": 8'))
    with pytest.raises(UserError, match=r"run\.json: is damaged, .*--fresh"):
        Folder.open(tmp_path, {**IDENTITY, "seed": 8})
    write(tmp_path, 60)
    assert tree(tmp_path) == reference[60]
    assert b'"seed": 7' in run.read_bytes()


# one run at a time


def test_a_second_run_is_refused_and_names_the_first(tmp_path: Path, children: Any) -> None:
    ours, theirs = children.Pipe()
    first = children.Process(target=writing.hold, args=(tmp_path, theirs))
    first.start()
    theirs.close()
    pid = ours.recv()
    with pytest.raises(UserError, match=f"another run is writing here .process {pid} on {socket.gethostname()}"):
        Folder.open(tmp_path, IDENTITY)
    first.kill()
    first.join()
    ours.close()
    Folder.open(tmp_path, IDENTITY).close()  # a dead run's lock is no obstacle


def test_one_process_cannot_open_a_folder_twice(tmp_path: Path) -> None:
    with Folder.open(tmp_path, IDENTITY), pytest.raises(UserError, match="another run is writing here"):
        Folder.open(tmp_path, IDENTITY)
    Folder.open(tmp_path, IDENTITY).close()


def test_a_refused_folder_is_not_left_locked(tmp_path: Path) -> None:
    Folder.open(tmp_path, IDENTITY).close()
    with pytest.raises(UserError):
        Folder.open(tmp_path, {**IDENTITY, "seed": 8})
    Folder.open(tmp_path, IDENTITY).close()


# kills


def test_kill_at_random_times(tmp_path: Path, children: Any, reference: dict[int, dict[str, bytes]]) -> None:
    rng = random.Random(5)
    for number in range(10):
        if number == 5:  # so that kills hit the commits as well as the publish
            shutil.rmtree(tmp_path / "corpus", ignore_errors=True)
        process = children.Process(target=write, args=(tmp_path / "corpus", 100))
        process.start()
        time.sleep(rng.uniform(0.05, 0.3))
        process.kill()
        process.join()
    write(tmp_path / "corpus", 100)
    assert tree(tmp_path / "corpus") == reference[100]


def kill_everywhere(
    children: Any, out: Path, begin: Path | None, target: int, expected: dict[str, bytes], step: int
) -> int:
    """Kill a run before every `step`-th disk call, go on each time, compare; returns the number of kills."""
    kills = 0
    while True:
        call = 1 + kills * step
        shutil.rmtree(out, ignore_errors=True)
        if begin is not None:
            shutil.copytree(begin, out)
        code = run_child(children, writing.write_and_die, out, target, call)
        if code != 0:
            assert code == -signal.SIGKILL
            assert run_child(children, write, out, target) == 0
        assert tree(out) == expected, f"killed before call {call}"
        assert state_files(out) == PUBLISHED_STATE
        if code == 0:
            return kills
        kills += 1


# Every call takes minutes; 7 is prime to the number of calls of a commit, so that the steps drift through it.
steps = pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])


@steps
def test_kill_at_calls_of_a_run(
    tmp_path: Path, children: Any, reference: dict[int, dict[str, bytes]], step: int
) -> None:
    assert kill_everywhere(children, tmp_path / "corpus", None, 60, reference[60], step) >= 70 // step


@steps
def test_kill_at_calls_of_an_extension(
    tmp_path: Path, children: Any, reference: dict[int, dict[str, bytes]], step: int
) -> None:
    write(tmp_path / "begin", 60)
    kills = kill_everywhere(children, tmp_path / "corpus", tmp_path / "begin", 100, reference[100], step)
    assert kills >= 70 // step


def test_kill_during_fresh_leaves_the_old_or_the_new(
    tmp_path: Path, children: Any, reference: dict[int, dict[str, bytes]]
) -> None:
    """`--fresh` over a published corpus: until the swap the old files are there, after it the new ones."""
    write(tmp_path / "begin", 100)
    call = 1
    while True:
        shutil.rmtree(tmp_path / "corpus", ignore_errors=True)
        shutil.copytree(tmp_path / "begin", tmp_path / "corpus")
        options = {"fresh": True}
        code = run_child(children, writing.write_and_die, tmp_path / "corpus", 60, call, options)
        if code == 0:
            break
        found = tree(tmp_path / "corpus")
        if (tmp_path / "corpus" / ".jaxir" / "publish.json").exists():
            found = reference[60]  # a swap under way, which the next open finishes
        assert found in (reference[60], reference[100])
        assert run_child(children, write, tmp_path / "corpus", 60 if found == reference[60] else 100) == 0
        assert tree(tmp_path / "corpus") in (reference[60], reference[100])
        call += 9
    assert tree(tmp_path / "corpus") == reference[60]


# power cuts: kills cannot show a missing fsync, so the order of the calls is looked at


def test_everything_is_synced_before_it_is_relied_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: dict[tuple[int, int], int] = {}  # (device, inode) -> number of the call that synced it
    changed: dict[Path, int] = {}  # folder -> number of the call that last changed a name in it
    calls = 0
    real_fsync, real_replace, real_mkdir, real_unlink = os.fsync, os.replace, os.mkdir, os.unlink

    def key(path: Path | str | int) -> tuple[int, int]:
        status = os.fstat(path) if isinstance(path, int) else os.stat(path)
        return status.st_dev, status.st_ino

    def tick() -> int:
        nonlocal calls
        calls += 1
        return calls

    def fsync(descriptor: int) -> None:
        real_fsync(descriptor)
        synced[key(descriptor)] = tick()

    def replace(source: Path, target: Path) -> None:
        if source.is_file():
            assert key(source) in synced, f"{source} is renamed before its content is on the disk"
        if target.parent.name == "ledger":
            segments = target.parent.parent / "segments"
            assert synced[key(segments)] > changed[segments], "a block is listed before its file's name is on the disk"
        if target.name == "publish.json":
            staging = target.parent / "staging"
            for path in (staging, *staging.rglob("*")):
                assert key(path) in synced, f"{path} is in the journal before it is on the disk"
        if target.name == "published.json":
            out = target.parent.parent
            assert synced[key(out)] > changed[out], "the journal is closed before the new names are on the disk"
        real_replace(source, target)
        changed[source.parent] = changed[target.parent] = tick()

    def mkdir(path: Path, *args: Any, **options: Any) -> None:
        real_mkdir(path, *args, **options)
        changed[Path(path).parent] = tick()

    def unlink(path: Path | str, *args: Any, **options: Any) -> None:
        if isinstance(path, Path) and path.parent.name == "segments" and path.exists():
            state = path.parent.parent
            assert synced[key(state)] > changed[state], "rows are removed before their shards are sure to be found"
        real_unlink(path, *args, **options)

    for name, function in (("fsync", fsync), ("replace", replace), ("mkdir", mkdir), ("unlink", unlink)):
        monkeypatch.setattr(os, name, function)
    write(tmp_path / "corpus", 60)
    for folder in (tmp_path / "corpus", tmp_path / "corpus" / ".jaxir", tmp_path):
        assert synced[key(folder)] > changed[folder], f"names in {folder} are not on the disk"
    assert calls > 50


# full and closed disks


def test_a_full_disk_is_one_line_and_the_run_goes_on_later(
    tmp_path: Path, children: Any, reference: dict[int, dict[str, bytes]]
) -> None:
    """RLIMIT_FSIZE stops the run at its first segment, in between, and at the largest published file."""
    sizes = {path: len(content) for path, content in reference[60].items()}
    limits = [3000, 14_000, max(sizes.values()) - 1]
    stopped = []
    for limit in limits:
        message = ask_child(children, writing.write_limited, tmp_path / "corpus", 60, limit)
        assert message.count("\n") == 0
        assert f"{os.strerror(errno.EFBIG)}; make room and run the same command again" in message
        assert message.startswith(str(tmp_path / "corpus"))
        stopped.append(message.split(":")[0].removeprefix(f"{tmp_path}/corpus/"))
    assert stopped[0].startswith(".jaxir/segments/")
    assert stopped[-1].startswith(".jaxir/staging/")
    assert ask_child(children, writing.write_limited, tmp_path / "corpus", 60, 0) == "done"
    assert tree(tmp_path / "corpus") == reference[60]


def test_a_closed_folder_is_one_line(children: Any) -> None:
    # Not in `tmp_path`, whose parents nobody but root may enter when root runs the tests.
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o555)
        message = ask_child(children, writing.write_as_nobody, Path(name) / "corpus", 60)
        assert message.count("\n") == 0
        assert message.startswith(f"{name}/corpus: ")
        assert f"{os.strerror(errno.EACCES)}; make it writable or choose another --out" in message
        assert list(Path(name).iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_each_reason_has_its_advice(tmp_path: Path, number: int) -> None:
    advice = {
        errno.ENOSPC: "make room",
        errno.EROFS: "make it writable or choose",
        errno.EIO: "check the path and the disk",
    }
    with pytest.raises(UserError) as error, files.disk_errors(tmp_path):
        raise OSError(number, os.strerror(number))
    assert str(error.value).startswith(f"{tmp_path}: {os.strerror(number)}; {advice[number]}")
