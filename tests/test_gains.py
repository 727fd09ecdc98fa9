"""What compiling gains: each figure follows from its samples, memory that grows is seen, a slower run is found."""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import mmap
import os
import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from jaxir.analysis.charts import alone
from jaxir.analysis.gains import gains_table, scaling_picture, scaling_table
from jaxir.analysis.text import markdown_table
from jaxir.errors import UserError
from jaxir.executor.gains import (
    FEWEST_RUNS,
    Samples,
    Speedup,
    Sustained,
    benchmark_sustained_performance,
    break_even_calls,
    measure_compilation_speedup,
    median_interval,
)
from jaxir.executor.growth import Growth, memory_growth
from jaxir.executor.history import add_run, detect_regression, read_runs
from jaxir.executor.runtime import Execution, RuntimeConfig
from jaxir.executor.scaling import Point, scaling

X = jnp.linspace(-1.0, 1.0, 8)


def counted() -> tuple[Any, list[int]]:
    """A function that runs as Python when it is traced or called plainly, and how often it did."""
    runs: list[int] = []

    def fn(x: Any) -> Any:
        runs.append(1)
        return jnp.tanh(x) * 2 + 1

    return fn, runs


def times(jitted_ms: float, plain_ms: float, first_ms: float = 100.0) -> tuple[Speedup, Sustained]:
    """Results without noise."""
    samples = [Samples((value,) * 10, 1) for value in (jitted_ms, plain_ms, 1.0)]
    speedup = Speedup(first_ms, jitted_ms, 1.0, 1.0, first_ms / 2, 0, "cpu", "cpu")
    return speedup, Sustained(*samples, 0.01, "cpu", "cpu", jax.__version__)


# First and second call


def test_a_first_call_compiles_each_time_and_a_second_one_never() -> None:
    fn, runs = counted()
    jax.jit(fn)(X)  # what ran earlier does not matter
    del runs[:]
    found = measure_compilation_speedup(fn, X, repeats=3)
    assert len(runs) == 3
    assert found.first_call_ms > found.compile_ms > 0
    assert found.trace_ms > 0
    assert found.lower_ms > 0
    assert found.second_call_ms > 0
    assert found.speedup == found.first_call_ms / found.second_call_ms
    assert (found.cache_hits, found.device_used) == (0, "cpu")


def test_a_jitted_function_and_one_of_no_arguments_are_measured_as_they_are() -> None:
    fn, runs = counted()
    measure_compilation_speedup(jax.jit(fn), X, repeats=1)
    assert len(runs) == 1
    assert measure_compilation_speedup(lambda: {"a": jnp.arange(3)}, repeats=1).compile_ms > 0


def test_programs_out_of_the_compile_cache_are_counted(tmp_path: Path) -> None:
    code = (
        "import jax.numpy as jnp\n"
        "from jaxir.executor.gains import measure_compilation_speedup as measure\n"
        "x = jnp.ones(3)\n"
        "print(*(measure(jnp.tanh, x, repeats=1).cache_hits for _ in range(2)))\n"
    )
    environment = RuntimeConfig(Execution(compile_cache=tmp_path)).environment("cpu")
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["0", "1"], done.stderr


def test_bad_counts_are_refused_and_errors_of_the_function_come_through() -> None:
    with pytest.raises(UserError, match="repeats: expected 1 or more, got 0"):
        measure_compilation_speedup(jnp.tanh, X, repeats=0)
    with pytest.raises(UserError, match="runs: expected 6 or more"):
        benchmark_sustained_performance(jnp.tanh, X, runs=5)
    with pytest.raises(UserError, match="calls: expected 2 or more"):
        memory_growth(jnp.tanh, X, calls=1)
    with pytest.raises(jax.errors.TracerBoolConversionError):
        measure_compilation_speedup(lambda x: x if x[0] > 0 else -x, X)


# Sustained


def test_the_plain_function_runs_as_python_and_the_jitted_one_is_traced_once() -> None:
    for wrap in (lambda fn: fn, jax.jit):
        runs: list[bool] = []

        def slow(x: Any, runs: list[bool]) -> Any:
            runs.append(isinstance(x, jax.core.Tracer))
            time.sleep(0.05)
            return x + 1

        found = benchmark_sustained_performance(wrap(functools.partial(slow, runs=runs)), X, runs=8)
        assert runs.count(True) == 1
        assert runs.count(False) >= 8
        assert found.runs == len(found.plain.samples_ms) == len(found.reference.samples_ms) == 8
        assert min(found.plain.samples_ms) >= 50
        assert found.jitted.calls > found.plain.calls == 1  # a sample of each takes as long
        assert found.ratio > 1
        assert found.ratio_interval[0] <= found.ratio <= found.ratio_interval[1]
        assert (found.device_used, found.jax_version) == ("cpu", jax.__version__)


def test_the_time_limit_ends_a_run_but_never_below_the_fewest() -> None:
    def slow(x: Any) -> Any:
        time.sleep(0.01)
        return x

    assert benchmark_sustained_performance(slow, X, runs=1000, seconds=0.0).runs == FEWEST_RUNS


def test_figures_follow_from_the_samples() -> None:
    values = (3.0, 1.0, 2.0, 5.0, 4.0, 9.0)
    samples = Samples(values, 7)
    assert (samples.mean_ms, samples.median_ms) == (4.0, 3.5)
    assert samples.std_ms == pytest.approx(np.std(values, ddof=1))
    assert samples.interval_ms == (1.0, 9.0)  # of six, the whole range has 97 %
    sustained = dataclasses.replace(
        times(1.0, 1.0)[1], jitted=Samples((1.0, 2.0, 4.0, 8.0, 16.0, 32.0), 1), plain=samples
    )
    assert sustained.ratio == np.median([3, 0.5, 0.5, 0.625, 0.25, 0.28125])  # of each round, not of the medians


def test_an_interval_holds_the_median_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    intervals = [median_interval(rng.lognormal(0.0, 1.0, 15)) for _ in range(400)]
    assert 375 <= sum(low <= 1.0 <= high for low, high in intervals) <= 400


# Break-even


@given(st.integers(1, 500), st.integers(1, 50), st.integers(1, 50))
def test_break_even_is_the_first_call_that_pays(first_ms: int, jitted_ms: int, plain_ms: int) -> None:
    speedup, sustained = times(float(jitted_ms), float(plain_ms), float(first_ms + jitted_ms))
    found = break_even_calls(speedup, sustained)
    if plain_ms <= jitted_ms:
        assert found is None
        return
    paid = (n for n in range(1, 1000) if first_ms + jitted_ms * n <= plain_ms * n)
    assert found in {expected := next(paid), expected + 1}  # one more where a division rounds up


# Memory


MEBIBYTE = b"x" * (1 << 20)


def test_memory_that_is_kept_is_seen_and_memory_that_is_dropped_is_not() -> None:
    kept: list[mmap.mmap] = []

    def leaks(x: Any) -> Any:
        # 1 MiB that is touched, and new to the process: an array may lie where others were freed.
        kept.append(mmap.mmap(-1, 1 << 20))
        kept[-1].write(MEBIBYTE)
        return x + 1

    def drops(x: Any) -> Any:
        return jnp.ones(1 << 18) * x[0]

    leak, drop = memory_growth(leaks, X, calls=60), memory_growth(jax.jit(drops), X, calls=60)
    assert len(kept) == 61
    assert leak.calls == tuple(range(0, 61, 6))
    assert 0.9 * (1 << 20) < leak.rss_bytes_per_call < 1.5 * (1 << 20)
    assert drop.rss_bytes_per_call < 0.2 * (1 << 20)
    assert drop.pool_bytes_per_call is None


def test_a_pool_has_a_slope_of_its_own_that_a_single_jump_does_not_make() -> None:
    counts = tuple(range(21))
    jump = tuple(1000 if count < 10 else 5000 for count in counts)
    steady = tuple(100 + 16 * count for count in counts)
    growth = Growth(counts, (5,) * 21, steady)
    assert (growth.rss_bytes_per_call, growth.pool_bytes_per_call) == (0.0, 16.0)
    assert Growth(counts, jump, ()).rss_bytes_per_call < 4000 / 10


# Scaling


@pytest.fixture(scope="module")
def points() -> tuple[Point, ...]:
    def fn(x: Any, w: Any) -> Any:
        return jnp.tanh(x @ w)

    def make_args(*, model: int, batch: int) -> tuple[Any, Any]:
        return jnp.ones((batch, model)), jnp.ones((model, model))

    return scaling(fn, make_args, {"model": [4, 8], "batch": [1, 2]}, runs=6, seconds=0.1)


def test_every_combination_of_sizes_is_measured(points: tuple[Point, ...]) -> None:
    sizes = [tuple(point.sizes.values()) for point in points]
    assert sizes == [(4, 1), (4, 2), (8, 1), (8, 2)]
    for point in points:
        assert point.speedup.compile_ms > 0  # each size is a program of its own
        assert point.break_even_calls == break_even_calls(point.speedup, point.sustained)


def test_points_become_a_table_and_a_picture(points: tuple[Point, ...]) -> None:
    lines = markdown_table(scaling_table(points)).splitlines()
    assert lines[0].startswith("## Scaling over model and batch on cpu, JAX ")
    assert len(lines) == 4 + 4
    assert [line.split(" | ")[:2] for line in lines[4:6]] == [["| 4", "1"], ["| 4", "2"]]
    picture = scaling_picture(points)
    assert picture == scaling_picture(points)
    drawn = ElementTree.fromstring(alone(picture))
    said = " ".join(drawn.itertext())
    assert all(text in said for text in ("model 4", "model 8", "batch", "jitted call, ms", "plain / jitted"))
    assert "var(" not in alone(picture)
    # One size alone, and a function that is no faster when compiled.
    speedup, sustained = times(2.0, 1.0)
    single = [Point({"n": n}, speedup, sustained, None) for n in (1, 10)]
    assert "| never |" in markdown_table(scaling_table(single))
    ElementTree.fromstring(alone(scaling_picture(single)))


def test_nothing_to_scale_over_is_refused() -> None:
    for sizes, name in (({}, "sizes"), ({"batch": [1], "model": []}, "model")):
        with pytest.raises(UserError, match=f"{name}: expected one size or more, got none"):
            scaling(jnp.tanh, lambda **_: (X,), sizes)
    with pytest.raises(UserError, match="one point or more"):
        scaling_table([])


def test_gains_become_a_table() -> None:
    text = markdown_table(gains_table({"a": times(1.0, 11.0), "b": times(3.0, 2.0)}))
    assert "| a | 100 | 1.00 | 100 | 1.00 | 11.0 | 11.0 | 11.0 to 11.0 | 10 |" in text
    assert text.endswith("| never |")


# A history of runs


def recorded(rng: np.random.Generator, slower: float = 1.0, machine: float = 1.0) -> Sustained:
    """A run as a busy machine gives it: processes differ by some percent, samples by less, some are interrupted."""
    between = rng.normal(0, 0.04, 2)
    noise = rng.normal(0, 0.02, (3, 20)) + rng.binomial(1, 0.1, (3, 20)) * rng.exponential(0.5, (3, 20))
    centre = machine * np.array([0.1 * slower * np.exp(between[0]), 5.0 * np.exp(between[1]), 0.02])
    samples = [Samples(tuple(map(float, one)), 3) for one in centre[:, None] * np.exp(noise)]
    return Sustained(*samples, 0.01, "cpu", "cpu", "0.10.2")


def test_runs_are_kept_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "baseline.json"
    real = benchmark_sustained_performance(jnp.tanh, X, runs=6, seconds=0.1)
    assert [add_run(path, real), add_run(path, times(1.0, 2.0)[1])] == [1, 2]
    assert read_runs(path) == [real, times(1.0, 2.0)[1]]
    assert [entry.name for entry in tmp_path.iterdir()] == ["baseline.json"]


@pytest.mark.parametrize("text", ["", "{", "[1]", '[{"jitted": 3}]', "{}"])
def test_a_file_that_is_no_baseline_is_said_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "baseline.json"
    path.write_text(text)
    for action in (read_runs, functools.partial(add_run, run=times(1.0, 2.0)[1])):
        with pytest.raises(UserError, match=r"baseline\.json: no baseline of runs") as caught:
            action(path)
        assert "\n" not in str(caught.value)
    assert path.read_text() == text
    with pytest.raises(UserError, match="none"):
        read_runs(tmp_path / "none.json")


def test_a_baseline_needs_two_runs(tmp_path: Path) -> None:
    run = times(1.0, 2.0)[1]
    add_run(tmp_path / "one.json", run)
    with pytest.raises(UserError, match=r"one\.json: 1 runs against 1; expected 2 or more in the baseline"):
        detect_regression(tmp_path / "one.json", run)
    with pytest.raises(UserError, match="2 runs against 0"):
        detect_regression([run, run], [])


def test_runs_of_one_speed_rarely_differ_and_a_slower_one_is_found() -> None:
    rng = np.random.default_rng(0)
    wrong = found = covered = 0
    for _ in range(60):
        baseline = [recorded(rng) for _ in range(5)]
        same, slow = detect_regression(baseline, recorded(rng)), detect_regression(baseline, recorded(rng, slower=1.5))
        wrong += any(change.significant for change in same.changes)
        found += slow.regressed and not slow.changes[1].significant
        covered += slow.changes[0].low < 1.5 < slow.changes[0].high
    assert wrong <= 7
    assert found >= 51
    assert covered >= 52


def test_faster_programs_and_faster_machines_are_no_regressions() -> None:
    rng = np.random.default_rng(1)
    baseline = [recorded(rng) for _ in range(5)]
    better = detect_regression(baseline, [recorded(rng, slower=0.5) for _ in range(2)])
    assert [change.key for change in better.changes] == ["jitted", "plain"]
    assert better.changes[0].significant
    assert better.changes[0].ratio == pytest.approx(0.5, rel=0.15)
    assert not better.regressed
    moved = [dataclasses.replace(recorded(rng, machine=3.0), device_kind="another cpu") for _ in range(3)]
    other = detect_regression(baseline, moved)
    assert not any(change.significant for change in other.changes)
    assert other.changes[0].new_ms > 2 * other.changes[0].old_ms
    assert other.notes == ("hardware differs: cpu before, another cpu now",)
    assert all(math.isfinite(change.p) for change in other.changes)


# The script


@pytest.mark.slow
def test_the_script_reports_the_training_step(tmp_path: Path) -> None:
    options = [
        "--runs",
        "6",
        "--seconds",
        "1",
        "--json",
        tmp_path / "gains.json",
        "--scaling",
        tmp_path / "scaling.svg",
    ]
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "compilation_gains.py", *options],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    gains, scaled = re.findall(r"^## (.*)\n\n.*\n.*\n((?:\|.*\n)+)", done.stdout, re.MULTILINE)
    assert gains[0].startswith("Gains of compiling on cpu")
    measured = json.loads((tmp_path / "gains.json").read_text())
    assert [line.split(" | ")[0] for line in gains[1].splitlines()] == [f"| {label}" for label in measured]
    assert len(measured) == 4
    for speedup, sustained in measured.values():
        assert speedup["first_call_ms"] > speedup["compile_ms"] > 0
        assert len(sustained["plain"]["samples_ms"]) == 6
    assert len(scaled[1].splitlines()) == 12
    ElementTree.parse(tmp_path / "scaling.svg")
