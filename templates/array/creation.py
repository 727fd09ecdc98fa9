"""Arrays made of shapes and numbers: ranges, grids, triangles, diagonals, windows."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, Num, Real, Shaped

from jaxir import Uniform


def full_array(x: Num[Array, "*s"], value: Num[Array, ""], *, fn: Literal["full_like", "full"]) -> Num[Array, "*s"]:
    """`x` times the square of an array that is full of `value`"""
    if fn == "full_like":
        constant = jnp.full_like(x, value)
    else:
        constant = jnp.full(x.shape, value)
    return x * constant * constant


def lax_full(x: Num[Array, "*s"], *, value: Literal[2, 3, 5], fn: Literal["full_like", "full"]) -> Num[Array, "*s"]:
    """`value` minus `x`"""
    if fn == "full_like":
        constant = lax.full_like(x, value)
    else:
        constant = lax.full(x.shape, value, x.dtype)
    return constant - x


def like_prototype(x: Num[Array, "*s"], *, fn: Literal["zeros_like", "ones_like", "empty_like"]) -> Num[Array, "2 *s"]:
    """`x` stacked with the `fn` of it, added to its square"""
    return jnp.stack([x, getattr(jnp, fn)(x)]) + x * x


def filled_start(x: Num[Array, "n *s"], *, fn: Literal["zeros", "ones", "empty"]) -> Num[Array, "n+1 *s"]:
    """`x` behind a row of `fn`, whose entry is set to the first row"""
    buffer = getattr(jnp, fn)((x.shape[0] + 1, *x.shape[1:]), x.dtype)
    return buffer.at[1:].set(x).at[0].set(x[0])


def lax_empty(x: Num[Array, "n *s"], y: Num[Array, "n *s"]) -> Num[Array, "2 n *s"]:
    """an empty buffer, filled with `x` and `y`"""
    buffer = lax.empty((2, *x.shape), x.dtype)
    return buffer.at[0].set(x).at[1].set(y)


def range_of_numbers(x: Real[Array, "n *s"], *, start: Literal[0, 1, 3], step: Literal[1, 2]) -> Real[Array, "n *s"]:
    """each row of `x` plus its number, counted from `start` in steps of `step`"""
    numbers = jnp.arange(start, start + step * x.shape[0], step).astype(x.dtype)
    return x + numbers.reshape(-1, *(1,) * (x.ndim - 1))


def spaced_points(
    x: Float[Array, "n"],
    *,
    fn: Literal["linspace", "logspace", "geomspace"],
    stop: Annotated[float, Uniform(2, 5)],
) -> Float[Array, "n"]:
    """`x` times points from one to `stop` by `fn`"""
    return x * getattr(jnp, fn)(1.0, stop, x.shape[0], dtype=x.dtype)


def line_between(
    start: Float[Array, "*s"], stop: Float[Array, "*s"], *, endpoint: Literal[True, False]
) -> Float[Array, "5 *s"]:
    """five points on the line from `start` to `stop`"""
    return jnp.linspace(start, stop, 5, endpoint=endpoint, dtype=start.dtype)


def geometric_points(
    start: Float[Array, "*s"], stop: Float[Array, "*s"], *, fn: Literal["logspace", "geomspace"]
) -> Float[Array, "4 *s"]:
    """four points between the magnitudes of `start` and `stop` by `fn`"""
    return getattr(jnp, fn)(jnp.abs(start) + 0.1, jnp.abs(stop) + 0.2, 4, dtype=start.dtype)


def lax_iota_grid(x: Real[Array, "m n"], *, dimension: Literal[0, 1]) -> Real[Array, "m n"]:
    """`x` times the number of its row or column, along axis `dimension`"""
    return x * lax.broadcasted_iota(x.dtype, x.shape, dimension)


def lax_iota(x: Real[Array, "*b n"], *, offset: Literal[1, 2]) -> Real[Array, "*b n"]:
    """each column of `x` times its number plus `offset`"""
    return x * (lax.iota(x.dtype, x.shape[-1]) + offset)


def identity_shift(a: Num[Array, "n n"], scale: Num[Array, ""], *, fn: Literal["identity", "eye"]) -> Num[Array, "n n"]:
    """the matrix `a` minus `scale` times the identity"""
    return a - scale * getattr(jnp, fn)(a.shape[0], dtype=a.dtype)


def off_diagonal_band(a: Num[Array, "m n"], *, k: Literal[-1, 0, 1]) -> Num[Array, "m n"]:
    """the entries of `a` doubled on diagonal `k`"""
    return a * (1 + jnp.eye(a.shape[0], a.shape[1], k=k, dtype=a.dtype))


def lower_ones(a: Num[Array, "m n"], *, k: Literal[-1, 0, 1]) -> Num[Array, "m n"]:
    """the entries of `a` doubled on and below diagonal `k`"""
    return a + a * jnp.tri(a.shape[0], a.shape[1], k, dtype=a.dtype)


def triangle_part(
    a: Shaped[Array, "m n"], b: Shaped[Array, "m n"], *, fn: Literal["tril", "triu"], k: Literal[-1, 0, 1]
) -> Shaped[Array, "2 m n"]:
    """the `fn` part of `a` from diagonal `k`, stacked with `b`"""
    return jnp.stack([getattr(jnp, fn)(a, k), b])


def triangle_entries(a: Shaped[Array, "3 3"], *, fn: Literal["tril_indices", "triu_indices"]) -> Shaped[Array, "6"]:
    """the entries of `a` at the `fn`"""
    rows, columns = getattr(jnp, fn)(3)
    return a[rows, columns]


def triangle_entries_from(
    a: Shaped[Array, "4 4"], *, fn: Literal["tril_indices_from", "triu_indices_from"]
) -> Shaped[Array, "6"]:
    """the entries of `a` strictly below or above its diagonal, by `fn`"""
    if fn == "tril_indices_from":
        places = jnp.tril_indices_from(a, k=-1)
    else:
        places = jnp.triu_indices_from(a, k=1)
    return a[places]


def fill_triangle(values: Num[Array, "6"], *, fn: Literal["tril_indices", "triu_indices"]) -> Num[Array, "3 3"]:
    """a triangular matrix of `values`"""
    return jnp.zeros((3, 3), values.dtype).at[getattr(jnp, fn)(3)].set(values)


def diagonal_entries(
    a: Shaped[Array, "n n"], b: Shaped[Array, "n"], *, fn: Literal["diag_indices", "diag_indices_from"]
) -> Shaped[Array, "2 n"]:
    """the main diagonal of `a`, stacked with `b`"""
    if fn == "diag_indices":
        places = jnp.diag_indices(a.shape[0])
    else:
        places = jnp.diag_indices_from(a)
    return jnp.stack([a[places], b])


def with_diagonal(a: Num[Array, "n n"], values: Num[Array, "n"]) -> Num[Array, "n n"]:
    """`a` with `values` on its main diagonal"""
    return jnp.fill_diagonal(a, values, inplace=False)


def diagonal_matrix(x: Num[Array, "n"], *, k: Literal[-1, 1]) -> Num[Array, "n+1 n+1"]:
    """the matrix with `x` on diagonal `k` and its negative on the other side"""
    return jnp.diag(x, k=k) - jnp.diag(x, k=-k)


def diagonal_of_all(x: Num[Array, "n"], y: Num[Array, "n n"], *, k: Literal[0, 1, -1]) -> Num[Array, "n n"]:
    """a matrix with `x` on diagonal `k`, cut to the size of `y`, minus `y`"""
    size = x.shape[0]
    return jnp.diagflat(x, k=k)[:size, :size] - y


def extract_diagonal(
    x: Num[Array, "m n *s"], *, fn: Literal["diagonal", "trace"], offset: Literal[0, 1]
) -> Num[Array, "*s"]:
    """the sum of the diagonal `offset` below the main one"""
    if fn == "diagonal":
        total = jnp.diagonal(x, offset=-offset).sum(axis=-1, dtype=x.dtype)
    else:
        total = jnp.trace(x, offset=-offset, dtype=x.dtype)
    return total


def vandermonde(x: Num[Array, "n"], *, powers: Literal[3, 4], increasing: Literal[True, False]) -> Num[Array, "n"]:
    """the sum of the lowest and the highest of the first `powers` powers of `x`, minus one between them"""
    columns = jnp.vander(x, powers, increasing=increasing)
    return columns[:, 0] - columns[:, 1] + columns[:, -1]


def open_grid(x: Num[Array, "m n"], rows: Int[Array, "2"], columns: Int[Array, "3"]) -> Num[Array, "2 3"]:
    """the entries of `x` in the given rows and columns"""
    return x.at[jnp.ix_(rows, columns)].get(mode="clip")


def grid_sum(x: Num[Array, "m"], y: Num[Array, "n"], *, indexing: Literal["ij", "xy"]) -> Num[Array, "m n"]:
    """the sums of all pairs of `x` and `y` over a grid with `indexing` order"""
    if indexing == "ij":
        left, right = jnp.meshgrid(x, y, indexing=indexing)
        total = left + right
    else:
        left, right = jnp.meshgrid(x, y, indexing=indexing)
        total = (left + right).T
    return total


def index_grid(x: Float[Array, "3 4"], *, fn: Literal["add", "multiply", "hypot"]) -> Float[Array, "3 4"]:
    """`x` plus the `fn` of the number of the row and of the column"""
    table = jnp.fromfunction(getattr(jnp, fn), (3, 4), dtype=x.dtype)
    return x + table


def grid_of_indices(x: Real[Array, "m n"]) -> Real[Array, "m n"]:
    """`x` times the difference of row and column number"""
    rows, columns = jnp.indices(x.shape)
    return x * (rows - columns).astype(x.dtype)


def sparse_grid(x: Float[Array, "m n"], *, power: Literal[1, 2]) -> Float[Array, "m n"]:
    """`x` divided by one plus the distance of each entry from the corner to the power `power`"""
    rows, columns = jnp.indices(x.shape, dtype=jnp.int32, sparse=True)
    return x / (1 + (rows + columns) ** power).astype(x.dtype)


def taper(
    x: Float[Array, "*b n"], *, window: Literal["bartlett", "blackman", "hamming", "hanning"]
) -> Float[Array, "*b n"]:
    """each row of `x` times one plus the `window` window"""
    return x * (1 + getattr(jnp, window)(x.shape[-1]).astype(x.dtype))


def taper_kaiser(x: Float[Array, "*b n"], *, beta: Annotated[float, Uniform(1, 9)]) -> Float[Array, "*b n"]:
    """each row of `x` times the Kaiser window of shape `beta`"""
    return x * jnp.kaiser(x.shape[-1], beta).astype(x.dtype)


def staged_constant(x: Float[Array, "*s"], *, value: Annotated[float, Uniform(0.5, 3)]) -> Float[Array, "*s"]:
    """`x` times `value` as a traced number"""
    return x * lax.stage(jnp.asarray(value, x.dtype))


def shape_as_numbers(x: Real[Array, "m n"], y: Real[Array, "2"]) -> Real[Array, "2"]:
    """the sum of `x` times its two sizes, plus `y`"""
    sizes = lax.shape_as_value(x.shape)
    return jnp.sum(x, dtype=x.dtype) * sizes.astype(x.dtype) + y


def number_of_entries(x: Float[Array, "*b n"], *, axis: Literal[-1]) -> Float[Array, "*b"]:
    """the sum over the last axis divided by the root of the number of entries"""
    return jnp.sum(x, axis=axis) / jnp.sqrt(jnp.array(jnp.size(x, axis), x.dtype))
