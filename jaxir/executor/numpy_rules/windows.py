"""Reductions over windows. Each loops over the positions in a window, never over the windows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from jaxir.executor.numpy_rules.dtypes import exact, highest, lowest, wide
from jaxir.executor.numpy_rules.registry import Array, Call, rule
from jaxir.executor.numpy_rules.shapes import padded


def positions(x: Array, window: Sequence[int], strides: Sequence[int], dilation: Sequence[int]) -> Iterator[Array]:
    """For each position in a window over the last axes of `x`, in row-major order, its element of every window."""
    counts = [
        max(0, (size - ((extent - 1) * gap + 1)) // stride + 1)
        for size, extent, gap, stride in zip(x.shape[x.ndim - len(window) :], window, dilation, strides, strict=True)
    ]
    for position in itertools.product(*map(range, window)):
        steps = (
            slice(offset * gap, offset * gap + (count - 1) * stride + 1, stride) if count else slice(0, 0)
            for offset, gap, count, stride in zip(position, dilation, counts, strides, strict=True)
        )
        yield x[(..., *steps)]


def _elements(call: Call, x: Array, padding: Array) -> Iterator[Array]:
    """The `positions` in the window of a reduction over `x` with its padding."""
    params = call.params
    window = params["window_dimensions"]
    base = params.get("base_dilation") or (1,) * len(window)
    config = [(low, high, gap - 1) for (low, high), gap in zip(params["padding"], base, strict=True)]
    dilation = params.get("window_dilation") or (1,) * len(window)
    return positions(padded(x, padding, config), window, params["window_strides"], dilation)


@rule("reduce_window_sum", "reduce_window_max", "reduce_window_min")
def _reduce_window_known(call: Call, x: Array) -> Array:
    kind = call.name.rpartition("_")[2]
    computed = exact(x.dtype) if kind == "sum" else wide(x.dtype)
    identities = {"sum": computed.type(0), "max": lowest(x.dtype), "min": highest(x.dtype)}
    identity = identities[kind]
    combine: Any = {"sum": np.add, "max": np.maximum, "min": np.minimum}[kind]
    total = np.full(call.shape, identity, computed)
    for element in _elements(call, x.astype(computed), identity):
        total = combine(total, element)
    return total.astype(x.dtype)


@rule("reduce_window")
def _reduce_window(call: Call, *operands: Array) -> list[Array]:
    """Fold windows with any function of scalars, which is evaluated on whole arrays."""
    count = len(operands) // 2
    initial = operands[count:]
    moves = [_elements(call, x, value) for x, value in zip(operands[:count], initial, strict=True)]
    totals = [np.broadcast_to(value, out.shape) for value, out in zip(initial, call.outs, strict=True)]
    for elements in zip(*moves, strict=True):
        totals = call.run(call.params["jaxpr"], [*call.params.get("consts", ()), *totals, *elements])
    return totals


def _selected(call: Call, x: Array) -> tuple[Array, Array]:
    """For every window the flat index of the element of `x` that the selection keeps, and whether there is one."""
    keeps: Any = {"ge": np.greater_equal, "le": np.less_equal}[str(call.params["select_prim"])]
    values = x.astype(wide(x.dtype), copy=False)
    indices = np.arange(x.size).reshape(x.shape)
    best_value: Array | None = None
    best = np.empty(0, np.int64)
    # Padding is never selected: it has the index -1.
    elements = _elements(call, values, np.zeros((), values.dtype)), _elements(call, indices, np.asarray(-1))
    for value, index in zip(*elements, strict=True):
        if best_value is None:
            best_value, best = value, index
            continue
        replace = (index >= 0) & ((best < 0) | ~keeps(best_value, value))
        best_value, best = np.where(replace, value, best_value), np.where(replace, index, best)
    return best, best >= 0


@rule("select_and_scatter_add")
def _select_and_scatter_add(call: Call, source: Array, x: Array) -> Array:
    chosen, found = _selected(call, x)
    total = np.zeros(x.size, exact(source.dtype))
    np.add.at(total, chosen[found], source.astype(total.dtype)[found])
    return total.reshape(x.shape).astype(source.dtype)


@rule("select_and_gather_add")
def _select_and_gather_add(call: Call, tangents: Array, x: Array) -> Array:
    chosen, found = _selected(call, x)
    return np.where(found, tangents.reshape(-1)[np.where(found, chosen, 0)], np.zeros((), tangents.dtype))
