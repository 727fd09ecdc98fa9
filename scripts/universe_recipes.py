"""Calls of JAX's public functions with typed arguments, for `build_universe.py`.

A recipe is a lambda of an argument factory `a`: `a(3, 4)` is an array of the element type under test, `a.i(3)` an int32
array, `a.b(3)` a bool, `a.f(3)` a float32, `a.words(4)` uint32 words, `a.key()` a raw key of two. In `EXPORTED` a
dimension may be a name, such as `a("n", 4)`. Each element of a recipe's tuple is a recipe of its own, and counts for
the public functions that its text names. Functions that no recipe names are tried with the argument lists of `GENERIC`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np
from jax import lax
from jax.experimental import io_callback, jet, ode, sparse
from jax.scipy import stats
from jax.scipy.spatial.transform import Rotation

#: Argument lists for functions without a recipe; each that lowers is used.
GENERIC = (
    lambda f, a: f(a(3)),
    lambda f, a: f(a(3, 4)),
    lambda f, a: f(a(3, 3)),
    lambda f, a: f(a()),
    lambda f, a: f(a(3), a(3)),
    lambda f, a: f(a(3, 4), a(4)),
    lambda f, a: f(a(3, 4), a(3, 4)),
    lambda f, a: f(a(3, 3), a(3, 3)),
    lambda f, a: f(a(3), a(3), a(3)),
    lambda f, a: f(a(3), a(3), a(3), a(3)),
    lambda f, a: f(a(3), 2),
    lambda f, a: f(a(3, 4), 1),
    lambda f, a: f(2, a(3)),
    lambda f, a: f(a(3), a.i(3)),
    lambda f, a: f((a(3), a(3))),
    lambda f, a: f(a(3, 4, 4)),
    lambda f, a: f(a(2, 3, 4), a(2, 4, 3)),
    lambda f, a: f(5),
    lambda f, a: f(2, 3),
    lambda f, a: f(a.key(), (3,)),
    lambda f, a: f(a.key(), a(3), shape=(3,)),
    lambda f, a: f(a.key(), a(3)),
)

_ALGORITHMS = tuple(lax.DotAlgorithmPreset)
_MODES = ("fill", "clip", "promise_in_bounds")
_COMPARE = (lax.eq, lax.ne, lax.lt, lax.le, lax.gt, lax.ge)
_ACCURATE = (lax.cbrt, lax.cos, lax.exp, lax.exp2, lax.expm1, lax.log, lax.log1p, lax.logistic, lax.rsqrt, lax.sin,
             lax.sqrt, lax.tan, lax.tanh)  # fmt: skip


def _conv(a, count=2, **options):
    """A convolution over `count` dimensions; `groups` and `batch_groups` change the shapes."""
    groups, batches = options.get("feature_group_count", 1), options.get("batch_group_count", 1)
    lhs, rhs = a(2 * batches, 2 * groups, *(6,) * count), a(4, 2, *(3,) * count)
    strides = options.pop("window_strides", (1,) * count)
    return lax.conv_general_dilated(lhs, rhs, strides, options.pop("padding", "SAME"), **options)


def _scatter_numbers(updates=(), inserted=(0,), dims=(0,)):
    return lax.ScatterDimensionNumbers(updates, inserted, dims)


def _jvp(function):
    function.defjvp(lambda primals, tangents: (jnp.sin(*primals), jnp.cos(*primals) * tangents[0]))
    return function


def _vjp(function):
    function.defvjp(lambda x: (jnp.sin(x), x), lambda x, ct: (jnp.cos(x) * ct,))
    return function


def _square(x):
    return x @ x.T + 5 * jnp.eye(x.shape[0], dtype=x.dtype)


RECIPES = (
    # --- arrays: syntax, making, shapes -----------------------------------------------------------------------------
    lambda a: (a(3, 4)[1], a(3, 4)[1:, None, ::2], a(5)[a.i(2)], a(5)[a.i()], a(3, 4)[..., a.i(2)]),
    lambda a: (a(3) + a(3), a(3) * 2, -a(3), a(3) == a(3), a(3) < a(3), a(3) / a(3), a(3) - a(3)),
    lambda a: (a(3) // a(3), a(3) % a(3), a(3) ** 2, abs(a(3))),
    lambda a: (a(3) & a(3), a(3) | a(3), a(3) ^ a(3), ~a(3), a(3) << a(3), a(3) >> a(3)),
    lambda a: a(3, 4) @ a(4, 2),
    *(
        lambda a, m=m, u=u: (
            a(5).at[a.i(2)].set(a(2), mode=m, unique_indices=u, indices_are_sorted=u),
            a(5, 4).at[a.i(2)].add(a(2, 4), mode=m),
            a(5).at[a.i(2)].get(mode=m),
        )
        for m in _MODES
        for u in (False, True)
    ),
    lambda a: (a(5).at[1].min(a()), a(5).at[1:3].max(a()), a(5, 4).at[:, a.i(2)].multiply(a())),
    lambda a: jnp.arange(5).astype(a(1).dtype),
    lambda a: (jnp.arange(5, dtype=a.kind), jnp.array([a(), a()]), jnp.asarray(a(3)), jnp.astype(a(3), jnp.float32)),
    lambda a: (jnp.full((3,), a()), jnp.full_like(a(3), 2), jnp.zeros(3, a.kind), jnp.ones(3, a.kind)),
    lambda a: (jnp.eye(3, dtype=a.kind), jnp.identity(3, a.kind), jnp.tri(3, dtype=a.kind), jnp.empty(3, a.kind)),
    lambda a: (jnp.linspace(a(), a(), 5), jnp.logspace(a(), a(), 5), jnp.geomspace(a() + 1, a() + 2, 5)),
    lambda a: jnp.fromfunction(lambda i, j: i + j, (3, 4), dtype=a.kind),
    lambda a: (jnp.indices((3, 4), a.kind), jnp.meshgrid(a(3), a(4)), jnp.ix_(a.i(3), a.i(2))),
    lambda a: (jnp.reshape(a(2, 6), (3, 4)), jnp.broadcast_to(a(4), (3, 4)), jnp.resize(a(4), (3, 3))),
    lambda a: (jnp.broadcast_arrays(a(4), a(3, 1)), jnp.broadcast_shapes((3, 1), (4,)), jnp.shape(a(3))),
    lambda a: (jnp.moveaxis(a(2, 3, 4), 0, 2), jnp.rollaxis(a(2, 3, 4), 2), jnp.swapaxes(a(2, 3, 4), 0, 2)),
    lambda a: (jnp.permute_dims(a(2, 3), (1, 0)), jnp.transpose(a(2, 3, 4), (2, 0, 1)), jnp.rot90(a(3, 4))),
    lambda a: (jnp.expand_dims(a(3), 0), jnp.squeeze(a(1, 3)), jnp.pad(a(3), 1), jnp.pad(a(3), (1, 2), mode="edge")),
    lambda a: (jnp.pad(a(4), 2, mode="reflect"), jnp.pad(a(4), 2, mode="wrap"), jnp.pad(a(4), 2, mode="mean")),
    lambda a: (jnp.pad(a(4), 2, mode="linear_ramp"), jnp.pad(a(4), 2, mode="symmetric")),
    lambda a: (jnp.repeat(a(3), 2), jnp.tile(a(3), (2, 2)), jnp.roll(a(5), 2), jnp.roll(a(3, 4), (1, 2), (0, 1))),
    lambda a: (jnp.split(a(6), 3), jnp.array_split(a(7), 3), jnp.hsplit(a(4), 2), jnp.vsplit(a(4, 2), 2)),
    lambda a: (jnp.dsplit(a(2, 2, 4), 2), jnp.unstack(a(3, 2)), jnp.block([[a(2, 2), a(2, 3)], [a(1, 2), a(1, 3)]])),
    lambda a: (jnp.concatenate([a(3), a(2)]), jnp.concat([a(3, 2), a(3, 1)], axis=1), jnp.stack([a(3), a(3)])),
    lambda a: (jnp.append(a(3), a(2)), jnp.insert(a(3), 1, a()), jnp.delete(a(4), 1), jnp.diagflat(a(3))),
    lambda a: (jnp.diag_indices(3), jnp.diag_indices_from(a(3, 3)), jnp.tril_indices(3), jnp.triu_indices(3)),
    lambda a: (jnp.tril_indices_from(a(3, 3)), jnp.triu_indices_from(a(3, 3))),
    lambda a: jnp.fill_diagonal(a(3, 3), a(), inplace=False),
    lambda a: (jnp.place(a(5), a.b(5), a(2), inplace=False), jnp.put(a(5), a.i(2), a(2), inplace=False)),
    lambda a: jnp.put_along_axis(a(3, 4), a.i(3, 1), a(3, 1), 1, inplace=False),
    lambda a: (
        jnp.take(a(5), a.i(2)),
        jnp.take(a(5, 3), a.i(2), axis=0, mode="clip"),
        jnp.take_along_axis(a(3, 4), a.i(3, 1), 1),
    ),
    lambda a: (jnp.take(a(5), a.i(2), mode="wrap"), jnp.take(a(5), a.i(2), mode="fill", unique_indices=True)),
    lambda a: (jnp.choose(a.i(3), [a(3), a(3)], mode="clip"), jnp.compress(a.b(4), a(4), size=2)),
    lambda a: (jnp.extract(a.b(4), a(4), size=2), jnp.nonzero(a(4), size=2), jnp.flatnonzero(a(4), size=2)),
    lambda a: (jnp.argwhere(a(4), size=2), jnp.where(a.b(4), a(4), a(4)), jnp.where(a(4), size=2)),
    lambda a: (
        jnp.select([a.b(3), a.b(3)], [a(3), a(3)], a()),
        jnp.piecewise(a(4), [a.b(4)], [lambda x: x, lambda x: -x]),
    ),
    lambda a: (jnp.apply_along_axis(jnp.cumsum, 0, a(3, 4)), jnp.apply_over_axes(jnp.sum, a(3, 4), (0, 1))),
    lambda a: jnp.vectorize(lambda x, y: jnp.sum(x) + y, signature="(n),()->()")(a(3, 4), a(3)),
    lambda a: (jnp.ravel_multi_index((a.i(3), a.i(3)), (4, 5), mode="clip"), jnp.unravel_index(a.i(3), (3, 4))),
    lambda a: (jnp.isdtype(a.kind, "integral"), jnp.issubdtype(a.kind, np.floating), jnp.can_cast(np.int8, np.int32)),
    lambda a: (jnp.iterable(a(3)), jnp.isscalar(a()), jnp.ndim(a(3)), jnp.size(a(3)), jnp.iscomplexobj(a(3))),
    # --- reductions, sorting, sets ----------------------------------------------------------------------------------
    *(
        lambda a, f=f: (f(a(3, 4)), f(a(3, 4), axis=0), f(a(3, 4), axis=-1, keepdims=True), f(a(2, 3, 4), axis=(0, 2)))
        for f in (
            jnp.sum,
            jnp.prod,
            jnp.max,
            jnp.min,
            jnp.any,
            jnp.all,
            jnp.mean,
            jnp.var,
            jnp.std,
            jnp.ptp,
            jnp.nansum,
            jnp.nanprod,
            jnp.nanmax,
            jnp.nanmin,
            jnp.nanmean,
            jnp.nanvar,
            jnp.nanstd,
            jnp.median,
            jnp.nanmedian,
            jnp.amax,
            jnp.amin,
            jnp.count_nonzero,
        )
    ),
    lambda a: (
        jnp.quantile(a(5), a.f()),
        jnp.percentile(a(5), 30),
        jnp.nanquantile(a(5), 0.3),
        jnp.nanpercentile(a(5), 3),
    ),
    lambda a: [jnp.quantile(a(5), 0.3, method=m) for m in ("lower", "higher", "nearest", "midpoint")],
    lambda a: (jnp.average(a(3, 4), weights=a(3, 4)), jnp.argmax(a(3, 4), 1), jnp.argmin(a(3, 4)), jnp.nanargmax(a(4))),
    lambda a: (
        jnp.sort(a(3, 4), 0),
        jnp.sort(a(5), descending=True),
        jnp.argsort(a(3, 4)),
        jnp.argsort(a(5), stable=False),
    ),
    lambda a: (
        jnp.lexsort((a(4), a(4))),
        jnp.partition(a(5), 2),
        jnp.argpartition(a(5), 2),
        jnp.searchsorted(a(5), a(3)),
    ),
    lambda a: [
        jnp.searchsorted(a(5), a(3), side="right", method=m) for m in ("scan", "scan_unrolled", "sort", "compare_all")
    ],
    lambda a: (
        jnp.digitize(a(4), a(3)),
        jnp.histogram(a(5), 3),
        jnp.histogram2d(a(5), a(5), 3),
        jnp.histogramdd(a(5, 2), 3),
    ),
    lambda a: (jnp.histogram_bin_edges(a(5), 3), jnp.bincount(a.i(5), a(5), length=4), jnp.bincount(a(5), length=4)),
    lambda a: (jnp.unique(a(5), size=3), jnp.unique_all(a(5), size=3), jnp.unique_counts(a(5), size=3)),
    lambda a: (jnp.unique_inverse(a(5), size=3), jnp.unique_values(a(5), size=3), jnp.isin(a(5), a(3))),
    lambda a: (jnp.union1d(a(5), a(3), size=4), jnp.intersect1d(a(5), a(3), size=2)),
    lambda a: (jnp.setdiff1d(a(5), a(3), size=2), jnp.setxor1d(a(5), a(3), size=4)),
    lambda a: (jax.ops.segment_sum(a(5), a.i(5), 3), jax.ops.segment_prod(a(5), a.i(5), 3)),
    lambda a: (jax.ops.segment_max(a(5), a.i(5), 3), jax.ops.segment_min(a(5), a.i(5), 3)),
    lambda a: (jnp.cumsum(a(3, 4), 1), jnp.cumprod(a(4)), jnp.nancumsum(a(4)), jnp.nancumprod(a(4))),
    lambda a: (jnp.cumulative_sum(a(4)), jnp.cumulative_prod(a(4)), jnp.cumulative_sum(a(4), include_initial=True)),
    lambda a: (jnp.convolve(a(5), a(3)), jnp.correlate(a(5), a(3)), jnp.interp(a(3), a(5), a(5)), jnp.unwrap(a(5))),
    lambda a: (
        jnp.polyfit(a(5), a(5), 2),
        jnp.polyint(a(4), 2),
        jnp.polyder(a(4)),
        jnp.poly(a(3)),
        jnp.polyval(a(3), a(4)),
    ),
    lambda a: (
        jnp.polydiv(a(4), a(2)),
        jnp.polymul(a(4), a(2)),
        jnp.polyadd(a(4), a(2)),
        jnp.roots(a(4), strip_zeros=False),
    ),
    lambda a: (jnp.vander(a(3)), jnp.gradient(a(5)), jnp.ediff1d(a(5)), jnp.diff(a(5), 2), jnp.trapezoid(a(5))),
    lambda a: (
        jnp.packbits(a.b(16)),
        jnp.unpackbits(a.i(2).astype(np.uint8)),
        jnp.ldexp(a(3), a.i(3)),
        jnp.kaiser(5, 2.0),
    ),
    # --- products ---------------------------------------------------------------------------------------------------
    lambda a: (jnp.einsum("ij,jk->ik", a(3, 4), a(4, 2)), jnp.einsum("bij,bjk->bik", a(2, 3, 4), a(2, 4, 2))),
    lambda a: (
        jnp.einsum("i,j->ij", a(3), a(4)),
        jnp.einsum("ii->", a(3, 3)),
        jnp.einsum("ijk,ijl->kl", a(2, 3, 4), a(2, 3, 2)),
    ),
    lambda a: (
        jnp.tensordot(a(3, 4), a(4, 2), 1),
        jnp.dot(a(3, 4), a(4)),
        jnp.matmul(a(2, 3, 4), a(4, 2)),
        jnp.vdot(a(3), a(3)),
    ),
    lambda a: (
        jnp.vecmat(a(3), a(3, 4)),
        jnp.matvec(a(3, 4), a(4)),
        jnp.vecdot(a(3), a(3)),
        jnp.kron(a(2, 2), a(2, 3)),
    ),
    lambda a: (
        jnp.cross(a(3), a(3)),
        jnp.inner(a(3), a(3)),
        jnp.outer(a(3), a(4)),
        jnp.cov(a(3, 5)),
        jnp.corrcoef(a(3, 5)),
    ),
    *(
        lambda a, p=p: lax.dot_general(a(3, 4), a(4, 2), (((1,), (0,)), ((), ())), precision=p)
        for p in ("high", "highest", _ALGORITHMS[0])
    ),
    *(lambda a, p=p: lax.dot(a.f(3, 4), a.f(4, 2), precision=p) for p in _ALGORITHMS),
    lambda a: lax.dot_general(a(2, 3, 4), a(2, 4, 5), (((2,), (1,)), ((0,), (0,))), preferred_element_type=np.float32),
    lambda a: (
        lax.dot_general(a(2, 3, 4, 5), a(2, 3, 5, 4), (((2, 3), (3, 2)), ((0, 1), (0, 1)))),
        lax.batch_matmul(a(2, 3, 4), a(2, 4, 5)),
    ),
    lambda a: lax.dot_general(a(3), a(4), (((), ()), ((), ()))),
    lambda a: (lax.ragged_dot(a(6, 4), a(3, 4, 2), a.i(3)), lax.scaled_dot(a(2, 32), a(32, 2))),
    lambda a: lax.ragged_dot_general(
        a(6, 4), a(3, 4, 2), a.i(3), lax.RaggedDotDimensionNumbers((((1,), (1,)), ((), ())), [0], [0])
    ),
    # --- convolutions and windows -----------------------------------------------------------------------------------
    lambda a: (_conv(a), _conv(a, 1), _conv(a, 3), _conv(a, 2, padding="VALID", window_strides=(2, 1))),
    lambda a: (
        _conv(a, feature_group_count=2),
        _conv(a, batch_group_count=2),
        _conv(a, precision="highest"),
        _conv(a, precision="high"),
    ),
    lambda a: (_conv(a, rhs_dilation=(2, 1)), _conv(a, lhs_dilation=(1, 2), padding=((1, 2), (-1, 0)))),
    lambda a: (_conv(a, padding=((-1, -1), (-1, -1))), _conv(a, preferred_element_type=np.float32)),
    lambda a: lax.conv_general_dilated(
        a(2, 6, 6, 3), a(3, 3, 3, 4), (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
    ),
    lambda a: lax.conv_general_dilated(a(2, 6, 3), a(3, 3, 4), (1,), "SAME", dimension_numbers=("NHC", "HIO", "NHC")),
    lambda a: (
        lax.conv(a(1, 2, 5, 5), a(3, 2, 2, 2), (1, 1), "VALID"),
        lax.conv_with_general_padding(a(1, 2, 5, 5), a(3, 2, 2, 2), (1, 1), ((1, 1), (0, 0)), None, None),
    ),
    lambda a: (
        lax.conv_transpose(a(1, 5, 5, 2), a(2, 2, 2, 3), (2, 2), "SAME"),
        lax.conv_general_dilated_patches(a(1, 2, 5, 5), (2, 2), (1, 1), "VALID"),
    ),
    lambda a: lax.conv_general_dilated_local(a(1, 2, 5), a(3, 4, 4), (1,), "VALID", (2,)),
    *(
        lambda a, op=op, start=start: (
            lax.reduce_window(a(5, 6), jnp.asarray(start, a.kind), op, (2, 2), (2, 1), "VALID"),
            lax.reduce_window(
                a(5, 6), jnp.asarray(start, a.kind), op, (2, 2), (1, 1), ((1, 0), (0, 2)), (1, 2), (2, 1)
            ),
            lax.reduce_window(a(5), jnp.asarray(start, a.kind), lambda x, y: op(x, y) + x, (2,), (1,), "SAME"),
            lax.reduce(a(3, 4), jnp.asarray(start, a.kind), op, (0,)),
        )
        for op, start in (
            (lax.add, 0),
            (lax.max, 0),
            (lax.min, 1),
            (lax.mul, 1),
            (lax.bitwise_and, 1),
            (lax.bitwise_or, 0),
            (lax.bitwise_xor, 0),
        )
    ),
    lambda a: lax.reduce_window(
        (a(5), a(5)), (jnp.asarray(0, a.kind),) * 2, lambda x, y: (x[0] + y[0], x[1] * y[1]), (2,), (1,), "SAME"
    ),
    lambda a: lax.reduce(
        (a(3, 4), a.i(3, 4)), (jnp.asarray(0, a.kind), np.int32(0)), lambda x, y: (x[0] + y[0], x[1] * y[1]), (0,)
    ),
    lambda a: lax.reduce_window(a(5, 6), -np.inf, lax.max, (2, 2), (2, 2), "SAME"),
    lambda a: lax.reduce_window(a(5, 6), np.inf, lax.min, (2, 2), (1, 2), "VALID"),
    *(
        lambda a, f=f: (f(a(3, 4), axes=(0,)), f(a(3, 4), axes=(0, 1)))
        for f in (
            lax.reduce_sum,
            lax.reduce_prod,
            lax.reduce_max,
            lax.reduce_min,
            lax.reduce_and,
            lax.reduce_or,
            lax.reduce_xor,
        )
    ),
    *(
        lambda a, f=f: (f(a(3, 4)), f(a(3, 4), axis=1, reverse=True))
        for f in (lax.cumsum, lax.cumprod, lax.cummax, lax.cummin, lax.cumlogsumexp)
    ),
    lambda a: (lax.argmax(a(3, 4), 0, np.int32), lax.argmin(a(3, 4), 1, np.uint8), lax.top_k(a(3, 4), 2)),
    lambda a: (
        lax.approx_max_k(a(2, 30), 3),
        lax.approx_min_k(a(2, 30), 3),
        lax.approx_max_k(a(30), 3, aggregate_to_topk=False),
    ),
    lambda a: (
        lax.sort(a(3, 4), dimension=0),
        lax.sort((a(4), a(4)), num_keys=2, is_stable=False),
        lax.sort_key_val(a(4), a.i(4)),
    ),
    # --- jax.lax ----------------------------------------------------------------------------------------------------
    *(lambda a, f=f: (f(a(3), a(3)), lax.select(f(a(3), a(3)), a(3), a(3)), jnp.any(f(a(3), a(3)))) for f in _COMPARE),
    *(
        lambda a, f=f: (f(a(3), accuracy=lax.AccuracyMode.HIGHEST), f(a(3), accuracy=lax.Tolerance(1e-3, 0, 2)))
        for f in _ACCURATE
    ),
    lambda a: (
        lax.iota(a.kind, 4),
        lax.broadcasted_iota(a.kind, (2, 3), 1),
        lax.broadcasted_iota(a.kind, (2, 3, 4), 2),
    ),
    lambda a: (
        lax.broadcast(a(3), (2,)),
        lax.broadcast_in_dim(a(3), (3, 4), (0,)),
        lax.broadcast_to_rank(a(3), 3),
        lax.broadcast_like(a(), a(3)),
    ),
    lambda a: (
        lax.collapse(a(2, 3, 4), 1),
        lax.expand_dims(a(3), (0,)),
        lax.squeeze(a(1, 3), (0,)),
        lax.reshape(a(2, 6), (3, 4)),
        lax.tile(a(3), (2,)),
    ),
    lambda a: (
        lax.concatenate([a(3, 2), a(3, 1)], 1),
        lax.concatenate([a(2, 3, 2), a(2, 3, 1)], 2),
        lax.stack([a(3), a(3)]),
        lax.unstack(a(3, 2)),
        lax.split(a(6), (2, 4)),
    ),
    lambda a: (
        lax.pad(a(4), jnp.asarray(0, a.kind), ((1, 2, 1),)),
        lax.pad(a(4), jnp.asarray(0, a.kind), ((-1, 2, 0),)),
        lax.pad(a(4), jnp.asarray(0, a.kind), ((1, -2, 0),)),
    ),
    lambda a: (
        lax.rev(a(3, 4), (0,)),
        lax.rev(a(3, 4), (0, 1)),
        lax.transpose(a(2, 3, 4), (2, 0, 1)),
        lax.slice(a(5, 4), (1, 0), (5, 4), (2, 1)),
    ),
    lambda a: (lax.slice_in_dim(a(5), 1, 4), lax.index_in_dim(a(5, 2), 1), lax.index_take(a(5, 2), (a.i(3),), (0,))),
    lambda a: (
        lax.dynamic_slice(a(5, 4), (a.i(), a.i()), (2, 2)),
        lax.dynamic_slice_in_dim(a(5), a.i(), 2),
        lax.dynamic_index_in_dim(a(5), a.i()),
    ),
    lambda a: (
        lax.dynamic_update_slice(a(5), a(2), (a.i(),)),
        lax.dynamic_update_slice_in_dim(a(5), a(2), a.i(), 0),
        lax.dynamic_update_index_in_dim(a(5), a(), a.i(), 0),
    ),
    lambda a: (
        lax.convert_element_type(a(3), np.float32),
        lax.convert_element_type(a(3), np.int32),
        lax.convert_element_type(a(3), np.bool_),
        lax.convert_element_type(a.f(3), a.kind),
    ),
    lambda a: (
        lax.bitcast_convert_type(a(3), f"uint{8 * a.kind.itemsize}"),
        lax.bitcast_convert_type(a(3, 8), np.uint8),
    ),
    lambda a: (
        lax.clamp(a(), a(3), a()),
        lax.select_n(a.b(3), a(3), a(3)),
        lax.select_n(a.i(3), a(3), a(3), a(3)),
        lax.empty((3,), a.kind),
    ),
    lambda a: (
        lax.full((3,), 1, a.kind),
        lax.full_like(a(3), 2),
        lax.integer_pow(a(3), 3),
        lax.integer_pow(a(3), -2),
        lax.pow(a(3), a(3)),
        lax.pow(a(3), a.i(3)),
    ),
    lambda a: (lax.complex(a(3), a(3)), lax.complex(a(3), a(3)) * 2),
    lambda a: (lax.real(a(3)), lax.imag(a(3)), lax.conj(a(3)), lax.is_finite(lax.real(a(3)))),
    lambda a: [lax.reduce_precision(a(3), e, m) for e, m in ((8, 7), (5, 10), (4, 3), (5, 2), (8, 23))],
    lambda a: [lax.round(a(3), method) for method in lax.RoundingMethod],
    lambda a: (
        lax.nextafter(a(3), a(3)),
        lax.shift_right_logical(a(3), a(3)),
        lax.shift_right_arithmetic(a(3), a(3)),
        lax.shift_left(a(3), a(3)),
        lax.mulhi(a(3), a(3)),
    ),
    *(
        lambda a, f=f, u=u: (
            f(a(5), a.i(2, 1), a(2), _scatter_numbers(), unique_indices=u, indices_are_sorted=u),
            f(a(5, 3), a.i(2, 1), a(2, 3), _scatter_numbers((1,))),
            f(a(5, 3), a.i(2), a(3), _scatter_numbers((0,), (0,), (0, 1))),
        )
        for f in (lax.scatter, lax.scatter_add, lax.scatter_sub, lax.scatter_mul, lax.scatter_min, lax.scatter_max)
        for u in (False, True)
    ),
    lambda a: lax.scatter_apply(a(5), a.i(2, 1), lambda x: x * 2, _scatter_numbers(), update_shape=(2,)),
    *(
        lambda a, m=m, s=s: (
            lax.gather(
                a(5, 4), a.i(3, 1), lax.GatherDimensionNumbers((1,), (0,), (0,)), (1, 4), mode=m, indices_are_sorted=s
            ),
            lax.gather(a(5, 4), a.i(2), lax.GatherDimensionNumbers((0, 1), (), (0, 1)), (2, 2), mode=m),
            lax.gather(a(5, 4), a.i(3, 2), lax.GatherDimensionNumbers((), (0, 1), (0, 1)), (1, 1), mode=m),
        )
        for m in _MODES
        for s in (False, True)
    ),
    lambda a: jax.vmap(lambda x, i: (x[i], x.at[i].add(1)))(a(3, 5), a.i(3)),
    lambda a: jax.vmap(lambda x, i: (lax.dynamic_slice(x, (i,), (2,)), lax.dynamic_update_slice(x, x[:2], (i,))))(
        a(3, 5), a.i(3)
    ),
    # --- control flow -----------------------------------------------------------------------------------------------
    lambda a: lax.cond(a.b(), lambda x: x + x, lambda x: x * x, a(3)),
    lambda a: lax.switch(a.i(), [lambda x: x + x, lambda x: x * x, lambda x: x], a(3)),
    lambda a: lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] + c[1]), (0, a(3))),
    lambda a: (
        lax.fori_loop(0, 3, lambda i, c: c + c, a(3)),
        lax.fori_loop(0, a.i(), lambda i, c: c * c, a(3)),
        lax.fori_loop(0, 4, lambda i, c: c + c, a(3), unroll=2),
    ),
    lambda a: (
        lax.scan(lambda c, x: (c + x, c), a(), a(5)),
        lax.scan(lambda c, x: (c * x, c), a(), a(6), reverse=True, unroll=2),
    ),
    lambda a: (
        lax.map(lambda x: x + x, a(5)),
        lax.map(lambda x: x * 2, a(6), batch_size=3),
        lax.associative_scan(lax.add, a(5)),
        lax.associative_scan(lax.mul, a(5), reverse=True),
    ),
    lambda a: (
        lax.composite(lambda x: x + x, "my.double")(a(3)),
        lax.optimization_barrier(a(3)),
        lax.optimization_barrier((a(3), a(2))),
    ),
    lambda a: (
        lax.platform_dependent(a(3), cpu=lambda x: x + x, default=lambda x: x),
        lax.stop_gradient(a(3)),
        lax.dce_sink(a(3)),
        lax.stage(a(3)),
    ),
    lambda a: (lax.create_token(), lax.after_all(lax.create_token(), lax.create_token())),
    lambda a: lax.custom_root(lambda x: x * x - 2, a(), lambda f, x: x - 1, lambda g, y: y / g(jnp.ones_like(y))),
    lambda a: lax.custom_linear_solve(lambda x: 2 * x, a(3), lambda f, b: b / 2, symmetric=True),
    lambda a: (jax.checkpoint(jnp.sin)(a(3)), jax.grad(jax.checkpoint(lambda x: jnp.sum(jnp.sin(jnp.sin(x)))))(a(3))),
    lambda a: (
        jax.value_and_grad(lambda x: jnp.sum(x * x))(a(3)),
        jax.hessian(lambda x: jnp.sum(x**3))(a(3)),
        jax.jacfwd(jnp.sin)(a(3)),
        jax.jacrev(jnp.sin)(a(3)),
    ),
    lambda a: (
        jax.linearize(jnp.sin, a(3))[1](a(3)),
        jax.named_call(jnp.sin)(a(3)),
        jet.jet(jnp.sin, (a(3),), ((a(3), a(3)),)),
    ),
    lambda a: (_jvp(jax.custom_jvp(jnp.sin))(a(3)), _vjp(jax.custom_vjp(jnp.sin))(a(3))),
    lambda a: (
        jax.pure_callback(lambda x: x, a(3), a(3)),
        io_callback(lambda x: x, a(3), a(3)),
        jax.debug.print("{}", a(3)),
    ),
    lambda a: ode.odeint(lambda y, t: -y, a(3), a(4)),
    lambda a: sparse.BCOO.fromdense(a(3, 4), nse=3) @ a(4),
    # --- linear algebra ---------------------------------------------------------------------------------------------
    lambda a: (
        lax.linalg.cholesky(_square(a(3, 3))),
        lax.linalg.cholesky(a(2, 3, 3), symmetrize_input=False),
        lax.linalg.cholesky_update(a(3, 3), a(3)),
    ),
    *(
        lambda a, left=left, t=t: lax.linalg.triangular_solve(
            a(3, 3), a(3, 2) if left else a(2, 3), left_side=left, lower=t, transpose_a=t, unit_diagonal=left
        )
        for left in (False, True)
        for t in (False, True)
    ),
    lambda a: (
        lax.linalg.triangular_solve(a(2, 3, 3), a(2, 3, 2), left_side=True, conjugate_a=True, transpose_a=True),
        lax.linalg.lu(a(3, 4)),
        lax.linalg.lu_pivots_to_permutation(a.i(3), 4),
    ),
    lambda a: (
        lax.linalg.qr(a(4, 3)),
        lax.linalg.qr(a(4, 3), full_matrices=False),
        lax.linalg.qr(a(3, 3), pivoting=True),
        lax.linalg.householder_product(a(4, 3), a(3)),
    ),
    lambda a: (
        lax.linalg.eig(a(3, 3)),
        lax.linalg.eig(a(3, 3), compute_left_eigenvectors=False, compute_right_eigenvectors=False),
    ),
    lambda a: (
        lax.linalg.eigh(a(3, 3)),
        lax.linalg.eigh(a(3, 3), lower=False),
        lax.linalg.svd(a(4, 3)),
        lax.linalg.svd(a(4, 3), compute_uv=False),
        lax.linalg.svd(a(4, 3), full_matrices=False),
    ),
    lambda a: (
        lax.linalg.schur(a(3, 3)),
        lax.linalg.schur(a(3, 3), compute_schur_vectors=False),
        lax.linalg.hessenberg(a(3, 3)),
        lax.linalg.tridiagonal(a(3, 3)),
        lax.linalg.tridiagonal(a(3, 3), lower=False),
    ),
    lambda a: (
        lax.linalg.tridiagonal_solve(a(3), a(3), a(3), a(3, 2)),
        lax.linalg.symmetric_product(a(3, 4), a(3, 3)),
        lax.linalg.qdwh(a(3, 3)),
    ),
    lambda a: (
        lax.linalg.ormqr(a(3, 3), a(3), a(3, 2)),
        lax.linalg.ormqr(a(3, 3), a(3), a(2, 3), left=False, transpose=True),
    ),
    lambda a: (
        jnp.linalg.cond(a(3, 3)),
        jnp.linalg.det(a(4, 4)),
        jnp.linalg.lstsq(a(4, 3), a(4)),
        jnp.linalg.matrix_power(a(3, 3), 3),
        jnp.linalg.multi_dot([a(2, 3), a(3, 4), a(4, 2)]),
    ),
    lambda a: [jnp.linalg.norm(a(3, 4), o) for o in ("fro", "nuc", 1, -1, 2, np.inf)],
    lambda a: [jnp.linalg.norm(a(4), o) for o in (0, 1, 2, 3, np.inf, -np.inf)],
    lambda a: (
        jnp.linalg.tensorinv(a(4, 2, 2), 1),
        jnp.linalg.tensorsolve(a(2, 2, 4), a(2, 2)),
        jnp.linalg.solve(a(3, 3), a(3)),
        jnp.linalg.pinv(a(4, 3)),
        jnp.linalg.tensordot(a(3, 4), a(4, 2), axes=1),
    ),
    lambda a: (
        jnp.linalg.matmul(a(3, 4), a(4, 2)),
        jnp.linalg.outer(a(3), a(4)),
        jnp.linalg.eigh(a(2, 3, 3)),
        jnp.linalg.qr(a(3, 4), "r"),
    ),
    lambda a: (
        jsp.linalg.block_diag(a(2, 2), a(1, 3)),
        jsp.linalg.cho_solve((a(3, 3), True), a(3)),
        jsp.linalg.lu_solve(jsp.linalg.lu_factor(a(3, 3)), a(3)),
        jsp.linalg.cho_factor(a(3, 3)),
    ),
    lambda a: (
        jsp.linalg.convolution_matrix(a(3), 4),
        jsp.linalg.dft(4),
        jsp.linalg.eigh(a(3, 3), eigvals_only=True),
        jsp.linalg.eigh_tridiagonal(a(4), a(3), eigvals_only=True),
    ),
    lambda a: (
        jsp.linalg.expm(a(3, 3)),
        jsp.linalg.expm_frechet(a(3, 3), a(3, 3)),
        jsp.linalg.funm(a(3, 3), jnp.sin),
        jsp.linalg.hadamard(4),
        jsp.linalg.helmert(4),
        jsp.linalg.hilbert(3),
    ),
    lambda a: (
        jsp.linalg.leslie(a(3), a(2)),
        jsp.linalg.toeplitz(a(3), a(4)),
        jsp.linalg.hankel(a(3), a(4)),
        jsp.linalg.companion(a(4)),
        jsp.linalg.polar(a(3, 3), method="svd"),
        jsp.linalg.polar(a(3, 3)),
    ),
    lambda a: (
        jsp.linalg.qr_multiply(a(4, 3), a(4)),
        jsp.linalg.rsf2csf(a(3, 3), a(3, 3)),
        jsp.linalg.schur(a(3, 3)),
        jsp.linalg.sqrtm(a(3, 3)),
        jsp.linalg.hessenberg(a(3, 3), calc_q=True),
    ),
    lambda a: (
        jsp.linalg.solve(a(3, 3), a(3), assume_a="pos"),
        jsp.linalg.solve_sylvester(a(3, 3), a(2, 2), a(3, 2)),
        jsp.linalg.solve_triangular(a(3, 3), a(3), trans=1, lower=True, unit_diagonal=True),
    ),
    lambda a: (
        jsp.linalg.pascal(3),
        jsp.linalg.invpascal(3),
        jsp.linalg.invhilbert(3),
        jsp.linalg.fiedler(a(4)),
        jsp.linalg.fiedler_companion(a(4)),
        jsp.linalg.circulant(a(3)),
        jsp.linalg.lu(a(3, 3)),
        jsp.linalg.qr(a(4, 3)),
        jsp.linalg.svd(a(4, 3)),
    ),
    # --- transforms of signals and images ---------------------------------------------------------------------------
    lambda a: (
        jnp.fft.fft(a(8)),
        jnp.fft.ifft(a(8), 6),
        jnp.fft.rfft(a(8)),
        jnp.fft.irfft(a(5)),
        jnp.fft.hfft(a(5)),
        jnp.fft.ihfft(a(8)),
    ),
    lambda a: (
        jnp.fft.fft2(a(4, 4)),
        jnp.fft.ifft2(a(4, 4)),
        jnp.fft.rfft2(a(4, 4)),
        jnp.fft.irfft2(a(4, 3)),
        jnp.fft.fftn(a(2, 4, 4)),
        jnp.fft.rfftn(a(2, 4, 4)),
        jnp.fft.irfftn(a(2, 4, 3)),
        jnp.fft.ifftn(a(2, 4, 4)),
    ),
    lambda a: [lax.fft(a(4, 4), kind, (4,)) for kind in (lax.FftType.FFT, lax.FftType.IFFT)],
    lambda a: (jsp.fft.dct(a(8)), jsp.fft.idct(a(8)), jsp.fft.dctn(a(4, 4)), jsp.fft.idctn(a(4, 4), norm="ortho")),
    lambda a: [jax.image.resize(a(4, 4), (6, 3), m) for m in ("nearest", "linear", "cubic", "lanczos3", "lanczos5")],
    lambda a: jax.image.scale_and_translate(a(4, 4), (6, 6), (0, 1), a.f(2), a.f(2), "linear"),
    lambda a: (
        jsp.signal.convolve(a(6), a(3)),
        jsp.signal.convolve2d(a(4, 4), a(2, 2)),
        jsp.signal.correlate(a(6), a(3)),
        jsp.signal.correlate2d(a(4, 4), a(2, 2)),
        jsp.signal.fftconvolve(a(6), a(3)),
    ),
    lambda a: (
        jsp.signal.stft(a(32), nperseg=8),
        jsp.signal.csd(a(32), a(32), nperseg=8),
        jsp.signal.welch(a(32), nperseg=8),
        jsp.signal.detrend(a(8)),
        jsp.signal.detrend(a(8), type="constant"),
    ),
    lambda a: jsp.signal.istft(a(5, 9), nperseg=8),
    lambda a: (
        jsp.ndimage.map_coordinates(a(4, 4), [a.f(3), a.f(3)], order=1, mode="nearest"),
        jsp.ndimage.map_coordinates(a(4, 4), [a.f(3), a.f(3)], order=0, mode="wrap"),
    ),
    lambda a: (
        jsp.interpolate.RegularGridInterpolator((a(4), a(5)), a(4, 5))(a(3, 2)),
        jsp.integrate.trapezoid(a(5)),
        jsp.cluster.vq.vq(a(5, 2), a(3, 2)),
    ),
    lambda a: (
        Rotation.from_quat(a(4)).as_matrix(),
        Rotation.from_rotvec(a(3)).apply(a(3)),
        Rotation.from_euler("xyz", a(3)).as_quat(),
    ),
    lambda a: jsp.optimize.minimize(lambda x: jnp.sum((x - 1) ** 2), a(3), method="BFGS").x,
    *(
        lambda a, f=f: f(lambda x: 2 * x, a(3))[0]
        for f in (jsp.sparse.linalg.cg, jsp.sparse.linalg.bicgstab, jsp.sparse.linalg.gmres)
    ),
    # --- jax.nn, jax.random, jax.scipy ------------------------------------------------------------------------------
    lambda a: (
        jax.nn.dot_product_attention(a(2, 4, 2, 3), a(2, 4, 2, 3), a(2, 4, 2, 3)),
        jax.nn.dot_product_attention(a(2, 4, 2, 3), a(2, 4, 2, 3), a(2, 4, 2, 3), is_causal=True),
    ),
    lambda a: (
        jax.nn.one_hot(a.i(3), 4, dtype=a.kind),
        jax.nn.glu(a(4)),
        jax.nn.gelu(a(3), approximate=False),
        jax.nn.logsumexp(a(3, 4), axis=1, b=a(3, 4), return_sign=True),
        jax.nn.softmax(a(3, 4), where=a.b(3, 4)),
    ),
    *(
        lambda a, f=f: f()(a.key(), (4, 4), a.kind)
        for f in (
            jax.nn.initializers.uniform,
            jax.nn.initializers.normal,
            jax.nn.initializers.truncated_normal,
            jax.nn.initializers.glorot_uniform,
            jax.nn.initializers.glorot_normal,
            jax.nn.initializers.lecun_uniform,
            jax.nn.initializers.lecun_normal,
            jax.nn.initializers.he_uniform,
            jax.nn.initializers.he_normal,
            jax.nn.initializers.kaiming_uniform,
            jax.nn.initializers.kaiming_normal,
            jax.nn.initializers.xavier_uniform,
            jax.nn.initializers.xavier_normal,
            jax.nn.initializers.orthogonal,
        )
    ),
    lambda a: (
        jax.nn.initializers.zeros(a.key(), (4, 4), a.kind),
        jax.nn.initializers.ones(a.key(), (4, 4), a.kind),
        jax.nn.initializers.constant(2.0)(a.key(), (4, 4), a.kind),
        jax.nn.initializers.variance_scaling(1.0, "fan_in", "normal")(a.key(), (4, 4), a.kind),
    ),
    lambda a: jax.nn.initializers.delta_orthogonal()(a.key(), (3, 2, 2), a.kind),
    *(
        lambda a, f=f: f(a.key(), (3,), a.kind)
        for f in (
            jax.random.uniform,
            jax.random.normal,
            jax.random.bits,
            jax.random.exponential,
            jax.random.gumbel,
            jax.random.cauchy,
            jax.random.laplace,
            jax.random.logistic,
            jax.random.maxwell,
            jax.random.rademacher,
        )
    ),
    *(
        lambda a, f=f: f(a.key(), a(3), dtype=a.kind)
        for f in (
            jax.random.gamma,
            jax.random.loggamma,
            jax.random.chisquare,
            jax.random.dirichlet,
            jax.random.t,
            jax.random.pareto,
            jax.random.wald,
            jax.random.geometric,
            jax.random.rayleigh,
        )
    ),
    lambda a: (
        jax.random.beta(a.key(), a(3), a(3), dtype=a.kind),
        jax.random.f(a.key(), a(3), a(3), dtype=a.kind),
        jax.random.generalized_normal(a.key(), 2.0, (3,), a.kind),
        jax.random.lognormal(a.key(), a(), (3,), a.kind),
    ),
    lambda a: (
        jax.random.double_sided_maxwell(a.key(), a(), a(), (3,), a.kind),
        jax.random.ball(a.key(), 3, 2, (2,), a.kind),
        jax.random.orthogonal(a.key(), 3, dtype=a.kind),
        jax.random.weibull_min(a.key(), a(), a(), (3,), a.kind),
    ),
    lambda a: (
        jax.random.truncated_normal(a.key(), a(), a(), (3,), a.kind),
        jax.random.triangular(a.key(), a(), a(), a(), (3,), a.kind),
        jax.random.multivariate_normal(a.key(), a(3), a(3, 3), dtype=a.kind),
    ),
    lambda a: (
        jax.random.bernoulli(a.key(), a(3)),
        jax.random.binomial(a.key(), a(3), a(3), dtype=a.kind),
        jax.random.categorical(a.key(), a(3, 4)),
        jax.random.categorical(a.key(), a(4), shape=(2,), replace=False),
    ),
    lambda a: (
        jax.random.randint(a.key(), (3,), a(), a(), a.kind),
        jax.random.choice(a.key(), a(5), (2,)),
        jax.random.choice(a.key(), a(5), (2,), replace=False, p=a.f(5)),
        jax.random.permutation(a.key(), a(5)),
    ),
    lambda a: (
        jax.random.permutation(a.key(), a(5, 2), axis=1, independent=True),
        jax.random.poisson(a.key(), a(3)),
        jax.random.multinomial(a.key(), a(), a(3)),
    ),
    lambda a: (
        jax.random.split(a.key(), 3),
        jax.random.fold_in(a.key(), 3),
        jax.random.PRNGKey(3),
        jax.random.key_data(jax.random.key(3)),
        jax.random.bits(jax.random.wrap_key_data(a.key()), (3,)),
    ),
    lambda a: [lax.rng_bit_generator(a.words(4), (3,), np.uint32, algorithm=g) for g in lax.RandomAlgorithm],
    lambda a: [lax.rng_bit_generator(a.words(4), (3,), f"uint{w}") for w in (8, 16, 64)],
    lambda a: jax.random.uniform(jax.random.wrap_key_data(a.words(4), impl="rbg"), (3,), a.kind),
    lambda a: jax.random.normal(jax.random.wrap_key_data(a.words(4), impl="unsafe_rbg"), (3,), a.kind),
    lambda a: (
        lax.rng_uniform(a(), a(), (3,)),
        lax.random_gamma_grad(a(3), a(3)),
        lax.betainc(a(3), a(3), a(3)),
        lax.igamma(a(3), a(3)),
        lax.igammac(a(3), a(3)),
        lax.igamma_grad_a(a(3), a(3)),
    ),
    lambda a: (
        lax.zeta(a(3), a(3)),
        lax.polygamma(a(3), a(3)),
        jsp.special.polygamma(1, a(3)),
        jsp.special.multigammaln(a(3), 2),
        jsp.special.bernoulli(4),
        jsp.special.factorial(a(3)),
        jsp.special.comb(a(3), a(3)),
    ),
    lambda a: (
        jsp.special.bessel_jn(a(3), v=2),
        jsp.special.expn(2, a(3)),
        jsp.special.sph_harm_y(a.i(1), a.i(1), a(1), a(1), n_max=2),
        jsp.special.hyp1f1(a(3), a(3), a(3)),
        jsp.special.hyp2f1(a(3), a(3), a(3), a(3)),
    ),
    lambda a: (
        jsp.special.fresnel(a(3)),
        jsp.special.sici(a(3)),
        jsp.special.owens_t(a(3), a(3)),
        jsp.special.wofz(a(3)),
        jsp.special.poch(a(3), a(3)),
    ),
    lambda a: (
        stats.mode(a(5)),
        stats.rankdata(a(5)),
        stats.rankdata(a(5), "dense"),
        stats.sem(a(5)),
        stats.multinomial.pmf(a(3), 5, a(3)),
        stats.multinomial.logpmf(a(3), 5, a(3)),
    ),
    lambda a: (
        stats.multivariate_normal.pdf(a(3), a(3), a(3, 3)),
        stats.multivariate_normal.logpdf(a(3), a(3), a(3, 3)),
        stats.dirichlet.pdf(a(3), a(3)),
        stats.dirichlet.logpdf(a(3), a(3)),
        stats.poisson.entropy(a(3)),
    ),
    lambda a: [
        f(a(3), a(3), a(3), a(3), a(3))
        for f in (stats.betabinom.pmf, stats.betabinom.logpmf, stats.truncnorm.pdf, stats.truncnorm.cdf)
    ],
)

#: Bodies of `jax.shard_map` over the axis "i" of eight virtual devices, each array split along its first dimension.
SHARDED = (
    lambda a: (lax.psum(a(8, 8), "i"), lax.pmean(a(8, 8), "i"), lax.pmax(a(8, 8), "i"), lax.pmin(a(8, 8), "i")),
    lambda a: (
        lax.all_gather(a(8, 8), "i"),
        lax.all_gather(a(8, 8), "i", axis=1),
        lax.all_gather(a(8, 8), "i", axis=1, tiled=True),
    ),
    lambda a: (
        lax.all_to_all(a(8, 8), "i", 1, 0),
        lax.all_to_all(a(8, 8), "i", 1, 0, tiled=True),
        lax.pswapaxes(a(8, 8), "i", 0),
    ),
    lambda a: (lax.psum_scatter(a(8, 8), "i"), lax.psum_scatter(a(8, 8), "i", scatter_dimension=1, tiled=True)),
    lambda a: (
        lax.ppermute(a(8, 8), "i", [(k, (k + 1) % 8) for k in range(8)]),
        lax.pshuffle(a(8, 8), "i", list(range(8))[::-1]),
    ),
    lambda a: (lax.axis_index("i") + a(8, 8).astype(np.int32), a(8, 8) * lax.axis_size("i")),
    lambda a: lax.pcast(a(8, 8), "i", to="varying"),
    lambda a: lax.ragged_all_to_all(a(64), a(64), *(a.i(64) for _ in range(4)), axis_name="i"),
    lambda a: (
        lax.psum(a(8, 8), "i", axis_index_groups=[[0, 1, 2, 3], [4, 5, 6, 7]]),
        lax.all_gather(a(8, 8), "i", axis_index_groups=[[0, 1], [2, 3], [4, 5], [6, 7]]),
    ),
)

#: Functions exported with a symbolic dimension "n".
EXPORTED = (
    lambda a: (a("n", 4) + jnp.ones(4, a.kind), jnp.broadcast_to(a("n"), (3, a("n").shape[0])), jnp.zeros_like(a("n"))),
    lambda a: (jnp.reshape(a("n", 4), (-1,)), jnp.concatenate([a("n"), a(3)]), lax.rev(a("n"), (0,))),
    lambda a: jnp.arange(a("n").shape[0]) + lax.iota(np.int32, a("n").shape[0]),
    lambda a: (lax.pad(a("n"), jnp.asarray(0, a.kind), ((a("n").shape[0], 1, 0),)), a("n")[1:], a("n", 4)[::2]),
    lambda a: jnp.take(a(5, "n"), a.i(3), axis=0),
    lambda a: lax.conv_general_dilated(a(1, 2, "n", 6), a(3, 2, 3, 3), (1, 2), "SAME"),
    lambda a: lax.reduce_window(a("n"), jnp.asarray(0, a.kind), lax.add, (2,), (1,), "SAME"),
    lambda a: (lax.dynamic_slice(a("n", 4), (a.i(), a.i()), (a("n", 4).shape[0] - 1, 2)), jnp.cumsum(a("n"))),
    lambda a: (
        jnp.sort(a("n")),
        lax.top_k(a("n", 4), 2),
        jnp.sum(a("n")),
        jnp.mean(a("n", 4), axis=0),
        jnp.dot(a(3, "n"), a("n", 2)),
    ),
    lambda a: (lax.shape_as_value(a("n", 4).shape), lax.top_k(a("n"), a("n").shape[0])),
    lambda a: jax.random.uniform(a.key(), (a("n").shape[0],)) + a.f("n"),
)
