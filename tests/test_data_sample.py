"""data/sample: the 500 committed rows load on a fresh clone, and are what the command line makes today."""

from __future__ import annotations

import importlib.metadata
import json
from pathlib import Path

import datasets
import pyarrow.dataset
from conftest import ROOT, run_jaxir

SAMPLE = ROOT / "data" / "sample"


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "data").iterdir())}


def test_it_loads():
    rows = datasets.load_dataset(str(SAMPLE))
    assert sum(split.num_rows for split in rows.values()) == 500
    assert set(rows) == {"train", "validation", "test"}
    streamed = datasets.load_dataset(str(SAMPLE), "combined", split="train", streaming=True)
    first = next(iter(streamed))
    assert first["category"] == "combined"
    assert first["hlo"].startswith("HloModule")


def test_the_command_makes_the_same_bytes(tmp_path):
    table = pyarrow.dataset.dataset(sorted(map(str, (SAMPLE / "data").glob("*.parquet")))).to_table()
    recorded = {name: set(table[name].to_pylist()) for name in ("jax_version", "jaxlib_version")}
    versions = {f"{name}_version": {importlib.metadata.version(name)} for name in ("jax", "jaxlib")}
    done = run_jaxir(["generate", "--config", "small", "--out", "again", "--workers", "2"], tmp_path)
    assert done.returncode == 0, done.stderr
    again = tmp_path / "again"
    if recorded == versions:
        assert files(again) == files(SAMPLE)
    # Another JAX prints other IR; the counts hold for every version.
    stats = json.loads((again / "stats.json").read_text())
    assert stats["corpus"]["rows"] == 500
    made = pyarrow.dataset.dataset(sorted(map(str, (again / "data").glob("*.parquet")))).to_table()
    assert made.num_rows == len(set(made["canonical_hash"].to_pylist())) == 500
