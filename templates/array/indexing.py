"""Gathering, scattering, dynamic slices, segments and histograms."""

from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Inexact, Int, Int32, Integer, Num, Real, Shaped

from jaxir import Uniform


def gather_rows(table: Shaped[Array, "v *d"], ids: Int[Array, "k"]) -> Shaped[Array, "k *d"]:
    """the rows of `table` at `ids`, with ids beyond the end clipped"""
    return jnp.take(table, ids, axis=0, mode="clip")


def lookup_scaled(table: Float[Array, "v d"], tokens: Integer[Array, "*b"]) -> Float[Array, "*b d"]:
    """the row of `table` for each token, scaled by the root of the width"""
    vectors = jnp.take(table, tokens, axis=0, mode="clip")
    return vectors * jnp.sqrt(jnp.asarray(table.shape[1], table.dtype))


def take_along(x: Shaped[Array, "*b n"], indices: Int[Array, "*b k"]) -> Shaped[Array, "*b k"]:
    """the entries of each row at its own indices `indices`"""
    safe = jnp.clip(indices, 0, x.shape[-1] - 1)
    return jnp.take_along_axis(x, safe, axis=-1)


def pick_label(scores: Shaped[Array, "*b n"], labels: Int[Array, "*b"]) -> Shaped[Array, "*b"]:
    """the entry of each row that its label names"""
    columns = jnp.clip(labels, 0, scores.shape[-1] - 1)[..., None]
    return jnp.squeeze(jnp.take_along_axis(scores, columns, axis=-1), axis=-1)


def pick_points(
    image: Shaped[Array, "m n *c"], rows: Int[Array, "k"], columns: Int[Array, "k"]
) -> Shaped[Array, "k *c"]:
    """the entries of `image` at the given rows and columns"""
    return image.at[rows, columns].get(mode="clip")


def choose_layer(layers: Shaped[Array, "k *s"], which: Int[Array, "*s"]) -> Shaped[Array, "*s"]:
    """the entry, at each position, of the layer that `which` names"""
    safe = jnp.clip(which, 0, layers.shape[0] - 1)
    return jnp.take_along_axis(layers, safe[None], axis=0)[0]


def interpolate_grid(
    image: Float[Array, "m+1 n+1"], y: Float[Array, "*k"], x: Float[Array, "*k"]
) -> Float[Array, "*k"]:
    """`image` at fractional rows `y` and columns `x` by bilinear interpolation"""
    top = jnp.clip(jnp.floor(y), 0, image.shape[0] - 2).astype(jnp.int32)
    left = jnp.clip(jnp.floor(x), 0, image.shape[1] - 2).astype(jnp.int32)
    down, right = y - top.astype(y.dtype), x - left.astype(x.dtype)
    upper = image[top, left] * (1 - right) + image[top, left + 1] * right
    lower = image[top + 1, left] * (1 - right) + image[top + 1, left + 1] * right
    return upper * (1 - down) + lower * down


def scatter_rows(
    x: Num[Array, "n *s"],
    indices: Int[Array, "k"],
    updates: Num[Array, "k *s"],
    *,
    method: Literal["add", "subtract", "max", "min"],
) -> Num[Array, "n *s"]:
    """`x` with each row of `updates` scattered into the row that `indices` names"""
    return getattr(x.at[indices], method)(updates, mode="drop")


def scatter_multiply(x: Num[Array, "n *s"], indices: Int[Array, "k"], factor: Num[Array, ""]) -> Num[Array, "n *s"]:
    """`x` with the rows at `indices` multiplied by `factor`"""
    return x.at[indices].multiply(factor, mode="drop")


def scatter_points(
    image: Real[Array, "m n"],
    rows: Int[Array, "k"],
    columns: Int[Array, "k"],
    values: Real[Array, "#k"],
    *,
    method: Literal["add", "max"],
) -> Real[Array, "m n"]:
    """`image` updated from `values` at the given rows and columns"""
    return getattr(image.at[rows, columns], method)(values, mode="drop")


def reset_selected(
    x: Shaped[Array, "*b n"], mask: Bool[Array, "n"], fill: Shaped[Array, "*b"]
) -> Shaped[Array, "*b n"]:
    """`x` with the columns that `mask` selects set to `fill`"""
    return jnp.where(mask, fill[..., None], x)


def replace_diagonal(
    a: Num[Array, "n n"], diagonal: Num[Array, "n"], *, method: Literal["set", "add", "multiply"]
) -> Num[Array, "n n"]:
    """the matrix with its main diagonal updated from `diagonal`"""
    i = jnp.arange(a.shape[0])
    return getattr(a.at[i, i], method)(diagonal)


def scale_alternate(x: Num[Array, "n+1 *d"], factor: Num[Array, "*d"], *, start: Literal[0, 1]) -> Num[Array, "n+1 *d"]:
    """`x` with every second row multiplied by `factor`"""
    return x.at[start::2].multiply(factor)


def update_border(x: Num[Array, "m n"], value: Num[Array, ""], *, method: Literal["set", "add"]) -> Num[Array, "m n"]:
    """the matrix with its first row and its last column updated from `value`"""
    top = getattr(x.at[0, :], method)(value)
    return getattr(top.at[:, -1], method)(2 * value)


def window_at(x: Shaped[Array, "m+n *d"], taper: Shaped[Array, "m"], start: Int[Array, ""]) -> Shaped[Array, "m *d"]:
    """the window of `x` that begins at `start`, weighted by `taper`"""
    window = lax.dynamic_slice_in_dim(x, start, taper.shape[0], axis=0)
    return window * taper.reshape(-1, *(1,) * (x.ndim - 1))


def crop_window(
    image: Num[Array, "m+2 n+2 *c"], corner: Int[Array, "2"], weights: Num[Array, "3 3"]
) -> Num[Array, "3 3 *c"]:
    """the window of three by three at `corner`, times `weights`"""
    channels = image.shape[2:]
    row, column = corner.astype(jnp.int32)
    window = lax.dynamic_slice(image, (row, column, *(0,) * len(channels)), (3, 3, *channels))
    return window * weights.reshape(3, 3, *(1,) * len(channels))


def write_window(
    buffer: Shaped[Array, "m+n *d"], block: Shaped[Array, "m *d"], start: Int[Array, ""]
) -> Shaped[Array, "m+n *d"]:
    """`buffer` with `block` written at `start`"""
    return lax.dynamic_update_slice_in_dim(buffer, block, start, axis=0)


def cache_append(
    cache: Inexact[Array, "n *d"], entry: Inexact[Array, "*d"], position: Int[Array, ""]
) -> tuple[Inexact[Array, "n *d"], Inexact[Array, "*d"]]:
    """the ring buffer `cache` with `entry` stored at `position`, and its mean over the slots"""
    slot = jnp.remainder(position, cache.shape[0])
    stored = lax.dynamic_update_index_in_dim(cache, entry, slot, axis=0)
    return stored, jnp.mean(stored, axis=0)


def swap_rows(x: Shaped[Array, "n *d"], i: Int[Array, ""], j: Int[Array, ""]) -> Shaped[Array, "n *d"]:
    """`x` with the rows `i` and `j` exchanged"""
    last = x.shape[0] - 1
    first, second = jnp.clip(i, 0, last), jnp.clip(j, 0, last)
    return x.at[first].set(x[second]).at[second].set(x[first])


def first_selected(values: Shaped[Array, "n *d"], mask: Bool[Array, "n"]) -> Shaped[Array, "3 *d"]:
    """the first three rows where `mask` holds, padded with row zero"""
    rows = jnp.flatnonzero(mask, size=3, fill_value=0)
    return values[rows]


def segment_reduce(
    values: Num[Array, "n *d"], segment_ids: Int[Array, "n"], *, fn: Literal["segment_sum", "segment_prod"]
) -> Num[Array, "4 *d"]:
    """the `fn` of the rows of `values` over four segments"""
    ids = jnp.clip(segment_ids, 0, 3)
    return getattr(jax.ops, fn)(values, ids, num_segments=4)


def segment_extremum(
    values: Float[Array, "n *d"], segment_ids: Int[Array, "n"], *, fn: Literal["segment_max", "segment_min"]
) -> Float[Array, "3 *d"]:
    """the `fn` of the rows of `values` over three segments, zero for an empty one"""
    peaks = getattr(jax.ops, fn)(values, jnp.clip(segment_ids, 0, 2), num_segments=3)
    return jnp.where(jnp.isfinite(peaks), peaks, 0)


def segment_mean(values: Inexact[Array, "n *d"], segment_ids: Int[Array, "n"]) -> Inexact[Array, "n *d"]:
    """each row moved half the way to the mean of its segment"""
    ids = jnp.clip(segment_ids, 0, 3)
    totals = jax.ops.segment_sum(values, ids, num_segments=4)
    counts = jax.ops.segment_sum(jnp.ones_like(ids), ids, num_segments=4)
    shares = jnp.maximum(counts, 1).astype(values.dtype)
    means = totals / shares.reshape(-1, *(1,) * (values.ndim - 1))
    return (values + means[ids]) / 2


def weighted_bincount(ids: Integer[Array, "n"], weights: Num[Array, "n"]) -> Num[Array, "10"]:
    """the sum of the weights of each id from zero to nine"""
    bins = jnp.minimum(ids, 9)
    return jnp.zeros(10, weights.dtype).at[bins].add(weights)


def histogram_counts(x: Float[Array, "*s"], *, density: Literal[False, True]) -> Float[Array, "8"]:
    """the histogram of all entries in eight bins between their extremes"""
    low, high = jnp.min(x), jnp.max(x)
    bins = jnp.clip((x - low) / (high - low + 1e-2) * 8, 0, 7).astype(jnp.int32)
    counts = jnp.zeros(8, x.dtype).at[bins.ravel()].add(1)
    if density:
        result = counts / jnp.sum(counts)
    else:
        result = counts
    return result


def joint_counts(
    rows: Integer[Array, "n"], columns: Integer[Array, "n"], *, how: Literal["one hot", "scatter", "compare"]
) -> Int32[Array, "5 5"]:
    """the contingency table of two label vectors over five classes"""
    left, right = jnp.minimum(rows, 4), jnp.minimum(columns, 4)
    if how == "one hot":
        table = jax.nn.one_hot(left, 5, dtype=jnp.int32).T @ jax.nn.one_hot(right, 5, dtype=jnp.int32)
    elif how == "scatter":
        table = jnp.zeros((5, 5), jnp.int32).at[left, right].add(1)
    else:
        pairs = left.astype(jnp.int32) * 5 + right.astype(jnp.int32)
        table = jnp.sum(pairs[:, None] == jnp.arange(25), axis=0, dtype=jnp.int32).reshape(5, 5)
    return table


def one_hot_encode(
    labels: Integer[Array, "*s"], *, smoothing: Annotated[float, Uniform(0.01, 0.2)], axis: Literal[-1, 0]
) -> Float[Array, "*s 10"]:
    """the smoothed one-hot encoding of `labels` over ten classes"""
    hot = jax.nn.one_hot(labels, 10, axis=axis)
    rows = jnp.moveaxis(hot, axis, -1)
    return rows * (1 - smoothing) + smoothing / 10


def neighbor_sum(
    features: Num[Array, "v *d"], senders: Int[Array, "e"], receivers: Int[Array, "e"]
) -> Num[Array, "v *d"]:
    """the features of each node of a graph plus the sum of those of its senders"""
    messages = jnp.take(features, senders, axis=0, mode="clip")
    targets = jnp.clip(receivers, 0, features.shape[0] - 1)
    return features + jnp.zeros_like(features).at[targets].add(messages)
