"""data/sample: the 500 committed rows load on a fresh clone, and are what the command line makes today."""

from __future__ import annotations

import json
from pathlib import Path

import datasets
import pytest
from conftest import ROOT, run_jaxir, table_of

from jaxir.engines import versions

SAMPLE = ROOT / "data" / "sample"


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "data").iterdir())}


def test_it_loads():
    splits = datasets.load_dataset(str(SAMPLE))
    assert sum(split.num_rows for split in splits.values()) == 500
    assert set(splits) == {"train", "validation", "test"}
    streamed = datasets.load_dataset(str(SAMPLE), "combined", split="train", streaming=True)
    first = next(iter(streamed))
    assert first["category"] == "combined"
    assert first["hlo"].startswith("HloModule")


def made_again(tmp_path: Path, *options: str) -> Path:
    done = run_jaxir(["generate", "--config", "small", "--out", "again", "--workers", "2", *options], tmp_path)
    assert done.returncode == 0, done.stderr
    return tmp_path / "again"


def same_versions() -> bool:
    """Another JAX prints other IR, another NumPy computes other digits; the counts hold for every version."""
    recorded = json.loads((SAMPLE / "stats.json").read_text())["run"]
    return {name: recorded.get(name) for name in versions()} == versions()


def test_the_command_makes_the_same_rows(tmp_path):
    made, recorded = (table_of(out).to_pylist() for out in (made_again(tmp_path, "--target", "200"), SAMPLE))
    assert len({row["canonical_hash"] for row in made}) == 200
    assert sum("interpreter" in row["verified"] for row in made) > 180
    if same_versions():
        assert made == recorded[:200]


@pytest.mark.slow
def test_the_command_makes_the_same_bytes(tmp_path):
    again = made_again(tmp_path)
    if same_versions():
        assert files(again) == files(SAMPLE)
    assert json.loads((again / "stats.json").read_text())["corpus"]["rows"] == 500
    assert len(set(table_of(again)["canonical_hash"].to_pylist())) == 500
