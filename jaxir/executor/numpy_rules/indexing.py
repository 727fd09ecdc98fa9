"""Gather, scatter and dynamic slices, and what each does with an index out of bounds."""

from __future__ import annotations

from typing import Any

import numpy as np

from jaxir.executor.numpy_rules.dtypes import exact, wide
from jaxir.executor.numpy_rules.registry import Array, Call, rule


def _starts(values: tuple[Array, ...], shape: tuple[int, ...], sizes: tuple[int, ...]) -> tuple[slice, ...]:
    """Slices of `sizes`, moved to where they fit."""
    starts = [min(max(int(value), 0), size - part) for value, size, part in zip(values, shape, sizes, strict=True)]
    return tuple(slice(start, start + part) for start, part in zip(starts, sizes, strict=True))


@rule("dynamic_slice")
def _dynamic_slice(call: Call, x: Array, *starts: Array) -> Array:
    return x[_starts(starts, x.shape, call.params["slice_sizes"])]


@rule("dynamic_update_slice")
def _dynamic_update_slice(call: Call, x: Array, update: Array, *starts: Array) -> Array:
    result = x.copy()
    result[_starts(starts, x.shape, update.shape)] = update
    return result


class _Windows:
    """Where the windows of a gather or scatter lie in the operand.

    Attributes:
        inside: for each index vector, whether its window is within bounds.
        index: for each axis of the operand an integer array that broadcasts to batch shape + window sizes.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        indices: Array,
        sizes: tuple[int, ...],
        index_map: tuple[int, ...],
        batching: tuple[tuple[int, ...], tuple[int, ...]],
    ) -> None:
        batch = indices.shape[:-1]
        rank = len(shape)
        starts = np.zeros((*batch, rank), np.int64)
        if indices.dtype == np.uint64:
            # What int64 cannot hold is out of bounds all the same.
            indices = np.minimum(indices, np.uint64(2**62))
        starts[..., list(index_map)] = indices
        for operand_dim, indices_dim in zip(*batching, strict=True):
            aligned = [1] * len(batch)
            aligned[indices_dim] = batch[indices_dim]
            starts[..., operand_dim] = np.arange(batch[indices_dim]).reshape(aligned)
        room = np.subtract(shape, sizes)
        self.inside = np.all((starts >= 0) & (starts <= room), axis=-1)
        starts = np.clip(starts, 0, np.maximum(room, 0))
        self.window = tuple(sizes)
        self.batch = batch
        index = []
        for dim in range(rank):
            start = starts[..., dim].reshape((*batch, *(1,) * rank))
            offset = np.arange(sizes[dim]).reshape([-1 if axis == dim else 1 for axis in range(rank)])
            index.append(start + offset)
        self.index = tuple(index)


def _mode(call: Call) -> str:
    return str(call.params["mode"].name)


@rule("gather")
def _gather(call: Call, operand: Array, indices: Array) -> Array:
    numbers = call.params["dimension_numbers"]
    sizes = tuple(map(int, call.params["slice_sizes"]))
    batching = (numbers.operand_batching_dims, numbers.start_indices_batching_dims)
    windows = _Windows(operand.shape, indices, sizes, numbers.start_index_map, batching)
    batch = windows.batch
    if operand.size:
        taken = operand[windows.index]
    else:
        taken = np.zeros((*batch, *sizes), operand.dtype)
    if _mode(call) == "FILL_OR_DROP" and not windows.inside.all():
        fill = np.full((), call.params["fill_value"], operand.dtype)
        taken = np.where(windows.inside.reshape((*batch, *(1,) * operand.ndim)), taken, fill)
    gone = {*numbers.collapsed_slice_dims, *numbers.operand_batching_dims}
    kept = [size for dim, size in enumerate(sizes) if dim not in gone]
    taken = taken.reshape((*batch, *kept))
    # The window's axes go to `offset_dims` of the result, the batch's to the others, each in order.
    rank = len(batch) + len(kept)
    offset_dims = list(numbers.offset_dims)
    batch_dims = [dim for dim in range(rank) if dim not in offset_dims]
    return np.moveaxis(taken, range(rank), [*batch_dims, *offset_dims])


@rule("scatter", "scatter_add", "scatter-add", "scatter_sub", "scatter-sub", "scatter_mul", "scatter-mul")
@rule("scatter_min", "scatter-min", "scatter_max", "scatter-max")
def _scatter(call: Call, operand: Array, indices: Array, updates: Array) -> Array:
    """Windows that do not fit are dropped, or moved where the mode is CLIP; updates are applied in order."""
    numbers = call.params["dimension_numbers"]
    gone = {*numbers.inserted_window_dims, *numbers.operand_batching_dims}
    window_dims = list(numbers.update_window_dims)
    batch_dims = [dim for dim in range(updates.ndim) if dim not in window_dims]
    given = iter(window_dims)
    sizes = tuple(1 if dim in gone else updates.shape[next(given)] for dim in range(operand.ndim))
    batching = (numbers.operand_batching_dims, numbers.scatter_indices_batching_dims)
    windows = _Windows(operand.shape, indices, sizes, numbers.scatter_dims_to_operand_dims, batching)
    values = updates.transpose(*batch_dims, *window_dims).reshape((*windows.batch, *sizes))
    if not values.size or not operand.size:
        return operand
    index: Any = windows.index
    if _mode(call) != "CLIP" and not windows.inside.all():
        keep = windows.inside
        values = values[keep]
        index = tuple(np.broadcast_to(one, (*windows.batch, *one.shape[len(windows.batch) :]))[keep] for one in index)
    how = call.name.removeprefix("scatter").strip("-_")
    if not how:
        return _replace(call, operand, index, values)
    ufunc: Any = {
        "add": np.add,
        "sub": np.subtract,
        "mul": np.multiply,
        "min": np.minimum,
        "max": np.maximum,
    }[how]
    computed = exact(operand.dtype) if how in ("add", "sub", "mul") else wide(operand.dtype)
    result = operand.astype(computed)
    ufunc.at(result, index, values.astype(computed))
    return result.astype(operand.dtype)


def _replace(call: Call, operand: Array, index: Any, values: Array) -> Array:
    result = operand.copy()
    combine = call.params["update_jaxpr"]
    if combine is None:
        result[index] = values
        return result
    # Any function of scalars: elements that are hit several times need one turn after another.
    flat = np.ravel_multi_index(np.broadcast_arrays(*index), operand.shape).reshape(-1)
    given, target = values.reshape(-1), result.reshape(-1)
    consts = call.params["update_consts"]
    left = np.arange(flat.size)
    while left.size:
        _, first = np.unique(flat[left], return_index=True)
        turn = left[np.sort(first)]
        (target[flat[turn]],) = call.run(combine, [*consts, target[flat[turn]], given[turn]])
        left = np.setdiff1d(left, turn, assume_unique=True)
    return target.reshape(operand.shape)
