"""Operations that move elements and compute nothing."""

from __future__ import annotations

import numpy as np

from jaxir.executor.numpy_rules.dtypes import KEY
from jaxir.executor.numpy_rules.registry import Array, Call, rule


@rule("broadcast_in_dim")
def _broadcast_in_dim(call: Call, x: Array, *_: Array) -> Array:
    shape = call.params["shape"]
    if not shape:
        return x
    aligned = [1] * len(shape)
    for size, dim in zip(x.shape, call.params["broadcast_dimensions"], strict=True):
        aligned[dim] = size
    return np.broadcast_to(x.reshape(aligned), shape)


@rule("reshape")
def _reshape(call: Call, x: Array, *_: Array) -> Array:
    if call.params.get("dimensions") is not None:
        x = np.transpose(x, call.params["dimensions"])
    return x.reshape(call.params["new_sizes"])


@rule("squeeze")
def _squeeze(call: Call, x: Array) -> Array:
    return x.reshape(call.shape)


@rule("transpose")
def _transpose(call: Call, x: Array) -> Array:
    return np.transpose(x, call.params["permutation"])


@rule("rev")
def _rev(call: Call, x: Array) -> Array:
    return np.flip(x, call.params["dimensions"])


@rule("slice")
def _slice(call: Call, x: Array) -> Array:
    params = call.params
    strides = params["strides"] or (1,) * x.ndim
    return x[tuple(map(slice, params["start_indices"], params["limit_indices"], strides))]


@rule("pad")
def _pad(call: Call, x: Array, value: Array) -> Array:
    """Low, high and interior padding; negative amounts cut off, after the interior is filled."""
    return padded(x, value, call.params["padding_config"])


def padded(x: Array, value: Array, config: object) -> Array:
    """`x` with `config` = ((low, high, interior), ...) of `value` around and between its elements."""
    sizes = [tuple(map(int, entry)) for entry in config]  # type: ignore[attr-defined]  # triples
    spread = [size + max(0, size - 1) * gap for size, (_, _, gap) in zip(x.shape, sizes, strict=True)]
    shape = [max(0, size + low + high) for size, (low, high, _) in zip(spread, sizes, strict=True)]
    result = np.full(shape, value, x.dtype)
    into, out_of = [], []
    for size, full, (low, _, gap) in zip(x.shape, shape, sizes, strict=True):
        step = gap + 1
        first = max(0, -(low // step)) if low < 0 else 0
        last = min(size, (full - 1 - low) // step + 1) if full > low else 0
        last = max(first, last)
        start = low + first * step
        into.append(slice(start, start + (last - first) * step, step) if last > first else slice(0, 0))
        out_of.append(slice(first, last))
    result[tuple(into)] = x[tuple(out_of)]
    return result


@rule("concatenate")
def _concatenate(call: Call, *operands: Array) -> Array:
    return np.concatenate(operands, axis=call.params["dimension"])


@rule("stack")
def _stack(call: Call, *operands: Array) -> Array:
    return np.stack(operands, axis=call.params["axis"])


@rule("unstack")
def _unstack(call: Call, x: Array) -> list[Array]:
    return list(np.moveaxis(x, call.params["axis"], 0))


@rule("split")
def _split(call: Call, x: Array) -> list[Array]:
    return np.split(x, np.cumsum(call.params["sizes"])[:-1], axis=call.params["axis"])


@rule("tile")
def _tile(call: Call, x: Array) -> Array:
    return np.tile(x, call.params["reps"])


@rule("iota")
def _iota(call: Call, *_: Array) -> Array:
    shape, dimension = call.params["shape"], call.params["dimension"]
    aligned = [1] * len(shape)
    aligned[dimension] = shape[dimension]
    return np.broadcast_to(np.arange(shape[dimension]).astype(call.dtype).reshape(aligned), shape)


@rule("empty", "empty2")
def _empty(call: Call, *_: Array) -> Array:
    return np.zeros(call.shape, call.dtype)


@rule("to_edtype")
def _to_edtype(call: Call, words: Array) -> Array:
    return np.ascontiguousarray(words).view(KEY)[..., 0]


@rule("copy", "copy_p", "name", "stop_gradient", "sharding_constraint", "layout_constraint", "reshard", "mesh_cast")
def _identity(call: Call, x: Array) -> Array:
    return x


@rule("optimization_barrier", "device_put")
def _identities(call: Call, *operands: Array) -> list[Array]:
    return list(operands)
