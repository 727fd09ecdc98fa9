"""Time one kernel, in a child process: each stage on the way to a compiled program, and calls of it.

A call is timed until its results are ready (`block_until_ready`), so it holds the dispatch: `floor_ms` is what a
program that adds 1 to a scalar takes, and no kernel can be faster. A sample is the mean of as many calls as fill
`SAMPLE_SECONDS`. Between two samples of the kernel a fixed reference program is timed; times divided by it can be
compared between runs on a machine that is now fast and now slow.

JAX's caches are emptied before a kernel is traced, so that its stages do not depend on the kernels before it. They hold
what an eager run needs, which is why eager runs are timed by a function of their own.
"""

from __future__ import annotations

import gc
import itertools
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from jaxir.executor.inputs import draw, sized
from jaxir.executor.metrics import pool
from jaxir.extractor.lower import load, shape_structs
from jaxir.sample import ArraySpec

#: Least length of a sample: a thousand ticks of the clock, and long enough to hold an interrupt or two.
SAMPLE_SECONDS: Final = max(1e-3, 1000 * time.get_clock_info("perf_counter").resolution)
#: Fewest samples of a kernel, however long they take.
FEWEST_SAMPLES: Final = 3
#: The reference program: turns of `tanh(state) + x` over a vector, too small for XLA to share between threads.
_REFERENCE_SIZE: Final = 1024
_REFERENCE_TURNS: Final = 8
#: Figures of `memory_analysis()`, and what they are called here.
_MEMORY: Final = {
    "argument_bytes": "argument_size_in_bytes",
    "output_bytes": "output_size_in_bytes",
    "temp_bytes": "temp_size_in_bytes",
    "code_bytes": "generated_code_size_in_bytes",
    "peak_bytes": "peak_memory_in_bytes",
}

#: `jax.block_until_ready`, which has no types.
ready: Final[Callable[[Any], Any]] = jax.block_until_ready
#: Something to time, without arguments and until its results are ready.
Call = Callable[[], object]
_aids: dict[str, tuple[Call, int, float]] = {}  # platform -> (reference program, its calls a sample, floor_ms)


def time_compiled(payload: Mapping[str, Any]) -> dict[str, Any]:
    """In a child: every stage of one kernel, then samples of the compiled program.

    Args:
        payload: `python_source`, `function_name`, `inputs` (type strings), `input_seed`, `x64`, `num_devices`,
            `platform` (what to run on), `repeats` (samples) and `seconds` (after which no sample is begun).

    Returns:
        `trace_ms`, `lower_ms`, `compile_ms`, `first_call_ms` (once each), `samples_ms` and `reference_ms` (one each a
        round), `calls` (in a sample), `floor_ms`, `memory` (bytes, what the platform tells), `pool_peak_bytes` (of the
        process so far, or None), `device_used`, `device_kind`.

    Raises:
        RuntimeError: the platform is not here, or too few devices of it.
        Rejected: the text does not run.
    """
    device = _prepare(payload)
    with jax.default_device(device):
        reference, reference_calls, floor_ms = reference_program(payload["platform"])
        jax.clear_caches()  # type: ignore[no-untyped-call]  # jax has no types here
        # Symbolic dims get the sizes that the row was verified with.
        specs = sized([ArraySpec.parse(text) for text in payload["inputs"]], payload["input_seed"])
        function = load(payload["python_source"], payload["function_name"])
        arguments = _arguments(specs, payload["input_seed"])
        structs = shape_structs(specs)
        ticks = [time.perf_counter()]
        traced = jax.jit(function).trace(*structs)
        ticks.append(time.perf_counter())
        lowered = traced.lower()
        ticks.append(time.perf_counter())
        compiled = lowered.compile()
        ticks.append(time.perf_counter())
        results = ready(compiled(*arguments))
        ticks.append(time.perf_counter())
        stages = [(after - before) * 1e3 for before, after in itertools.pairwise(ticks)]

        def call() -> None:
            ready(compiled(*arguments))

        calls = calls_per_sample(call)
        programs = [(call, calls), (reference, reference_calls)]
        samples = alternate(programs, payload["repeats"], payload["seconds"])
        peak = pool(device).get("peak_bytes_in_use")
        return {
            **dict(zip(("trace_ms", "lower_ms", "compile_ms", "first_call_ms"), stages, strict=True)),
            "samples_ms": samples[0],
            "reference_ms": samples[1],
            "calls": calls,
            "floor_ms": floor_ms,
            "memory": _memory(compiled),
            "pool_peak_bytes": peak,
            **where(results, device),
        }


def time_eager(payload: Mapping[str, Any]) -> dict[str, Any]:
    """In a child: samples of the plain function, called op by op once everything it needs is compiled.

    Args:
        payload: as for `time_compiled`.

    Returns:
        `samples_ms`, `reference_ms`, `calls`, `device_used`, `device_kind`.
    """
    device = _prepare(payload)
    with jax.default_device(device):
        reference, reference_calls, _ = reference_program(payload["platform"])
        function = load(payload["python_source"], payload["function_name"])
        arguments = _arguments([ArraySpec.parse(text) for text in payload["inputs"]], payload["input_seed"])
        results = ready(function(*arguments))

        def call() -> None:
            ready(function(*arguments))

        calls = calls_per_sample(call)
        programs = [(call, calls), (reference, reference_calls)]
        samples = alternate(programs, payload["repeats"], payload["seconds"])
        return {"samples_ms": samples[0], "reference_ms": samples[1], "calls": calls, **where(results, device)}


def _prepare(payload: Mapping[str, Any]) -> Any:
    """The device to run on; switches 64-bit types on or off as the kernel was lowered."""
    jax.config.update("jax_enable_x64", bool(payload["x64"]))  # type: ignore[no-untyped-call]  # jax has no types here
    devices = jax.local_devices(backend=payload["platform"])
    if len(devices) < payload["num_devices"]:
        raise RuntimeError(f"needs {payload['num_devices']} devices, here are {len(devices)}")
    return devices[0]


def _arguments(specs: Sequence[ArraySpec], input_seed: int) -> list[Any]:
    # Not bound to a device: a kernel over several devices spreads them itself.
    return ready([jax.device_put(array) for array in draw(specs, input_seed)])  # type: ignore[no-any-return]


def where(results: Any, device: Any) -> dict[str, str]:
    """The platform that holds the results, which is where they were computed; `device` where there are none."""
    leaves = jax.tree.leaves(results)
    used = min(leaves[0].devices(), key=lambda one: one.id) if leaves else device
    return {"device_used": used.platform, "device_kind": used.device_kind}


def reference_program(platform: str) -> tuple[Call, int, float]:
    """The reference program on JAX's default device, its calls a sample, and `floor_ms`; made once in a process."""
    if platform not in _aids:
        x = jnp.asarray(np.cos(np.arange(_REFERENCE_SIZE, dtype=np.float32)))

        def turns(x: Any) -> Any:
            state = x
            for _ in range(_REFERENCE_TURNS):
                state = jnp.tanh(state) + x
            return state

        compiled = jax.jit(turns).lower(x).compile()
        one = jnp.float32(1.0)
        trivial = jax.jit(lambda x: x + 1).lower(one).compile()

        def reference() -> None:
            ready(compiled(x))

        def floor() -> None:
            ready(trivial(one))

        calls = calls_per_sample(floor)
        floor_ms = min(sample(floor, calls) for _ in range(5))
        _aids[platform] = reference, calls_per_sample(reference), floor_ms
    return _aids[platform]


def calls_per_sample(call: Call) -> int:
    """Calls that fill a sample; finding out is the warm-up."""
    calls, reached = 1, 0
    while True:
        seconds = sample(call, calls) * calls / 1e3
        if seconds >= SAMPLE_SECONDS:
            reached += 1
            if reached == 2:  # twice, because the first calls are slow
                return calls
            continue
        calls = max(calls + 1, math.ceil(calls * min(10.0, 1.1 * SAMPLE_SECONDS / max(seconds, 1e-9))))


def sample(call: Call, calls: int) -> float:
    """Mean time of one of several calls in a row, in ms."""
    start = time.perf_counter()
    for _ in range(calls):
        call()
    return (time.perf_counter() - start) / calls * 1e3


def alternate(
    programs: Sequence[tuple[Call, int]], repeats: int, seconds: float, fewest: int = FEWEST_SAMPLES
) -> list[list[float]]:
    """Samples of several programs in turn, in ms; Python's collector waits meanwhile.

    Args:
        programs: what to call, and how often for a sample (`calls_per_sample`).
        repeats: samples of each.
        seconds: after which no further round is begun.
        fewest: rounds, however long they take.
    """
    samples: list[list[float]] = [[] for _ in programs]
    gc.collect()
    gc.disable()
    try:
        for call, calls in programs:
            sample(call, calls)  # the collector has emptied the processor's caches
        begun = time.perf_counter()
        for done in range(repeats):
            if done >= fewest and time.perf_counter() - begun > seconds:
                break
            for (call, calls), taken in zip(programs, samples, strict=True):
                taken.append(sample(call, calls))
    finally:
        gc.enable()
    return samples


def _memory(compiled: Any) -> dict[str, int]:
    """What the compiler says of the program's memory, as far as the platform and the version of JAX tell."""
    try:
        analysis = compiled.memory_analysis()
    except (RuntimeError, NotImplementedError):
        return {}
    found = {name: getattr(analysis, key, None) for name, key in _MEMORY.items()}
    return {name: int(value) for name, value in found.items() if value is not None}
