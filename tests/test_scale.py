"""A long run: what no short one can show."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from datasets import load_dataset


@pytest.mark.slow
def test_100_000_rows_are_distinct_and_no_process_takes_a_gigabyte(tmp_path: Path) -> None:
    out = tmp_path / "corpus"
    script = [sys.executable, str(ROOT / "scripts" / "run_scale.py"), "--config", "balanced_10k"]
    subprocess.run([*script, "--rows", "100000", "--out", str(out)], check=True)
    check(out, 100_000, tmp_path / "cache")


def check(out: Path, target: int, cache: Path) -> None:
    """The figures of a run by `scripts/run_scale.py`, and its rows as a user opens them."""
    figures = json.loads(out.with_name(f"{out.name}.json").read_text(encoding="utf-8"))
    assert figures["rows"] == target
    assert figures["peak_parent_rss_mb"] < 1000
    assert figures["peak_worker_rss_mb"] < 1000
    splits = load_dataset(str(out), cache_dir=str(cache))
    columns = ["index", "canonical_hash", "skeleton_hash", "category", "verified"]
    rows = [row for split in splits.values() for row in split.select_columns(columns)]
    assert {row["index"] for row in rows} == set(range(target))
    assert len({row["canonical_hash"] for row in rows}) == target
    skeletons = [{row["skeleton_hash"] for row in split.select_columns(["skeleton_hash"])} for split in splits.values()]
    assert sum(map(len, skeletons)) == len(set().union(*skeletons)), "a skeleton is in two splits"
    categories = [row["category"] for row in rows]
    assert {categories.count(name) for name in set(categories)} == {target // 5}
    assert all(row["verified"] for row in rows)
