"""Reductions and cumulative operations along axes.

Sums are added in the order of the elements, as the StableHLO specification's reference does and XLA's CPU code mostly:
what a kernel makes of their rounding errors is then the same. Running sums, whose order is not fixed, are in 64 bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxir.executor.numpy_rules.dtypes import exact, highest, kind, lowest, wide
from jaxir.executor.numpy_rules.registry import Array, Call, rule


def _axes(call: Call) -> tuple[int, ...]:
    return tuple(map(int, call.params["axes"]))


@rule("reduce_sum", "reduce_prod")
def _accumulate(call: Call, x: Array) -> Array:
    """Element after element in row-major order; types that are narrower than 32 bits are rounded at the end."""
    ufunc: Any = np.add if call.name == "reduce_sum" else np.multiply
    axes, computed = _axes(call), wide(x.dtype)
    values = x.astype(computed, copy=False)
    if not x.size or kind(computed) in "iub":
        return np.asarray(ufunc.reduce(values, axis=axes, dtype=computed)).astype(call.dtype, copy=False)
    # NumPy's reduce adds in eight lanes; the last of its running sums was added one by one.
    moved = np.moveaxis(values, axes, range(len(axes)))
    flat = moved.reshape((-1, *moved.shape[len(axes) :]))
    return ufunc.accumulate(flat, axis=0)[-1].astype(call.dtype, copy=False)  # type: ignore[no-any-return]


@rule("reduce_max", "reduce_min")
def _extreme(call: Call, x: Array) -> Array:
    ufunc, identity = (np.maximum, lowest) if call.name == "reduce_max" else (np.minimum, highest)
    values = x.astype(wide(x.dtype), copy=False)
    # An identity that is no value of the operand would win over nothing; it matters for empty axes alone.
    initial = {"initial": identity(x.dtype)} if not x.size else {}
    return np.asarray(ufunc.reduce(values, axis=_axes(call), **initial)).astype(x.dtype, copy=False)


@rule("reduce_and", "reduce_or", "reduce_xor")
def _reduce_bits(call: Call, x: Array) -> Array:
    ufunc: Any = {"reduce_and": np.bitwise_and, "reduce_or": np.bitwise_or, "reduce_xor": np.bitwise_xor}[call.name]
    values = x.astype(wide(x.dtype), copy=False)
    return np.asarray(ufunc.reduce(values, axis=_axes(call), dtype=values.dtype)).astype(x.dtype, copy=False)


@rule("argmax", "argmin")
def _arg_extreme(call: Call, x: Array) -> Array:
    """The first position of the extreme; a NaN counts as one."""
    (axis,) = _axes(call)
    search = np.argmax if call.name == "argmax" else np.argmin
    return np.asarray(search(x.astype(wide(x.dtype), copy=False), axis=axis)).astype(call.dtype)


@rule("reduce")
def _reduce(call: Call, *operands: Array) -> list[Array]:
    """Fold with any function of scalars, which is evaluated on whole slices."""
    count = len(operands) // 2
    axes = tuple(map(int, call.params["dimensions"]))
    last = tuple(range(operands[0].ndim - len(axes), operands[0].ndim))
    kept = [size for axis, size in enumerate(operands[0].shape) if axis not in axes]
    moved = [np.moveaxis(x, axes, last).reshape((*kept, -1)) for x in operands[:count]]
    totals = [np.broadcast_to(initial, kept) for initial in operands[count:]]
    for position in range(moved[0].shape[-1]):
        totals = call.run(call.params["jaxpr"], [*totals, *(x[..., position] for x in moved)])
    return totals


def _log_sum_exp(values: Array, axis: int) -> Array:
    peak = np.maximum.accumulate(values, axis=axis)
    safe = np.where(np.isfinite(peak), peak, 0)
    total, moved = np.zeros_like(values), np.moveaxis(values, axis, 0)
    sums, peaks = np.moveaxis(total, axis, 0), np.moveaxis(safe, axis, 0)
    for position in range(moved.shape[0]):
        sums[position] = np.exp(moved[: position + 1] - peaks[position]).sum(axis=0)
    return np.log(total) + safe


@rule("cumsum", "cumprod", "cummax", "cummin", "cumlogsumexp")
def _cumulative(call: Call, x: Array) -> Array:
    axis = call.params["axis"]
    ordered = np.flip(x, axis) if call.params["reverse"] else x
    computed = exact(x.dtype)
    values = ordered.astype(computed)
    if call.name == "cumlogsumexp":
        result = _log_sum_exp(values, axis)
    else:
        ufunc: Any = {
            "cumsum": np.add,
            "cumprod": np.multiply,
            "cummax": np.maximum,
            "cummin": np.minimum,
        }[call.name]
        result = ufunc.accumulate(values, axis=axis, dtype=computed)
    result = result.astype(x.dtype)
    return np.flip(result, axis) if call.params["reverse"] else result
