"""The same stored IR on several devices: whether the results are the same, and what each compiler makes of it.

Each row is compiled for every device with the optimisations that are usual there, and run on the same inputs. Results
and optimised HLO are compared with those of the first device. Virtual CPU devices count (`virtual_cpu_devices` in
`configs/runtime.yaml`): they should not differ at all.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from jaxir.executor.devices import Device
from jaxir.executor.isolation import ENVIRONMENT, Job, Limits, run_isolated

FUNCTION: Final = "jaxir.executor.crossdevice:run_on_each"
_OP: Final = re.compile(r"^\s*(?:ROOT )?%?[\w.-]+ = \S+(?: \S+)*? ([a-z][a-z0-9-]*)\(", re.MULTILINE)


def run_on_each(payload: Mapping[str, Any]) -> dict[str, Any]:
    """In a child: one row on each device.

    Args:
        payload: the columns of a row that `jaxir.executor.oracle.Pair.from_row` reads and `input_seed`; `devices`,
            (platform, index) pairs.

    Returns:
        `device` -> {"hlo": op of the optimised HLO -> count, "same_bits", "agrees", "max_abs_error", "max_rel_error"},
        the errors against the first device, or {"fault": text}.
    """
    import jax

    from jaxir.executor.behavior import digest
    from jaxir.executor.compiled import Executable
    from jaxir.executor.inputs import draw
    from jaxir.executor.oracle import Pair
    from jaxir.executor.verify import compare_sides, tolerance_of

    pair = Pair.from_row(payload)
    inputs = draw(pair.inputs, payload["input_seed"])
    pair = pair.like(inputs)
    tolerance = tolerance_of(pair)
    found: dict[str, Any] = {}
    first: list[Any] | None = None
    for platform, index in payload["devices"]:
        try:
            device = jax.devices(platform)[index]
            made = Executable(
                pair.stablehlo,
                pair.outputs,
                device=device,
                platforms=pair.platform.split(","),
                options={},
                x64=pair.x64,
                num_devices=pair.num_devices,
            )
            outputs = made.run(inputs)
        except Exception as error:
            found[f"{platform}:{index}"] = {"fault": f"{type(error).__name__}: {error}".partition("\n")[0][:200]}
            continue
        first = outputs if first is None else first
        comparison = compare_sides(pair, first, outputs, inputs, tolerance)
        found[f"{platform}:{index}"] = {
            "hlo": Counter(_OP.findall(made.hlo_text())),
            "same_bits": digest(first) == digest(outputs),
            "agrees": comparison.agrees,
            "max_abs_error": comparison.max_abs_error,
            "max_rel_error": comparison.max_rel_error,
        }
    return found


def compare_devices(
    rows: Iterable[Mapping[str, Any]],
    devices: Sequence[Device],
    environment: Mapping[str, str],
    *,
    trusted: bool = False,
    workers: int = 1,
    limits: Limits | None = None,
    progress: Callable[[int], object] = lambda rows: None,
) -> dict[str, dict[str, Any]]:
    """Run rows on every device and count what differs from the first one.

    Args:
        rows: from `jaxir.analysis.payloads`; of a jaxir corpus.
        devices: two or more.
        environment: variables with which a child sees all of them.
        trusted: persistent workers instead of one sandboxed process a row.
        workers: processes at a time.
        limits: for each row.
        progress: called with 1 for each row.

    Returns:
        Device (but the first) -> {`rows` that ran on both, `same_bits`, `agree` within the tolerance, `beyond` it,
        `failed` on either, `max_abs_error`, `max_rel_error`, `hlo`: op of the optimised HLO -> [rows whose count
        differs, count on the first device, count here]}.
    """
    names = [str(device) for device in devices]
    places = [[device.platform, device.index] for device in devices]
    jobs = (Job(row["id"], {**row, "devices": places}) for row in rows)
    variables = {name: value for name, value in {**ENVIRONMENT, **environment}.items() if name != "JAX_PLATFORMS"}
    if all(device.platform == "cpu" for device in devices):
        variables["JAX_PLATFORMS"] = "cpu"
    table = {name: _empty() for name in names[1:]}
    for verdict in run_isolated(
        FUNCTION, jobs, workers=workers, limits=limits, fresh=not trusted, environment=variables
    ):
        found = verdict.value or {}
        for name in names[1:]:
            _count(found.get(names[0]), found.get(name), table[name])
        progress(1)
    for counts in table.values():
        counts["hlo"] = dict(sorted(counts["hlo"].items(), key=lambda item: (-item[1][0], item[0])))
    return table


def _empty() -> dict[str, Any]:
    counts = dict.fromkeys(("rows", "same_bits", "agree", "beyond", "failed"), 0)
    return {**counts, "max_abs_error": 0.0, "max_rel_error": 0.0, "hlo": {}}


def is_histogram(counts: Any) -> bool:
    """Whether this is printable names -> counts, of a size that can be added up and printed."""
    return isinstance(counts, dict) and all(
        name.isprintable() and isinstance(count, int) and 0 <= count < 1 << 32 for name, count in counts.items()
    )


def _has_run(answer: Any) -> bool:
    """Whether this is what `run_on_each` says of a device that ran; foreign code may have written it."""
    return (
        isinstance(answer, dict)
        and is_histogram(answer.get("hlo"))
        and all(isinstance(answer.get(name), bool) for name in ("same_bits", "agrees"))
        and all(isinstance(answer.get(name), float) for name in ("max_abs_error", "max_rel_error"))
    )


def _count(first: Any, other: Any, counts: dict[str, Any]) -> None:
    if not _has_run(first) or not _has_run(other):
        counts["failed"] += 1
        return
    counts["rows"] += 1
    counts["same_bits"] += other["same_bits"]
    counts["agree" if other["agrees"] else "beyond"] += 1
    for name in ("max_abs_error", "max_rel_error"):
        counts[name] = max(counts[name], other[name])
    for op in sorted({*first["hlo"], *other["hlo"]}):
        there, here = first["hlo"].get(op, 0), other["hlo"].get(op, 0)
        if there != here:
            line = counts["hlo"].setdefault(op, [0, 0, 0])
            line[0] += 1
            line[1] += there
            line[2] += here
