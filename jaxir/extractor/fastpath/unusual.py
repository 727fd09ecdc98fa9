"""Programs that take the public path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

#: Primitives that need devices, shardings, the host or foreign code.
UNUSUAL: Final = frozenset(
    (
        *("shard_map", "sharding_constraint", "layout_constraint", "device_put", "custom_partitioning", "mesh_cast"),
        *("pure_callback", "io_callback", "debug_callback", "infeed", "outfeed", "ffi_call", "pallas_call"),
        *("psum", "pmax", "pmin", "ppermute", "all_gather", "all_to_all", "reduce_scatter", "axis_index"),
        *("tpu_custom_call", "run_state", "get", "swap", "addupdate"),
    )
)


def unusual(closed_jaxpr: Any) -> str:
    """Why a traced program must take the public path, or ""."""
    if closed_jaxpr.effects:
        return "effects"
    for variable in (*closed_jaxpr.jaxpr.invars, *closed_jaxpr.jaxpr.outvars):
        if "key<" in str(getattr(variable.aval, "dtype", "")):
            return "extended types"
    for jaxpr in _jaxprs(closed_jaxpr.jaxpr):
        for equation in jaxpr.eqns:
            if equation.primitive.name in UNUSUAL:
                return str(equation.primitive.name)
            if any(equation.params.get("donated_invars", ())):
                return "donated arguments"
    return ""


def _jaxprs(jaxpr: Any) -> Iterator[Any]:
    yield jaxpr
    for equation in jaxpr.eqns:
        for value in equation.params.values():
            for one in value if isinstance(value, (tuple, list)) else (value,):
                inner = getattr(one, "jaxpr", one)
                if hasattr(inner, "eqns"):
                    yield from _jaxprs(inner)
