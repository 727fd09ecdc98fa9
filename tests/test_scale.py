"""A long run: what no short one can show."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from conftest import ROOT
from datasets import load_dataset

ROWS = 100_000


@pytest.mark.slow
def test_100_000_rows_are_distinct_and_no_process_takes_a_gigabyte(tmp_path: Path) -> None:
    out = tmp_path / "corpus"
    script = [sys.executable, str(ROOT / "scripts" / "run_scale.py"), "--config", "balanced_10k"]
    subprocess.run([*script, "--rows", str(ROWS), "--out", str(out)], check=True)
    figures = json.loads(out.with_name(f"{out.name}.json").read_text(encoding="utf-8"))
    assert figures["rows"] == ROWS
    assert figures["peak_parent_rss_mb"] < 1000
    assert figures["peak_worker_rss_mb"] < 1000
    columns = ["index", "canonical_hash", "skeleton_hash", "split", "category", "verified"]
    splits = load_dataset(str(out), cache_dir=str(tmp_path / "cache"))
    rows = [row for split in splits.values() for row in split.select_columns(columns)]
    assert {row["index"] for row in rows} == set(range(ROWS))
    assert len({row["canonical_hash"] for row in rows}) == ROWS
    places = {(row["skeleton_hash"], row["split"]) for row in rows}
    assert len({skeleton for skeleton, _ in places}) == len(places), "a skeleton is in two splits"
    assert set(Counter(row["category"] for row in rows).values()) == {ROWS // 5}
    assert all(row["verified"] for row in rows)
