"""What JAX did while something ran: tracing, lowering, compiling, hits of the compile cache, the device's memory pool.

`jax.monitoring` fires `backend_compile_duration` for a program that came out of the compile cache too, so each is
paired with the `cache_hits` before it in its thread. A trace inside a trace fires nothing of its own.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from collections.abc import Iterator
from typing import Any, Final

import jax

_TRACE: Final = "/jax/core/compile/jaxpr_trace_duration"
_LOWER: Final = "/jax/core/compile/jaxpr_to_mlir_module_duration"
_COMPILE: Final = "/jax/core/compile/backend_compile_duration"
_HIT: Final = "/jax/compilation_cache/cache_hits"
_MISS: Final = "/jax/compilation_cache/cache_misses"


@dataclasses.dataclass
class Metrics:
    """Sums over what ran inside `collect()`; complete once it has ended.

    Attributes:
        trace_ms, lower_ms: time of tracing to jaxprs and of making StableHLO modules.
        compile_ms: time of the backend's compiler, without what the cache held.
        retrieve_ms: time to load programs from the compile cache.
        traces, lowerings, compilations: how many of each.
        cache_hits, cache_misses: requests to the compile cache; both 0 where it is off.
        memory: the device's own figures of its pool (`bytes_in_use`, `peak_bytes_in_use`, `bytes_limit`, ...) at the
            end, in bytes; {} where the platform tells nothing, as the CPU does.
    """

    trace_ms: float = 0.0
    lower_ms: float = 0.0
    compile_ms: float = 0.0
    retrieve_ms: float = 0.0
    traces: int = 0
    lowerings: int = 0
    compilations: int = 0
    cache_hits: int = 0
    cache_misses: int = 0
    memory: dict[str, int] = dataclasses.field(default_factory=dict)

    @property
    def cache_hit_rate(self) -> float | None:
        """Share of the requests that the compile cache could answer, 0 to 1; None where there were none."""
        requests = self.cache_hits + self.cache_misses
        return self.cache_hits / requests if requests else None


class _Listener:
    """Adds the events of all threads to `Metrics`."""

    def __init__(self, metrics: Metrics) -> None:
        self.metrics = metrics
        self.lock = threading.Lock()
        self.hit: set[int] = set()  # threads whose next compilation comes out of the cache

    def event(self, event: str, **_: Any) -> None:
        with self.lock:
            if event == _HIT:
                self.hit.add(threading.get_ident())
                self.metrics.cache_hits += 1
            elif event == _MISS:
                self.metrics.cache_misses += 1

    def duration(self, event: str, duration_secs: float, **_: Any) -> None:
        with self.lock:
            if event == _COMPILE:
                thread = threading.get_ident()
                if thread in self.hit:
                    self.hit.remove(thread)
                    self.metrics.retrieve_ms += duration_secs * 1e3
                else:
                    self.metrics.compilations += 1
                    self.metrics.compile_ms += duration_secs * 1e3
            elif event == _TRACE:
                self.metrics.traces += 1
                self.metrics.trace_ms += duration_secs * 1e3
            elif event == _LOWER:
                self.metrics.lowerings += 1
                self.metrics.lower_ms += duration_secs * 1e3


@contextlib.contextmanager
def collect(device: Any = None, *, compilation: bool = True, memory: bool = True) -> Iterator[Metrics]:
    """Watch JAX in this process, all threads, while the body runs.

    Args:
        device: the `jax.Device` whose memory pool is read; by default the first one.
        compilation: whether to watch tracing, lowering, compiling and the compile cache.
        memory: whether to read the memory pool.
    """
    metrics = Metrics()
    listener = _Listener(metrics)
    if compilation:
        jax.monitoring.register_event_listener(listener.event)
        jax.monitoring.register_event_duration_secs_listener(listener.duration)
    try:
        yield metrics
    finally:
        if compilation:
            jax.monitoring.unregister_event_listener(listener.event)
            jax.monitoring.unregister_event_duration_listener(listener.duration)
        if memory:
            metrics.memory = pool(device or jax.local_devices()[0])


def pool(device: Any) -> dict[str, int]:
    """The figures of a device's memory pool in bytes, {} where it has none."""
    try:
        stats = device.memory_stats() or {}
    except RuntimeError:  # some runtimes refuse instead of saying nothing
        return {}
    return {str(name): int(value) for name, value in stats.items()}
