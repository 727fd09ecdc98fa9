"""Sorts and the largest elements."""

from __future__ import annotations

import numpy as np

from jaxir.executor.numpy_rules.dtypes import kind, total_order, wide
from jaxir.executor.numpy_rules.registry import Array, Call, rule


@rule("sort")
def _sort(call: Call, *operands: Array) -> list[Array]:
    """A stable sort by the first `num_keys` operands: NaN last, -0 equal to +0, complex by real part first."""
    axis = call.params["dimension"]
    keys = [x.astype(wide(x.dtype), copy=False) for x in operands[: call.params["num_keys"]]]
    # Of several keys, lexsort takes the last one first.
    order = np.lexsort(keys[::-1], axis=axis) if len(keys) > 1 else np.argsort(keys[0], axis=axis, kind="stable")
    return [np.take_along_axis(x, order, axis=axis) for x in operands]


@rule("top_k")
def _top_k(call: Call, x: Array) -> list[Array]:
    """The k largest in descending total order (NaN first), of equal ones the first."""
    axis, count = call.params["axis"], call.params["k"]
    key = total_order(x) if kind(x.dtype) == "f" else x.astype(wide(x.dtype), copy=False)
    size = x.shape[axis]
    order = size - 1 - np.flip(np.argsort(np.flip(key, axis), axis=axis, kind="stable"), axis)
    chosen = np.take(order, np.arange(count), axis=axis)
    return [np.take_along_axis(x, chosen, axis=axis), chosen.astype(call.outs[1].dtype)]
