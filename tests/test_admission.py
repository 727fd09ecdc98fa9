"""The counts of `stats.json`, and what a run remembers of its rows."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys

from conftest import ROOT
from corpora import native_rows
from hypothesis import given
from hypothesis import strategies as st

from jaxir.admission import Tally

ROW = {**native_rows(1)[0], "verified": ["numpy", "interpreter"]}


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60))
def test_quantiles_of_lengths_are_those_of_the_sorted_list(lengths: list[int]) -> None:
    tally = Tally()
    for length in lengths:
        tally.add({**ROW, "python_chars": length, "ir_chars": 2 * length})
    figures = tally.figures()
    assert figures["median_python_chars"] == statistics.median_high(lengths)
    assert figures["median_ir_chars"] == 2 * figures["median_python_chars"]
    assert figures["p90_python_chars"] == sorted(lengths)[len(lengths) * 9 // 10]


def test_no_rows_have_no_lengths() -> None:
    assert Tally().figures()["median_ir_chars"] == 0


def test_a_million_rows_are_remembered_in_500_mb() -> None:
    """A fifth of them, in a process of its own."""
    script = ROOT / "scripts" / "admission_memory.py"
    done = subprocess.run(
        [sys.executable, script, "--rows", "200000"], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["bytes_per_row"] < 500
