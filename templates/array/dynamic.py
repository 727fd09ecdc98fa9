"""Shapes that follow from the sizes of the arguments: written for any size, and lowered with symbolic dims."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int32, Num, Real

from jaxir import Uniform

#: Kernels with a root in this file are exported with symbolic dims (see the README).
SYMBOLIC_DIMS = True


def halves_exchanged(x: Num[Array, "n *d"]) -> Num[Array, "n *d"]:
    """`x` with its second half before the first"""
    middle = x.shape[0] // 2
    front = lax.slice_in_dim(x, 0, middle)
    back = lax.slice_in_dim(x, middle, x.shape[0])
    return jnp.concatenate([back, front])


def every_second(x: Num[Array, "n *d"], *, part: Literal["sum", "difference"]) -> Num[Array, "*d"]:
    """the `part` of the totals of the entries at even places and of those at odd places"""
    even = jnp.sum(lax.slice_in_dim(x, 0, x.shape[0], 2), axis=0, dtype=x.dtype)
    odd = jnp.sum(x, axis=0, dtype=x.dtype) - even
    if part == "sum":
        total = even + 2 * odd
    else:
        total = even - odd
    return total


def rolled_difference(x: Num[Array, "*b n"], *, shift: Literal[1, -1, 2]) -> Num[Array, "*b n"]:
    """each entry minus the one that is `shift` places before it, around the end"""
    return x - jnp.roll(x, shift, axis=-1)


def strided_conv_same(
    x: Float[Array, "n"], kernel: Float[Array, "k"], *, stride: Literal[2, 3], padding: Literal["SAME", "SAME_LOWER"]
) -> Float[Array, ""]:
    """the largest response of a convolution in steps of `stride` with `padding` padding"""
    response = lax.conv_general_dilated(x[None, None], kernel[None, None], (stride,), padding)
    return jnp.max(response)


def smoothed_signal(x: Float[Array, "n"], kernel: Float[Array, "k"]) -> Float[Array, "n"]:
    """`x` convolved with `kernel` and cut to its own length"""
    return lax.conv_general_dilated(x[None, None], kernel[None, None], (1,), "SAME")[0, 0]


def doubled_by_zeros(x: Num[Array, "n *d"], *, place: Literal["after", "before", "between"]) -> Num[Array, "2*n *d"]:
    """`x` with as many zeros `place` its entries"""
    rest = [(0, 0, 0)] * (x.ndim - 1)
    zero = jnp.zeros((), x.dtype)
    if place == "after":
        wide = lax.pad(x, zero, [(0, x.shape[0], 0), *rest])
    elif place == "before":
        wide = lax.pad(x, zero, [(x.shape[0], 0, 0), *rest])
    else:
        wide = lax.pad(x, zero, [(0, 1, 1), *rest])
    return wide


def padded_to_match(x: Num[Array, "n"], y: Num[Array, "n m"]) -> Num[Array, "n+m"]:
    """`x` padded by the number of columns of `y`, plus the totals of the rows of `y` padded in front"""
    zero = jnp.zeros((), x.dtype)
    first = lax.pad(x, zero, [(0, y.shape[1], 0)])
    second = lax.pad(jnp.sum(y, axis=1, dtype=y.dtype), zero, [(y.shape[1], 0, 0)])
    return first + second


def rows_at_steps(
    x: Float[Array, "n d"], offsets: Int32[Array, "k"], *, mode: Literal["clip", "wrap", "fill"]
) -> Float[Array, "k d"]:
    """the rows at running totals of `offsets`, in the mode `mode`"""
    places = jnp.cumsum(jnp.abs(offsets)) if mode == "wrap" else jnp.abs(offsets)
    return jnp.take(x, places, axis=0, mode=mode, fill_value=0)


def block_at(x: Num[Array, "n d"], start: Int32[Array, ""]) -> Num[Array, "n-1 d"]:
    """all rows but one, from a row on that `start` chooses"""
    return lax.dynamic_slice(x, (start % 2, jnp.int32(0)), (x.shape[0] - 1, x.shape[1]))


def neighbour_pairs(x: Real[Array, "n"], *, fn: Literal["maximum", "minimum", "subtract"]) -> Real[Array, "n-1"]:
    """the `fn` of each entry and the next"""
    return getattr(jnp, fn)(x[:-1], x[1:])


def flattened_product(x: Num[Array, "m n"], y: Num[Array, "m n"]) -> Num[Array, "m*n"]:
    """the products of all entries as one row"""
    return jnp.reshape(x * y, (-1,))


def pairs_of_rows(x: Num[Array, "m d"], y: Num[Array, "n d"]) -> Num[Array, "m*n d"]:
    """the sums of all pairs of a row of `x` and a row of `y`, one below the other"""
    pairs = x[:, None] + y[None]
    return pairs.reshape(x.shape[0] * y.shape[0], x.shape[1])


def position_weights(x: Float[Array, "*b n"], *, decay: Annotated[float, Uniform(0.5, 0.95)]) -> Float[Array, "*b n"]:
    """each entry weighted by its place in the row, less the further from the end"""
    count = x.shape[-1]
    weights = decay ** jnp.arange(count, dtype=x.dtype)
    return x * weights[::-1] / count


def masked_prefix(x: Float[Array, "m n"], lengths: Int32[Array, "m"]) -> Float[Array, "m"]:
    """the mean of the first entries of each row, as many as `lengths` says"""
    places = lax.broadcasted_iota(jnp.int32, x.shape, 1)
    mask = places < jnp.clip(lengths, 1, x.shape[1])[:, None]
    return jnp.sum(jnp.where(mask, x, 0), axis=1) / jnp.sum(mask, axis=1).astype(x.dtype)


def lower_triangle(x: Num[Array, "n n"], keep: Bool[Array, "n"]) -> Num[Array, "n n"]:
    """the entries below the diagonal of the columns to keep, and the diagonal itself"""
    row = lax.broadcasted_iota(jnp.int32, x.shape, 0)
    column = lax.broadcasted_iota(jnp.int32, x.shape, 1)
    return jnp.where((row == column) | ((row > column) & keep[None]), x, jnp.zeros_like(x))
