"""Files of a corpus that are not what was written: the rows are had back, or made again, or it is told in one line."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from conftest import table_of
from rows import IDENTITY
from writing import SETTINGS, some_rows, tree, write

from jaxir.errors import UserError
from jaxir.sample import to_table
from jaxir.writer.folder import Folder


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink])
@pytest.mark.parametrize("victim", ["segments/000001.arrow", "ledger/000001.json"])
def test_damage_to_committed_blocks(
    tmp_path: Path,
    reference: dict[int, dict[str, bytes]],
    caplog: pytest.LogCaptureFixture,
    damage: Any,
    victim: str,
) -> None:
    with Folder.open(tmp_path, IDENTITY) as folder:
        for start in (0, 20, 40):
            folder.commit(some_rows(start, start + 20), {("run", "not finite"): start // 20}, {"next": start + 20})
    damage(tmp_path / ".jaxir" / victim)
    with caplog.at_level(logging.WARNING), Folder.open(tmp_path, IDENTITY, mend=True) as folder:
        # The next record holds a copy of a damaged one; the rows of a damaged segment are nowhere else.
        assert [record.number for record in folder.lost] == ([1] if "segments" in victim else [])
        assert (folder.committed_rows, folder.extra) == (60, {"next": 60})
    assert caplog.records
    assert not any("\n" in record.getMessage() for record in caplog.records)
    write(tmp_path, 60)
    assert tree(tmp_path) == reference[60]


def test_a_lost_block_is_put_back_in_its_place(tmp_path: Path) -> None:
    with Folder.open(tmp_path, IDENTITY) as folder:
        for start in (0, 20, 40, 60):
            folder.commit(some_rows(start, start + 20), {("run", "not finite"): 1})
        before = folder.records
    for number in (1, 3):
        flip(tmp_path / ".jaxir" / "segments" / f"{number:06d}.arrow")
    with Folder.open(tmp_path, IDENTITY, mend=True) as folder:
        assert folder.lost == (before[1], before[3])
        assert [folder.read(record) is None for record in before] == [False, True, False, True]
        with pytest.raises(ValueError, match="40 rows are committed, 80 were to be published"):
            folder.publish(80)
        assert folder.commit(some_rows(20, 40))
    with Folder.open(tmp_path, IDENTITY, mend=True) as folder:  # as after a kill between the two
        assert folder.lost == (before[3],)
        assert folder.commit(some_rows(60, 80))
        assert folder.lost == ()
        assert folder.records == before
        assert folder.commit(some_rows(80, 100))
        assert pa.concat_tables(folder.iter_committed()).equals(to_table(some_rows(0, 100)))


def test_a_lost_block_that_comes_out_otherwise_ends_the_list(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What was admitted after it was admitted beside other rows."""
    with Folder.open(tmp_path, IDENTITY) as folder:
        for start in (0, 20, 40):
            folder.commit(some_rows(start, start + 20))
    flip(tmp_path / ".jaxir" / "segments" / "000001.arrow")
    other = some_rows(20, 40, flops=7.0)
    with caplog.at_level(logging.WARNING), Folder.open(tmp_path, IDENTITY, mend=True) as folder:
        assert not folder.commit(other)
        assert folder.lost == ()
        assert folder.commit(some_rows(40, 60))
        assert pa.concat_tables(folder.iter_committed()).equals(to_table(some_rows(0, 20) + other + some_rows(40, 60)))
    assert "came out otherwise; the blocks after it are made again" in caplog.text


def everything(out: Path) -> dict[Path, bytes]:
    """All files but those of the lock."""
    found = sorted(path for path in out.rglob("*") if path.is_file() and path.name not in ("lock", "owner.json"))
    return {path: path.read_bytes() for path in found}


@pytest.mark.parametrize("is_published", [False, True])
@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink])
def test_damage_to_rows_that_nobody_makes_again_is_one_line_and_costs_nothing_more(
    tmp_path: Path, is_published: bool, damage: Any
) -> None:
    """As in a harvest, whose rows come from scripts: opening it forgot whole blocks after the damage."""
    with Folder.open(tmp_path, IDENTITY) as folder:
        for start in (0, 20, 40):
            folder.commit(some_rows(start, start + 20))
        if is_published:
            folder.publish(60, shard_size=20)
    names = ("data/train-00001-of-00003.parquet",) if is_published else ("segments/000001.arrow", "ledger/000002.json")
    for name in names:
        victim = tmp_path / name if is_published else tmp_path / ".jaxir" / name
        content = victim.read_bytes()
        damage(victim)
        if (name, damage) == ("ledger/000002.json", Path.unlink):
            continue  # as if the last block had not been committed
        before = everything(tmp_path)
        for _ in range(2):
            with pytest.raises(
                UserError, match="cannot be made again, so nothing was changed; restore the file"
            ) as told:
                Folder.open(tmp_path, IDENTITY)
            assert "\n" not in str(told.value)
        left = everything(tmp_path)
        assert {path: left.get(path) for path in before} == before
        victim.write_bytes(content)
        with Folder.open(tmp_path, IDENTITY) as folder:
            assert folder.committed_rows == 60
            assert pa.concat_tables(folder.iter_committed()).equals(to_table(some_rows(0, 60)))


@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink])
@pytest.mark.parametrize("mend", [False, True])
def test_the_last_record_of_what_is_published_has_a_copy(tmp_path: Path, damage: Any, mend: bool) -> None:
    with Folder.open(tmp_path, IDENTITY) as folder:
        for start in (0, 20, 40):
            folder.commit(some_rows(start, start + 20))
        folder.publish(60)
    record = tmp_path / ".jaxir" / "ledger" / "000002.json"
    content = record.read_bytes()
    damage(record)
    with Folder.open(tmp_path, IDENTITY, mend=mend) as folder:
        assert (folder.committed_rows, folder.lost) == (60, ())
        assert folder.is_published(60)
        assert record.read_bytes() == content


def begin_extension(folder: Folder, rows: int) -> None:
    """Publish `rows` in two blocks and forget the second, a short one, as a run does that goes on from there."""
    folder.commit(some_rows(0, 20))
    folder.commit(some_rows(20, rows))
    folder.publish(rows)
    folder.drop_last_block()


def test_other_rows_in_the_same_number_are_not_what_is_published(tmp_path: Path) -> None:
    """A block that came out otherwise, and a kill before the publish: the shards were believed to hold it."""
    with Folder.open(tmp_path, IDENTITY, mend=True) as folder:
        begin_extension(folder, 40)
        folder.commit(some_rows(40, 60))
    with Folder.open(tmp_path, IDENTITY, mend=True) as folder:
        assert (folder.committed_rows, folder.lost) == (40, ())
        assert not folder.is_published(40)
        folder.publish(40)
        assert folder.is_published(40)
    assert sorted(table_of(tmp_path)["index"].to_pylist()) == [*range(20), *range(40, 60)]


def test_an_extension_that_was_stopped_cannot_be_made_smaller_than_what_is_published(tmp_path: Path) -> None:
    with Folder.open(tmp_path, IDENTITY, mend=True) as folder:
        begin_extension(folder, 30)
        with pytest.raises(UserError, match="30 rows are committed, more than the target of 25"):
            folder.check_target(25)
        folder.check_target(30)


@pytest.mark.parametrize("is_published", [False, True])
def test_a_run_record_that_is_gone_is_written_again_and_no_row_is_forgotten(tmp_path: Path, is_published: bool) -> None:
    with Folder.open(tmp_path, IDENTITY) as folder:
        folder.commit(some_rows(0, 20))
        if is_published:
            folder.publish(20)
    record = tmp_path / ".jaxir" / "run.json"
    content = record.read_bytes()
    record.unlink()
    with pytest.raises(UserError, match=r"run\.json: is missing, so the run goes on with its own settings"):
        Folder.open(tmp_path, {**IDENTITY, "seed": 8}, mend=True)
    with Folder.open(tmp_path, IDENTITY, mend=True) as folder:
        assert (folder.committed_rows, folder.lost) == (20, ())
    assert record.read_bytes() == content


def test_a_damaged_shard_costs_only_the_blocks_that_had_rows_in_it(tmp_path: Path) -> None:
    write(tmp_path, 100)
    flip(tmp_path / "data" / "train-00001-of-00003.parquet")
    with Folder.open(tmp_path, IDENTITY, mend=True) as folder:
        # Seven of eight rows are train rows: the shard has the 30th to the 59th, which are rows 34 to 68.
        assert [record.number for record in folder.lost] == [1, 2, 3]


@pytest.mark.parametrize("damage", [flip, truncate, Path.unlink])
@pytest.mark.parametrize("victim", ["data/train-00001-of-00002.parquet", "jsonl/train-00000-of-00002.jsonl"])
@pytest.mark.parametrize("target", [60, 100])
def test_damage_to_published_files(
    tmp_path: Path,
    reference: dict[int, dict[str, bytes]],
    caplog: pytest.LogCaptureFixture,
    damage: Any,
    victim: str,
    target: int,
) -> None:
    write(tmp_path, 60)
    damage(tmp_path / victim)
    with caplog.at_level(logging.WARNING), Folder.open(tmp_path, IDENTITY, mend=True) as folder:
        assert not folder.is_published(60, **SETTINGS)
        # Train rows 30 and later (the second shard) begin in the second block of 20; JSON lines lose no row.
        assert folder.whole_rows == (60 if "jsonl" in victim else 20)
    assert any("missing or was changed" in record.getMessage() for record in caplog.records)
    write(tmp_path, target)
    assert tree(tmp_path) == reference[target]


@pytest.mark.parametrize("damage", [flip, Path.unlink])
def test_damage_to_the_ledger_of_a_published_corpus(
    tmp_path: Path, reference: dict[int, dict[str, bytes]], damage: Any
) -> None:
    write(tmp_path, 60)
    for number in (1, 2):  # one of them would be written again from the next, or from the record of the publish
        damage(tmp_path / ".jaxir" / "ledger" / f"{number:06d}.json")
    with Folder.open(tmp_path, IDENTITY, mend=True) as folder:
        assert folder.committed_rows == 20
        assert pa.concat_tables(folder.iter_committed()).equals(to_table(some_rows(0, 20)))
    write(tmp_path, 60)
    assert tree(tmp_path) == reference[60]


@pytest.mark.parametrize("name", ["published.json", "publish.json"])
def test_damage_to_the_record_of_a_publish(tmp_path: Path, reference: dict[int, dict[str, bytes]], name: str) -> None:
    """Its copy says where the rows are."""
    write(tmp_path, 60)
    state = tmp_path / ".jaxir"
    content = (state / "published.json").read_bytes()
    (state / "published.json").rename(state / name)
    flip(state / name)
    with Folder.open(tmp_path, IDENTITY) as folder:
        assert folder.is_published(60, **SETTINGS)
    assert (state / "published.json").read_bytes() == content
    assert tree(tmp_path) == reference[60]


def test_damage_to_the_record_of_a_publish_and_to_its_copy(
    tmp_path: Path, reference: dict[int, dict[str, bytes]]
) -> None:
    """Nothing says where the rows are; they are made again."""
    write(tmp_path, 60)
    for name in ("published.json", "published.copy.json"):
        flip(tmp_path / ".jaxir" / name)
    with Folder.open(tmp_path, IDENTITY, mend=True) as folder:
        assert len(folder.lost) == 3
    write(tmp_path, 60)
    assert tree(tmp_path) == reference[60]


def test_a_damaged_segment_is_restored_from_the_published_shards(
    tmp_path: Path, reference: dict[int, dict[str, bytes]]
) -> None:
    write(tmp_path, 60)
    with Folder.open(tmp_path, IDENTITY) as folder:
        folder.commit(some_rows(60, 80), {("run", "not finite"): 3}, {"next": 80})
    flip(tmp_path / ".jaxir" / "segments" / "000000.arrow")
    with Folder.open(tmp_path, IDENTITY) as folder:
        assert folder.committed_rows == 80
        assert pa.concat_tables(folder.iter_committed()).equals(to_table(some_rows(0, 80)))
    write(tmp_path, 100)
    assert tree(tmp_path) == reference[100]


def test_an_edited_readme_is_written_again(tmp_path: Path, reference: dict[int, dict[str, bytes]]) -> None:
    write(tmp_path, 60)
    (tmp_path / "README.md").write_text("")
    write(tmp_path, 60)
    assert tree(tmp_path) == reference[60]


def test_unfinished_and_unlisted_files_are_removed(tmp_path: Path) -> None:
    with Folder.open(tmp_path, IDENTITY) as folder:
        folder.commit(some_rows(0, 20))
    state = tmp_path / ".jaxir"
    stray = [state / "run.json.tmp", state / "segments" / "000001.arrow.tmp", state / "ledger" / "000001.json.tmp"]
    stray += [state / "segments" / "000001.arrow", state / "staging" / "data" / "train-00000-of-00001.parquet"]
    for path in stray:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    with Folder.open(tmp_path, IDENTITY) as folder:
        assert folder.committed_rows == 20
    assert not any(path.exists() for path in stray)


def test_shards_that_vanish_while_the_folder_is_open(tmp_path: Path) -> None:
    write(tmp_path, 60)
    with Folder.open(tmp_path, IDENTITY, mend=True) as folder:
        shutil.rmtree(tmp_path / "data")
        with pytest.raises(UserError, match="changed while this run was open; run the same command again"):
            folder.commit(some_rows(60, 80))
