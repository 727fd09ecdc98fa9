"""Run things on devices: pairs (oracles, isolation, replay, timing) and scripts.

The script executor is re-exported here lazily (PEP 562), so that the parent process imports no jax for it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxir.executor.fallback import compile_or_fallback
    from jaxir.executor.gains import benchmark_sustained_performance, break_even_calls, measure_compilation_speedup
    from jaxir.executor.growth import memory_growth
    from jaxir.executor.history import detect_regression
    from jaxir.executor.scripts import (
        JAXExecutionError,
        execute_jax_script,
        find_jax_scripts,
        get_jax_device_info,
        is_jax_available,
        run_jax_scripts,
    )

_HOMES = {
    "JAXExecutionError": "jaxir.executor.scripts",
    "benchmark_sustained_performance": "jaxir.executor.gains",
    "break_even_calls": "jaxir.executor.gains",
    "compile_or_fallback": "jaxir.executor.fallback",
    "detect_regression": "jaxir.executor.history",
    "execute_jax_script": "jaxir.executor.scripts",
    "find_jax_scripts": "jaxir.executor.scripts",
    "get_jax_device_info": "jaxir.executor.scripts",
    "is_jax_available": "jaxir.executor.scripts",
    "measure_compilation_speedup": "jaxir.executor.gains",
    "memory_growth": "jaxir.executor.growth",
    "run_jax_scripts": "jaxir.executor.scripts",
}

__all__ = [
    "JAXExecutionError",
    "benchmark_sustained_performance",
    "break_even_calls",
    "compile_or_fallback",
    "detect_regression",
    "execute_jax_script",
    "find_jax_scripts",
    "get_jax_device_info",
    "is_jax_available",
    "measure_compilation_speedup",
    "memory_growth",
    "run_jax_scripts",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'jaxir.executor' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
