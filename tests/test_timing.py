"""Timing: what a worker measures, the table that comes of it, and which differences between two tables count."""

from __future__ import annotations

import math
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from timings import LOOP, corpus_of_loops, payload, recorded

from jaxir.analysis.corpus import open_corpus
from jaxir.analysis.payloads import timed_rows
from jaxir.errors import UserError
from jaxir.executor import runtime
from jaxir.executor.devices import Device
from jaxir.executor.isolation import Job, Limits, run_isolated
from jaxir.executor.timing import stages as timing
from jaxir.executor.timing import timetable
from jaxir.executor.timing.baseline import compare, moderated
from jaxir.executor.timing.bench import COMPILED, EAGER, SCHEMA, Settings, bench, typical

CPU = Device("cpu", 0, "this one", "cpu", "cpu", None, "", "")
QUICK = Settings(passes=2, repeats=4, seconds=60.0)


# One kernel


@pytest.fixture(scope="module")
def measured() -> dict[str, Any]:
    """Values of both functions on a short and on a long loop, and on what cannot be timed."""
    loops = {name: LOOP.format(turns=turns) for name, turns in (("short", 4), ("long", 40_000))}
    jobs = [Job(name, payload(source)) for name, source in loops.items()]
    jobs.append(Job("four devices", payload(loops["short"], num_devices=4)))
    jobs.append(Job("raises", payload("def kernel(x):\n    raise ValueError('no')\n")))
    jobs.append(Job("other platform", payload(loops["short"], platform="tpu")))
    values = {}
    for name, function in (("compiled", COMPILED), ("eager", EAGER)):
        environment = runtime.RuntimeConfig().environment("cpu")
        verdicts = run_isolated(function, jobs, workers=1, limits=Limits(60), fresh=False, environment=environment)
        values[name] = {verdict.key: verdict for verdict in verdicts}
    return values


def test_every_stage_of_a_kernel_is_measured(measured: dict[str, Any]) -> None:
    value = measured["compiled"]["short"].value
    for stage in ("trace_ms", "lower_ms", "compile_ms", "first_call_ms", "floor_ms"):
        assert 0 < value[stage] < 60_000
    assert len(value["samples_ms"]) == len(value["reference_ms"]) == 4
    assert value["device_used"] == "cpu"
    assert value["memory"]["argument_bytes"] == value["memory"]["output_bytes"] == 32
    assert value["pool_peak_bytes"] is None


def test_ten_thousand_times_the_work_takes_longer(measured: dict[str, Any]) -> None:
    short, long = (measured["compiled"][key].value for key in ("short", "long"))
    assert min(long["samples_ms"]) > min(short["samples_ms"])
    assert long["calls"] < short["calls"]


def test_a_sample_is_long_enough_for_the_clock() -> None:
    assert time.get_clock_info("perf_counter").resolution * 1000 <= timing.SAMPLE_SECONDS
    assert timing.calls_per_sample(lambda: time.sleep(2e-3)) == 1
    assert timing.calls_per_sample(lambda: None) > 1


def test_the_budget_ends_the_samples_but_never_below_three() -> None:
    samples, references = timing.alternate([(lambda: time.sleep(0.02), 1), (lambda: None, 1)], 50, 0.1)
    assert len(samples) == len(references)
    assert 3 <= len(samples) < 50
    assert all(sample >= 20 for sample in samples)
    assert len(timing.alternate([(lambda: time.sleep(0.02), 1)], 50, 0.0)[0]) == 3


def test_what_cannot_be_timed_says_why_and_the_rest_is(measured: dict[str, Any]) -> None:
    for name in ("compiled", "eager"):
        died = {key: verdict.died for key, verdict in measured[name].items() if verdict.value is None}
        assert died.keys() == {"four devices", "raises", "other platform"}
        assert died["four devices"] == "exception RuntimeError: needs 4 devices, here are 1"
        assert "ValueError" in died["raises"]
        assert "tpu" in died["other platform"]


# A table


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return corpus_of_loops(tmp_path_factory.mktemp("loops") / "c", [2, 40, 400])


@pytest.fixture(scope="module")
def table(corpus: Path) -> pa.Table:
    rows = timed_rows(open_corpus(corpus))
    rows.insert(1, {**rows[0], "id": "fails", "python_source": "import os\n\n\ndef kernel(x):\n    os.abort()\n"})
    return bench(rows, corpus, CPU, runtime.RuntimeConfig(), QUICK)


def test_the_table_has_a_row_for_each_id_and_says_what_failed(table: pa.Table) -> None:
    assert table.schema == SCHEMA
    rows = {row["id"]: row for row in table.to_pylist()}
    assert sorted(rows) == [f"{number:032x}" for number in range(3)] + ["fails"]
    assert rows["fails"]["fault"] == "SIGABRT"
    assert rows["fails"]["run_ms"] is None
    assert {row["fault"] for key, row in rows.items() if key != "fails"} == {""}


def test_the_figures_of_a_row_follow_from_its_samples(table: pa.Table) -> None:
    for row in table.to_pylist():
        if row["fault"]:
            continue
        samples = [sample for one in row["run_samples_ms"] for sample in one]
        assert (row["passes"], row["run_n"], len(samples)) == (2, 8, 8)
        assert row["run_ms"] == statistics.median(samples)
        assert row["run_min_ms"] == min(samples)
        assert row["run_iqr_ms"] >= 0
        assert row["compile_ms"] == statistics.median(row["compile_passes_ms"])
        ratios = [
            typical(one) / ref for one, ref in zip(row["run_samples_ms"], row["reference_passes_ms"], strict=True)
        ]
        assert row["run_per_reference"] == pytest.approx(statistics.median(ratios))
        assert row["model_flops_per_s"] * row["run_ms"] / 1e3 in [pytest.approx(16.0 * turns) for turns in (2, 40, 400)]
        cost = row["trace_ms"] + row["lower_ms"] + row["compile_ms"]
        if row["break_even_calls"] is None:
            assert row["eager_over_compiled"] <= 1
        else:
            saved = row["run_ms"] * (row["eager_over_compiled"] - 1)
            assert (row["break_even_calls"] - 1) * saved < cost <= row["break_even_calls"] * saved * (1 + 1e-9)
    # Rows of a run share the normaliser of each pass.
    assert len({tuple(row["reference_passes_ms"]) for row in table.to_pylist() if not row["fault"]}) == 1


def test_a_run_goes_on_where_it_stopped_and_knows_its_settings(corpus: Path, table: pa.Table) -> None:
    before = {path.name: path.read_bytes() for path in (corpus / "timing").iterdir()}
    rows = timed_rows(open_corpus(corpus))
    again = bench(rows, corpus, CPU, runtime.RuntimeConfig(), QUICK)
    assert again.equals(table)
    more = [*rows, {**rows[0], "id": "one more"}]
    longer = bench(more, corpus, CPU, runtime.RuntimeConfig(), QUICK)
    assert longer.num_rows == table.num_rows + 1
    assert longer.slice(0, table.num_rows).equals(table)
    assert all((corpus / "timing" / name).read_bytes() == data for name, data in before.items())
    with pytest.raises(UserError, match=r"was made with .*\"passes\": 2.*give --fresh"):
        bench(rows, corpus, CPU, runtime.RuntimeConfig(), Settings(passes=3))
    other = Device("cpu", 0, "another one", "cpu", "cpu", None, "", "")
    with pytest.raises(UserError, match="another one"):
        bench(rows, corpus, other, runtime.RuntimeConfig(), QUICK)
    assert timetable.baseline(corpus, "cpu").equals(longer)


def test_a_table_that_is_missing_or_damaged_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no times on cpu here, expected timing/cpu-00000\.parquet"):
        timetable.baseline(tmp_path, "cpu")
    (tmp_path / "timing").mkdir()
    (tmp_path / "timing" / "gpu-00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="no times on cpu here, it has gpu"):
        timetable.baseline(tmp_path, "cpu")
    with pytest.raises(UserError, match=r"gpu-00000\.parquet: no part of a timing table") as caught:
        timetable.baseline(tmp_path, "gpu")
    assert "\n" not in str(caught.value)


# Two tables


def test_a_table_against_itself_shows_nothing(table: pa.Table) -> None:
    comparison = compare(table, table)
    assert comparison.pairs == 3
    assert not comparison.regressions
    assert not comparison.improvements
    assert {change.ratio for change in (*comparison.rows, *comparison.stages)} == {1.0}


def test_runs_that_differ_by_noise_alone_show_no_more_than_chance() -> None:
    """40 pairs of runs of one speed; with error rates of 5 % each, about 2 of them may show a row, and 2 a stage."""
    wrong = [0, 0]
    for seed in range(40):
        rng = np.random.default_rng(seed)
        comparison = compare(recorded(rng, 60), recorded(rng, 60))
        wrong[0] += any(change.significant for change in comparison.rows)
        wrong[1] += any(change.significant for change in comparison.stages)
    assert max(wrong) <= 3


def test_planted_slow_rows_are_found_and_the_others_are_not() -> None:
    found, false, covered = 0, 0, 0
    for seed in range(20):
        rng = np.random.default_rng(100 + seed)
        comparison = compare(recorded(rng, 60), recorded(rng, 60, slower={3: 1.5, 10: 1.5, 40: 1 / 1.5}))
        rows = {change.key: change for change in comparison.rows}
        slow, fast = {"row-0003", "row-0010"}, {"row-0040"}
        regressed = {change.key for change in comparison.regressions}
        improved = {change.key for change in comparison.improvements}
        found += len(slow & regressed) + len(fast & improved)
        false += len(regressed - slow) + len(improved - fast)
        covered += sum(rows[key].low < 1.5 < rows[key].high for key in slow)
    assert found >= 54  # of 60
    assert false <= 3
    assert covered >= 34  # of 40 intervals at 95 %


def test_a_whole_run_that_is_slower_is_a_regression_even_where_no_single_row_is() -> None:
    rng = np.random.default_rng(1)
    comparison = compare(recorded(rng, 60), recorded(rng, 60, slower=dict.fromkeys(range(60), 1.12)))
    run = comparison.stages[0]
    assert (run.key, run.significant) == ("run", True)
    assert run.low < 1.12 < run.high
    assert comparison.regressions[0] == run
    assert not any(change.significant for change in comparison.stages[1:])


def test_a_faster_machine_is_no_improvement_of_the_programs() -> None:
    rng = np.random.default_rng(2)
    old, new = recorded(rng, 60), recorded(rng, 60)
    stages = [f"{stage}_passes_ms" for stage in ("trace", "lower", "compile")]
    faster = [
        {
            **row,
            "run_samples_ms": [[sample / 3 for sample in one] for one in row["run_samples_ms"]],
            "reference_passes_ms": [value / 3 for value in row["reference_passes_ms"]],
            **{stage: [ms / 3 for ms in row[stage]] for stage in stages},
            "device_name": "a faster CPU",
        }
        for row in new.to_pylist()
    ]
    comparison = compare(old, pa.Table.from_pylist(faster, schema=SCHEMA))
    assert not comparison.improvements
    assert comparison.notes == ("hardware differs: a CPU before, a faster CPU now",)


def test_rows_are_paired_by_id_and_only_those_with_two_passes() -> None:
    rng = np.random.default_rng(3)
    old, new = recorded(rng, 8), recorded(rng, 6)
    comparison = compare(old, new)
    assert (comparison.pairs, comparison.only_old, comparison.only_new) == (6, 2, 0)
    shuffled = new.take(pa.array([5, 3, 1, 0, 2, 4]))
    assert {change.key: change for change in compare(old, shuffled).rows} == {
        change.key: change for change in comparison.rows
    }
    with pytest.raises(UserError, match="two passes or more"):
        compare(old, recorded(rng, 6, passes=1))


def test_moderated_variances_lie_between_their_own_and_the_common_one() -> None:
    rng = np.random.default_rng(4)
    free = np.full(2000, 4.0)
    true = 0.5 / rng.chisquare(8.0, 2000) * 8.0  # prior of 8 degrees of freedom around 0.5
    own = true * rng.chisquare(4.0, 2000) / 4.0
    drawn, degrees = moderated(own, free)
    assert degrees[0] - 4.0 == pytest.approx(8.0, rel=0.25)
    scale = (drawn[0] * degrees[0] - 4.0 * own[0]) / (degrees[0] - 4.0)
    assert scale == pytest.approx(0.5, rel=0.1)
    assert np.all((drawn - own) * (scale - own) >= 0)
    assert np.mean((np.log(drawn) - np.log(true)) ** 2) < np.mean((np.log(own) - np.log(true)) ** 2) / 2
    # Equal variances: all rows get the common one.
    same, many = moderated(0.5 * np.full(10, 1.0), np.full(10, 4.0))
    assert len(set(same)) == 1
    assert many[0] == 40.0
    assert math.isclose(moderated(np.array([0.3]), np.array([4.0]))[0][0], 0.3)
