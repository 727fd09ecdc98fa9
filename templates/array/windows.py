"""Reductions over windows with strides, paddings and dilations, and their gradients."""

from typing import Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Integer, Num, Real


def window_sums(x: Num[Array, "*b n+2"], *, size: Literal[2, 3], padding: Literal["SAME"]) -> Num[Array, "*b n+2"]:
    """the sums over windows of `size` along the last axis with `padding` padding"""
    window = (*(1,) * (x.ndim - 1), size)
    return lax.reduce_window(x, 0, lax.add, window, (1,) * x.ndim, padding).astype(x.dtype)


def window_extremes(
    x: Float[Array, "m+1 n+1"], *, fn: Literal["max", "min"], padding: Literal["VALID"]
) -> Float[Array, "m n"]:
    """the `fn` of windows of two by two with `padding` padding"""
    if fn == "max":
        pooled = lax.reduce_window(x, -jnp.inf, lax.max, (2, 2), (1, 1), padding)
    else:
        pooled = lax.reduce_window(x, jnp.inf, lax.min, (2, 2), (1, 1), padding)
    return pooled


def window_integers(
    x: Integer[Array, "n+2"], *, fn: Literal["bitwise_or", "bitwise_xor", "add"]
) -> Integer[Array, "n"]:
    """the `fn` of windows of three entries"""
    return lax.reduce_window(x, jnp.zeros((), x.dtype), getattr(lax, fn), (3,), (1,), "VALID")


def window_products(x: Real[Array, "n+1"], *, side: Literal["before", "after"]) -> Real[Array, "n+1"]:
    """the products of neighbours, with a one `side` the first or last"""
    if side == "before":
        padding = ((1, 0),)
    else:
        padding = ((0, 1),)
    return lax.reduce_window(x, jnp.ones((), x.dtype), lax.mul, (2,), (1,), padding)


def strided_windows(x: Float[Array, "2*m 2*n"], *, fn: Literal["add", "max", "min", "mul"]) -> Float[Array, "m n"]:
    """the `fn` of the blocks of two by two, starting from one"""
    return lax.reduce_window(x, jnp.ones((), x.dtype), getattr(lax, fn), (2, 2), (2, 2), "VALID")


def dilated_windows(
    x: Float[Array, "n+4"], *, fn: Literal["add", "max"], window_dilation: Literal[2, 1]
) -> Float[Array, "n+4"]:
    """the `fn` over three entries that are `window_dilation` apart, zero outside"""
    return lax.reduce_window(
        x,
        jnp.zeros((), x.dtype),
        getattr(lax, fn),
        (3,),
        (1,),
        ((window_dilation, window_dilation),),
        window_dilation=(window_dilation,),
    )


def spread_windows(x: Num[Array, "n"]) -> Num[Array, "2*n-1"]:
    """the sums over windows of three after zeros were put between all entries"""
    return lax.reduce_window(x, jnp.zeros((), x.dtype), lax.add, (3,), (1,), ((1, 1),), base_dilation=(2,))


def window_log_sum(x: Float[Array, "n+1"], *, fn: Literal["logaddexp", "hypot"]) -> Float[Array, "n"]:
    """the `fn` of neighbours, as a window reduction with a function of its own"""
    if fn == "hypot":
        start = jnp.zeros((), x.dtype)
    else:
        start = jnp.full((), -jnp.inf, x.dtype)
    return lax.reduce_window(x, start, getattr(jnp, fn), (2,), (1,), "VALID")


def window_pairs(x: Float[Array, "n+1"], y: Float[Array, "n+1"]) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    """the sums of `x` and the largest of `y` over windows of two, in one reduction"""

    def combine(left, right):
        return left[0] + right[0], jnp.maximum(left[1], right[1])

    zero = jnp.zeros((), x.dtype)
    return lax.reduce_window((x, y), (zero, zero), combine, (2,), (1,), "VALID")


def gradient_of_pooling(
    x: Float[Array, "2*m 2*n"], weights: Float[Array, "m n"], *, fn: Literal["max", "min", "sum"]
) -> Float[Array, "2*m 2*n"]:
    """the gradient of the weighted squares of the `fn` of the blocks of two by two"""

    def total(image):
        if fn == "max":
            pooled = lax.reduce_window(image, -jnp.inf, lax.max, (2, 2), (2, 2), "VALID")
        elif fn == "min":
            pooled = lax.reduce_window(image, jnp.inf, lax.min, (2, 2), (2, 2), "VALID")
        else:
            pooled = lax.reduce_window(image, 0.0, lax.add, (2, 2), (2, 2), "VALID")
        return jnp.sum(weights * pooled * pooled)

    return jax.grad(total)(x)


def overlapping_pooling_gradient(x: Float[Array, "n+2"], weights: Float[Array, "n"]) -> Float[Array, "n+2"]:
    """the gradient of the weighted largest entries of overlapping windows of three, times `x`"""

    def total(values):
        return jnp.dot(weights, lax.reduce_window(values, -jnp.inf, lax.max, (3,), (1,), "VALID"))

    return x * jax.grad(total)(x)


def tangent_of_pooling(
    x: Float[Array, "n+1"], dx: Float[Array, "n+1"], *, fn: Literal["max", "min"]
) -> Float[Array, "n"]:
    """the directional derivative of the `fn` of neighbours along `dx`, plus the `fn` itself"""

    def pool(values):
        if fn == "max":
            pooled = lax.reduce_window(values, -jnp.inf, lax.max, (2,), (1,), "VALID")
        else:
            pooled = lax.reduce_window(values, jnp.inf, lax.min, (2,), (1,), "VALID")
        return pooled

    value, tangent = jax.jvp(pool, (x,), (dx,))
    return value + tangent


def reduce_with_function(
    x: Num[Array, "m n"], *, fn: Literal["add", "mul", "max", "min"], axis: Literal[0, 1]
) -> Num[Array, "m n"]:
    """`x` minus the `fn` of one and its entries along axis `axis`"""
    total = lax.reduce(x, jnp.ones((), x.dtype), getattr(lax, fn), (axis,))
    return x - jnp.expand_dims(total, axis)


def reduce_bits(
    x: Integer[Array, "m n"], *, fn: Literal["bitwise_and", "bitwise_or", "bitwise_xor"]
) -> Integer[Array, "m"]:
    """the `fn` of all bits set and of each row"""
    return lax.reduce(x, ~jnp.zeros((), x.dtype), getattr(lax, fn), (1,))
