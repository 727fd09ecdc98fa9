"""Time rows on one device: several passes over all of them, one row of a side table for each.

A pass is a worker process of its own that times every row of a part once; what differs from process to process (where
memory lies, what the machine did meanwhile) shows between passes and not within one, so a comparison needs at least
two. Rows are timed one at a time, forwards in one pass and backwards in the next, so that a drift of the machine does
not fall on the same ones. Eager runs have a pass to themselves, the last.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import math
import statistics
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from jaxir.executor.devices import UNLIMITED_BYTES, Device
from jaxir.executor.isolation import Job, Limits, run_isolated
from jaxir.executor.runtime import RuntimeConfig
from jaxir.executor.sidetable import PART, SideTable

#: Folder of the side table in the corpus folder.
FOLDER: Final = "timing"
COMPILED: Final = "jaxir.executor.timing.stages:time_compiled"
EAGER: Final = "jaxir.executor.timing.stages:time_eager"

#: Columns of a corpus that timing needs.
COLUMNS: Final = (
    *("id", "python_source", "function_name", "inputs", "input_seed", "x64", "num_devices"),
    *("category", "operation", "level", "flops", "bytes_accessed"),
)
_PAYLOAD: Final = ("python_source", "function_name", "inputs", "input_seed", "x64", "num_devices")

#: Stages that are measured once a pass.
STAGES: Final = ("trace_ms", "lower_ms", "compile_ms", "first_call_ms")
_MEMORY: Final = ("argument_bytes", "output_bytes", "temp_bytes", "code_bytes", "peak_bytes")
_PASSES: Final = pa.list_(pa.field("element", pa.list_(pa.field("element", pa.float64()))))
_ONE_EACH: Final = pa.list_(pa.field("element", pa.float64()))

#: The timing of one row on one device. Units are in the names; null is what was not measured or is not told.
#:
#: * `trace_ms`, `lower_ms`, `compile_ms`, `first_call_ms`: medians over the passes; `*_passes_ms` has each.
#: * `run_*`: one call of the compiled program, until its results are ready; over all samples of all passes.
#:   `run_samples_ms` has them pass by pass.
#: * `reference_passes_ms`: the normaliser of each pass, the reference program timed between all samples of all rows.
#: * `run_per_reference`: median over the passes of `typical` run / reference, a number without unit.
#: * `eager_*`: one call of the plain function, likewise.
#: * `eager_over_compiled`: ratio of the two, each per reference.
#: * `break_even_calls`: calls after which tracing, lowering and compiling have paid off; null if they never do.
#: * `model_*_per_s`: `flops` and `bytes_accessed` of the row, which are a cost model's, over `run_ms`.
#: * `*_bytes`: the compiler's figures of the program; `pool_peak_bytes` is the most that the process had taken so far.
#: * `floor_ms`: a call of a program that does nearly nothing.
#: * `fault`: why the row could not be timed, or "".
SCHEMA: Final = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "category", "operation")),
        ("level", pa.int64()),
        *((name, pa.string()) for name in ("device", "device_used", "device_name", "runtime", "driver_version")),
        *((name, pa.string()) for name in ("jax_version", "fault")),
        ("passes", pa.int64()),
        *((name, pa.float64()) for name in STAGES),
        *((name.replace("_ms", "_passes_ms"), _ONE_EACH) for name in STAGES),
        *((name, pa.float64()) for name in ("run_ms", "run_min_ms", "run_iqr_ms")),
        *((name, pa.int64()) for name in ("run_n", "calls_per_sample")),
        *((name, pa.float64()) for name in ("run_per_reference", "floor_ms")),
        *((name, pa.float64()) for name in ("eager_ms", "eager_min_ms", "eager_iqr_ms")),
        ("eager_n", pa.int64()),
        *((name, pa.float64()) for name in ("eager_over_compiled", "break_even_calls")),
        *((name, pa.float64()) for name in ("model_flops_per_s", "model_bytes_per_s")),
        *((name, pa.int64()) for name in (*_MEMORY, "pool_peak_bytes")),
        ("run_samples_ms", _PASSES),
        ("reference_passes_ms", _ONE_EACH),
    ]
)


@dataclasses.dataclass(frozen=True)
class Settings:
    """How thoroughly to measure.

    Attributes:
        passes: worker processes that time every row; a comparison needs at least 2.
        repeats: samples of a row in a pass.
        seconds: after which no further sample of a row is begun in a pass.
        eager: whether to time the plain functions too.
        limit_seconds: for one row in one pass, all stages included.
    """

    passes: int = 3
    repeats: int = 10
    seconds: float = 1.0
    eager: bool = True
    limit_seconds: float = 120.0


def bench(
    rows: Sequence[Mapping[str, Any]],
    out: Path,
    device: Device,
    runtime: RuntimeConfig,
    settings: Settings,
    *,
    fresh: bool = False,
    progress: Callable[[int], object] = lambda rows: None,
) -> pa.Table:
    """Time rows on a device, or go on with it; the sources are executed, in worker processes without a sandbox.

    Rows are timed `PART` at a time, all passes, and then written, so that a run that was stopped loses one part.

    Args:
        rows: dicts with `COLUMNS`.
        out: folder for `timing/`.
        device: from `resolve`; the first of its platform is used.
        runtime: memory and number of CPU devices for the workers; its compile cache is not used.
        settings: how often.
        fresh: drop what an earlier run wrote.
        progress: called with the number of rows that are done, once a pass.

    Returns:
        The table on the disk, of `SCHEMA`: these rows, and those of earlier runs.

    Raises:
        UserError: it cannot be read or written, or an earlier run had other settings or another device.
    """
    recorded = {
        **dataclasses.asdict(settings),
        "device": device.name,
        "driver": device.driver_version,
        "jax": importlib.metadata.version("jax"),
    }
    table = SideTable(out / FOLDER, device.platform, SCHEMA, recorded, fresh=fresh)
    waiting = [row for row in rows if row["id"] not in table.done]
    progress((len(rows) - len(waiting)) * (settings.passes + settings.eager))
    for start in range(0, len(waiting), PART):
        for row in _part(waiting[start : start + PART], device, runtime, settings, progress):
            table.add(row)
        table.flush()
    return pa.Table.from_pylist(list(table.rows()), schema=SCHEMA)


def _part(
    rows: Sequence[Mapping[str, Any]],
    device: Device,
    runtime: RuntimeConfig,
    settings: Settings,
    progress: Callable[[int], object],
) -> Iterator[dict[str, Any]]:
    """Rows of the table for rows of the corpus, after all passes over them."""
    measured: dict[str, list[dict[str, Any]]] = {row["id"]: [] for row in rows}
    eager: dict[str, dict[str, Any]] = {}
    faults: dict[str, str] = {}
    for number in range(settings.passes + settings.eager):
        is_eager = number == settings.passes
        ordered = rows if number % 2 == 0 else rows[::-1]
        jobs = [Job(row["id"], _payload(row, device, settings)) for row in ordered if row["id"] not in faults]
        progress(len(rows) - len(jobs))
        values: dict[str, dict[str, Any]] = {}
        for verdict in run_isolated(
            EAGER if is_eager else COMPILED,
            jobs,
            workers=1,
            limits=Limits(settings.limit_seconds, UNLIMITED_BYTES),
            fresh=False,
            environment=_environment(rows, device, runtime),
        ):
            progress(1)
            if verdict.value is None:
                faults[verdict.key] = f"eager: {verdict.died}" if is_eager else verdict.died
            else:
                values[verdict.key] = verdict.value
        reference = _reference(values.values())
        for key, value in values.items():
            value["reference"] = reference
            if is_eager:
                eager[key] = value
            else:
                measured[key].append(value)
    for row in rows:
        yield _row(row, device, measured[row["id"]], eager.get(row["id"]), faults.get(row["id"], ""))


def _payload(row: Mapping[str, Any], device: Device, settings: Settings) -> dict[str, Any]:
    payload = {name: row[name] for name in _PAYLOAD}
    payload["inputs"] = list(payload["inputs"])
    return {**payload, "platform": device.platform, "repeats": settings.repeats, "seconds": settings.seconds}


def _environment(rows: Sequence[Mapping[str, Any]], device: Device, runtime: RuntimeConfig) -> dict[str, str]:
    """The workers' variables: on a CPU as many virtual devices as the rows want, and no compile cache, since the time
    to compile would be the time to read a file."""
    uncached = dataclasses.replace(runtime.execution, compile_cache=None)
    values = dataclasses.replace(runtime, execution=uncached).environment(device.platform)
    wanted = max((int(row["num_devices"]) for row in rows), default=1)
    if device.platform == "cpu" and wanted > runtime.device.virtual_cpu_devices:
        values["JAX_NUM_CPU_DEVICES"] = str(wanted)
    return values


def _iqr(values: Sequence[float]) -> float | None:
    if len(values) < 2:
        return None
    quarters = statistics.quantiles(values, n=4, method="inclusive")
    return quarters[2] - quarters[0]


def typical(samples: Sequence[float]) -> float:
    """The lower quartile: what a machine does besides only ever adds to a time."""
    return statistics.quantiles(samples, n=4, method="inclusive")[0] if len(samples) > 1 else samples[0]


def _reference(values: Collection[Mapping[str, Any]]) -> float:
    """The normaliser of a pass: what the reference program took where nothing came between.

    A low percentile of many samples is the same however busy the machine was, and follows its speed.
    """
    samples = sorted(sample for value in values for sample in value["reference_ms"])
    return float(samples[len(samples) // 10]) if samples else math.nan


def _per_reference(timing: Mapping[str, Any]) -> float:
    return typical(timing["samples_ms"]) / float(timing["reference"])


def _row(
    row: Mapping[str, Any],
    device: Device,
    passes: Sequence[Mapping[str, Any]],
    eager: Mapping[str, Any] | None,
    fault: str,
) -> dict[str, Any]:
    made: dict[str, Any] = dict.fromkeys(SCHEMA.names)
    made |= {name: row[name] for name in ("id", "category", "operation", "level")}
    made |= {
        "device": str(device),
        "device_used": device.platform,
        "device_name": device.name,
        "runtime": device.runtime,
        "driver_version": device.driver_version,
        "jax_version": importlib.metadata.version("jax"),
        "fault": fault,
        "passes": len(passes),
    }
    if not passes:
        return made
    for stage in STAGES:
        values = [one[stage] for one in passes]
        made |= {stage: statistics.median(values), stage.replace("_ms", "_passes_ms"): values}
    samples = [sample for one in passes for sample in one["samples_ms"]]
    run = statistics.median(samples)
    per_reference = statistics.median(map(_per_reference, passes))
    last = passes[-1]
    made |= {
        "device_used": last["device_used"],
        "run_ms": run,
        "run_min_ms": min(samples),
        "run_iqr_ms": _iqr(samples),
        "run_n": len(samples),
        "calls_per_sample": last["calls"],
        "run_per_reference": per_reference,
        "floor_ms": min(one["floor_ms"] for one in passes),
        "model_flops_per_s": row["flops"] / run * 1e3,
        "model_bytes_per_s": row["bytes_accessed"] / run * 1e3,
        **{name: last["memory"].get(name) for name in _MEMORY},
        "pool_peak_bytes": last["pool_peak_bytes"],
        "run_samples_ms": [one["samples_ms"] for one in passes],
        "reference_passes_ms": [one["reference"] for one in passes],
    }
    if eager is not None:
        ratio = _per_reference(eager) / per_reference
        cost = sum(made[stage] for stage in ("trace_ms", "lower_ms", "compile_ms"))
        made |= {
            "eager_ms": statistics.median(eager["samples_ms"]),
            "eager_min_ms": min(eager["samples_ms"]),
            "eager_iqr_ms": _iqr(eager["samples_ms"]),
            "eager_n": len(eager["samples_ms"]),
            "eager_over_compiled": ratio,
            # The eager pass may have met a slower machine: its time counts as the ratio says.
            "break_even_calls": math.ceil(cost / (run * (ratio - 1))) if ratio > 1 else None,
        }
    return made
