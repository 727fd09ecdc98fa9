"""Selecting, replacing and ordering entries by masks, indices and keys."""

from typing import Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int, Num, Real, Shaped


def compressed(x: Shaped[Array, "n+2 *s"], mask: Bool[Array, "n+2"]) -> Shaped[Array, "3 *s"]:
    """the first three rows where `mask` holds, padded with zeros"""
    return jnp.compress(mask, x, axis=0, size=3, fill_value=0)


def extracted(x: Real[Array, "n+3"], threshold: Real[Array, ""]) -> Real[Array, "4"]:
    """the first four entries above `threshold`, padded with one"""
    return jnp.extract(x > threshold, x, size=4, fill_value=1)


def chosen(which: Int[Array, "n"], x: Num[Array, "3 n"], *, mode: Literal["wrap", "clip"]) -> Num[Array, "n"]:
    """for each column the entry of the row that `which` names, with the mode `mode`"""
    first, second, third = x
    return jnp.choose(which, [first, second, third], mode=mode)


def placed(x: Num[Array, "m n"], values: Num[Array, "3"], mask: Bool[Array, "m n"]) -> Num[Array, "m n"]:
    """`x` with the entries where `mask` holds replaced by `values` in turn"""
    return jnp.place(x, mask, values, inplace=False)


def put_values(
    x: Num[Array, "m n"], indices: Int[Array, "3"], values: Num[Array, "3"], *, mode: Literal["clip", "wrap"]
) -> Num[Array, "m n"]:
    """`x` with `values` at the flat `indices`, with the mode `mode`"""
    return jnp.put(x, indices, values, mode=mode, inplace=False)


def put_along(x: Num[Array, "m n"], indices: Int[Array, "m 1"], values: Num[Array, "m 1"]) -> Num[Array, "m n"]:
    """`x` with one entry of each row replaced from `values`"""
    safe = jnp.clip(indices, 0, x.shape[1] - 1)
    return jnp.put_along_axis(x, safe, values, axis=1, inplace=False)


def nonzero_positions(
    x: Real[Array, "n"], values: Num[Array, "n *s"], *, fn: Literal["nonzero", "flatnonzero", "argwhere", "where"]
) -> Num[Array, "3 *s"]:
    """the rows of `values` where the first three numbers above a half stand, by `fn`"""
    mask = x > 0.5
    if fn == "argwhere":
        rows = jnp.argwhere(mask, size=3, fill_value=0)[:, 0]
    elif fn == "flatnonzero":
        rows = jnp.flatnonzero(mask, size=3, fill_value=0)
    else:
        (rows,) = getattr(jnp, fn)(mask, size=3, fill_value=0)
    return values[rows]


def nonzero_in_matrix(mask: Bool[Array, "m n"], x: Num[Array, "m n"]) -> Num[Array, "4"]:
    """the first four entries of `x` where `mask` holds, padded with the first one"""
    rows, columns = jnp.nonzero(mask, size=4, fill_value=0)
    return x[rows, columns]


def flat_position(
    x: Num[Array, "m n"], rows: Int[Array, "k"], columns: Int[Array, "k"], *, mode: Literal["clip", "wrap"]
) -> Num[Array, "k"]:
    """the entries of `x` at the given rows and columns, found in the flat array with the mode `mode`"""
    flat = jnp.ravel_multi_index((rows, columns), x.shape, mode=mode)
    return jnp.take(jnp.ravel(x), flat)


def row_and_column(indices: Int[Array, "k"], x: Num[Array, "4 5"]) -> Num[Array, "k"]:
    """the entry of the transposed `x` at each flat index"""
    rows, columns = jnp.unravel_index(indices, (5, 4))
    return x.T[rows, columns]


def select_by_conditions(
    x: Num[Array, "*s"], y: Num[Array, "*s"], first: Bool[Array, "*s"], second: Bool[Array, "*s"]
) -> Num[Array, "*s"]:
    """`x` where `first` holds, else `y` where `second` holds, else their product"""
    return jnp.select([first, second], [x, y], default=x * y)


def lax_select(mask: Bool[Array, "*s"], x: Shaped[Array, "*s"], y: Shaped[Array, "*s"]) -> Shaped[Array, "*s"]:
    """`x` where `mask` holds, and `y` elsewhere"""
    return lax.select(mask, x, y)


def lax_select_n(mask: Bool[Array, ""], x: Num[Array, "*s"], y: Num[Array, "*s"]) -> Num[Array, "*s"]:
    """the difference of `x` and `y` if `mask` holds, else their product"""
    return lax.select_n(mask, x * y, x - y)


def partitioned(x: Real[Array, "*b n+2"], *, kth: Literal[0, 1, 2]) -> Real[Array, "*b n+2"]:
    """each row with its smallest entries before place `kth`, sorted within both parts"""
    parts = jnp.partition(x, kth, axis=-1)
    return jnp.concatenate([jnp.sort(parts[..., :kth], axis=-1), jnp.sort(parts[..., kth:], axis=-1)], axis=-1)


def kth_smallest(
    x: Real[Array, "*b n+2"], *, kth: Literal[0, 1, 2], fn: Literal["partition", "argpartition"]
) -> Real[Array, "*b"]:
    """the entry of rank `kth` of each row, by `fn`"""
    if fn == "partition":
        value = jnp.partition(x, kth)[..., kth]
    else:
        place = jnp.argpartition(x, kth)[..., kth : kth + 1]
        value = jnp.take_along_axis(x, place, axis=-1)[..., 0]
    return value


def sort_everything(x: Num[Array, "m n"], *, axis: Literal[0, 1, "all"]) -> Num[Array, "m*n"]:
    """the entries sorted along axis `axis`, in one row"""
    if axis == "all":
        ordered = jnp.sort(x, axis=None)
    else:
        ordered = jnp.sort(x, axis=axis).ravel()
    return ordered


def order_of_entries(
    x: Num[Array, "*b n"], *, stable: Literal[True, False], descending: Literal[True, False]
) -> Int[Array, "*b n"]:
    """the positions that sort each row"""
    return jnp.argsort(x, axis=-1, stable=stable, descending=descending)


def sort_complex_numbers(x: Num[Array, "n"], *, reverse: Literal[True, False]) -> Num[Array, "n"]:
    """`x` in the order of real parts, then of imaginary ones, times `x`"""
    if reverse:
        result = jnp.flip(jnp.sort_complex(x)).astype(x.dtype) * x
    else:
        result = jnp.sort_complex(x).astype(x.dtype) * x
    return result


def lax_sort(x: Real[Array, "m n"], *, dimension: Literal[0, 1]) -> Real[Array, "m n"]:
    """`x` sorted along axis `dimension`, minus `x`"""
    return lax.sort(x, dimension=dimension) - x


def lax_sort_three(
    primary: Int[Array, "n"], secondary: Real[Array, "n"], values: Num[Array, "n"], *, num_keys: Literal[1, 2]
) -> tuple[Int[Array, "n"], Real[Array, "n"], Num[Array, "n"]]:
    """three vectors sorted together by the first `num_keys` of them"""
    return lax.sort((primary % 3, secondary, values), dimension=0, is_stable=True, num_keys=num_keys)


def largest_k(x: Real[Array, "n+2 *s"], *, k: Literal[1, 2], axis: Literal[0]) -> Real[Array, "*s"]:
    """the entry of rank `k` from above along the leading axis"""
    values, _ = lax.top_k(x, k, axis=axis)
    return values[-1]


def places_of_largest(x: Real[Array, "*b n+2"]) -> tuple[Real[Array, "*b 2"], Int[Array, "*b 2"]]:
    """the two largest entries of each row and their places"""
    values, places = lax.top_k(x, 2)
    return values, places.astype(jnp.asarray(0).dtype)


def lexical_order(x: Int[Array, "n"], y: Real[Array, "n"], *, axis: Literal[0]) -> Int[Array, "n"]:
    """the positions that sort by the parity of `x`, then by `y`"""
    return jnp.lexsort((y, x % 2), axis=axis).astype(x.dtype)


def apply_to_rows(
    x: Float[Array, "m n"], *, fn: Literal["cumsum", "sort", "gradient", "flip"]
) -> Float[Array, "m n+1"]:
    """the `fn` of each row, behind its mean"""

    def with_mean(row):
        return jnp.append(jnp.mean(row), row - getattr(jnp, fn)(row))

    return jnp.apply_along_axis(with_mean, 1, x)


def apply_to_columns(x: Float[Array, "n m"], *, fn: Literal["max", "median", "prod"]) -> Float[Array, "m"]:
    """the `fn` of each column, divided by the size of its first entry"""
    return jnp.apply_along_axis(lambda column: getattr(jnp, fn)(column) / (1 + jnp.abs(column[0])), 0, x)


def apply_over(x: Float[Array, "m n k"], *, fn: Literal["sum", "max", "mean"]) -> Float[Array, "m 1 1"]:
    """the `fn` over the last two axes, one after the other"""
    return jnp.apply_over_axes(getattr(jnp, fn), x, (1, 2))


def clip_both(x: Num[Array, "*s"], low: Num[Array, ""], *, side: Literal["min", "max"]) -> Num[Array, "*s"]:
    """`x` limited at its `side` by `low`"""
    if side == "min":
        limited = jnp.where(jnp.real(x) < jnp.real(low), low, x)
    else:
        limited = jnp.where(jnp.real(x) > jnp.real(low), low, x)
    return limited


def take_rows(
    x: Shaped[Array, "n *s"],
    indices: Int[Array, "k"],
    *,
    mode: Literal["clip", "wrap"],
    how: Literal["take", "index_take", "at"],
) -> Shaped[Array, "k *s"]:
    """the rows of `x` at `indices`, with the mode `mode`, by `how`"""
    if mode == "wrap":
        rows = indices % x.shape[0]
    else:
        rows = jnp.clip(indices, 0, x.shape[0] - 1)
    if how == "take":
        taken = jnp.take(x, rows, axis=0)
    elif how == "index_take":
        taken = lax.index_take(x, (rows,), (0,)).reshape(-1, *x.shape[1:])
    else:
        taken = x.at[rows].get(mode="promise_in_bounds")
    return taken
