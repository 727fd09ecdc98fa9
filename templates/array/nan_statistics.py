"""Reductions that skip what is not a number, and reductions with `where`, `initial`, `keepdims` and several axes."""

from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Float32, Inexact, Int, Int32, Num, Real

from jaxir import Uniform


def _roots(x):
    """Roots, with NaN for negative entries but the first of each row."""
    return jnp.sqrt(x).at[..., 0].set(0.5)


def nan_reduction(
    x: Float[Array, "*b n+1"], *, fn: Literal["nansum", "nanmean", "nanprod", "nanmax", "nanmin"]
) -> Float[Array, "*b"]:
    """the `fn` of the roots over the last axis, those of negative numbers left out"""
    return getattr(jnp, fn)(_roots(x), axis=-1)


def nan_spread(
    x: Float[Array, "*b n+1"], *, fn: Literal["nanstd", "nanvar"], keepdims: Literal[True]
) -> Float[Array, "*b 1"]:
    """the `fn` of the roots over the last axis, those of negative numbers left out"""
    return getattr(jnp, fn)(_roots(x), axis=-1, keepdims=keepdims)


def nan_median(x: Float[Array, "*b n+1"], *, fn: Literal["nanmedian", "nanmean", "nanmax"]) -> Float[Array, "*b n+1"]:
    """the roots minus their `fn` over the last axis, zero where there is no root"""
    roots = _roots(x)
    return jnp.nan_to_num(roots - getattr(jnp, fn)(roots, axis=-1, keepdims=True))


def nan_quantile(
    x: Float[Array, "n+1"], *, q: Annotated[float, Uniform(0.1, 0.9)], fn: Literal["nanquantile", "nanpercentile"]
) -> Float[Array, ""]:
    """the `fn` of the roots at share `q`, those of negative numbers left out"""
    share = q if fn == "nanquantile" else 100 * q
    return getattr(jnp, fn)(_roots(x), share).astype(x.dtype)


def nan_running(x: Float[Array, "*b n+1"], *, fn: Literal["nancumsum", "nancumprod"]) -> Float[Array, "*b n+1"]:
    """the `fn` of the roots along the last axis, those of negative numbers left out"""
    return getattr(jnp, fn)(_roots(x), axis=-1)


def nan_position(x: Float[Array, "*b n+1"], *, fn: Literal["nanargmax", "nanargmin"]) -> Int[Array, "*b"]:
    """the `fn` of the logarithms over the last axis, those of negative numbers left out"""
    logs = jnp.log(x).at[..., 0].set(-0.6)
    return getattr(jnp, fn)(logs, axis=-1)


def reduce_all_axes(
    x: Num[Array, "*s"], y: Num[Array, ""], *, fn: Literal["sum", "prod", "max", "min"]
) -> Num[Array, ""]:
    """the `fn` of all entries of `x`, minus `y`"""
    return getattr(jnp, fn)(x).astype(x.dtype) - y


def reduce_two_axes(x: Num[Array, "m n *b"], *, fn: Literal["sum", "prod", "max", "min"]) -> Num[Array, "1 1 *b"]:
    """the `fn` over the two leading axes, which are kept"""
    return getattr(jnp, fn)(x, axis=(0, 1), keepdims=True).astype(x.dtype)


def reduce_where(
    x: Float[Array, "*b n"],
    mask: Bool[Array, "*b n"],
    *,
    fn: Literal["sum", "prod", "max", "min"],
    initial: Literal[0, 1, 2],
) -> Float[Array, "*b"]:
    """the `fn` over the last axis of `initial` and of the entries where `mask` holds"""
    return getattr(jnp, fn)(x, axis=-1, where=mask, initial=initial)


def reduce_integers_where(
    x: Int[Array, "n *b"], mask: Bool[Array, "n *b"], *, fn: Literal["sum", "max", "min"], initial: Literal[1, 3]
) -> Int[Array, "*b"]:
    """the `fn` over the leading axis of `initial` and of the entries where `mask` holds"""
    return getattr(jnp, fn)(x, axis=0, where=mask, initial=initial).astype(x.dtype)


def statistics_where(
    x: Float[Array, "*b n+1"], mask: Bool[Array, "n+1"], *, fn: Literal["mean", "std", "var"]
) -> Float[Array, "*b"]:
    """the `fn` over the last axis of the first entry and of those where `mask` holds"""
    kept = mask.at[0].set(True)
    return getattr(jnp, fn)(x + x * x, axis=-1, where=kept)


def truth_where(x: Real[Array, "*b n"], mask: Bool[Array, "*b n"], *, fn: Literal["any", "all"]) -> Real[Array, "*b n"]:
    """`x` where `fn` of the rows chosen by `mask` are above one, and twice `x` elsewhere"""
    return jnp.where(getattr(jnp, fn)(x > 1, axis=-1, keepdims=True, where=mask), x, x + x)


def extreme_by_alias(x: Real[Array, "n *b"], *, fn: Literal["amax", "amin"]) -> Real[Array, "*b"]:
    """the `fn` over the leading axis"""
    return getattr(jnp, fn)(x, axis=0)


def spread_of_values(x: Real[Array, "*b n"], y: Real[Array, "*b"]) -> Real[Array, "*b"]:
    """the distance from the smallest to the largest entry of each row, minus `y`"""
    return jnp.ptp(x, axis=-1) - y


def weighted_average(x: Float[Array, "m n"], weights: Float[Array, "n"]) -> Float[Array, "m"]:
    """the average of each row with the squares of `weights` plus a half"""
    return jnp.average(x, axis=1, weights=weights * weights + 0.5)


def average_with_mass(x: Float[Array, "n *s"]) -> Float[Array, "*s"]:
    """the plain average over the leading axis"""
    return jnp.average(x, axis=0)


def std_and_var(
    x: Float[Array, "n+1 *s"], *, fn: Literal["std", "var"], correction: Literal[0, 1]
) -> Float[Array, "*s"]:
    """the `fn` over the leading axis with a correction of `correction`"""
    return getattr(jnp, fn)(x, axis=0, correction=correction)


def percentile_of_rows(
    x: Float[Array, "*b n"],
    *,
    q: Annotated[int, Uniform(5, 95)],
    method: Literal["linear", "nearest", "lower", "higher", "midpoint"],
) -> Float[Array, "*b"]:
    """the percentile `q` of each row by the `method` rule"""
    return jnp.percentile(x, q, axis=-1, method=method).astype(x.dtype)


def quantiles_of_all(
    x: Float[Array, "n"], shares: Float[Array, "k"], *, method: Literal["linear", "higher"]
) -> Float[Array, "k"]:
    """the quantiles of `x` at `shares`, brought into the unit interval, by the `method` rule"""
    return jnp.quantile(x, jnp.abs(jnp.sin(shares)), method=method).astype(x.dtype)


def covariance(x: Float[Array, "m n+1"], *, fn: Literal["cov", "corrcoef"]) -> Float[Array, "m m"]:
    """the `fn` of the rows of `x`, with a ridge on the diagonal of the data"""
    rows, columns = x.shape
    return getattr(jnp, fn)(x + jnp.eye(rows, columns, dtype=x.dtype)) + jnp.ones((rows, rows), x.dtype)


def covariance_of_columns(
    x: Float[Array, "n+1 m"], y: Float[Array, "n+1 m"], *, bias: Literal[True, False]
) -> Float[Array, "2*m 2*m"]:
    """the joint covariance of the columns of `x` and `y`"""
    return jnp.cov(x, y, rowvar=False, bias=bias) + jnp.eye(2 * x.shape[1], dtype=x.dtype)


def slide_product(
    x: Inexact[Array, "n+2"], kernel: Inexact[Array, "2"], *, fn: Literal["convolve", "correlate"]
) -> Inexact[Array, "n+1"]:
    """the `fn` of `x` and `kernel`, where they overlap fully"""
    return getattr(jnp, fn)(x, kernel, mode="valid")


def full_convolution(
    x: Inexact[Array, "m"], y: Inexact[Array, "n"], *, fn: Literal["convolve", "correlate"]
) -> Inexact[Array, "m+n-1"]:
    """the full `fn` of `x` and `y`"""
    return getattr(jnp, fn)(x, y, mode="full")


def same_convolution(
    x: Inexact[Array, "n+2"], y: Inexact[Array, "3"], *, precision: Literal["default", "high", "highest"]
) -> Inexact[Array, "n+2"]:
    """the convolution of `x` and `y` in the length of `x`"""
    return jnp.convolve(x, y, mode="same", precision=precision)


def histogram_of(x: Float[Array, "n"], *, bins: Literal[4, 6], density: Literal[True, False]) -> Float[Array, "n"]:
    """`x` times the largest count of its histogram over `bins` bins"""
    counts, edges = jnp.histogram(x, bins=bins, range=(-1.0, 2.0), density=density)
    return x * jnp.max(counts).astype(x.dtype) + edges[0].astype(x.dtype)


def weighted_histogram(x: Float[Array, "n"], weights: Float[Array, "n"]) -> Float[Array, "5"]:
    """the sums of `weights` over five bins of `x`"""
    counts, _ = jnp.histogram(x, bins=5, range=(-1.5, 2.5), weights=weights)
    return counts.astype(x.dtype)


def histogram_edges(x: Float[Array, "n+1"], *, bins: Literal[3, 4, 5]) -> Float[Array, "n+1"]:
    """the distance of each entry from the middle edge of `bins` bins"""
    edges = jnp.histogram_bin_edges(x, bins=bins)
    return x - edges[bins // 2].astype(x.dtype)


def joint_histogram(x: Float[Array, "n"], y: Float[Array, "n"], weights: Float[Array, "n"]) -> Float[Array, "3 3"]:
    """the sums of `weights` over three by three bins of the points (`x`, `y`)"""
    counts, _, _ = jnp.histogram2d(x, y, bins=3, range=[[-1.5, 2.5], [-1.5, 2.5]], weights=weights)
    return counts.astype(x.dtype)


def histogram_of_points(points: Float[Array, "n 2"], weights: Float[Array, "n"]) -> Float[Array, "2 3"]:
    """the sums of `weights` over two by three bins of the points"""
    counts, _ = jnp.histogramdd(points, bins=[2, 3], range=[(-1.5, 2.5), (-1.5, 2.5)], weights=weights)
    return counts.astype(points.dtype)


def bin_numbers(
    x: Real[Array, "*s"],
    edges: Real[Array, "k"],
    *,
    right: Literal[True, False],
    method: Literal["scan", "sort", "compare_all"],
) -> Int32[Array, "*s"]:
    """the bin of each entry of `x` between the sorted `edges`"""
    return jnp.digitize(x, jnp.sort(edges), right=right, method=method)


def count_of_values(x: Int[Array, "n"], weights: Float[Array, "n"]) -> Float[Array, "6"]:
    """the sum of `weights` for each value from zero to five"""
    return jnp.bincount(jnp.clip(x, 0, 5), weights, length=6)


def interpolated(
    x: Float32[Array, "*s"],
    xp: Float32[Array, "n"],
    fp: Float32[Array, "n"],
    *,
    outside: Literal["ends", "extrapolate", "zero"],
) -> Float32[Array, "*s"]:
    """the piecewise linear function through (`xp`, `fp`) at `x`, `outside` beyond"""
    knots = jnp.cumsum(jnp.abs(xp) + 0.2)
    if outside == "ends":
        value = jnp.interp(x, knots, fp)
    elif outside == "extrapolate":
        value = jnp.interp(x, knots, fp, left="extrapolate", right="extrapolate")
    else:
        value = jnp.interp(x, knots, fp, left=0.0, right=0.0)
    return value


def periodic_interpolation(x: Float32[Array, "*s"], fp: Float32[Array, "4"]) -> Float32[Array, "*s"]:
    """the piecewise linear function of period two through the four values `fp` at `x`"""
    return jnp.interp(x, jnp.arange(4, dtype=x.dtype) / 2, fp, period=2)


def unwrapped_phase(x: Float[Array, "*b n"], *, period: Annotated[float, Uniform(0.5, 2)]) -> Float[Array, "*b n"]:
    """`x` without its jumps by more than half of `period`"""
    return jnp.unwrap(3 * x, period=period)


def consecutive_differences(x: Num[Array, "n+1"], first: Num[Array, "1"]) -> Num[Array, "n+1"]:
    """`first` and the differences of consecutive entries of `x`"""
    return jnp.ediff1d(x, to_begin=first)


def differences_padded(
    x: Num[Array, "*b n"], edge: Num[Array, "*b 1"], *, side: Literal["prepend", "append"]
) -> Num[Array, "*b n"]:
    """the differences along the last axis after `edge` was put there by `side`"""
    if side == "prepend":
        change = jnp.diff(x, axis=-1, prepend=edge)
    else:
        change = jnp.diff(x, axis=-1, append=edge)
    return change


def gradient_along(x: Float[Array, "*b n+2"], *, spacing: Annotated[float, Uniform(0.5, 2)]) -> Float[Array, "*b n+2"]:
    """the central differences along the last axis for points `spacing` apart"""
    return jnp.gradient(x, spacing, axis=-1)


def area_under(
    y: Float[Array, "*b n+1"],
    x: Float[Array, "n+1"],
    *,
    dx: Annotated[float, Uniform(0.1, 2)],
    fn: Literal["points", "steps"],
) -> Float[Array, "*b"]:
    """the area under `y` by the trapezoidal rule over `fn`, plus the mean of `x`"""
    if fn == "points":
        area = jnp.trapezoid(y, x=x, axis=-1)
    else:
        area = jnp.trapezoid(y, dx=dx, axis=-1)
    return area + jnp.mean(x)


def running_totals(
    x: Num[Array, "*b n"], *, fn: Literal["cumsum", "cumprod", "cumulative_sum", "cumulative_prod"]
) -> Num[Array, "*b n"]:
    """the `fn` along the last axis"""
    return getattr(jnp, fn)(x, axis=-1, dtype=x.dtype)


def running_from_start(x: Num[Array, "n"], *, fn: Literal["cumulative_sum", "cumulative_prod"]) -> Num[Array, "n+1"]:
    """the `fn` of `x` with its start included"""
    return getattr(jnp, fn)(x, dtype=x.dtype, include_initial=True)


def lax_reduction(
    x: Num[Array, "*b n"], *, fn: Literal["reduce_sum", "reduce_prod", "reduce_max", "reduce_min"]
) -> Num[Array, "*b"]:
    """the `fn` over the last axis"""
    return getattr(lax, fn)(x, axes=(x.ndim - 1,))


def lax_mask_reduction(
    mask: Bool[Array, "*b n"], x: Num[Array, "*b"], *, fn: Literal["reduce_and", "reduce_or", "reduce_xor"]
) -> Num[Array, "*b"]:
    """`x` where the `fn` of the row of `mask` holds, and twice `x` elsewhere"""
    found = getattr(lax, fn)(mask, axes=(mask.ndim - 1,))
    return jnp.where(found, x, x + x)


def lax_arg_extreme(
    x: Real[Array, "*b n"],
    *,
    fn: Literal["argmax", "argmin"],
    index_dtype: Literal["int8", "int16", "int32", "uint8", "uint32"],
) -> Real[Array, "*b"]:
    """the `fn` over the last axis as `index_dtype`, plus the last entry"""
    position = getattr(lax, fn)(x, x.ndim - 1, getattr(jnp, index_dtype))
    return position.astype(x.dtype) + x[..., -1]


def approximate_extreme(
    x: Float[Array, "n+2"], *, fn: Literal["approx_max_k", "approx_min_k"], k: Literal[1, 2]
) -> Float[Array, "n+2"]:
    """`x` minus the last of its `k` extreme entries by `fn`"""
    values, _ = getattr(lax, fn)(x, k)
    return x - values[-1]


def lax_cumulative(
    x: Num[Array, "n *b"], *, fn: Literal["cumsum", "cumprod", "cummax", "cummin"], reverse: Literal[False, True]
) -> Num[Array, "n *b"]:
    """the `fn` along the leading axis"""
    return getattr(lax, fn)(x, axis=0, reverse=reverse)


def log_of_sums(x: Float[Array, "m n"], *, axis: Literal[0, 1], reverse: Literal[False, True]) -> Float[Array, "m n"]:
    """the running log-sum-exp along axis `axis`, minus `x`"""
    return lax.cumlogsumexp(x, axis=axis, reverse=reverse) - x


def gradient_of_running(
    x: Float[Array, "n"], weights: Float[Array, "n"], *, fn: Literal["cumsum", "cumprod", "cummax", "cumlogsumexp"]
) -> Float[Array, "n"]:
    """the gradient of the weighted sum of the squared `fn` of `x`"""
    return jax.grad(lambda values: jnp.sum(weights * getattr(lax, fn)(values) ** 2))(x)


def gradient_of_reduction(
    x: Float[Array, "m n"], weights: Float[Array, "m"], *, fn: Literal["max", "min", "prod", "std", "var"]
) -> Float[Array, "m n"]:
    """the gradient of the weighted sum of the `fn` of each row of `x`"""
    return jax.grad(lambda rows: jnp.dot(weights, getattr(jnp, fn)(rows, axis=1)))(x)
