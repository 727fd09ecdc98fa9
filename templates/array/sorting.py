"""Sorting, ranking, searching, order statistics and set operations by comparison."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Int32, Integer, Num, Real, Shaped

from jaxir import Uniform


def sort_values(x: Num[Array, "*b n"], *, descending: Literal[False, True]) -> Num[Array, "*b n"]:
    """the entries sorted along the last axis"""
    return jnp.sort(x, axis=-1, descending=descending)


def sort_columns(x: Num[Array, "n *d"], *, how: Literal["sort", "negate"]) -> Num[Array, "n *d"]:
    """the entries sorted along the leading axis, the largest first"""
    if how == "sort":
        ordered = jnp.flip(jnp.sort(x, axis=0), axis=0)
    else:
        ordered = jnp.sort(x, axis=0, descending=True)
    return ordered


def ranks(x: Num[Array, "*b n"]) -> Int[Array, "*b n"]:
    """the rank of each entry along the last axis"""
    return jnp.argsort(jnp.argsort(x, axis=-1), axis=-1)


def sort_by_key(keys: Real[Array, "n"], values: Shaped[Array, "n *d"]) -> Shaped[Array, "n *d"]:
    """the rows of `values` in the order of `keys`"""
    order = jnp.argsort(keys)
    return values[order]


def sort_pairs(
    keys: Real[Array, "*b n"], values: Shaped[Array, "*b n"]
) -> tuple[Real[Array, "*b n"], Shaped[Array, "*b n"]]:
    """`keys` sorted along the last axis, and `values` carried along"""
    return lax.sort_key_val(keys, values)


def lexicographic_sort(
    primary: Integer[Array, "n"], secondary: Real[Array, "n"], values: Shaped[Array, "n *d"]
) -> Shaped[Array, "n *d"]:
    """the rows of `values` in the order of `primary`, then of `secondary`"""
    order = jnp.lexsort((secondary, primary))
    return jnp.take(values, order, axis=0)


def inverse_permutation(x: Real[Array, "n"], values: Shaped[Array, "n *d"]) -> Shaped[Array, "n *d"]:
    """the rows of `values` at the ranks of the entries of `x`"""
    order = jnp.argsort(x)
    inverse = jnp.zeros_like(order).at[order].set(jnp.arange(x.shape[0]))
    return values[inverse]


def partition_by_mask(x: Shaped[Array, "n *d"], mask: Bool[Array, "n"]) -> Shaped[Array, "n *d"]:
    """the rows where `mask` holds, followed by the others"""
    order = jnp.argsort(jnp.logical_not(mask), stable=True)
    return jnp.take(x, order, axis=0)


def top_two_gap(scores: Float[Array, "*b n+1"]) -> Float[Array, "*b"]:
    """the gap between the two largest entries of each row"""
    values, _ = lax.top_k(scores, 2)
    return values[..., 0] - values[..., 1]


def top_k_pool(x: Float[Array, "*b n+1"], weights: Float[Array, "*b n+1"]) -> Float[Array, "*b"]:
    """the mean of `x` over the two positions where `weights` is largest"""
    _, best = lax.top_k(weights, 2)
    return jnp.mean(jnp.take_along_axis(x, best, axis=-1), axis=-1)


def keep_largest(x: Float[Array, "*b n+1"], *, k: Literal[1, 2]) -> Float[Array, "*b n+1"]:
    """the entries of each row with all but the top `k` set to zero"""
    values, _ = lax.top_k(x, k)
    return jnp.where(x >= values[..., -1:], x, 0)


def median_value(
    x: Float[Array, "*b n"], *, figure: Literal["median", "median absolute deviation"]
) -> Float[Array, "*b"]:
    """the `figure` over the last axis"""
    middle = jnp.median(x, axis=-1, keepdims=True)
    if figure == "median":
        result = middle
    else:
        result = jnp.median(jnp.abs(x - middle), axis=-1, keepdims=True)
    return jnp.squeeze(result, axis=-1)


def quantile_value(
    x: Float[Array, "n *b"],
    *,
    q: Annotated[float, Uniform(0.1, 0.9)],
    method: Literal["linear", "lower", "higher", "nearest", "midpoint"],
) -> Float[Array, "*b"]:
    """the `q` quantile over the leading axis by the `method` rule"""
    return jnp.quantile(x, q, axis=0, method=method).astype(x.dtype)


def trimmed_mean(x: Float[Array, "*b n+2"]) -> Float[Array, "*b"]:
    """the mean over the last axis without its smallest and its largest entry"""
    ordered = jnp.sort(x, axis=-1)
    return jnp.mean(ordered[..., 1:-1], axis=-1)


def search_sorted(
    edges: Num[Array, "n"],
    queries: Num[Array, "*b"],
    *,
    side: Literal["left", "right"],
    method: Literal["scan", "sort", "compare_all"],
) -> Int32[Array, "*b"]:
    """the position of each of `queries` among the sorted entries of `edges`"""
    return jnp.searchsorted(jnp.sort(edges), queries, side=side, method=method)


def interpolate_table(x: Float[Array, "*s"], xp: Float[Array, "n+1"], fp: Float[Array, "n+1"]) -> Float[Array, "*s"]:
    """the piecewise linear function through the points (`xp`, `fp`) at `x`"""
    knots = jnp.sort(xp)
    right = jnp.clip(jnp.searchsorted(knots, x), 1, knots.shape[0] - 1)
    left = right - 1
    width = jnp.maximum(knots[right] - knots[left], 1e-2)
    slope = (fp[right] - fp[left]) / width
    return fp[left] + slope * (x - knots[left])


def contains(x: Integer[Array, "*s"], pool: Integer[Array, "k"], *, invert: Literal[False, True]) -> Bool[Array, "*s"]:
    """a test of each entry of `x` against the members of `pool`"""
    hits = jnp.any(x[..., None] == pool, axis=-1)
    if invert:
        answer = jnp.logical_not(hits)
    else:
        answer = hits
    return answer


def count_distinct(x: Integer[Array, "*b n"]) -> Int[Array, "*b"]:
    """the number of different values in each row"""
    ordered = jnp.sort(x, axis=-1)
    changes = ordered[..., 1:] != ordered[..., :-1]
    return 1 + jnp.sum(changes, axis=-1)


def first_occurrence(x: Integer[Array, "*b n"]) -> Bool[Array, "*b n"]:
    """whether each entry is the first of its value along the last axis"""
    same = x[..., :, None] == x[..., None, :]
    earlier = jnp.tril(jnp.ones(same.shape[-2:], bool), k=-1)
    return jnp.logical_not(jnp.any(same & earlier, axis=-1))


def most_frequent(x: Integer[Array, "*b n"]) -> Integer[Array, "*b"]:
    """the most frequent value of each row, the first of them where there are several"""
    votes = jnp.sum(x[..., :, None] == x[..., None, :], axis=-1)
    winner = jnp.argmax(votes, axis=-1)
    return jnp.take_along_axis(x, winner[..., None], axis=-1)[..., 0]


def local_maxima(x: Real[Array, "*b n+2"]) -> Bool[Array, "*b n"]:
    """whether each inner entry is larger than both of its neighbours"""
    middle = x[..., 1:-1]
    return (middle > x[..., :-2]) & (middle > x[..., 2:])


def inversions(x: Real[Array, "*b n"]) -> Int[Array, "*b"]:
    """the number of pairs of each row that stand in the wrong order"""
    wrong = x[..., :, None] > x[..., None, :]
    ahead = jnp.triu(jnp.ones(wrong.shape[-2:], bool), k=1)
    return jnp.sum(jnp.where(ahead, wrong, False), axis=(-2, -1))


def winsorize(x: Float[Array, "*b n"], *, share: Annotated[float, Uniform(0.05, 0.3)]) -> Float[Array, "*b n"]:
    """the entries clipped to the `share` quantiles of their row at both ends"""
    low = jnp.quantile(x, share, axis=-1, keepdims=True)
    high = jnp.quantile(x, 1 - share, axis=-1, keepdims=True)
    return jnp.clip(x, low, high).astype(x.dtype)
