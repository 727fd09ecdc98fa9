"""The script executor: find, run, time and profile JAX scripts, and harvest what they jit.

`run_jax_scripts` for a folder, `execute_jax_script` for one file. Every script runs in a process of its own.
Processes are spawned, so a program that calls these functions needs `if __name__ == "__main__":` around its own start,
as with `multiprocessing`.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Any

from jaxir.errors import UserError
from jaxir.executor.scripts.errors import (
    KINDS,
    CompilationFailedError,
    DeviceNotAvailableError,
    ExecutionTimeoutError,
    JAXExecutionError,
    NumericalInstabilityError,
    OutOfMemoryError,
)
from jaxir.executor.scripts.find import find_jax_scripts

__all__ = [
    "CompilationFailedError",
    "DeviceNotAvailableError",
    "ExecutionTimeoutError",
    "JAXExecutionError",
    "NumericalInstabilityError",
    "OutOfMemoryError",
    "execute_jax_script",
    "find_jax_scripts",
    "get_jax_device_info",
    "is_jax_available",
    "run_jax_scripts",
]


def run_jax_scripts(
    pipeline_output_dir: str | Path,
    recursive_search: bool = True,
    *,
    device: str = "auto",
    timeout: float = 300,
    verbose: bool = False,
    output_dir: str | Path | None = None,
    profile: bool = False,
    **settings: Any,
) -> bool:
    """Run every JAX script of a folder and write the results beside them; see `results` for the layout.

    Args:
        pipeline_output_dir: a folder, or one script.
        recursive_search: whether to look into its folders.
        device: `auto`, `cpu`, `gpu` or `tpu`.
        timeout: seconds for one script.
        verbose: whether to print a line for each script.
        output_dir: where `jax_results/` goes; by default the folder itself.
        profile: whether to write `jax_profiling/`, JAX's own trace included.
        **settings: other fields of `run.Settings`, such as `jobs`, `benchmark_runs`, `debug`, `runtime`.

    Returns:
        Whether every script succeeded.

    Raises:
        UserError: no such folder, no JAX script in it, no jax here, or a device is missing and nothing may stand in.
    """
    from jaxir.executor.scripts.results import PROFILING, TRACES, line_of, write_results
    from jaxir.executor.scripts.run import Settings, run_scripts

    root = Path(pipeline_output_dir)
    scripts = find_jax_scripts(root, recursive_search)
    if not scripts:
        raise UserError(f"{root}: no JAX script here; expected Python files that import jax")
    out = Path(output_dir) if output_dir is not None else root if root.is_dir() else root.parent
    chosen = Settings(device=device, timeout=timeout, profile=out / PROFILING / TRACES if profile else None, **settings)
    results = run_scripts(scripts, chosen, report=lambda result: print(line_of(result)) if verbose else None)
    write_results(out, results, get_jax_device_info(), profile=profile)
    return all(result["success"] for result in results)


def execute_jax_script(
    script_path: str | Path,
    device: str = "auto",
    *,
    profile: bool = False,
    timeout: float = 300,
    benchmark_runs: int = 0,
    debug: bool = False,
    check: bool = False,
    profile_dir: str | Path | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Run one script in a process of its own.

    Args:
        script_path: the file.
        device: `auto`, `cpu`, `gpu` or `tpu`.
        profile: whether to write JAX's trace.
        timeout: seconds.
        benchmark_runs: further runs in the same process, which are timed.
        debug: JAX's flags that make a NaN or an infinity an error.
        check: whether a failure raises.
        profile_dir: folder for the trace; by default `jax_profiling/traces` beside the script.
        **settings: other fields of `run.Settings`, such as `memory_bytes`, `fallback`, `retries`, `runtime`.

    Returns:
        See `run.run_scripts`: `success`, `execution_time` (s), `device_used`, `performance_metrics`, `output_files`,
        `peak_memory_mb`, `jit_compile_time` (s), `benchmark`, `stdout`, `stderr`, `kind`, `error` and others.

    Raises:
        UserError: no such script, no jax here, or a device is missing and nothing may stand in.
        JAXExecutionError: with `check`: the script failed; the kind of failure is the class.
    """
    from jaxir.executor.scripts.results import PROFILING, TRACES
    from jaxir.executor.scripts.run import Settings, run_scripts

    path = Path(script_path)
    folder = (Path(profile_dir) if profile_dir else path.parent / PROFILING / TRACES) if profile else None
    chosen = Settings(
        device=device, timeout=timeout, benchmark_runs=benchmark_runs, debug=debug, profile=folder, **settings
    )
    (result,) = run_scripts([path], chosen)
    if check and not result["success"]:
        raise KINDS[result["kind"]](f"{path}: {result['error']}")
    return result


def is_jax_available(device: str = "cpu") -> bool:
    """Whether jax is installed and has a device of a platform (`cpu`, `gpu`, `tpu`, or `auto` for any)."""
    platforms = {one["platform"] for one in get_jax_device_info()["available_devices"]}
    return bool(platforms) if device == "auto" else device in platforms


def get_jax_device_info() -> dict[str, Any]:
    """What JAX can compute on here; looks in a child process.

    Returns:
        `jax_version` ("" where jax is not installed), `default_device` (such as `cpu:0`) and `available_devices`, the
        best first: dicts with `name`, `platform`, `memory_gb` (10^9 bytes), `compute_capability`, `driver_version`;
        None is what is not known.
    """
    if importlib.util.find_spec("jax") is None:
        return {"jax_version": "", "default_device": None, "available_devices": []}
    from jaxir.executor.devices import discover

    found = discover()
    described = []
    for device in found:
        fields = dataclasses.asdict(device)
        memory = fields["memory_bytes"]
        described.append(
            {
                "name": device.name,
                "platform": device.platform,
                "memory_gb": None if memory is None else round(memory / 1e9, 2),
                "compute_capability": device.compute_capability or None,
                "driver_version": device.driver_version or None,
            }
        )
    return {
        "jax_version": importlib.metadata.version("jax"),
        "default_device": str(found[0]) if found else None,
        "available_devices": described,
    }
