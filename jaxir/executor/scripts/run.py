"""Run JAX scripts: each in a process of its own, with a time and a memory limit, on a device that is here.

Scripts are the user's own: they may read and write files, start processes and use the network. What a script starts is
killed with it. A failure is a result like any other.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import psutil

from jaxir.errors import UserError
from jaxir.executor.devices import UNLIMITED_BYTES, Device, discover, resolve
from jaxir.executor.isolation import Job, Limits, Verdict, lone
from jaxir.executor.isolation.reply import no_memory
from jaxir.executor.runtime import RuntimeConfig
from jaxir.executor.scripts import errors
from jaxir.executor.scripts.monitor import read_printed, read_samples

CHILD: Final = "jaxir.executor.scripts.child:run"
#: Bytes of a child's report; it holds the names of the files that the script wrote.
_REPORT_BYTES: Final = 32 << 20
_STAGES: Final = ("trace_ms", "lower_ms", "compile_ms")


@dataclasses.dataclass(frozen=True)
class Settings:
    """How scripts are run.

    Attributes:
        device: `auto`, `cpu`, `gpu` or `tpu`.
        timeout: seconds for one script, its benchmark runs included.
        memory_bytes: for one script: address space on a CPU under Linux, else resident memory of it and its children;
            None: what the machine has.
        profile: folder for JAX's traces, one folder a script; None: no profile.
        benchmark_runs: further runs in the same process, which are timed.
        debug: JAX's flags that make a NaN or an infinity an error.
        fallback: whether the CPU may stand in for a device that is missing.
        retries: further tries after a failure that may go away by itself.
        jobs: scripts at a time.
        harvest: whether to note what the scripts jit; see `jaxir.executor.scripts.harvest`.
        runtime: memory fraction, compile cache, x64, number of devices, what is monitored.
    """

    device: str = "auto"
    timeout: float = 300.0
    memory_bytes: int | None = None
    profile: Path | None = None
    benchmark_runs: int = 0
    debug: bool = False
    fallback: bool = True
    retries: int = 1
    jobs: int = 1
    harvest: bool = False
    runtime: RuntimeConfig = dataclasses.field(default_factory=RuntimeConfig)


def run_scripts(
    scripts: Sequence[Path],
    settings: Settings,
    *,
    devices: Sequence[Device] | None = None,
    report: Callable[[dict[str, Any]], object] = lambda result: None,
) -> list[dict[str, Any]]:
    """Run scripts; one result each, in their order.

    Args:
        scripts: the files.
        settings: how.
        devices: from `discover()`, which is asked if they are None.
        report: called with each result when it is final.

    Returns:
        Dicts with `script`, `success`, `kind` and `error` ("" or one of `errors.KINDS`, and one line), `execution_time`
        (s), `device_requested`, `device_used`, `warning`, `attempts`, `performance_metrics`, `output_files`,
        `peak_memory_mb`, `jit_compile_time` (s), `benchmark`, `stdout`, `stderr`, `samples` (of `Monitor`), and
        `harvest` (JSON text of `harvest.Recorder.kernels`, or "").

    Raises:
        UserError: no jax here, a script is missing, or a device is and nothing may stand in.
    """
    check_jax()
    for script in scripts:
        if not script.is_file():
            raise UserError(f"{script}: no such file; expected a Python script")
    here = tuple(devices) if devices is not None else discover(settings.runtime.environment())
    found = resolve(settings.device, here, fallback=settings.fallback, most=1)
    platform = found.platforms[0]
    # Over all scripts, since another try is of a few of them; `results` names its files by the same rule.
    names = names_of([str(script) for script in scripts])
    results: dict[int, dict[str, Any]] = {}
    waiting = list(range(len(scripts)))
    attempt = 0
    while waiting:
        attempt += 1
        again = []
        batch = [(scripts[place], names[place]) for place in waiting]
        for place, result in zip(list(waiting), _attempt(batch, platform, settings), strict=True):
            result |= {"device_requested": settings.device, "warning": found.warning, "attempts": attempt}
            results[place] = result
            told = f"{result['error']} {result['stderr'][-4000:]}"
            if not result["success"] and attempt <= settings.retries and errors.is_transient(told):
                again.append(place)
            else:
                report(result)
        waiting = again
    return [results[place] for place in range(len(scripts))]


def check_jax() -> None:
    """`UserError` where jax is not installed."""
    if importlib.util.find_spec("jax") is None:
        raise UserError("jax is not installed here, and scripts need it; pip install jax")


def _attempt(scripts: Sequence[tuple[Path, str]], platform: str, settings: Settings) -> Iterator[dict[str, Any]]:
    """Each script, given with its name, once; results in their order."""
    total = int(psutil.virtual_memory().total)
    watched = platform != "cpu" or not sys.platform.startswith("linux")
    memory = settings.memory_bytes or (UNLIMITED_BYTES if watched else total)
    limits = Limits(seconds=settings.timeout, memory_bytes=memory, result_bytes=_REPORT_BYTES)
    environment = {**os.environ, **settings.runtime.environment(platform)}
    with tempfile.TemporaryDirectory(prefix="jaxir-scripts-", ignore_cleanup_errors=True) as name:
        folders = [Path(name) / str(place) for place in range(len(scripts))]

        def jobs() -> Iterator[Job]:
            for (script, own), folder in zip(scripts, folders, strict=True):
                folder.mkdir()
                payload = {
                    "script": str(script.resolve()),
                    "work": str(folder),
                    "benchmark_runs": settings.benchmark_runs,
                    "debug": settings.debug,
                    "profile": str(settings.profile.resolve() / own) if settings.profile else "",
                    "harvest": settings.harvest,
                    "monitoring": dataclasses.asdict(settings.runtime.monitoring),
                }
                yield Job(str(script), payload)

        verdicts = lone.run(CHILD, jobs(), settings.jobs, limits, environment, watched=watched)
        for (script, _), folder, verdict in zip(scripts, folders, verdicts, strict=True):
            yield _result(script, folder, verdict, platform)
            shutil.rmtree(folder, ignore_errors=True)


def _result(script: Path, folder: Path, verdict: Verdict, platform: str) -> dict[str, Any]:
    """A verdict and what its process left in its work folder as a result."""
    from jaxir.executor.scripts import child

    stdout, stderr = read_printed(folder / child.STDOUT), read_printed(folder / child.STDERR)
    samples = read_samples(folder / child.SAMPLES)
    seen = max((sample["rss_mb"] for sample in samples), default=None)
    if verdict.value is None:
        value = _died(verdict, stderr, platform)
    else:
        value = verdict.value
    metrics = value.pop("metrics")
    peaks = [peak for peak in (value["peak_memory_mb"], seen) if peak is not None]
    harvest = folder / child.HARVEST
    return {
        "script": str(script),
        **value,
        "peak_memory_mb": max(peaks, default=None),
        "jit_compile_time": sum(metrics[name] for name in _STAGES) / 1e3 if "compile_ms" in metrics else None,
        "performance_metrics": _figures(value, metrics, samples),
        "stdout": stdout,
        "stderr": stderr or verdict.output,
        "samples": samples,
        "harvest": harvest.read_text(encoding="utf-8") if harvest.exists() else "",
    }


def _died(verdict: Verdict, stderr: str, platform: str) -> dict[str, Any]:
    """The fields of a child's report that it did not live to make."""
    kind = errors.OutOfMemoryError.kind if no_memory(stderr[-4000:]) else errors.kind_of_death(verdict.died)
    what = "stopped at the time limit" if verdict.died == "time limit" else f"the process ended: {verdict.died}"
    return {
        "success": False,
        "kind": kind,
        "error": f"{what} after {verdict.seconds:.1f} s",
        "execution_time": verdict.seconds,
        "cpu_time": None,
        "device_used": platform,
        "peak_memory_mb": None,
        "output_files": [],
        "metrics": {},
        "benchmark": None,
    }


def _figures(
    value: Mapping[str, Any], metrics: Mapping[str, Any], samples: Sequence[Mapping[str, float]]
) -> dict[str, Any]:
    """The metrics of one script, by the names that the metrics file has; None is what was not measured or not told."""
    pool = metrics.get("memory", {}).get("peak_bytes_in_use")
    cpu = [sample["cpu_percent"] for sample in samples]
    gpu = [sample["gpu_percent"] for sample in samples if "gpu_percent" in sample]
    stages = {name: metrics.get(name) for name in (*_STAGES, "retrieve_ms", "compilations")}
    return {
        "JAX_COMPILATION": metrics.get("compile_ms"),
        "JAX_CACHE_HITS": metrics.get("cache_hit_rate"),
        "JAX_MEMORY_POOL": None if pool is None else pool / 1e6,
        "wall_time_s": value["execution_time"],
        "cpu_time_s": value["cpu_time"],
        "cpu_percent_mean": sum(cpu) / len(cpu) if cpu else None,
        "cpu_percent_max": max(cpu, default=None),
        "gpu_percent_mean": sum(gpu) / len(gpu) if gpu else None,
        "gpu_memory_mb_max": max((one["gpu_memory_mb"] for one in samples if "gpu_memory_mb" in one), default=None),
        "peak_memory_mb": value["peak_memory_mb"],
        **stages,
    }


def names_of(scripts: Sequence[str]) -> list[str]:
    """A file name for each script, all different: its stem, with its folders where stems repeat."""
    stems = [Path(script).stem for script in scripts]
    names: list[str] = []
    for script, stem in zip(scripts, stems, strict=True):
        name = stem if stems.count(stem) == 1 else re.sub(r"[\\/]+", "__", str(Path(script).with_suffix("")).strip("/"))
        while name in names:
            name += "_"
        names.append(name)
    return names
