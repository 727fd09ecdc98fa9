"""Write the results of a batch in the documented layout, each file in whole or not at all.

jax_results/
  jax_execution_results.json   summary and one entry a script
  jax_performance_metrics.json figures of each script: JAX_COMPILATION (ms), JAX_CACHE_HITS (0..1), JAX_MEMORY_POOL (MB)
  jax_execution_log.txt        what ran, how it ended, the last of what it printed
  jax_device_info.json         the devices here
  jax_benchmark_results.json   benchmark of each script, if runs were asked for
  script_results/NAME_result.json   everything about one script
jax_profiling/                 with a profile
  memory_profile.json          samples of memory, CPU and GPU over time
  timing_profile.json          time in tracing, lowering, compiling
  traces/NAME/                 JAX's own trace
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from jaxir import files
from jaxir.executor.scripts.run import names_of

RESULTS: Final = "jax_results"
PROFILING: Final = "jax_profiling"
TRACES: Final = "traces"
#: Characters of each stream that the log shows.
_LOG_CHARS: Final = 2000
_STAGES: Final = ("trace_ms", "lower_ms", "compile_ms", "retrieve_ms", "compilations", "wall_time_s", "cpu_time_s")
#: Fields of a result that are files of their own, or too long for the summary.
_LONG: Final = ("stdout", "stderr", "samples", "harvest", "performance_metrics", "benchmark")


def write_results(
    folder: Path, results: Sequence[Mapping[str, Any]], devices: Mapping[str, Any], *, profile: bool = False
) -> Path:
    """Write the files of a batch; those of an earlier batch in the same folder are replaced.

    Args:
        folder: gets `jax_results/` and, with a profile, `jax_profiling/`.
        results: from `run_scripts`.
        devices: from `get_jax_device_info`.
        profile: whether to write the profile files.

    Returns:
        The folder `jax_results`.

    Raises:
        UserError: the disk refuses.
    """
    out = folder / RESULTS
    names = names_of([result["script"] for result in results])
    plain = [{key: value for key, value in result.items() if key not in ("samples", "harvest")} for result in results]
    succeeded = sum(bool(result["success"]) for result in results)
    summary = {
        "scripts": len(results),
        "succeeded": succeeded,
        "failed": len(results) - succeeded,
        "results": [{key: value for key, value in result.items() if key not in _LONG} for result in results],
    }
    metrics = {name: result["performance_metrics"] for name, result in zip(names, results, strict=True)}
    marks = {name: result["benchmark"] for name, result in zip(names, results, strict=True) if result["benchmark"]}
    with files.disk_errors(out):
        for place in (out, out / "script_results"):
            files.make_folder(place)
        _write(out / "jax_execution_results.json", summary)
        _write(out / "jax_performance_metrics.json", metrics)
        _write(out / "jax_device_info.json", devices)
        _write(out / "jax_benchmark_results.json", marks)
        files.write_atomic(out / "jax_execution_log.txt", _log(results).encode())
        for name, result in zip(names, plain, strict=True):
            _write(out / "script_results" / f"{name}_result.json", result)
        if profile:
            files.make_folder(folder / PROFILING)
            samples = {name: result["samples"] for name, result in zip(names, results, strict=True)}
            stages = {name: {key: figures[key] for key in _STAGES} for name, figures in metrics.items()}
            _write(folder / PROFILING / "memory_profile.json", samples)
            _write(folder / PROFILING / "timing_profile.json", stages)
    return out


def _write(path: Path, value: Any) -> None:
    files.write_atomic(path, (json.dumps(value, indent=2) + "\n").encode())


def _log(results: Sequence[Mapping[str, Any]]) -> str:
    lines = []
    for result in results:
        lines.append(line_of(result))
        for stream in ("stdout", "stderr"):
            text = result[stream][-_LOG_CHARS:].rstrip()
            lines += [f"    {stream}: {line}" for line in text.splitlines()]
    return "\n".join(lines) + "\n"


def line_of(result: Mapping[str, Any]) -> str:
    """One line on a result."""
    how = "ok" if result["success"] else result["kind"]
    memory = "" if result["peak_memory_mb"] is None else f", {result['peak_memory_mb']:.0f} MB"
    line = (
        f"{result['script']}: {how}, {result['execution_time']:.2f} s on {result['device_used'] or 'no device'}{memory}"
    )
    return line if result["success"] else f"{line}: {result['error']}"
