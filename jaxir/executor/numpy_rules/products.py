"""Contractions: dot products and convolutions. Floats are accumulated in 64 bits and rounded once."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jaxir.executor.numpy_rules.dtypes import convert, exact, kind, wide
from jaxir.executor.numpy_rules.registry import Array, Call, rule
from jaxir.executor.numpy_rules.shapes import padded
from jaxir.executor.numpy_rules.windows import positions


def _factors(call: Call, lhs: Array, rhs: Array) -> tuple[Array, Array, np.dtype[Any]]:
    """Both operands in the type in which products are summed."""
    computed = exact(call.dtype) if kind(call.dtype) in "fc" else wide(call.dtype)
    return convert(lhs, computed), convert(rhs, computed), computed


@rule("dot_general")
def _dot_general(call: Call, lhs: Array, rhs: Array) -> Array:
    (lhs_contract, rhs_contract), (lhs_batch, rhs_batch) = call.params["dimension_numbers"]
    lhs, rhs, _ = _factors(call, lhs, rhs)
    lhs_free = [dim for dim in range(lhs.ndim) if dim not in lhs_contract and dim not in lhs_batch]
    rhs_free = [dim for dim in range(rhs.ndim) if dim not in rhs_contract and dim not in rhs_batch]
    batch = [lhs.shape[dim] for dim in lhs_batch]
    rows, columns = [lhs.shape[dim] for dim in lhs_free], [rhs.shape[dim] for dim in rhs_free]
    inner = math.prod(lhs.shape[dim] for dim in lhs_contract)
    left = lhs.transpose(*lhs_batch, *lhs_free, *lhs_contract).reshape((*batch, math.prod(rows), inner))
    right = rhs.transpose(*rhs_batch, *rhs_contract, *rhs_free).reshape((*batch, inner, math.prod(columns)))
    product: Array = np.matmul(left, right).reshape((*batch, *rows, *columns))
    return product.astype(call.dtype)


@rule("ragged_dot_general")
def _ragged_dot(call: Call, lhs: Array, rhs: Array, sizes: Array) -> Array:
    """Rows in groups of the given sizes, each group with a matrix of its own; rows after the last group give zero."""
    lhs, rhs, computed = _factors(call, lhs, rhs)
    total = np.zeros(call.shape, computed)
    ends = np.minimum(np.cumsum(sizes), lhs.shape[0])
    for group, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        total[start:end] = lhs[start:end] @ rhs[group]
    return total.astype(call.dtype)


@rule("conv_general_dilated")
def _convolution(call: Call, lhs: Array, rhs: Array) -> Array:
    """Sum over the positions in the kernel; each is a product of matrices."""
    params, numbers = call.params, call.params["dimension_numbers"]
    lhs, rhs, computed = _factors(call, lhs, rhs)
    lhs, rhs = lhs.transpose(numbers.lhs_spec), rhs.transpose(numbers.rhs_spec)
    config = [(0, 0, 0), (0, 0, 0)]
    config += [(low, high, gap - 1) for (low, high), gap in zip(params["padding"], params["lhs_dilation"], strict=True)]
    lhs = padded(lhs, np.zeros((), computed), config)
    window, space = rhs.shape[2:], [call.shape[dim] for dim in numbers.out_spec[2:]]
    features, batches = params["feature_group_count"], params["batch_group_count"]
    groups = max(features, batches)
    outputs, inputs = rhs.shape[0] // groups, rhs.shape[1]
    # (group, batch, feature, *space): groups of features or of batches, each with its own part of the kernel.
    if batches > 1:
        lhs = lhs.reshape(groups, lhs.shape[0] // groups, *lhs.shape[1:])
    else:
        lhs = np.moveaxis(lhs.reshape(lhs.shape[0], groups, inputs, *lhs.shape[2:]), 1, 0)
    kernel = rhs.reshape(groups, outputs, inputs, *window)
    batch = lhs.shape[1]
    total = np.zeros((groups, batch, outputs, math.prod(space)), computed)
    parts = positions(lhs, window, params["window_strides"], params["rhs_dilation"])
    for position, part in zip(np.ndindex(window), parts, strict=True):
        factor = kernel[(slice(None), None, slice(None), slice(None), *position)]
        total += np.matmul(factor, part.reshape(groups, batch, inputs, math.prod(space)))
    result = np.moveaxis(total, 0, 1).reshape(batch, groups * outputs, *space)
    return result.transpose(np.argsort(numbers.out_spec)).astype(call.dtype)
