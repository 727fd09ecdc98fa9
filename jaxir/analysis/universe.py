"""What JAX can emit on a CPU: the universe against which the coverage of a corpus is counted (`universe.json`).

`scripts/build_universe.py` makes the file for the installed version of JAX.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from importlib import resources


@dataclasses.dataclass(frozen=True)
class Universe:
    """The emit-able ops, (op, element type) pairs and def-use bigrams; see `source` for how they were measured."""

    jax: str  #: the JAX version it was measured with
    source: str
    element_types: tuple[str, ...]  #: the core types in the order of a table, in MLIR's spelling
    ops: tuple[str, ...]  #: StableHLO, sorted
    chlo: tuple[str, ...]  #: CHLO, sorted
    routes: dict[str, str]  #: StableHLO op -> what emits it: `jit`, `shard_map`, `export`, `private`
    pairs: frozenset[tuple[str, str]]  #: (op, core element type), both dialects
    bigrams: frozenset[tuple[str, str]]  #: (defining op, using op), both dialects
    low_bit_pairs: frozenset[tuple[str, str]]  #: (op, type of eight bits or fewer that is no core type)
    functions: tuple[str, ...]  #: public functions by full name, such as `jax.numpy.sin`, sorted
    transforms: tuple[str, ...]  #: transforms of functions, callbacks and the syntax of arrays, sorted
    custom_calls: tuple[str, ...]  #: targets, sorted
    attributes: frozenset[tuple[str, str, str]]  #: (op, attribute, value) for attributes with few values


@functools.cache
def universe() -> Universe:
    """The table that comes with the package."""
    return parse(resources.files("jaxir.analysis").joinpath("universe.json").read_text(encoding="utf-8"))


def parse(text: str) -> Universe:
    """The table of a text such as `scripts/build_universe.py --package` writes."""
    data = json.loads(text)
    routes = {op: route for route, names in data["ops"].items() for op in names}
    return Universe(
        jax=data["jax"],
        source=data["source"],
        element_types=tuple(data["element_types"]),
        ops=tuple(sorted(routes)),
        chlo=tuple(data["chlo"]),
        routes=routes,
        pairs=frozenset((op, kind) for op, kinds in data["pairs"].items() for kind in kinds),
        bigrams=frozenset(
            (op, user if "." in user else f"stablehlo.{user}")
            for op, users in data["bigrams"].items()
            for user in users
        ),
        low_bit_pairs=frozenset(
            (op, kind) for kinds, ops in data["low_bit_pairs"].items() for op in ops for kind in kinds.split()
        ),
        functions=tuple(sorted(f"{module}.{name}" for module, names in data["functions"].items() for name in names)),
        transforms=tuple(data["transforms"]),
        custom_calls=tuple(data["custom_calls"]),
        attributes=frozenset(
            (*place.split(), value) for place, values in data["attributes"].items() for value in values
        ),
    )
