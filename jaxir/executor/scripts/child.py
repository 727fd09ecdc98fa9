"""Run one script, in a process of its own, and say how it went.

The script runs as `__main__` under `runpy`, in the folder that it stands in, with everything that JAX does watched.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import io
import json
import math
import os
import runpy
import statistics
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jax
from scipy import stats

from jaxir.executor.isolation.reply import one_line
from jaxir.executor.metrics import Metrics, collect
from jaxir.executor.scripts.errors import JAXExecutionError, kind_of
from jaxir.executor.scripts.harvest import Recorder
from jaxir.executor.scripts.monitor import Monitor, peak_memory_mb

#: Files in the work folder of a run.
STDOUT: Final = "stdout.txt"
STDERR: Final = "stderr.txt"
SAMPLES: Final = "samples.jsonl"
HARVEST: Final = "harvest.json"
#: Confidence of the interval of a benchmark's mean.
CONFIDENCE: Final = 0.95


def run(payload: dict[str, Any]) -> dict[str, Any]:
    """In a child: run a script.

    Args:
        payload: `script`, `work` (folder for what is printed and sampled), `benchmark_runs`, `debug` (NaN and infinity
            are errors), `profile` (folder for JAX's trace, or ""), `harvest`, `monitoring` (arguments of `collect`).

    Returns:
        `success`, `kind`, `error`, `execution_time` (s), `cpu_time` (s), `device_used`, `peak_memory_mb`,
        `output_files`, `metrics` (fields of `Metrics` that were watched), `benchmark` (see `benchmark_of`, or None).
    """
    script, work = Path(payload["script"]), Path(payload["work"])
    printed = [work / STDOUT, work / STDERR]
    for descriptor, path in zip((1, 2), printed, strict=True):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.argv = [str(script)]
    sys.path.insert(0, str(script.parent))
    os.chdir(script.parent)
    for flag in ("jax_debug_nans", "jax_debug_infs"):
        jax.config.update(flag, bool(payload["debug"]))  # type: ignore[no-untyped-call]  # jax has no types here
    written = _Written(work)
    recorder = Recorder(script.parent)
    watched = payload["monitoring"]
    with Monitor(work / SAMPLES, printed):
        with _profiled(payload["profile"]), collect(**watched) as metrics, recorder.recording(payload["harvest"]):
            before = time.process_time(), time.perf_counter()
            failure = _once(script)
            seconds, cpu = time.perf_counter() - before[1], time.process_time() - before[0]
        peak = peak_memory_mb()
        benchmark = None
        if failure is None and payload["benchmark_runs"]:
            benchmark, failure = benchmark_of(script, payload["benchmark_runs"], peak)
    if payload["harvest"]:
        (work / HARVEST).write_text(json.dumps(recorder.kernels()), encoding="utf-8")
    kind, error = failure or ("", "")
    return {
        "success": failure is None,
        "kind": kind,
        "error": error,
        "execution_time": seconds,
        "cpu_time": cpu,
        "device_used": _device_used(),
        "peak_memory_mb": max(peak, peak_memory_mb()),
        "output_files": written.files(),
        "metrics": _told(metrics) if watched["compilation"] else {"memory": metrics.memory},
        "benchmark": benchmark,
    }


def _told(metrics: Metrics) -> dict[str, Any]:
    return {**dataclasses.asdict(metrics), "cache_hit_rate": metrics.cache_hit_rate}


def _once(script: Path) -> tuple[str, str] | None:
    """Run the script; its failure as (kind, one line), or None. What it raised is printed as Python would."""
    others = set(threading.enumerate())
    try:
        runpy.run_path(str(script), run_name="__main__")
        for thread in set(threading.enumerate()) - others:
            if not thread.daemon:  # Python, too, waits for them
                thread.join()
    except SystemExit as left:
        if left.code is None or left.code == 0:
            return None
        if not isinstance(left.code, int):
            print(left.code, file=sys.stderr)
        return JAXExecutionError.kind, f"exit code {left.code if isinstance(left.code, int) else 1}"
    except BaseException as error:
        traceback.print_exc()
        name, message = type(error).__name__, str(error)
        return kind_of(name, message), one_line(f"{name}: {message}".rstrip(": "))
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):  # the script may have closed or replaced it
                stream.flush()
    return None


def benchmark_of(script: Path, runs: int, first_peak_mb: float) -> tuple[dict[str, Any] | None, tuple[str, str] | None]:
    """Run the script again and again in this process, without its output.

    Every run compiles anew what the script jits, as its functions are new ones; what JAX itself jits stays compiled.

    Returns:
        A dict, and None; or None, and the failure of a run. The dict has `runs`, `times` (s), `mean_time`, `std_time`,
        `median_time`, `min_time` (s), `confidence_interval` (s, of the mean, Student's t at 95 %),
        `memory_efficiency` (most resident memory of the first run over that of all, 1 if it does not grow) and
        `performance_stability` (1 less the coefficient of variation, not below 0).
    """
    times = []
    for _ in range(runs):
        gc.collect()
        start = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            failure = _once(script)
        times.append(time.perf_counter() - start)
        if failure is not None:
            return None, failure
    mean = statistics.fmean(times)
    deviation = statistics.stdev(times) if runs > 1 else 0.0
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, runs - 1)) * deviation / math.sqrt(runs) if runs > 1 else 0.0
    return {
        "runs": runs,
        "times": times,
        "mean_time": mean,
        "std_time": deviation,
        "median_time": statistics.median(times),
        "min_time": min(times),
        "confidence_interval": [mean - reach, mean + reach],
        "memory_efficiency": first_peak_mb / max(first_peak_mb, peak_memory_mb()),
        "performance_stability": max(0.0, 1 - deviation / mean),
    }, None


def _device_used() -> str:
    """The platform that JAX computes on in this process."""
    try:
        return str(jax.default_backend())
    except (RuntimeError, AssertionError):
        return ""


@contextlib.contextmanager
def _profiled(folder: str) -> Iterator[None]:
    """JAX's own trace, for TensorBoard or Perfetto."""
    if not folder:
        yield
        return
    with jax.profiler.trace(folder):
        yield


class _Written:
    """The files that Python code of this process opens for writing, or renames something to, but in `work`."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._paths: set[str] = set()
        sys.addaudithook(self._hear)

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            if isinstance(path, str | bytes | os.PathLike) and _writes(mode, flags):
                self._paths.add(os.path.abspath(os.fsdecode(path)))
        elif event == "os.rename":
            self._paths.add(os.path.abspath(os.fsdecode(arguments[1])))

    def files(self) -> list[str]:
        """Those that exist and are neither compiled Python nor devices, sorted."""
        found = [Path(path) for path in set(self._paths)]
        return sorted(
            str(path)
            for path in found
            if path.is_file() and "__pycache__" not in path.parts and not path.is_relative_to(self._work)
        )


def _writes(mode: str | None, flags: int | None) -> bool:
    if mode is not None:
        return any(letter in mode for letter in "wax+")
    return bool((flags or 0) & (os.O_WRONLY | os.O_RDWR))
