"""`lax.gather`, `lax.scatter` and `.at[...]` in all modes, and indexing by slices, integers, arrays and masks."""

from typing import Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Inexact, Int, Int32, Num, Real, Shaped


def gather_slices(
    x: Shaped[Array, "m n"],
    starts: Int[Array, "k"],
    *,
    mode: Literal["clip", "promise_in_bounds"],
    indices_are_sorted: Literal[False, True],
) -> Shaped[Array, "k n"]:
    """the rows of `x` at `starts` by a gather with the mode `mode`"""
    numbers = lax.GatherDimensionNumbers(offset_dims=(1,), collapsed_slice_dims=(0,), start_index_map=(0,))
    if mode == "promise_in_bounds":
        rows = jnp.clip(starts, 0, x.shape[0] - 1)
    else:
        rows = starts
    if indices_are_sorted:
        ordered = jnp.sort(rows)[:, None]
    else:
        ordered = rows[:, None]
    return lax.gather(
        x, ordered, numbers, slice_sizes=(1, x.shape[1]), mode=mode, indices_are_sorted=indices_are_sorted
    )


def gather_windows(x: Num[Array, "n+3"], starts: Int[Array, "k"], *, size: Literal[3]) -> Num[Array, "k 3"]:
    """the windows of `size` entries of `x` that begin at `starts`, moved inside"""
    numbers = lax.GatherDimensionNumbers(offset_dims=(1,), collapsed_slice_dims=(), start_index_map=(0,))
    return lax.gather(x, starts[:, None], numbers, slice_sizes=(size,), mode=lax.GatherScatterMode.CLIP)


def gather_points(
    x: Num[Array, "m n"], points: Int[Array, "k 2"], *, mode: Literal["CLIP", "FILL_OR_DROP"]
) -> Num[Array, "k"]:
    """the entries of `x` at `points`, rows and columns, with the mode `mode`, plus the first entry times the column"""
    numbers = lax.GatherDimensionNumbers(offset_dims=(), collapsed_slice_dims=(0, 1), start_index_map=(0, 1))
    picked = lax.gather(x, points, numbers, slice_sizes=(1, 1), mode=getattr(lax.GatherScatterMode, mode), fill_value=1)
    return picked + jnp.diagonal(x)[0] * points[:, 1].astype(x.dtype)


def gather_batched(x: Num[Array, "b n"], places: Int[Array, "b k"]) -> Num[Array, "b k"]:
    """the entries of each row at its own places, by a gather with a batch dimension"""
    numbers = lax.GatherDimensionNumbers(
        offset_dims=(),
        collapsed_slice_dims=(1,),
        start_index_map=(1,),
        operand_batching_dims=(0,),
        start_indices_batching_dims=(0,),
    )
    return lax.gather(x, places[..., None], numbers, slice_sizes=(1, 1), mode="clip")


def scatter_slices(
    x: Real[Array, "m n"],
    rows: Int[Array, "k"],
    updates: Real[Array, "k n"],
    *,
    fn: Literal["scatter_add", "scatter_max", "scatter_min", "scatter_sub"],
    mode: Literal["clip", "drop"],
) -> Real[Array, "m n"]:
    """`x` with `updates` combined into the given rows by `fn`, with the mode `mode`"""
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=(1,), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,)
    )
    return getattr(lax, fn)(x, rows[:, None], updates, numbers, mode=mode)


def scatter_replace(
    x: Shaped[Array, "n+2 *s"], values: Shaped[Array, "3 *s"], *, mode: Literal["clip", "fill"]
) -> Shaped[Array, "n+2 *s"]:
    """`x` with its first three rows replaced by `values` in reversed order"""
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=tuple(range(1, x.ndim)), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,)
    )
    rows = jnp.array([[2], [1], [0]])
    return lax.scatter(x, rows, values, numbers, unique_indices=True, mode=mode)


def scatter_products(
    x: Inexact[Array, "n"], places: Int[Array, "k"], factors: Inexact[Array, "k"]
) -> Inexact[Array, "n"]:
    """`x` with the entries at `places` multiplied by `factors`"""
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=(), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,)
    )
    return lax.scatter_mul(x, places[:, None], factors, numbers, mode="drop")


def scatter_unique_products(x: Inexact[Array, "n"], factors: Inexact[Array, "k"]) -> Inexact[Array, "n"]:
    """`x` with its leading entries multiplied by `factors`, as a scatter whose places are sorted and unique"""
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=(), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,)
    )
    places = jnp.arange(factors.shape[0])[:, None]
    return lax.scatter_mul(x, places, factors, numbers, unique_indices=True, indices_are_sorted=True, mode="drop")


def scatter_apply_function(
    x: Float[Array, "n"], places: Int[Array, "k"], *, fn: Literal["sin", "exp", "square", "tanh"]
) -> Float[Array, "n"]:
    """`x` with `fn` applied to the entries at `places`"""
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=(), inserted_window_dims=(0,), scatter_dims_to_operand_dims=(0,)
    )
    return lax.scatter_apply(x, places[:, None], getattr(jnp, fn), numbers, update_shape=places.shape, mode="drop")


def scatter_batched(x: Num[Array, "b n"], places: Int[Array, "b k"], updates: Num[Array, "b k"]) -> Num[Array, "b n"]:
    """`x` with `updates` added to each row at its own places"""
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=(),
        inserted_window_dims=(1,),
        scatter_dims_to_operand_dims=(1,),
        operand_batching_dims=(0,),
        scatter_indices_batching_dims=(0,),
    )
    return lax.scatter_add(x, places[..., None], updates, numbers, mode="drop")


def gradient_of_gather(
    x: Float[Array, "n"], places: Int[Array, "k"], weights: Float[Array, "k"], *, mode: Literal["clip", "fill"]
) -> Float[Array, "n"]:
    """the gradient of the weighted squares of the entries of `x` at `places`"""

    def total(values):
        picked = values.at[places].get(mode=mode, fill_value=0)
        return jnp.sum(weights * picked * picked)

    return jax.grad(total)(x)


def gradient_of_scatter(
    x: Float[Array, "n"],
    places: Int[Array, "k"],
    updates: Float[Array, "k"],
    *,
    method: Literal["set", "add", "max", "min"],
) -> tuple[Float[Array, "n"], Float[Array, "k"]]:
    """the gradients of the sum of squares of `x` after `updates` went to `places`"""

    def total(values, new):
        safe = jnp.clip(places, 0, values.shape[0] - 1)
        return jnp.sum(getattr(values.at[safe], method)(new) ** 2)

    return jax.grad(total, argnums=(0, 1))(x, updates)


def update_at(
    x: Real[Array, "n *s"],
    places: Int[Array, "k"],
    values: Real[Array, "*s"],
    *,
    method: Literal["set", "add", "subtract", "multiply", "max", "min"],
    mode: Literal["drop", "clip"],
) -> Real[Array, "n *s"]:
    """`x` with the rows at `places` updated from `values` by `method`, with the mode `mode`"""
    return getattr(x.at[places], method)(values, mode=mode)


def divide_at(
    x: Inexact[Array, "n *s"], divisor: Inexact[Array, "*s"], *, row: Literal[0, -1], method: Literal["divide", "power"]
) -> Inexact[Array, "n *s"]:
    """`x` with row `row` changed by `method` with `divisor`"""
    return getattr(x.at[row], method)(divisor)


def apply_at(
    x: Float[Array, "n *s"], place: Int[Array, ""], *, fn: Literal["sin", "exp", "tanh", "square"]
) -> Float[Array, "n *s"]:
    """`x` with `fn` applied to the row at `place`, the last one where it is beyond"""
    row = jnp.clip(place, 0, x.shape[0] - 1)
    return x.at[row].apply(getattr(jnp, fn))


def get_at(
    x: Num[Array, "n *s"], places: Int[Array, "k"], *, mode: Literal["clip", "fill", "drop"]
) -> Num[Array, "k *s"]:
    """the rows of `x` at `places`, with the mode `mode` beyond the end, plus the first row"""
    return x.at[places].get(mode=mode, fill_value=0) + x[0]


def sorted_unique_update(
    x: Num[Array, "n+3 *s"],
    values: Num[Array, "3 *s"],
    *,
    method: Literal["set", "add", "multiply"],
    start: Literal[0, 1],
) -> Num[Array, "n+3 *s"]:
    """`x` with three rows from `start` on updated from `values` by `method`"""
    rows = jnp.arange(start, start + 3)
    return getattr(x.at[rows], method)(values, indices_are_sorted=True, unique_indices=True)


def segment_update(
    x: Num[Array, "n+2 *s"], block: Num[Array, "*s"], *, part: Literal["head", "tail", "middle", "steps"]
) -> Num[Array, "n+2 *s"]:
    """`x` with `block` added to the rows of its `part`"""
    if part == "head":
        result = x.at[:2].add(block)
    elif part == "tail":
        result = x.at[-2:].add(block)
    elif part == "middle":
        result = x.at[1:-1].add(block)
    else:
        result = x.at[::2].add(block)
    return result


def slice_kinds(
    x: Shaped[Array, "n+3 *s"], *, kind: Literal["[1:-2]", "[2:-1]", "[:-3]", "[3:]", "[-2:0:-1][:n]"]
) -> Shaped[Array, "n *s"]:
    """the rows `kind` of `x`"""
    if kind == "[1:-2]":
        rows = x[1:-2]
    elif kind == "[2:-1]":
        rows = x[2:-1]
    elif kind == "[:-3]":
        rows = x[:-3]
    elif kind == "[3:]":
        rows = x[3:]
    else:
        rows = x[-2:0:-1][: x.shape[0] - 3]
    return rows


def mixed_index(
    x: Num[Array, "m+1 n k+1"], *, kind: Literal["[0, :, 1:]", "[-1, ::-1, :-1]", "[..., 1:][0]", "[1:, :, 0].T"]
) -> Num[Array, "n"]:
    """the sums of the part `kind` of `x` over all but the second axis"""
    if kind == "[0, :, 1:]":
        total = x[0, :, 1:].sum(axis=-1, dtype=x.dtype)
    elif kind == "[-1, ::-1, :-1]":
        total = x[-1, ::-1, :-1].sum(axis=-1, dtype=x.dtype)
    elif kind == "[..., 1:][0]":
        total = x[..., 1:][0].sum(axis=-1, dtype=x.dtype)
    else:
        total = x[1:, :, 0].T.sum(axis=-1, dtype=x.dtype)
    return total


def new_axes(
    x: Num[Array, "m"], y: Num[Array, "n"], *, fn: Literal["add", "multiply", "subtract"]
) -> Num[Array, "m 1 n"]:
    """the `fn` of all pairs of `x` and `y`, with an axis of size one between"""
    return getattr(jnp, fn)(x[:, None, None], y[None, None, :])


def integer_rows(
    x: Shaped[Array, "m n *s"], rows: Int32[Array, "k"], columns: Int32[Array, "k"]
) -> Shaped[Array, "k *s"]:
    """the entries of `x` at `rows` and at the sums of `rows` and `columns`, taken modulo its sizes"""
    return x[rows % x.shape[0], (rows + columns) % x.shape[1]]


def negative_positions(x: Num[Array, "n *s"], places: Int[Array, "k"]) -> Num[Array, "k *s"]:
    """the rows of `x` counted from the end, minus the last row"""
    return x[-1 - places % x.shape[0]] - x[-1]


def array_and_slice(
    x: Shaped[Array, "m n k"], rows: Int[Array, "j"], *, axis: Literal["first", "middle"]
) -> Shaped[Array, "j m*n*k"]:
    """slices of `x` by an array of indices along its `axis` axis, flattened and repeated to the size of `x`"""
    if axis == "first":
        parts = x[rows % x.shape[0]]
    else:
        parts = jnp.swapaxes(x[:, rows % x.shape[1], :], 0, 1)
    flat = parts.reshape(rows.shape[0], -1)
    return jnp.resize(flat, (rows.shape[0], x.size))


def outer_index(x: Num[Array, "m n"], rows: Int[Array, "j"], columns: Int[Array, "k"]) -> Num[Array, "j k"]:
    """the entries of `x` where the given rows and columns cross"""
    return x[(rows % x.shape[0])[:, None], columns % x.shape[1]]


def dynamic_index(x: Shaped[Array, "n *s"], i: Int[Array, ""], j: Int[Array, ""]) -> Shaped[Array, "2 *s"]:
    """the rows of `x` at `i` and at `j`, both taken modulo its length"""
    first = x[i % x.shape[0]]
    second = lax.dynamic_index_in_dim(x, j % x.shape[0], axis=0, keepdims=False)
    return jnp.stack([first, second])


def dynamic_update(
    x: Num[Array, "m+1 n+1"], block: Num[Array, "m n"], corner: Int[Array, "2"]
) -> Num[Array, "m+1 n+1"]:
    """`x` with `block` written at `corner`, moved inside"""
    return lax.dynamic_update_slice(x, block, (corner[0], corner[1]))


def dynamic_block(x: Num[Array, "m+1 n+1"], corner: Int[Array, "2"], scale: Num[Array, "m n"]) -> Num[Array, "m n"]:
    """the part of `x` that begins at `corner`, moved inside, times `scale`"""
    return lax.dynamic_slice(x, (corner[0], corner[1]), scale.shape) * scale


def along_axis(
    x: Num[Array, "m n"], order: Real[Array, "m n"], *, axis: Literal[0, 1], method: Literal["get", "put"]
) -> Num[Array, "m n"]:
    """`x` in the order of `order` along axis `axis`, read or written by `method`"""
    places = jnp.argsort(order, axis=axis)
    if method == "get":
        moved = jnp.take_along_axis(x, places, axis=axis)
    else:
        moved = jnp.put_along_axis(x, places, x, axis=axis, inplace=False)
    return moved


def segments(
    x: Real[Array, "n *s"],
    ids: Int[Array, "n"],
    *,
    fn: Literal["segment_sum", "segment_prod", "segment_max", "segment_min"],
    indices_are_sorted: Literal[False, True],
) -> Real[Array, "n *s"]:
    """the `fn` of the segment of each row, with segments taken modulo three"""
    if indices_are_sorted:
        names = jnp.sort(ids % 3)
    else:
        names = ids % 3
    totals = getattr(jax.ops, fn)(x, names, num_segments=3, indices_are_sorted=indices_are_sorted)
    return totals[names]


def segment_of_buckets(
    x: Inexact[Array, "n"], ids: Int[Array, "n"], *, mode: Literal["drop", "clip", "fill"]
) -> Inexact[Array, "4"]:
    """the sums of `x` over four segments with buckets of two, where indices beyond follow `mode`"""
    return jax.ops.segment_sum(x, ids, num_segments=4, bucket_size=2, mode=mode)
