"""In a child process: run both sides of one stored row, and say how far apart they are.

`check_row` is what `jaxir validate` calls for each row. It takes texts that may come from a stranger, so it runs behind
`jaxir.executor.isolation`.
"""

from __future__ import annotations

import ast
import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jax

from jaxir.errors import Rejected, UserError
from jaxir.executor.allowlist import refusal
from jaxir.executor.behavior import behavior, digest
from jaxir.executor.inputs import DISTRIBUTIONS, Array, draw, element_name, sized
from jaxir.executor.mutation.check import mutation_check
from jaxir.executor.oracle import ORACLES, KnownLimit, Pair, Runner
from jaxir.executor.verify import BEHAVIOR_SEEDS, compare_sides, is_finite, tolerance_of
from jaxir.extractor import canonical
from jaxir.extractor.lower import load, lower
from jaxir.extractor.program import Program, TensorType, parse
from jaxir.sample import DTYPES_64, ArraySpec

#: Draws on which the sides of a row are compared.
DRAWS: Final = 3


class _Failed(Exception):
    """A row that cannot be run: the reason."""


def check_row(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Replay one row.

    Args:
        payload: the row's `python_source`, `function_name`, `stablehlo`, `inputs`, `outputs` (type strings; they may be
            empty), `platform`, `x64`, `num_devices`, `jax_version`, `input_seed`, `output_digest`, `behavior_hash`,
            `canonical_hash` (which may be missing); `oracles`, names; `mutants`, how many; `any_source`, whether to run
            a source that `allowlist` refuses (by default); `device`, a platform.

    Returns:
        The columns of `jaxir.executor.validation.SCHEMA` beside `id` and `index`.
    """
    found: dict[str, Any] = {"status": "failed", "reason": "", "agreed": [], "limits": {}, "seeds": []}
    try:
        x64 = _needs_x64(payload)
        with jax.enable_x64(x64):
            _check({**payload, "x64": x64}, found)
    except _Failed as failed:
        found["reason"] = str(failed)
    except KnownLimit as limit:
        found["status"], found["reason"] = "limited", f"the source {limit.reason}: {limit.detail}"
        found["limits"]["source"] = limit.reason
    except (Rejected, UserError) as error:
        found["reason"] = str(error).partition("\n")[0][:300]
    found["limits"] = json.dumps(found["limits"], sort_keys=True)
    return found


def _needs_x64(payload: Mapping[str, Any]) -> bool:
    """What the row says, or whether an argument or result of its IR has a type that needs x64.

    Raises:
        Rejected: stage `parse`, of an IR that has to be looked at.
    """
    if payload.get("x64") is not None:
        return bool(payload["x64"])
    program = parse(payload["stablehlo"])
    if "main" not in program.functions:
        return False
    signature = (*program.main.arguments, *program.main.returns)
    return any(element_name(program.types[number].element) in DTYPES_64 for number in signature)


def _check(payload: Mapping[str, Any], found: dict[str, Any]) -> None:
    pair = _pair(payload)
    # What the interpreter's limits are, and what the hash is: before it takes the program over.
    structure = canonical.structure(pair.program)
    if payload.get("canonical_hash"):
        found["same_canonical_hash"] = structure.canonical == payload["canonical_hash"]
    tolerance = tolerance_of(pair)
    device = _device(payload["device"])
    found["device"] = device.platform
    runners: dict[str, Runner] = {}
    trusted = []
    for name in payload["oracles"]:
        if limit := ORACLES[name].limit(pair):
            found["limits"][name] = limit
        else:
            trusted.append(name)
    with jax.default_device(device):
        for name in trusted:
            try:
                runners[name] = ORACLES[name].prepare(pair, device)
            except KnownLimit as known:
                found["limits"][name] = known.reason
            except Rejected as error:
                raise _Failed(f"{name}: {error}".partition("\n")[0][:300]) from None
        if {ORACLES[name].side for name in runners} != {"ir", "python"}:
            sides = "; ".join(f"{name}: {limit}" for name, limit in sorted(found["limits"].items()))
            found.update(status="limited", reason=f"no oracle for one of the sides: {sides}")
            return
        _compare(payload, pair, runners, tolerance, found)
    found.update(_lowered_again(payload, pair))
    if found["status"] == "agreed" and payload["mutants"]:
        made = mutation_check(pair.at(sized(pair.inputs, 0)), payload["mutants"], seed=payload.get("id", ""))
        found.update(mutants=made.made, mutants_caught=made.caught, mutants_undetected=made.undetected)


def _device(platform: str) -> Any:
    try:
        return jax.devices(platform)[0]
    except (RuntimeError, AssertionError):
        raise _Failed(f"no {platform} in this process") from None


def _defined(body: Sequence[ast.stmt]) -> list[str]:
    """Names that a module binds to something to call: its functions, else what it assigns (a lambda, a transform)."""
    functions = [node.name for node in body if isinstance(node, ast.FunctionDef)]
    assigned = (
        target
        for node in body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda | ast.Call)
        for target in node.targets
    )
    return functions or [target.id for target in assigned if isinstance(target, ast.Name)]


def _pair(payload: Mapping[str, Any]) -> Pair:
    """Both sides, with what a foreign row does not say taken from its texts."""
    source, ir = payload["python_source"], payload["stablehlo"]
    if not ir.strip():
        raise _Failed("no IR")
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise _Failed(f"source is no Python: {error}") from None
    names = _defined(body)
    if not names:
        raise _Failed("source holds no function: a placeholder")
    if not payload.get("any_source", True) and (fault := refusal(source)):
        raise KnownLimit("run", "names what is not on the list of allowed names", fault)
    name = payload.get("function_name") or names[-1]
    program = parse(ir)
    if "main" not in program.functions:
        raise _Failed("IR has no function main")
    arguments, results = _signature(program)
    if any("?" in text for text in arguments) and not payload.get("inputs"):
        raise _Failed("the IR has dynamic dims, and the row does not name them in inputs")
    inputs = [ArraySpec.parse(text) for text in payload.get("inputs") or arguments]
    outputs = [ArraySpec.parse(text) for text in payload.get("outputs") or results]
    for what, said, held in (("inputs", inputs, arguments), ("outputs", outputs, results)):
        if [_in_ir(spec) for spec in said] != held:
            raise _Failed(f"the row says {what} {', '.join(map(str, said))}, its IR has {', '.join(held)}")
    pair = Pair(
        source,
        name,
        ir,
        inputs,
        outputs,
        platform=payload.get("platform") or "cpu",
        x64=payload["x64"],
        num_devices=payload.get("num_devices") or 1,
    )
    vars(pair)["program"] = program
    _check_source(pair)
    return pair


def _in_ir(spec: ArraySpec) -> str:
    """A type as the IR has it, where every symbolic dim is a `?`."""
    return f"{spec.dtype}[{','.join('?' if isinstance(dim, str) else str(dim) for dim in spec.shape)}]"


def _signature(program: Program) -> tuple[list[str], list[str]]:
    def named(value_type: TensorType) -> str:
        dims = ("?" if dim < 0 else str(dim) for dim in value_type.dims)
        return f"{element_name(value_type.element)}[{','.join(dims)}]"

    arguments = [number for number in program.main.arguments if number not in program.implicit]
    types = program.types
    return [named(types[number]) for number in arguments], [named(types[number]) for number in program.main.returns]


def _check_source(pair: Pair) -> None:
    """Trace the source twice, each time executed afresh: what it computes must be a function of its text.

    Raises:
        Rejected: stage `trace`.
        _Failed: the results differ in type from the IR's, or the two traces differ.
    """
    pair = pair.at(sized(pair.inputs, 0))
    again = Pair(pair.python_source, pair.function_name, "", pair.inputs, pair.outputs, x64=pair.x64)
    if str(pair.traced.jaxpr) != str(again.traced.jaxpr):
        raise _Failed("the source reads state: executed twice it gives two programs")
    results = [ArraySpec(tuple(leaf.shape), str(leaf.dtype)) for leaf in jax.tree.leaves(pair.traced.out_info)]
    if results != list(pair.outputs):
        said, held = ", ".join(map(str, results)), ", ".join(map(str, pair.outputs))
        raise _Failed(f"the source gives {said}, the IR {held}")


def _seeds(payload: Mapping[str, Any], reference: Runner, specs: Sequence[ArraySpec]) -> list[int]:
    """Input seeds: the row's own, then those on which all outputs are finite; others where there are none."""
    first = [payload["input_seed"]] if payload.get("input_seed") else []
    base = (first[0] if first else 0) // len(DISTRIBUTIONS) * len(DISTRIBUTIONS)
    candidates = [*BEHAVIOR_SEEDS, *(base + len(DISTRIBUTIONS) + step for step in (2, 3, 0, 1))]
    finite = (seed for seed in candidates if all(map(is_finite, reference.run(draw(specs, seed)))))
    seeds = first
    while len(seeds) < DRAWS and (seed := next(finite, None)) is not None:
        seeds = [*seeds, seed]
    return seeds + [seed for seed in candidates if seed not in seeds][: max(0, 2 - len(seeds))]


def _compare(
    payload: Mapping[str, Any], pair: Pair, runners: Mapping[str, Runner], tolerance: Any, found: dict[str, Any]
) -> None:
    """Fill in what the comparison of all oracles with the first one of the IR showed."""
    name = next(name for name in ORACLES if name in runners and ORACLES[name].side == "ir")
    reference = runners[name]
    seeds = _seeds(payload, reference, pair.inputs)
    worst = dict.fromkeys(("max_abs_error", "max_rel_error", "max_ulp_error"), 0.0)
    faults: dict[str, str] = {}
    outputs: dict[int, list[Array]] = {}
    for seed in seeds:
        inputs = draw(pair.inputs, seed)
        outputs[seed] = reference.run(inputs)
        for other, runner in runners.items():
            if other == name or other in faults:
                continue
            comparison = compare_sides(pair, outputs[seed], runner.run(inputs), inputs, tolerance)
            if not comparison.agrees:
                faults[other] = f"{other} and {name}, input seed {seed}: {comparison.fault}"
            for field in worst:
                worst[field] = max(worst[field], getattr(comparison, field))
    agreed = [other for other in ORACLES if other in runners and other not in faults]
    is_proved = {ORACLES[other].side for other in agreed} == {"ir", "python"}
    hard = [fault for fault in faults.values() if "rounding decides" not in fault]
    status = "disagreed" if hard else "agreed" if is_proved else "limited"
    found.update(status=status, reason="; ".join(hard or faults.values()), agreed=agreed, seeds=seeds, **worst)
    if payload.get("output_digest") and name == "interpreter":
        found["same_output_digest"] = digest(outputs[seeds[0]]) == payload["output_digest"]
    if payload.get("behavior_hash") and name == "interpreter":
        runs = [outputs.get(seed) or reference.run(draw(pair.inputs, seed)) for seed in BEHAVIOR_SEEDS]
        found["same_behavior_hash"] = behavior(runs) == payload["behavior_hash"]


def _lowered_again(payload: Mapping[str, Any], pair: Pair) -> dict[str, Any]:
    """Whether the source lowers to the stored text, where the row's JAX is the one that runs."""
    if payload.get("jax_version") != jax.__version__:
        return {}
    with contextlib.suppress(Rejected, UserError):
        function = load(pair.python_source, pair.function_name)
        text = lower(function, pair.inputs, platforms=pair.platform.split(",")).stablehlo
        if text == pair.stablehlo:
            return {"same_lowering": True}
    return {
        "same_lowering": False,
        "status": "disagreed",
        "reason": "the source does not lower to the stored IR, byte for byte",
    }
