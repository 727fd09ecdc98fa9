"""Sets and distinct values, with results of a fixed size."""

from typing import Literal

import jax.numpy as jnp
from jaxtyping import Array, Bool, Int, Real


def distinct_values(x: Real[Array, "n"], *, size: Literal[3, 5], fill: Literal[0, 1]) -> Real[Array, "n"]:
    """`x` minus the last of its first `size` distinct values, padded with `fill`"""
    return x - jnp.unique(x, size=size, fill_value=fill)[-1]


def distinct_with_counts(x: Int[Array, "n"], *, size: Literal[4, 6]) -> Int[Array, "n"]:
    """the number of times that each entry of `x` occurs, up to `size` values"""
    values, inverse, counts = jnp.unique(x, return_inverse=True, return_counts=True, size=size, fill_value=0)
    return counts.astype(x.dtype)[inverse] + values[0]


def distinct_positions(x: Real[Array, "n"], y: Real[Array, "n"]) -> Real[Array, "4"]:
    """the entries of `y` where the four smallest values of `x` stand first"""
    _, positions = jnp.unique(x, return_index=True, size=4, fill_value=0)
    return y[positions]


def distinct_by_function(
    x: Real[Array, "n"], *, fn: Literal["unique_values", "unique_counts", "unique_inverse", "unique_all"]
) -> Real[Array, "5"]:
    """the first five distinct values of `x`, by `fn`"""
    if fn == "unique_values":
        values = jnp.unique_values(x, size=5, fill_value=0)
    else:
        values = getattr(jnp, fn)(x, size=5, fill_value=0).values
    return values


def counts_of_distinct(x: Real[Array, "n"]) -> Int[Array, "4"]:
    """how often each of the four smallest values of the rounded `x` occurs"""
    return jnp.unique_counts(jnp.round(x), size=4, fill_value=0).counts


def codes_of_distinct(x: Real[Array, "n"]) -> Int[Array, "n"]:
    """the place of each entry among the distinct values of `x`"""
    return jnp.unique_inverse(x, size=6, fill_value=0).inverse_indices


def distinct_rows(x: Int[Array, "m 2"], y: Int[Array, "3 2"]) -> Int[Array, "3 2"]:
    """the first three distinct rows of `x` by their parity, plus `y`"""
    return jnp.unique(x % 2, axis=0, size=3, fill_value=0) + y


def set_operation(
    x: Int[Array, "n"], y: Int[Array, "m"], *, fn: Literal["union1d", "intersect1d", "setdiff1d", "setxor1d"]
) -> Int[Array, "6"]:
    """the first six members of the `fn` of `x` and `y`, padded with minus one"""
    return getattr(jnp, fn)(x, y, size=6, fill_value=-1)


def set_of_floats(x: Real[Array, "n"], y: Real[Array, "m"], *, fn: Literal["union1d", "setxor1d"]) -> Real[Array, "5"]:
    """the first five members of the `fn` of the rounded `x` and `y`"""
    return getattr(jnp, fn)(jnp.round(x), jnp.round(y), size=5, fill_value=0)


def common_positions(x: Int[Array, "n"], y: Int[Array, "m"]) -> tuple[Int[Array, "4"], Int[Array, "4"]]:
    """four common values of `x` and `y`, and their places in `x`"""
    values, places, _ = jnp.intersect1d(x, y, return_indices=True, size=4, fill_value=0)
    return values, places.astype(x.dtype)


def members(
    x: Int[Array, "*s"],
    pool: Int[Array, "k"],
    *,
    invert: Literal[False, True],
    method: Literal["compare_all", "sort", "binary_search"],
) -> Bool[Array, "*s"]:
    """whether the entries of `x` are members of `pool`, negated if `invert` is True"""
    return jnp.isin(x, pool, invert=invert, method=method)


def keep_members(x: Real[Array, "n *s"], pool: Real[Array, "k"]) -> Real[Array, "n *s"]:
    """`x` where its sign is among the signs of `pool`, its square elsewhere"""
    return jnp.where(jnp.isin(jnp.sign(x), jnp.sign(pool)), x, x * x)
