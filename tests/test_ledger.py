"""The ledger: what is sealed is believed, and nothing after the first doubt."""

from __future__ import annotations

import dataclasses
import json
import logging
from pathlib import Path

import pytest

from jaxir import files
from jaxir.writer.ledger import Ledger, Record


def make_record(number: int) -> Record:
    return Record(
        number=number,
        sha256=f"{number:064x}",
        rows=3,
        first=number * 3,
        last=number * 3 + 2,
        groups=(("train", "math", 2), ("test", "array", 1)),
        rejections=(("run", "not finite", number),),
        extra={"next": number * 3 + 3},
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    ledger = Ledger(tmp_path, "root")
    for number in range(5):
        ledger.append(make_record(number))
    return tmp_path


def test_records_come_back(folder: Path) -> None:
    assert Ledger(folder, "root").records == [make_record(number) for number in range(5)]


def test_every_single_byte_is_covered_by_the_seal(folder: Path) -> None:
    """A flip of any byte of a record either changes nothing that is read or is seen."""
    path = folder / "000002.json"
    original = path.read_bytes()
    refused = 0
    for position in range(len(original)):
        flipped = bytearray(original)
        flipped[position] ^= 1
        path.write_bytes(flipped)
        seal = json.loads((folder / "000001.json").read_bytes())["seal"]
        entry = files.read_sealed(path, seal)
        assert entry is None or Record.from_json(entry[0]) == make_record(2)
        refused += entry is None
    own = original[original.index(b'"body"') :]  # before it is the record before, which has its own seal
    assert refused > 0.7 * len(own)  # the rest is white space


def test_every_single_byte_of_a_record_can_be_lost(folder: Path) -> None:
    path = folder / "000002.json"
    original = path.read_bytes()
    for position in range(len(original)):
        flipped = bytearray(original)
        flipped[position] ^= 1
        path.write_bytes(flipped)
        assert Ledger(folder, "root").records == [make_record(number) for number in range(5)]


def spoil(path: Path, damage: str) -> None:
    content = path.read_bytes()
    if damage == "flip":
        path.write_bytes(content[::-1].replace(b'3 :"swor"', b'2 :"swor"', 1)[::-1])  # its own, not the one before
        assert path.read_bytes() != content
    elif damage == "missing":
        path.unlink()
    else:
        path.write_bytes(content[: len(content) // 2] if damage == "truncate" else b"")


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "missing"])
@pytest.mark.parametrize("victims", [(0,), (2,), (0, 2)])
def test_a_damaged_record_is_written_again_from_the_next(
    folder: Path, damage: str, victims: tuple[int, ...], caplog: pytest.LogCaptureFixture
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for number in victims:
        spoil(folder / f"{number:06d}.json", damage)
    with caplog.at_level(logging.WARNING):
        assert Ledger(folder, "root").records == [make_record(number) for number in range(5)]
    assert [record.levelname for record in caplog.records] == ["WARNING"] * len(victims)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("damage", ["flip", "truncate", "empty", "missing"])
@pytest.mark.parametrize("victims", [(2, 3), (2, 3, 4), (4,)])
def test_two_damaged_records_in_a_row_or_the_last_and_all_after_them_are_dropped(
    folder: Path, damage: str, victims: tuple[int, ...], caplog: pytest.LogCaptureFixture
) -> None:
    for number in victims:
        spoil(folder / f"{number:06d}.json", damage)
    left = list(range(victims[0]))
    with caplog.at_level(logging.WARNING):
        assert [record.number for record in Ledger(folder, "root").records] == left
    doubtful = 5 - len(left) - (len(victims) if damage == "missing" else 0)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * bool(doubtful)
    assert sorted(path.name for path in folder.iterdir()) == [f"{number:06d}.json" for number in left]


def test_a_record_of_another_run_is_not_believed(folder: Path) -> None:
    assert Ledger(folder, "another root").records == []
    assert list(folder.iterdir()) == []


def test_records_cannot_change_places(folder: Path) -> None:
    first, second = folder / "000001.json", folder / "000002.json"
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    assert [record.number for record in Ledger(folder, "root").records] == [0]


def test_append_after_truncate(folder: Path) -> None:
    ledger = Ledger(folder, "root")
    ledger.truncate(2)
    assert sorted(path.name for path in folder.iterdir()) == ["000000.json", "000001.json"]
    other = dataclasses.replace(make_record(2), extra={"again": True})
    ledger.append(other)
    assert Ledger(folder, "root").records == [make_record(0), make_record(1), other]


def test_a_sealed_value_needs_its_root(tmp_path: Path) -> None:
    path = tmp_path / "value.json"
    mark = files.write_sealed(path, {"a": [1, "ü", None]}, "one")
    assert files.read_sealed(path, "one") == ({"a": [1, "ü", None]}, mark)
    assert files.read_sealed(path, "two") is None
    assert files.read_sealed(tmp_path / "absent.json") is None
    path.write_text("[]")
    assert files.read_sealed(path, "one") is None
