"""Shapes: joining, splitting, padding, moving axes, masks, windows and selection by position."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Inexact, Num, Real, Shaped

from jaxir import Uniform


def transpose(x: Shaped[Array, "*b m n"]) -> Shaped[Array, "*b n m"]:
    """the transpose of the last two axes"""
    return jnp.matrix_transpose(x)


def where(mask: Bool[Array, "*#s"], x: Num[Array, "*s"], y: Num[Array, "*#s"]) -> Num[Array, "*s"]:
    """`x` where `mask` holds, and `y` elsewhere"""
    return jnp.where(mask, x, y)


def maximum(x: Num[Array, "*s"], y: Num[Array, "*#s"]) -> Num[Array, "*s"]:
    """the elementwise maximum of `x` and `y`"""
    return jnp.maximum(x, y)


def minimum(x: Num[Array, "*s"], y: Num[Array, "*#s"]) -> Num[Array, "*s"]:
    """the elementwise minimum of `x` and `y`"""
    return jnp.minimum(x, y)


def concatenate(x: Shaped[Array, "m *d"], y: Shaped[Array, "n *d"]) -> Shaped[Array, "m+n *d"]:
    """`x` and `y` joined along the leading axis"""
    return jnp.concatenate([x, y], axis=0)


def append_summary(x: Shaped[Array, "*b n"], *, side: Literal["front", "back"]) -> Shaped[Array, "*b n+1"]:
    """each row with its sum attached at the `side`"""
    total = jnp.sum(x, axis=-1, keepdims=True, dtype=x.dtype)
    if side == "front":
        parts = [total, x]
    else:
        parts = [x, total]
    return jnp.concatenate(parts, axis=-1)


def stack_pair(x: Num[Array, "*s"], y: Num[Array, "*s"]) -> Num[Array, "*s 2"]:
    """the sum and the difference of `x` and `y` stacked along a new last axis"""
    return jnp.stack([x + y, x - y], axis=-1)


def interleave(x: Shaped[Array, "n *d"], y: Shaped[Array, "n *d"]) -> Shaped[Array, "2*n *d"]:
    """the rows of `x` and `y` in turn"""
    return jnp.stack([x, y], axis=1).reshape(2 * x.shape[0], *x.shape[1:])


def split_halves(x: Num[Array, "*b 2*n"], *, how: Literal["swap", "rotate", "butterfly"]) -> Num[Array, "*b 2*n"]:
    """the two halves of each row recombined and joined again"""
    left, right = jnp.split(x, 2, axis=-1)
    if how == "swap":
        parts = [right, left]
    elif how == "rotate":
        parts = [-right, left]
    else:
        parts = [left + right, left - right]
    return jnp.concatenate(parts, axis=-1)


def haar_step(x: Inexact[Array, "2*n *d"]) -> tuple[Inexact[Array, "n *d"], Inexact[Array, "n *d"]]:
    """the averages and the differences of neighbouring rows"""
    even, odd = x[0::2], x[1::2]
    return (even + odd) / 2, (even - odd) / 2


def duplicate(
    x: Shaped[Array, "*b n"], offset: Shaped[Array, ""], *, how: Literal["tile", "repeat"]
) -> Shaped[Array, "*b 2*n"]:
    """each row repeated to twice its length, plus `offset`"""
    if how == "tile":
        longer = jnp.concatenate([x, x], axis=-1)
    else:
        longer = jnp.repeat(x, 2, axis=-1)
    return longer + offset


def tile_blocks(
    x: Shaped[Array, "m n"], *, weight: Literal["plain", "numbered", "checkerboard"]
) -> Shaped[Array, "2*m 2*n"]:
    """the matrix repeated in a two by two grid of blocks with `weight` factors"""
    if weight == "plain":
        factors = jnp.ones((2, 2), jnp.int32)
    elif weight == "numbered":
        factors = 1 + jnp.arange(4).reshape(2, 2)
    else:
        factors = 1 - 2 * (lax.iota(jnp.int32, 2)[:, None] ^ lax.iota(jnp.int32, 2)[None, :])
    blocks = factors.astype(x.dtype)[:, None, :, None] * x[None, :, None, :]
    return blocks.reshape(2 * x.shape[0], 2 * x.shape[1])


def flatten_pairs(x: Shaped[Array, "*b m n"], shift: Shaped[Array, "n"]) -> Shaped[Array, "*b m*n"]:
    """the last two axes of `x` plus `shift` flattened into one"""
    moved = x + shift
    return moved.reshape(*moved.shape[:-2], -1)


def space_to_depth(image: Shaped[Array, "2*m 2*n *c"]) -> Shaped[Array, "m n 4 *c"]:
    """the two by two blocks of `image` gathered along a new axis"""
    rows, columns, *channels = image.shape
    blocks = image.reshape(rows // 2, 2, columns // 2, 2, *channels)
    return jnp.swapaxes(blocks, 1, 2).reshape(rows // 2, columns // 2, 4, *channels)


def depth_to_space(cells: Shaped[Array, "*b m n 4"], bias: Shaped[Array, "4"]) -> Shaped[Array, "*b 2*m 2*n"]:
    """the four channels of each cell, plus `bias`, spread into a two by two block"""
    *batch, m, n, _ = cells.shape
    blocks = (cells + bias).reshape(*batch, m, n, 2, 2)
    return jnp.swapaxes(blocks, -3, -2).reshape(*batch, 2 * m, 2 * n)


def channels_last(x: Shaped[Array, "c *s"], scale: Shaped[Array, "c"]) -> Shaped[Array, "*s c"]:
    """the leading axis moved to the end, and scaled there"""
    return jnp.moveaxis(x, 0, -1) * scale


def split_heads(x: Shaped[Array, "*b t 2*d"], bias: Shaped[Array, "2*d"]) -> Shaped[Array, "*b 2 d t"]:
    """the biased features of each step split in two heads, with the steps moved last"""
    biased = x + bias
    heads = biased.reshape(*biased.shape[:-1], 2, -1)
    return jnp.moveaxis(heads, -3, -1)


def broadcast_rows(
    row: Shaped[Array, "n"], x: Shaped[Array, "*b n"], *, how: Literal["add", "multiply"]
) -> Shaped[Array, "*b n"]:
    """`row`, broadcast to the shape of `x`, and `x` combined by `how`"""
    return getattr(jnp, how)(jnp.broadcast_to(row, x.shape), x)


def add_outer_axes(
    x: Shaped[Array, "*b m"], y: Shaped[Array, "*b n"], z: Shaped[Array, "*b m n"]
) -> Shaped[Array, "*b m n"]:
    """`z` plus the outer sum of `x` and `y`"""
    return jnp.expand_dims(x, -1) + jnp.expand_dims(y, -2) + z


def flip_axes(x: Shaped[Array, "*b m n"], *, axis: Literal[-1, -2]) -> Shaped[Array, "*b m n"]:
    """`x` plus its mirror image along axis `axis`"""
    return x + jnp.flip(x, axis=axis)


def rotate_image(image: Shaped[Array, "*b n n"], *, turns: Literal[1, 2, 3]) -> Shaped[Array, "*b n n"]:
    """each square image rotated by quarter turns"""
    return jnp.rot90(image, k=turns, axes=(-2, -1))


def circular_shift(
    x: Num[Array, "*b n"], *, shift: Annotated[int, Uniform(1, 3)], how: Literal["sum", "difference"]
) -> Num[Array, "*b n"]:
    """the `how` of `x` and itself rolled along the last axis"""
    rolled = jnp.roll(x, shift, axis=-1)
    if how == "sum":
        result = x + rolled
    else:
        result = x - rolled
    return result


def dynamic_roll(x: Shaped[Array, "n *d"], shift: Float[Array, ""]) -> Shaped[Array, "n *d"]:
    """the rows of `x` rolled by a shift that is known only at run time"""
    steps = jnp.floor(4 * jnp.abs(shift)).astype(jnp.int32)
    return jnp.roll(x, steps, axis=0)


def periodic_laplacian(u: Inexact[Array, "*b m n"], *, stencil: Literal["five", "nine"]) -> Inexact[Array, "*b m n"]:
    """the `stencil`-point Laplacian of each periodic field"""
    rows = jnp.roll(u, 1, axis=-2) + jnp.roll(u, -1, axis=-2)
    columns = jnp.roll(u, 1, axis=-1) + jnp.roll(u, -1, axis=-1)
    if stencil == "five":
        result = rows + columns - 4 * u
    else:
        corners = jnp.roll(rows, 1, axis=-1) + jnp.roll(rows, -1, axis=-1)
        result = (4 * (rows + columns) + corners - 20 * u) / 6
    return result


def pad_ends(
    x: Shaped[Array, "*b n"], *, mode: Literal["constant", "edge", "reflect", "symmetric", "wrap"]
) -> Shaped[Array, "*b n+2"]:
    """`x` with one entry added at both ends of the last axis by the `mode` rule"""
    return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(1, 1)], mode=mode)


def spread_with_gaps(x: Shaped[Array, "*b n"], gap: Shaped[Array, ""]) -> Shaped[Array, "*b 2*n"]:
    """each row spread to twice its length, with `gap` after each entry"""
    widths = [(0, 0, 0)] * (x.ndim - 1) + [(0, 1, 1)]
    return lax.pad(x, gap, widths)


def shift_right(tokens: Shaped[Array, "*b n"], start: Shaped[Array, "*b"]) -> Shaped[Array, "*b n"]:
    """each row moved right by one, with `start` in front"""
    return jnp.concatenate([start[..., None], tokens[..., :-1]], axis=-1)


def triangle(
    a: Num[Array, "*b m n"], *, part: Literal["tril", "triu"], k: Literal[-1, 0, 1], keep: Literal["kept", "removed"]
) -> Num[Array, "*b m n"]:
    """each matrix with its `part` at diagonal `k` `keep`"""
    triangular = getattr(jnp, part)(a, k)
    if keep == "kept":
        result = triangular
    else:
        result = a - triangular
    return result


def band_limited(a: Num[Array, "*b m n"], *, width: Literal[0, 1, 2]) -> Num[Array, "*b m n"]:
    """each matrix with the entries further than `width` from the diagonal set to zero"""
    rows = jnp.arange(a.shape[-2])[:, None]
    columns = jnp.arange(a.shape[-1])[None, :]
    return jnp.where(jnp.abs(rows - columns) <= width, a, 0)


def causal_fill(
    scores: Inexact[Array, "*b n n"], *, fill: Annotated[float, Uniform(-9.0, -5.0)]
) -> Inexact[Array, "*b n n"]:
    """the scores with everything after the diagonal set to `fill`"""
    steps = jnp.arange(scores.shape[-1])
    visible = steps[:, None] >= steps[None, :]
    return jnp.where(visible, scores, fill)


def symmetrize(a: Num[Array, "*b n n"], *, part: Literal["symmetric", "skew", "mirror"]) -> Num[Array, "*b n n"]:
    """the `part` matrix built from each matrix and its transpose"""
    flipped = jnp.swapaxes(a, -1, -2)
    if part == "symmetric":
        result = a + flipped
    elif part == "skew":
        result = a - flipped
    else:
        result = jnp.tril(a) + jnp.triu(flipped, 1)
    return result


def structured_matrix(
    c: Num[Array, "n"], scale: Num[Array, "n"], *, kind: Literal["toeplitz", "circulant", "hankel", "companion"]
) -> Num[Array, "n n"]:
    """the `kind` matrix of the coefficients `c`, with its rows scaled"""
    i = jnp.arange(c.shape[0])
    if kind == "toeplitz":
        matrix = c[jnp.abs(i[:, None] - i[None, :])]
    elif kind == "circulant":
        matrix = c[jnp.remainder(i[:, None] - i[None, :], c.shape[0])]
    elif kind == "hankel":
        matrix = jnp.take(c, i[:, None] + i[None, :], mode="clip")
    else:
        matrix = jnp.eye(c.shape[0], k=1, dtype=c.dtype).at[-1].add(c)
    return scale[:, None] * matrix


def sliding_windows(x: Shaped[Array, "n+2 *d"], offset: Shaped[Array, "*#d"]) -> Shaped[Array, "n 3 *d"]:
    """all windows of three neighbouring rows, each plus `offset`"""
    starts = jnp.arange(x.shape[0] - 2)
    return x[starts[:, None] + jnp.arange(3)[None, :]] + offset


def sliding_order(x: Real[Array, "*b n+2"], *, pick: Literal[0, 1, 2]) -> Real[Array, "*b n"]:
    """the entry of rank `pick` in each window of three neighbours"""
    windows = jnp.stack([x[..., :-2], x[..., 1:-1], x[..., 2:]])
    return jnp.sort(windows, axis=0)[pick]


def window_extremum(x: Float[Array, "*b n"], *, fn: Literal["max", "min"], size: Literal[2, 3]) -> Float[Array, "*b n"]:
    """the `fn` over a window of `size` entries centred at each position"""
    if fn == "max":
        worst = -jnp.inf
    else:
        worst = jnp.inf
    window = (1,) * (x.ndim - 1) + (size,)
    return lax.reduce_window(x, worst, getattr(lax, fn), window, (1,) * x.ndim, "SAME")


def window_sum(
    x: Num[Array, "*b n"], *, size: Literal[2, 3], dilation: Literal[1, 2], padding: Literal["SAME", "SAME_LOWER"]
) -> Num[Array, "*b n"]:
    """the sum over a window of `size` entries along the last axis, `dilation` apart"""
    ones = (1,) * (x.ndim - 1)
    apart = (*ones, dilation)
    return lax.reduce_window(x, 0, lax.add, (*ones, size), (*ones, 1), padding, window_dilation=apart)


def strided_window_mean(x: Inexact[Array, "*b 2*n+1"]) -> Inexact[Array, "*b n"]:
    """the mean over windows of three entries that start at every second one"""
    ones = (1,) * (x.ndim - 1)
    sums = lax.reduce_window(x, 0.0, lax.add, (*ones, 3), (*ones, 2), "VALID")
    return sums / 3


def integral_image(image: Num[Array, "*b m n"]) -> Num[Array, "*b m n"]:
    """the sum of all entries above and to the left of each position"""
    down = jnp.cumsum(image, axis=-2, dtype=image.dtype)
    return jnp.cumsum(down, axis=-1, dtype=image.dtype)


def difference_along(x: Num[Array, "*b n+2"], *, how: Literal["second", "central", "forward"]) -> Num[Array, "*b n"]:
    """the `how` difference along the last axis"""
    if how == "second":
        result = jnp.diff(x, n=2, axis=-1)
    elif how == "central":
        result = x[..., 2:] - x[..., :-2]
    else:
        result = jnp.diff(x, axis=-1)[..., :-1]
    return result


def edge_gradient(x: Inexact[Array, "*b n+2"]) -> Inexact[Array, "*b n+2"]:
    """the gradient along the last axis, one-sided at the ends"""
    return jnp.gradient(x, axis=-1)


def ramp_between(
    start: Float[Array, "*s"], stop: Float[Array, "*s"], *, endpoint: Literal[True, False]
) -> Float[Array, "4 *s"]:
    """four evenly spaced values from `start` to `stop`"""
    return jnp.linspace(start, stop, 4, endpoint=endpoint)


def grid_function(
    x: Float[Array, "m"], y: Float[Array, "n"], *, form: Literal["radius", "saddle", "plane"]
) -> Float[Array, "m n"]:
    """a function of two variables on the grid of `x` and `y`"""
    rows, columns = jnp.meshgrid(x, y, indexing="ij")
    if form == "radius":
        values = jnp.sqrt(rows * rows + columns * columns)
    elif form == "saddle":
        values = rows * rows - columns * columns
    else:
        values = rows + 2 * columns
    return values


def add_to_center(
    x: Num[Array, "*b n+2"], patch: Num[Array, "*b n"], *, how: Literal["pad", "index"]
) -> Num[Array, "*b n+2"]:
    """`x` with `patch` added to the inner entries of its last axis"""
    if how == "pad":
        result = x + lax.pad(patch, jnp.zeros((), x.dtype), [(0, 0, 0)] * (x.ndim - 1) + [(1, 1, 0)])
    else:
        result = x.at[..., 1:-1].add(patch)
    return result
