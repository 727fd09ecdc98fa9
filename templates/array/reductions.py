"""Reductions, cumulative operations, norms and moments along an axis."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Inexact, Int, Integer, Num, Real

from jaxir import Uniform


def sum(x: Num[Array, "*b n"]) -> Num[Array, "*b"]:
    """the sum over the last axis"""
    return jnp.sum(x, axis=-1, dtype=x.dtype)


def mean(x: Inexact[Array, "*b n"]) -> Inexact[Array, "*b"]:
    """the mean over the last axis"""
    return jnp.mean(x, axis=-1)


def product_of_rows(x: Inexact[Array, "n *b"]) -> Inexact[Array, "*b"]:
    """the product over the leading axis"""
    return jnp.prod(x, axis=0)


def extremum(x: Num[Array, "*b n"], *, fn: Literal["max", "min"]) -> Num[Array, "*b"]:
    """the `fn` over the last axis"""
    return getattr(jnp, fn)(x, axis=-1)


def value_range(x: Real[Array, "*b m n"]) -> Real[Array, "*b"]:
    """the largest minus the smallest entry of each matrix"""
    return jnp.max(x, axis=(-2, -1)) - jnp.min(x, axis=(-2, -1))


def arg_extremum(x: Real[Array, "*b n"], *, fn: Literal["argmax", "argmin"]) -> Int[Array, "*b"]:
    """the `fn` along the last axis"""
    return getattr(jnp, fn)(x, axis=-1)


def peak_position(
    image: Real[Array, "m n"], *, fn: Literal["argmax", "argmin"]
) -> tuple[Int[Array, ""], Int[Array, ""], Real[Array, ""]]:
    """the row, the column and the value of an extreme entry of a matrix"""
    row, column = jnp.unravel_index(getattr(jnp, fn)(image), image.shape)
    return row, column, image[row, column]


def center_of_mass(image: Float[Array, "*b m n"]) -> Float[Array, "*b 2"]:
    """the centre of mass of each image in row and column coordinates"""
    rows = lax.broadcasted_iota(image.dtype, image.shape, image.ndim - 2)
    columns = lax.broadcasted_iota(image.dtype, image.shape, image.ndim - 1)
    moments = jnp.stack([rows * image, columns * image], axis=-1)
    mass = jnp.sum(jnp.abs(image), axis=(-2, -1)) + 1e-3
    return jnp.sum(moments, axis=(-3, -2)) / mass[..., None]


def mean_and_variance(
    x: Float[Array, "*b n"], *, form: Literal["two pass", "one pass"]
) -> tuple[Float[Array, "*b"], Float[Array, "*b"]]:
    """the mean and the variance over the last axis"""
    center = jnp.mean(x, axis=-1)
    if form == "two pass":
        spread = jnp.mean(jnp.square(x - center[..., None]), axis=-1)
    else:
        spread = jnp.mean(jnp.square(x), axis=-1) - jnp.square(center)
    return center, spread


def center_and_scale(x: Float[Array, "n *d"], *, scale: Literal["std", "range", "peak"]) -> Float[Array, "n *d"]:
    """each feature minus its mean, divided by its spread over the leading axis"""
    centered = x - jnp.mean(x, axis=0)
    if scale == "std":
        width = jnp.std(x, axis=0)
    elif scale == "range":
        width = jnp.max(x, axis=0) - jnp.min(x, axis=0)
    else:
        width = jnp.max(jnp.abs(centered), axis=0)
    return centered / (width + 1e-2)


def weighted_mean(x: Inexact[Array, "*b n"], weights: Inexact[Array, "n"]) -> Inexact[Array, "*b"]:
    """the average over the last axis, weighted by the magnitudes of `weights`"""
    mass = jnp.abs(weights)
    return jnp.sum(x * mass, axis=-1) / (jnp.sum(mass) + 1e-3)


def masked_mean(x: Inexact[Array, "*b n"], mask: Bool[Array, "*b n"]) -> Inexact[Array, "*b"]:
    """the mean of the entries where `mask` holds, zero where there are none"""
    total = jnp.sum(jnp.where(mask, x, 0), axis=-1)
    count = jnp.sum(mask, axis=-1, dtype=x.dtype)
    return total / jnp.maximum(count, 1)


def masked_extremum(
    x: Real[Array, "*b n"], mask: Bool[Array, "*#b n"], default: Real[Array, ""], *, fn: Literal["max", "min"]
) -> Real[Array, "*b"]:
    """the `fn` of each row, with `default` in place of the entries where `mask` does not hold"""
    return getattr(jnp, fn)(jnp.where(mask, x, default), axis=-1)


def count_above(x: Real[Array, "*b n"], threshold: Real[Array, "*b"]) -> Int[Array, "*b"]:
    """the number of entries of each row above its threshold in `threshold`"""
    return jnp.count_nonzero(x > threshold[..., None], axis=-1)


def quantified(x: Real[Array, "*b n"], y: Real[Array, "*b n"], *, fn: Literal["any", "all"]) -> Bool[Array, "*b"]:
    """whether `fn` of the entries of each row of `x` are below those of `y`"""
    return getattr(jnp, fn)(x < y, axis=-1)


def mask_parity(mask: Bool[Array, "*b n"], flags: Bool[Array, "*b"]) -> Bool[Array, "*b"]:
    """the exclusive or of each row of `mask`, flipped by `flags`"""
    odd = lax.reduce_xor(mask, axes=(mask.ndim - 1,))
    return jnp.logical_xor(odd, flags)


def bitwise_fold(words: Integer[Array, "n *b"], *, fn: Literal["reduce_or", "reduce_xor"]) -> Integer[Array, "*b"]:
    """a bitwise reduction over the leading axis"""
    return getattr(lax, fn)(words, axes=(0,))


def cumulative(
    x: Num[Array, "*b n"],
    *,
    fn: Literal["cumsum", "cumprod", "cummax", "cummin"],
    reverse: Literal[False, True],
) -> Num[Array, "*b n"]:
    """a cumulative reduction along the last axis"""
    return getattr(lax, fn)(x, axis=x.ndim - 1, reverse=reverse)


def running_logsumexp(x: Float[Array, "n *b"], *, reverse: Literal[False, True]) -> Float[Array, "n *b"]:
    """the running log-sum-exp along the leading axis"""
    return lax.cumlogsumexp(x, axis=0, reverse=reverse)


def running_mean(x: Inexact[Array, "n *b"]) -> Inexact[Array, "n *b"]:
    """the mean of all entries so far along the leading axis"""
    counts = jnp.arange(1, x.shape[0] + 1, dtype=x.dtype)
    return jnp.cumsum(x, axis=0) / counts.reshape(-1, *(1,) * (x.ndim - 1))


def exclusive_prefix_sum(x: Num[Array, "*b n"]) -> Num[Array, "*b n"]:
    """the sum of all earlier entries along the last axis"""
    return jnp.cumsum(x, axis=-1, dtype=x.dtype) - x


def drawdown(values: Real[Array, "*b n"]) -> Real[Array, "*b n"]:
    """the distance of each entry below the highest entry so far"""
    highest = lax.cummax(values, axis=values.ndim - 1)
    return highest - values


def vector_norm(x: Float[Array, "*b n"], *, order: Literal["l1", "l2", "max", "rms"]) -> Float[Array, "*b"]:
    """the `order` norm over the last axis"""
    size = jnp.abs(x)
    if order == "l1":
        norm = jnp.sum(size, axis=-1)
    elif order == "l2":
        norm = jnp.sqrt(jnp.sum(x * x, axis=-1) + 1e-6)
    elif order == "rms":
        norm = jnp.sqrt(jnp.mean(x * x, axis=-1) + 1e-6)
    else:
        norm = jnp.max(size, axis=-1)
    return norm


def matrix_norm(
    a: Float[Array, "*b m n"], *, order: Literal["column sum", "row sum", "frobenius"]
) -> Float[Array, "*b"]:
    """the `order` norm of each matrix"""
    if order == "column sum":
        norm = jnp.max(jnp.sum(jnp.abs(a), axis=-2), axis=-1)
    elif order == "row sum":
        norm = jnp.max(jnp.sum(jnp.abs(a), axis=-1), axis=-1)
    else:
        norm = jnp.sqrt(jnp.sum(jnp.square(a), axis=(-2, -1)) + 1e-6)
    return norm


def normalize_columns(
    a: Inexact[Array, "*b m n"], *, eps: Annotated[float, Uniform(0.001, 0.1)]
) -> Inexact[Array, "*b m n"]:
    """each column divided by its Euclidean length"""
    lengths = jnp.sqrt(jnp.sum(a * a, axis=-2, keepdims=True) + eps)
    return a / lengths


def trapezoid_area(y: Inexact[Array, "*b n+1"], x: Inexact[Array, "n+1"]) -> Inexact[Array, "*b"]:
    """the area under `y` over the points `x` by the trapezoidal rule"""
    widths = jnp.diff(x)
    heights = (y[..., 1:] + y[..., :-1]) / 2
    return jnp.sum(widths * heights, axis=-1)


def summary_statistics(x: Float[Array, "*b n"]) -> Float[Array, "4 *b"]:
    """the minimum, mean, median and maximum over the last axis, stacked"""
    parts = [jnp.min(x, axis=-1), jnp.mean(x, axis=-1), jnp.median(x, axis=-1), jnp.max(x, axis=-1)]
    return jnp.stack(parts)


def minmax_rescale(x: Float[Array, "*b m n"], *, axes: Literal["rows", "columns", "all"]) -> Float[Array, "*b m n"]:
    """the entries rescaled to between zero and one"""
    if axes == "rows":
        low, high = jnp.min(x, axis=-1, keepdims=True), jnp.max(x, axis=-1, keepdims=True)
    elif axes == "columns":
        low, high = jnp.min(x, axis=-2, keepdims=True), jnp.max(x, axis=-2, keepdims=True)
    else:
        low, high = jnp.min(x), jnp.max(x)
    return (x - low) / (high - low + 1e-2)
