"""What `build_universe.py` found, as files: the long form, comparisons, unions, and the form that the package reads."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Container
from typing import Any

import jax

from jaxir.analysis.irtext import Facts

#: The core types in MLIR's spelling, in the order of a table.
ELEMENT_TYPES = (
    "i1", "i8", "i16", "i32", "i64", "ui8", "ui16", "ui32", "ui64", "bf16", "f16", "f32", "f64", "complex<f32>",
    "complex<f64>",
)  # fmt: skip
#: Transforms, callbacks and syntax beside the functions of `MODULES`.
TRANSFORMS = (
    "jax.Array.__getitem__", "jax.Array.at", "jax.Array.operators", "jax.checkpoint", "jax.custom_jvp",
    "jax.custom_vjp", "jax.debug.print", "jax.experimental.io_callback", "jax.experimental.jet",
    "jax.experimental.ode.odeint", "jax.experimental.sparse.BCOO", "jax.grad", "jax.hessian", "jax.jacfwd",
    "jax.jacrev", "jax.linearize", "jax.named_call", "jax.pure_callback", "jax.value_and_grad", "jax.vmap",
)  # fmt: skip
ROUTES = ("cpu-jit", "cpu-shard_map", "cpu-export-symbolic", "cpu-private-api")


@dataclasses.dataclass
class Found:
    """What lowerings showed; `add` and `update` make unions."""

    ops: dict[str, str] = dataclasses.field(default_factory=dict)  #: op -> route
    pairs: set[tuple[str, str]] = dataclasses.field(default_factory=set)
    bigrams: set[tuple[str, str]] = dataclasses.field(default_factory=set)
    targets: set[str] = dataclasses.field(default_factory=set)
    attributes: set[tuple[str, str, str]] = dataclasses.field(default_factory=set)
    functions: set[str] = dataclasses.field(default_factory=set)
    errors: dict[str, str] = dataclasses.field(default_factory=dict)  #: function -> the last error
    programs: int = 0

    def add(self, facts: Facts, route: str) -> None:
        self.programs += 1
        for op in facts.ops:
            self.ops.setdefault(op, route)
        self.pairs |= facts.pairs.keys()
        self.bigrams |= facts.bigrams.keys()
        self.targets |= facts.custom_calls.keys()
        self.attributes |= facts.attributes

    def update(self, other: Found) -> None:
        self.programs += other.programs
        for op, route in other.ops.items():
            if ROUTES.index(route) < ROUTES.index(self.ops.get(op, ROUTES[-1])) or op not in self.ops:
                self.ops[op] = route
        for field in ("pairs", "bigrams", "targets", "attributes", "functions"):
            getattr(self, field).update(getattr(other, field))
        self.errors.update(other.errors)


def document(found: Found) -> dict[str, Any]:
    """The universe as JSON: sorted, so that equal findings give equal files."""
    dialects = ("stablehlo.", "chlo.")
    kinds: dict[str, set[str]] = {}
    for op, kind in found.pairs:
        kinds.setdefault(op, set()).add(kind)
    return {
        "about": f"What JAX {jax.__version__} emits when it lowers for the CPU, measured over {found.programs:,} "
        "programs by scripts/build_universe.py. All lists are lower bounds.",
        "jax": jax.__version__,
        "ops": [
            {"op": op, "emittable_cpu": True, "route": route, "elem_types": sorted(kinds.get(op, ()))}
            for op, route in sorted(found.ops.items())
            if op.startswith(dialects)
        ],
        "core_element_types": sorted(ELEMENT_TYPES),
        "op_element_type_pairs": [list(p) for p in sorted(found.pairs) if p[0].startswith(dialects)],
        "bigrams": [list(b) for b in sorted(found.bigrams) if b[0].startswith(dialects) and b[1].startswith(dialects)],
        "attributes": [list(a) for a in sorted(found.attributes)],
        "public_functions": sorted(found.functions),
        "custom_call_targets": dict.fromkeys(sorted(found.targets), "cpu"),
    }


def sets_of(universe: dict[str, Any]) -> dict[str, set[Any]]:
    """The lists of a universe as sets, for comparisons."""
    core = set(universe["core_element_types"])
    pairs = {tuple(pair) for pair in universe["op_element_type_pairs"]}
    ops = {entry["op"] for entry in universe["ops"] if entry["emittable_cpu"]}
    return {
        "stablehlo ops": {op for op in ops if op.startswith("stablehlo.")},
        "chlo ops": {op for op in ops if op.startswith("chlo.")},
        "core pairs": {pair for pair in pairs if pair[1] in core},
        "low-bit pairs": {pair for pair in pairs if pair[1] not in core},
        "bigrams": {tuple(pair) for pair in universe["bigrams"]},
        "attribute values": {tuple(value) for value in universe.get("attributes", ())},
        "public functions": set(universe["public_functions"]),
        "custom calls": {name for name, where in universe["custom_call_targets"].items() if where == "cpu"},
    }


def merged(mine: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Both universes; what was measured of an op here counts."""
    ops = {entry["op"]: entry for entry in mine["ops"]}
    for entry in other["ops"]:
        ops.setdefault(entry["op"], entry)
    out = dict(mine, ops=[ops[name] for name in sorted(ops)])
    for key in ("op_element_type_pairs", "bigrams", "attributes"):
        out[key] = [list(x) for x in sorted({tuple(x) for x in (*mine[key], *other.get(key, ()))})]
    out["public_functions"] = sorted({*mine["public_functions"], *other["public_functions"]})
    out["custom_call_targets"] = mine["custom_call_targets"] | other["custom_call_targets"]
    return out


def packed(universe: dict[str, Any], callable_names: Container[str]) -> dict[str, Any]:
    """The compact form of `jaxir/analysis/universe.json`, without what only other platforms emit."""
    sets = sets_of(universe)
    routes = {
        "cpu-jit": "jit",
        "cpu-shard_map": "shard_map",
        "cpu-export-symbolic": "export",
        "cpu-private-api": "private",
    }
    ops: dict[str, list[str]] = {name: [] for name in routes.values()}
    for entry in universe["ops"]:
        if entry["op"] in sets["stablehlo ops"]:
            ops[routes[entry["route"]]].append(entry["op"])
    low_bit: dict[str, list[str]] = {}
    for op in sorted({op for op, _ in sets["low-bit pairs"]}):
        kinds = " ".join(sorted(kind for name, kind in sets["low-bit pairs"] if name == op))
        low_bit.setdefault(kinds, []).append(op)
    functions = [name for name in sorted(sets["public functions"]) if name in callable_names]
    return {
        "jax": universe["jax"],
        "source": ABOUT.format(jax=universe["jax"]),
        "element_types": ELEMENT_TYPES,
        "ops": ops,
        "chlo": sorted(sets["chlo ops"]),
        "pairs": _grouped(sets["core pairs"]),
        "low_bit_pairs": dict(sorted(low_bit.items())),
        "bigrams": {
            op: [user.removeprefix("stablehlo.") for user in users] for op, users in _grouped(sets["bigrams"]).items()
        },
        "attributes": _grouped({(f"{op} {name}", value) for op, name, value in sets["attribute values"]}),
        "functions": _grouped({tuple(name.rsplit(".", 1)) for name in functions}),
        "transforms": [name for name in TRANSFORMS if name in sets["public functions"]],
        "custom_calls": sorted(sets["custom calls"]),
    }


def _grouped(pairs: set[Any]) -> dict[str, list[str]]:
    out: dict[str, list[str]] = {}
    for key, value in sorted(pairs):
        out.setdefault(key, []).append(value)
    return out


def lines(data: dict[str, Any]) -> str:
    """JSON with a line for each entry of the first two levels: readable, and small differences stay small."""

    def body(value: Any) -> str:
        if not isinstance(value, dict) or not value:
            return json.dumps(value)
        return "{\n" + ",\n".join(f"  {json.dumps(key)}: {json.dumps(entry)}" for key, entry in value.items()) + "\n }"

    return "{\n" + ",\n".join(f" {json.dumps(key)}: {body(value)}" for key, value in data.items()) + "\n}\n"


ABOUT = (
    "What JAX {jax} emits when it lowers for the CPU, measured by lowering programs over the public functions of "
    "jax.numpy, lax, nn, scipy, fft, linalg, random, image and ops (scripts/build_universe.py). All lists are lower "
    "bounds. The element type of a pair is that of the first operand (the result where there is none, the values for "
    "select). In bigrams a user without a dialect is StableHLO. Attribute values are classed as "
    "jaxir/analysis/irattributes.py does."
)
