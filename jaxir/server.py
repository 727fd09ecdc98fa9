"""An MCP server (https://modelcontextprotocol.io) over stdio: agents run, watch and time JAX scripts and extract IR.

Whatever executes code does so in a child process with a time limit; standard output belongs to the protocol.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from jaxir.errors import UserError
from jaxir.executor.isolation import Job, Limits, run_isolated
from jaxir.executor.scripts import execute_jax_script, get_jax_device_info, is_jax_available
from jaxir.version import __version__

EXTRACT: Final = "jaxir.server:extract"
#: Characters of each printed stream in an answer; the rest is in the result files.
_PRINTED_CHARS: Final = 4000


def run_jax_scripts(
    path: str, device: str = "auto", recursive: bool = True, timeout: float = 300.0, jobs: int = 1, out: str = ""
) -> dict[str, Any]:
    """Run a Python script that uses JAX, or every such script of a folder, each in a process of its own.

    Results are also written to jax_results/ in the folder, or in `out`.
    """
    from jaxir.executor.scripts.find import find_jax_scripts
    from jaxir.executor.scripts.results import write_results
    from jaxir.executor.scripts.run import Settings, run_scripts

    root = Path(path)
    scripts = find_jax_scripts(root, recursive)
    if not scripts:
        raise UserError(f"{root}: no JAX script here; expected Python files that import jax")
    results = run_scripts(scripts, Settings(device=device, timeout=timeout, jobs=jobs))
    folder = Path(out) if out else root if root.is_dir() else root.parent
    place = write_results(folder, results, get_jax_device_info())
    return {
        "success": all(result["success"] for result in results),
        "results_folder": str(place),
        "results": [_short(result) for result in results],
    }


def check_jax_availability(device: str = "cpu") -> dict[str, Any]:
    """Say whether JAX can compute on a platform here (cpu, gpu, tpu or auto), and which devices there are."""
    return {"available": is_jax_available(device), **get_jax_device_info()}


def monitor_jax_performance(script: str, device: str = "auto", timeout: float = 300.0) -> dict[str, Any]:
    """Run a script and tell its compile time, cache hits, memory, and CPU and GPU use over time."""
    result = execute_jax_script(script, device, timeout=timeout)
    return {**_short(result), "performance_metrics": result["performance_metrics"], "samples": result["samples"]}


def benchmark_jax_script(script: str, runs: int = 5, device: str = "auto", timeout: float = 600.0) -> dict[str, Any]:
    """Run a script once and then `runs` times more in the same process; tell mean, median, spread and stability."""
    result = execute_jax_script(script, device, timeout=timeout, benchmark_runs=runs)
    return {**_short(result), "benchmark": result["benchmark"]}


def extract_ir(
    file: str, function: str, arguments: list[str], dialects: list[str] | None = None, timeout: float = 120.0
) -> dict[str, Any]:
    """Lower a function of a Python file to StableHLO (or hlo, jaxpr) with metadata.

    `arguments` are the types of its arguments in order, such as "float32[3,4]". The file is executed for it.
    """
    target = f"{file}:{function}"
    job = Job(target, {"target": target, "arguments": arguments, "dialects": dialects or ["stablehlo"]})
    verdict = next(iter(run_isolated(EXTRACT, [job], workers=1, limits=Limits(seconds=timeout), fresh=False)))
    if verdict.value is None:
        raise UserError(f"{target}: {verdict.died}")
    return verdict.value


def extract(payload: dict[str, Any]) -> dict[str, Any]:
    """In a child: the record of a function, as fields of `Sample`."""
    from jaxir.extractor.inspection import extract as run
    from jaxir.extractor.inspection import load_function
    from jaxir.sample import ArraySpec

    specs = [ArraySpec.parse(text) for text in payload["arguments"]]
    return dataclasses.asdict(run(load_function(payload["target"]), *specs, dialects=payload["dialects"]))


#: What the server offers; names, signatures and first lines are what an agent sees.
TOOLS: Final[tuple[Callable[..., dict[str, Any]], ...]] = (
    run_jax_scripts,
    check_jax_availability,
    monitor_jax_performance,
    benchmark_jax_script,
    extract_ir,
)


def serve() -> None:
    """Serve over standard input and output until the client leaves.

    Raises:
        UserError: the package `mcp` is missing.
    """
    try:
        from mcp.server import MCPServer
        from mcp.server.mcpserver.exceptions import ToolError
    except ImportError:
        raise UserError("the MCP server needs the package mcp, version 2; pip install 'jaxir[mcp]'") from None

    def told(tool: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
        @functools.wraps(tool)
        def call(*arguments: Any, **keywords: Any) -> dict[str, Any]:
            try:
                return tool(*arguments, **keywords)
            except UserError as error:  # the SDK keeps the text of any other exception from the client
                raise ToolError(str(error)) from None

        return call

    server = MCPServer("jaxir", version=__version__)
    for tool in TOOLS:
        server.tool()(told(tool))
    server.run("stdio")


def _short(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result without its long parts."""
    left_out = ("samples", "harvest", "performance_metrics", "benchmark")
    kept = {name: value for name, value in result.items() if name not in left_out}
    return {**kept, **{name: result[name][-_PRINTED_CHARS:] for name in ("stdout", "stderr")}}
