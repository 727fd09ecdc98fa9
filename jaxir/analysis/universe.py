"""What JAX can emit on a CPU: the universe against which the coverage of a corpus is counted (`universe.json`)."""

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


@functools.cache
def universe() -> Universe:
    """The table that comes with the package."""
    data = json.loads(resources.files("jaxir.analysis").joinpath("universe.json").read_text(encoding="utf-8"))
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
    )
