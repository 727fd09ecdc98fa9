"""`jaxir bench` as a user calls it: tables, comparison and exit codes, and the pictures of the report."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from conftest import ROOT, run_jaxir
from corpora import native_rows, write_legacy, write_native
from timings import corpus_of_loops, recorded

from jaxir.analysis import timings
from jaxir.analysis.corpus import open_corpus
from jaxir.analysis.report import render
from jaxir.analysis.stats import analyze
from jaxir.executor.timing.bench import SCHEMA

QUICK = ("--passes", "2", "--repeats", "5", "--no-eager")


def figures(stdout: str) -> dict[str, Any]:
    (only,) = json.loads(stdout)
    return dict(only)


def test_rows_of_the_sample_corpus_are_timed(tmp_path: Path) -> None:
    done = run_jaxir(["bench", ROOT / "data" / "sample", "--sample", "2", "--passes", "1", "--out", "times"], tmp_path)
    assert done.returncode == 0, done.stderr
    for words in ("trace, ms", "compile, ms", "call of the plain function, ms", "2 of 2 rows timed in 1 passes."):
        assert words in done.stdout
    table = pq.read_table(tmp_path / "times" / "timing" / "cpu-00000.parquet")
    assert table.schema.remove_metadata() == SCHEMA
    for row in table.to_pylist():
        assert row["device_used"] == "cpu"
        assert None not in [row[name] for name in ("run_ms", "eager_ms", "compile_ms", "peak_bytes", "floor_ms")]


def test_a_kernel_that_became_slower_is_a_regression(tmp_path: Path) -> None:
    """The same ids; in the second corpus one loop turns 250,000 times as often."""
    corpus_of_loops(tmp_path / "a", [4, 4, 4, 4])
    corpus_of_loops(tmp_path / "b", [4, 4, 1_000_000, 4])
    done = run_jaxir(["bench", "a", *QUICK], tmp_path)
    assert done.returncode == 0, done.stderr
    done = run_jaxir(["bench", "b", *QUICK, "--baseline", "a", "--json"], tmp_path)
    assert done.returncode == 1, done.stderr
    found = figures(done.stdout)["baseline"]
    assert found["pairs"] == 4
    # The others are of one speed, but a busy machine may show one of them too: `test_timing.py` counts how often.
    slowest = found["rows"][0]
    assert slowest["key"] == f"{2:032x}"
    assert 1 < slowest["low"] < slowest["ratio"] < slowest["high"]


def test_a_missing_device_is_one_warning_and_the_record_says_what_ran(tmp_path: Path) -> None:
    corpus_of_loops(tmp_path / "c", [4])
    arguments = ["bench", "c", "--device", "tpu", "--passes", "1", "--repeats", "3", "--no-eager", "--json"]
    done = run_jaxir(arguments, tmp_path)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "tpu" in line] == ["jaxir: no tpu here (found cpu); using cpu"]
    assert figures(done.stdout)["device_used"] == "cpu"
    assert [path.name for path in (tmp_path / "c" / "timing").iterdir()] == ["cpu-00000.parquet"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["legacy"], "legacy: a legacy corpus lacks what timing needs, such as input seeds; give one that jaxir"),
        (["c", "--passes", "1", "--baseline", "elsewhere"], "--passes 1: a comparison needs 2 or more"),
        (["c", "--baseline", "c"], "--baseline c: this run writes there too; give another folder with --out"),
        (["c", "--baseline", "elsewhere"], "elsewhere: no times on cpu here"),
        (["c", "--device", "quantum"], "`device.backend`: should be 'auto', 'cpu'"),
        (["c", "--device", "tpu", "--no-fallback"], "device 'tpu': no tpu here (found cpu)"),
        (["c", "--runtime", "mine.yaml"], "unknown option `device.fallbak`; did you mean `fallback`?"),
        (["nothing"], "nothing: no such folder"),
    ],
)
def test_what_a_user_did_wrong_is_one_line(arguments: list[str], message: str, tmp_path: Path) -> None:
    corpus_of_loops(tmp_path / "c", [4])
    write_legacy(tmp_path / "legacy", 2)
    (tmp_path / "mine.yaml").write_text("device: {fallbak: true}\n")
    done = run_jaxir(["bench", *arguments], tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("jaxir: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_corpus_of_which_nothing_runs_is_an_error(tmp_path: Path) -> None:
    rows = [{**row, "python_source": "raise SystemExit\n", "num_devices": 1} for row in native_rows(2)]
    write_native(tmp_path / "c", rows)
    done = run_jaxir(["bench", "c", *QUICK], tmp_path)
    assert done.returncode == 2
    assert "c: no row could be timed on cpu:0; the first: exception Rejected: trace: SystemExit" in done.stderr


# The report


@pytest.fixture(scope="module")
def timed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus with a table of 60 rows beside it."""
    folder = write_native(tmp_path_factory.mktemp("timed") / "c", native_rows(60))
    rng = np.random.default_rng(5)
    rows = recorded(rng, 60).to_pylist()
    for number, row in enumerate(rows):
        row |= {"category": ("math", "array", "<b>&")[number % 3], "level": 1 + number % 5, "device": "cpu:0"}
        row |= {"floor_ms": 0.01, "first_call_ms": 1.0, "peak_bytes": 64 + number, "eager_over_compiled": 5.0}
        row |= {"eager_ms": 5.0 * row["run_ms"], "break_even_calls": None if number < 3 else 10.0 * number}
        row["compile_ms"] = 50.0 + number
    rows.append(dict.fromkeys(SCHEMA.names) | {"id": "broken", "fault": "SIGSEGV <i>", "passes": 0, "device": "cpu:0"})
    (folder / "timing").mkdir()
    table = SCHEMA.empty_table().from_pylist(rows, schema=SCHEMA)
    pq.write_table(table.slice(0, 20), folder / "timing" / "cpu-00000.parquet")
    pq.write_table(table.slice(20), folder / "timing" / "cpu-00001.parquet")
    return folder


def test_the_report_shows_times_where_there_are_some(timed: Path) -> None:
    stats = analyze(open_corpus(timed))
    without = render(stats)
    assert "<h2>Times</h2>" not in without
    page = render(stats, timed=timings.load(timed))
    assert "<h2>Times</h2>" in page
    assert "Times on cpu:0, a CPU, JAX 1" in page
    assert "60 of 61 rows timed in 3 passes." in page
    assert "3 rows are no faster when compiled." in page
    assert "1 not timed: SIGSEGV &lt;i&gt;." in page
    assert page.count("<svg") == without.count("<svg") + 3
    assert page == render(stats, timed=timings.load(timed))


def test_the_pictures_show_every_group_and_every_row(timed: Path) -> None:
    (timing,) = timings.load(timed)
    (times, _), (eager, _), (even, _) = timings.pictures(timing, "t0")
    roots = {name: ET.fromstring(svg) for name, svg in (("times", times), ("eager", eager), ("even", even))}
    words = {name: [one.text for one in root.iter() if one.tag.endswith("}text")] for name, root in roots.items()}
    for group in ("array (20)", "math (20)", "<b>& (20)", *(f"level {level} (12)" for level in range(1, 6))):
        assert words["times"].count(group) == 2
    marks = [one for one in roots["eager"].iter() if one.tag.endswith("}use")]
    assert len(marks) >= 60
    assert "median 310" in words["even"]
    ids = [element.attrib["id"] for root in roots.values() for element in root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))


def test_analyze_draws_the_times(timed: Path, tmp_path: Path) -> None:
    shutil.copytree(timed, tmp_path / "c")
    done = run_jaxir(["analyze", "c", "--html", "page.html"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "<h2>Times</h2>" in (tmp_path / "page.html").read_text()


@pytest.mark.gpu
def test_rows_are_timed_on_a_gpu_and_beside_it_on_the_cpu(tmp_path: Path) -> None:
    arguments = ["bench", ROOT / "data" / "sample", "--sample", "4", *QUICK[:4], "--device", "all", "--json"]
    done = run_jaxir([*arguments, "--out", "times"], tmp_path, {"JAX_PLATFORMS": ""})
    assert done.returncode == 0, done.stderr
    gpu, cpu = json.loads(done.stdout)
    assert (gpu["device_used"], cpu["device_used"]) == ("gpu", "cpu")
    assert gpu["timed"] == cpu["timed"] == 4
    assert gpu["pool_peak_bytes"] > 0
    assert gpu["driver_version"] or gpu["runtime"] != "cuda"
    assert sorted(path.name for path in (tmp_path / "times" / "timing").iterdir()) == [
        "cpu-00000.parquet",
        "gpu-00000.parquet",
    ]
