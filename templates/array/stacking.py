"""Joining, splitting and reshaping by the functions of `jax.numpy` and `jax.lax`."""

from typing import Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Num, Shaped


def join_along(
    x: Shaped[Array, "n *s"], y: Shaped[Array, "m *s"], *, fn: Literal["concat", "concatenate"]
) -> Shaped[Array, "n+m *s"]:
    """`x` followed by `y`"""
    return getattr(jnp, fn)([x, y], axis=0)


def stack_rows(
    x: Shaped[Array, "m n"], y: Shaped[Array, "k n"], *, fn: Literal["vstack", "append", "concatenate"]
) -> Shaped[Array, "m+k n"]:
    """the rows of `x` above those of `y`"""
    if fn == "append":
        rows = jnp.append(x, y, axis=0)
    else:
        rows = getattr(jnp, fn)((x, y))
    return rows


def stack_side_by_side(
    x: Shaped[Array, "m n"], y: Shaped[Array, "m k"], *, fn: Literal["hstack", "column_stack"]
) -> Shaped[Array, "m n+k"]:
    """the columns of `x` beside those of `y`"""
    return getattr(jnp, fn)((x, y))


def columns_of_vectors(
    x: Shaped[Array, "n"], y: Shaped[Array, "n"], *, fn: Literal["column_stack", "vstack", "stack"]
) -> Shaped[Array, "n 2"]:
    """the vectors `x` and `y` as the columns of a matrix"""
    if fn == "column_stack":
        columns = jnp.column_stack([x, y])
    elif fn == "vstack":
        columns = jnp.vstack([x, y]).T
    else:
        columns = jnp.stack([x, y], axis=1)
    return columns


def stack_depth(x: Shaped[Array, "m n"], y: Shaped[Array, "m n"]) -> Shaped[Array, "m n 2"]:
    """the matrices `x` and `y` behind each other"""
    return jnp.dstack((x, y))


def append_flat(x: Shaped[Array, "m n"], y: Shaped[Array, "k"]) -> Shaped[Array, "m*n+k"]:
    """all entries of `x` followed by those of `y`"""
    return jnp.append(x, y)


def lax_concatenate(x: Shaped[Array, "*b n"], y: Shaped[Array, "*b m"]) -> Shaped[Array, "*b n+m+n"]:
    """`x`, `y` and `x` again along the last axis"""
    return lax.concatenate([x, y, x], dimension=x.ndim - 1)


def lax_stack(x: Shaped[Array, "*s"], y: Shaped[Array, "*s"], z: Shaped[Array, "*s"]) -> Shaped[Array, "3 *s"]:
    """three arrays along a new leading axis"""
    return lax.stack([x, y, z])


def block_of_four(
    a: Num[Array, "m n"], b: Num[Array, "m k"], c: Num[Array, "l n"], *, corner: Literal["zeros", "ones"]
) -> Num[Array, "m+l n+k"]:
    """the matrix of the blocks `a`, `b` and `c` with a block of `corner`"""
    rest = getattr(jnp, corner)((c.shape[0], b.shape[1]), a.dtype)
    return jnp.block([[a, b], [c, rest]])


def block_diagonal_pair(a: Num[Array, "m n"], b: Num[Array, "k l"]) -> Num[Array, "m+k n+l"]:
    """the matrices `a` and `b` on the diagonal of a larger one"""
    (m, n), (k, l) = a.shape, b.shape
    return jnp.block([[a, jnp.zeros((m, l), a.dtype)], [jnp.zeros((k, n), a.dtype), b]])


def unstack_and_join(x: Shaped[Array, "3 *s"], *, fn: Literal["unstack", "split"]) -> Shaped[Array, "*s 3"]:
    """the three slices of `x` along a new last axis, the last first"""
    if fn == "unstack":
        first, second, third = jnp.unstack(x)
    else:
        first, second, third = (part[0] for part in jnp.split(x, 3))
    return jnp.stack([third, second, first], axis=-1)


def lax_unstack(x: Num[Array, "n 2"]) -> Num[Array, "n"]:
    """the product of the two columns of `x`"""
    left, right = lax.unstack(x, axis=1)
    return left * right


def lax_split(x: Num[Array, "m+k *s"], y: Num[Array, "m *s"]) -> tuple[Num[Array, "m *s"], Num[Array, "k *s"]]:
    """the first rows of `x` plus `y`, and its other rows"""
    count = y.shape[0]
    head, tail = lax.split(x, (count, x.shape[0] - count), axis=0)
    return head + y, tail


def array_split_parts(x: Num[Array, "3*n *s"]) -> Num[Array, "n *s"]:
    """the sum of the first and the last third of `x`, minus the middle one"""
    first, middle, last = jnp.array_split(x, 3)
    return first - middle + last


def uneven_split(x: Shaped[Array, "n+3 *s"], *, at: Literal[1, 2, 3]) -> Shaped[Array, "n+3 *s"]:
    """`x` cut before row `at`, with the parts exchanged"""
    head, tail = jnp.split(x, [at])
    return jnp.concatenate([tail, head])


def split_by_direction(
    x: Shaped[Array, "2*m 2*n 2*k"], *, fn: Literal["vsplit", "hsplit", "dsplit"]
) -> Shaped[Array, "2*m 2*n 2*k"]:
    """the two halves of `x` along the axis of `fn` exchanged"""
    first, second = getattr(jnp, fn)(x, 2)
    if fn == "vsplit":
        swapped = jnp.vstack([second, first])
    elif fn == "hsplit":
        swapped = jnp.hstack([second, first])
    else:
        swapped = jnp.dstack([second, first])
    return swapped


def flatten_all(
    x: Shaped[Array, "m *s"], y: Shaped[Array, "m *s"], *, order: Literal["C", "F"]
) -> Shaped[Array, "*s m 2"]:
    """the entries of `x` in the order `order` beside those of `y`, in the shape of the transpose of `x`"""
    pairs = jnp.stack([jnp.ravel(x, order=order), jnp.ravel(y)], axis=-1)
    return jnp.reshape(pairs, (*x.shape[1:], x.shape[0], 2))


def reshape_in_order(x: Shaped[Array, "m n"], *, order: Literal["C", "F"]) -> Shaped[Array, "n m"]:
    """the entries of `x` in the order `order`, read as a matrix of the transposed shape"""
    return jnp.reshape(x, (x.shape[1], x.shape[0]), order=order)


def lax_reshape(x: Shaped[Array, "m n k"], *, dimensions: Literal["102", "021", "210"]) -> Shaped[Array, "m*n*k"]:
    """all entries of `x` with the axes in the order `dimensions`"""
    order = tuple(int(axis) for axis in dimensions)
    return lax.reshape(x, (x.size,), dimensions=order)


def collapse_axes(x: Shaped[Array, "m n *s"], y: Shaped[Array, "m*n *s"]) -> Shaped[Array, "m*n+m*n *s"]:
    """`x` with its two leading axes merged, followed by `y`"""
    return jnp.concatenate([lax.collapse(x, 0, 2), y])


def permute_axes(
    x: Shaped[Array, "m n k"], *, fn: Literal["permute_dims", "transpose", "moveaxis", "rollaxis"]
) -> Shaped[Array, "k m n"]:
    """the last axis of `x` moved to the front"""
    if fn == "moveaxis":
        moved = jnp.moveaxis(x, -1, 0)
    elif fn == "rollaxis":
        moved = jnp.rollaxis(x, 2)
    else:
        moved = getattr(jnp, fn)(x, (2, 0, 1))
    return moved


def lax_transpose(x: Shaped[Array, "m n *s"], y: Shaped[Array, "n m *s"]) -> Shaped[Array, "n 2*m *s"]:
    """`x` with its two leading axes exchanged, beside `y`"""
    flipped = lax.transpose(x, (1, 0, *range(2, x.ndim)))
    return jnp.concatenate([flipped, y], axis=1)


def at_least(
    x: Num[Array, ""], y: Num[Array, "n"], *, fn: Literal["atleast_1d", "atleast_2d", "atleast_3d"]
) -> Num[Array, "n"]:
    """the number `x` given the axes of `fn`, times `y`"""
    return jnp.ravel(getattr(jnp, fn)(x) * y)


def row_at_least_2d(x: Shaped[Array, "n"], y: Shaped[Array, "m n"]) -> Shaped[Array, "m+1 n"]:
    """the vector `x` as the first row above `y`"""
    return jnp.vstack([jnp.atleast_2d(x), y])


def expand_and_squeeze(x: Num[Array, "n"], y: Num[Array, "n"], *, axis: Literal[0, 1]) -> Num[Array, "n n"]:
    """`x` minus `y` in every pair, with `x` along axis `axis`"""
    column = jnp.expand_dims(x, 1 - axis)
    row = jnp.expand_dims(y, axis)
    return column - row


def lax_expand_dims(x: Num[Array, "n *s"], y: Num[Array, "*s"]) -> Num[Array, "n *s"]:
    """`x` times `y`, which is given a leading axis of size one"""
    return x * lax.expand_dims(y, (0,))


def lax_squeeze(x: Shaped[Array, "n 1 *s"], y: Shaped[Array, "n *s"]) -> Shaped[Array, "2 n *s"]:
    """`x` without its axis of size one, stacked with `y`"""
    return jnp.stack([lax.squeeze(x, (1,)), y])


def tile_rows(x: Shaped[Array, "n *s"], *, reps: Literal[2]) -> Shaped[Array, "2*n *s"]:
    """the rows of `x` `reps` times"""
    return jnp.tile(x, (reps, *(1,) * (x.ndim - 1)))


def tile_grid(x: Num[Array, "m n"], y: Num[Array, "2*m 3*n"]) -> Num[Array, "2*m 3*n"]:
    """`x` repeated in a two by three grid, minus `y`"""
    return jnp.tile(x, (2, 3)) - y


def lax_tile(x: Num[Array, "m n"], scale: Num[Array, "2*n"]) -> Num[Array, "m 2*n"]:
    """`x` beside itself, times `scale`"""
    return lax.tile(x, (1, 2)) * scale


def repeat_each(x: Shaped[Array, "m n"], *, axis: Literal[0, 1]) -> Shaped[Array, "2*m*n"]:
    """each slice of `x` along axis `axis` twice, all entries in one row"""
    return jnp.repeat(x, 2, axis=axis).ravel()


def repeat_counts(x: Shaped[Array, "3 *s"]) -> Shaped[Array, "6 *s"]:
    """the first row of `x` once, the second twice and the third three times"""
    return jnp.repeat(x, jnp.array([1, 2, 3]), axis=0, total_repeat_length=6)


def resize_cyclic(x: Shaped[Array, "n"], y: Shaped[Array, "n"]) -> Shaped[Array, "2*n+3"]:
    """the entries of `x` and `y` repeated until they fill three places more"""
    pairs = jnp.stack([x, y])
    return jnp.resize(pairs, (2 * x.shape[0] + 3,))


def insert_row(
    x: Shaped[Array, "n+1 *s"], row: Shaped[Array, "*s"], *, at: Literal[0, 1, -1]
) -> Shaped[Array, "n+2 *s"]:
    """`x` with `row` inserted before row `at`"""
    return jnp.insert(x, at, row, axis=0)


def delete_row(x: Shaped[Array, "n+2 *s"], *, at: Literal[0, 1, -1]) -> Shaped[Array, "n+1 *s"]:
    """`x` without row `at`"""
    return jnp.delete(x, at, axis=0)


def flip_matrix(
    x: Shaped[Array, "m n *s"], y: Shaped[Array, "m n *s"], *, fn: Literal["flipud", "fliplr", "flip"]
) -> Shaped[Array, "2*m n *s"]:
    """`x` flipped by `fn`, above `y`"""
    return jnp.concatenate([getattr(jnp, fn)(x), y])


def rotate_quarter(
    x: Shaped[Array, "n n *s"], *, k: Literal[1, 2, 3], axes: Literal["rows first", "columns first"]
) -> Shaped[Array, "n n *s"]:
    """`x` turned by `k` quarters, `axes`"""
    if axes == "rows first":
        turned = jnp.rot90(x, k)
    else:
        turned = jnp.rot90(x, k, axes=(1, 0))
    return turned


def lax_reverse(x: Num[Array, "m n"], *, dimensions: Literal["0", "1", "01"]) -> Num[Array, "m n"]:
    """`x` reversed along the axes `dimensions`, minus `x`"""
    return lax.rev(x, tuple(int(axis) for axis in dimensions)) - x


def roll_axes(
    x: Num[Array, "m n"], *, shift: Literal[1, 2, -1], how: Literal["rows", "both", "flat"]
) -> Num[Array, "m n"]:
    """`x` rolled by `shift` places, `how`, times `x`"""
    if how == "rows":
        moved = jnp.roll(x, shift, axis=0)
    elif how == "both":
        moved = jnp.roll(x, (shift, 1), axis=(0, 1))
    else:
        moved = jnp.roll(x, shift)
    return moved * x


def broadcast_against(
    x: Num[Array, "n"], y: Num[Array, "m n"], *, fn: Literal["broadcast_to", "broadcast_arrays", "broadcast_shapes"]
) -> Num[Array, "m n"]:
    """`x` broadcast to the shape of `y` by `fn`, minus `y`"""
    if fn == "broadcast_to":
        wide = jnp.broadcast_to(x, y.shape)
    elif fn == "broadcast_arrays":
        wide = jnp.broadcast_arrays(x, y)[0]
    else:
        wide = jnp.broadcast_to(x, jnp.broadcast_shapes(x.shape, y.shape))
    return wide - y


def lax_broadcast(x: Num[Array, "*s"], y: Num[Array, "n *s"]) -> Num[Array, "n *s"]:
    """`x` repeated along a new leading axis, times `y`"""
    return lax.broadcast(x, (y.shape[0],)) * y


def lax_broadcast_in_dim(x: Num[Array, "m"], y: Num[Array, "m n"]) -> Num[Array, "m n"]:
    """each entry of `x` repeated along a row, plus `y`"""
    return lax.broadcast_in_dim(x, y.shape, (0,)) + y


def lax_broadcast_rank(x: Num[Array, "n"], y: Num[Array, "m n"]) -> Num[Array, "m n"]:
    """`x` with leading axes up to the rank of `y`, times `y`"""
    return lax.broadcast_to_rank(x, y.ndim) * y


def lax_broadcast_like(x: Num[Array, "n"], y: Num[Array, "m n"]) -> Num[Array, "m n"]:
    """`x` broadcast to the shape of `y`, minus `y`"""
    return lax.sub(lax.broadcast_like(x, y), y)


def lax_broadcast_shapes(x: Num[Array, "m 1"], y: Num[Array, "1 n"]) -> Num[Array, "m n"]:
    """the sums of all pairs of entries of `x` and `y`"""
    shape = lax.broadcast_shapes(x.shape, y.shape)
    return lax.broadcast_in_dim(x, shape, (0, 1)) + lax.broadcast_in_dim(y, shape, (0, 1))


def lax_slice(x: Shaped[Array, "m+2 n+3"], *, axis: Literal[0, 1]) -> Shaped[Array, "m n+3"]:
    """the inner rows of `x`, reversed along axis `axis`"""
    inner = lax.slice(x, (1, 0), (x.shape[0] - 1, x.shape[1]))
    return lax.rev(inner, (axis,))


def lax_strided_slice(x: Num[Array, "2*m 2*n"], *, start: Literal[0, 1]) -> Num[Array, "m n"]:
    """every second row and column of `x` from `start` on, minus their neighbours"""
    chosen = lax.slice(x, (start, start), x.shape, (2, 2))
    other = lax.slice(x, (1 - start, 0), x.shape, (2, 2))
    return chosen - other


def lax_slice_in_dim(x: Num[Array, "n+2 *s"], *, by: Literal[1, 2]) -> Num[Array, "n *s"]:
    """the rows of `x` without the first two, minus the rows without the last two, times `by`"""
    later = lax.slice_in_dim(x, 2, None, axis=0)
    earlier = lax.slice_in_dim(x, 0, x.shape[0] - 2, axis=0)
    return (later - earlier) * by


def lax_index_in_dim(x: Num[Array, "n *s"], *, index: Literal[0, -1]) -> Num[Array, "n *s"]:
    """`x` minus its row `index`"""
    return x - lax.index_in_dim(x, index, axis=0)


def lax_pad(
    x: Num[Array, "n"], fill: Num[Array, ""], *, low: Literal[0, 1, 2], interior: Literal[0, 1]
) -> Num[Array, "2*n+1"]:
    """the entries of `x` with `interior` fills between them, `low` before them, cut to twice the length plus one"""
    high = x.shape[0] + 1 - low - interior * (x.shape[0] - 1)
    return lax.pad(x, fill, [(low, high, interior)])


def lax_pad_negative(x: Num[Array, "m+2 n"], fill: Num[Array, ""], *, cut: Literal[1, 2]) -> Num[Array, "m n+2"]:
    """the matrix `x` with `cut` rows cut off above, the others below, and a column of `fill` at each side"""
    return lax.pad(x, fill, [(-cut, cut - 2, 0), (1, 1, 0)])


def pad_modes(x: Num[Array, "n+2"], *, mode: Literal["edge", "reflect", "symmetric", "wrap"]) -> Num[Array, "n+5"]:
    """`x` with two entries before and one behind it by the rule `mode`"""
    return jnp.pad(x, (2, 1), mode=mode)


def pad_with_statistics(
    x: Num[Array, "m+1 n"], *, mode: Literal["maximum", "minimum", "mean", "linear_ramp", "empty"]
) -> Num[Array, "m+3 n"]:
    """`x` with a row above and a row below it by the rule `mode`"""
    return jnp.pad(x, ((1, 1), (0, 0)), mode=mode)


def pad_constant(
    x: Shaped[Array, "m n"], *, value: Literal[0, 1], side: Literal["before", "after"]
) -> Shaped[Array, "m+1 n+2"]:
    """`x` with a row and two columns of `value` `side` it"""
    if side == "before":
        padded = jnp.pad(x, ((1, 0), (2, 0)), constant_values=value)
    else:
        padded = jnp.pad(x, ((0, 1), (0, 2)), constant_values=value)
    return padded


def python_level_shape(x: Num[Array, "*b n"], *, what: Literal["shape", "size", "ndim"]) -> Num[Array, "*b"]:
    """the sum over the last axis, divided or widened by the `what` of `x`"""
    if what == "shape":
        result = jnp.sum(x + jnp.ones(jnp.shape(x), x.dtype), axis=-1, dtype=x.dtype)
    elif what == "size":
        result = jnp.sum(x * jnp.size(x), axis=-1, dtype=x.dtype)
    else:
        result = jnp.sum(x, axis=jnp.ndim(x) - 1, dtype=x.dtype)
    return result


def scalar_or_array(x: Num[Array, "*s"], y: Num[Array, ""], *, fn: Literal["isscalar", "iterable"]) -> Num[Array, "*s"]:
    """`x` times `y` if the test `fn` holds for `y`, else `x` plus `y`"""
    return x * y if getattr(jnp, fn)(y) else x + y
