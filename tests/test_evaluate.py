"""The NumPy oracle: what the documentation of each primitive says, JAX's own results, and its independence of XLA."""

import json
import operator
import subprocess
import sys

import jax
import jax.monitoring
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax import lax

from jaxir import Rejected, config
from jaxir.executor.evaluate import Evaluator, evaluate, limit, missing
from jaxir.executor.inputs import draw
from jaxir.executor.numpy_rules import LIMITS, RULES
from jaxir.executor.numpy_rules.random import threefry
from jaxir.executor.oracle import ORACLES, Pair
from jaxir.executor.rounding import Precise, rounding_error
from jaxir.executor.verify import compare_sides, tolerance_of
from jaxir.extractor.lower import extract_kernel
from jaxir.generator.plan import Plan
from jaxir.generator.templates import load_library

I32 = np.iinfo(np.int32)
BF16 = ml_dtypes.bfloat16
NAN, INF = np.nan, np.inf


def run(function, *inputs):
    arrays = [np.asarray(value) for value in inputs]
    return evaluate(jax.jit(function).trace(*arrays).jaxpr, arrays)


def f32(*values):
    return np.array(values, np.float32)


def i32(*values):
    return np.array(values, np.int32)


def gather_rows(x, index, mode, **options):
    numbers = lax.GatherDimensionNumbers(offset_dims=(1,), collapsed_slice_dims=(0,), start_index_map=(0,))
    return lax.gather(x, index[:, None], numbers, (1, x.shape[1]), mode=mode, **options)


def scatter_rows(x, index, updates, mode):
    numbers = lax.ScatterDimensionNumbers((1,), (0,), (0,))
    return lax.scatter_add(x, index[:, None], updates, numbers, mode=mode)


def window_max_gradient(x):
    pooled = lambda v: lax.reduce_window(v, -np.inf, lax.max, (3,), (2,), ((1, 1),)).sum()  # noqa: E731  # one line
    return jax.grad(pooled)(x)


GRID = np.arange(6, dtype=np.float32).reshape(3, 2)

#: What the documentation of `jax.lax` and the StableHLO specification say, by hand: function, inputs, expected result.
DOCUMENTED = {
    "integer division by zero": (lax.div, [i32(7, -7, 0), i32(0, 0, 0)], i32(-1, -1, -1)),
    "unsigned division by zero": (lax.div, [np.uint8([9]), np.uint8([0])], np.uint8([255])),
    "lowest integer by -1": (lax.div, [i32(I32.min), i32(-1)], i32(I32.min)),
    "division truncates": (lax.div, [i32(7, -7, 7, -7), i32(2, 2, -2, -2)], i32(3, -3, -3, 3)),
    "remainder by zero": (lax.rem, [i32(7, -7), i32(0, 0)], i32(7, -7)),
    "remainder has the dividend's sign": (lax.rem, [i32(7, -7, 7), i32(4, 4, -4)], i32(3, -3, 3)),
    "lowest integer rem -1": (lax.rem, [i32(I32.min), i32(-1)], i32(0)),
    "float remainder": (lax.rem, [f32(5.5, -5.5), f32(2, 2)], f32(1.5, -1.5)),
    "integers wrap": (lax.add, [i32(I32.max), i32(1)], i32(I32.min)),
    "shift left beyond the width": (lax.shift_left, [i32(1, 1), i32(32, -1)], i32(0, 0)),
    "logical shift of a sign": (lax.shift_right_logical, [i32(-1, -1), i32(28, 99)], i32(15, 0)),
    "arithmetic shift beyond the width": (lax.shift_right_arithmetic, [i32(-5, 5), i32(40, 40)], i32(-1, 0)),
    "arithmetic shift of unsigned": (lax.shift_right_arithmetic, [np.uint8([128]), np.uint8([3])], np.uint8([240])),
    "leading zeros": (lax.clz, [i32(0, 1, -1, 255)], i32(32, 31, 0, 24)),
    "leading zeros of a byte": (lax.clz, [np.uint8([0, 1, 200])], np.uint8([8, 7, 0])),
    "ones": (lax.population_count, [i32(-1, 5)], i32(32, 2)),
    "floats become integers": (
        lambda x: lax.convert_element_type(x, np.int32),
        [f32(1.9, -1.9, 3e10, -3e10, NAN, INF)],
        i32(1, -1, I32.max, I32.min, 0, I32.max),
    ),
    "floats become unsigned": (
        lambda x: lax.convert_element_type(x, np.uint8),
        [f32(-3, 300, 7.8, NAN)],
        np.uint8([0, 255, 7, 0]),
    ),
    "integers lose upper bits": (
        lambda x: lax.convert_element_type(x, np.int8),
        [i32(300, -200)],
        np.int8([44, 56]),
    ),
    "anything but zero is true": (
        lambda x: lax.convert_element_type(x, np.bool_),
        [f32(0, -0.0, NAN, 0.1)],
        np.array([False, False, True, True]),
    ),
    "bfloat16 rounds to even": (
        lambda x: lax.convert_element_type(x, BF16),
        [f32(1 + 2**-8, 1 + 3 * 2**-8)],
        np.array([1, 1 + 2**-6], BF16),
    ),
    "small arithmetic wraps": (
        lambda x: lax.convert_element_type(
            lax.mul(lax.convert_element_type(x, jnp.int4), np.array(3, jnp.int4)), np.int32
        ),
        [i32(3, -4, 7)],
        i32(-7, 4, 5),
    ),
    "max with NaN": (lax.max, [f32(NAN, 1), f32(1, NAN)], f32(NAN, NAN)),
    "clamp with NaN": (lambda x: lax.clamp(0.0, x, 1.0), [f32(NAN, 2, -1)], f32(NAN, 1, 0)),
    "sign": (lax.sign, [f32(-0.0, NAN, -3)], f32(-0.0, NAN, -1)),
    "round half away": (lax.round, [f32(0.5, -2.5, 0.49999997)], f32(1, -3, 0)),
    "round half to even": (
        lambda x: lax.round(x, lax.RoundingMethod.TO_NEAREST_EVEN),
        [f32(0.5, 1.5, -2.5)],
        f32(0, 2, -2),
    ),
    "power of a reciprocal": (lambda x: lax.integer_pow(x, -3), [f32(2, -4)], f32(0.125, -1 / 64)),
    "fewer bits": (
        lambda x: lax.reduce_precision(x, 5, 10),
        [f32(65520, 65519, 1 + 2**-11, 1e-8, INF)],
        f32(INF, 65504, 1, 0, INF),
    ),
    "upper half of a product": (lax.mulhi, [i32(2**30, -(2**30)), i32(12, 8)], i32(3, -2)),
    "upper half of an unsigned product": (
        lax.mulhi,
        [np.uint32([2**31, 2**32 - 1]), np.uint32([6, 2**32 - 1])],
        np.uint32([3, 2**32 - 2]),
    ),
    "next numbers": (lax.nextafter, [f32(0, 1), f32(1, 1)], f32(1e-45, 1)),
    "bits of a float": (
        lambda x: lax.bitcast_convert_type(x, np.uint8),
        [f32(1)],
        np.uint8([[0, 0, 128, 63]]),
    ),
    "sort puts NaN last": (lax.sort, [f32(NAN, 2, -INF, INF)], f32(-INF, 2, INF, NAN)),
    "top_k takes NaN first, then the first of equals": (
        lambda x: lax.top_k(x, 3)[1],
        [f32(2, NAN, 5, 5)],
        i32(1, 2, 3),
    ),
    "argmax takes the first NaN": (lambda x: lax.argmax(x, 0, np.int32), [f32(1, NAN, 9, NAN)], np.int32(1)),
    "max of nothing": (lambda x: lax.reduce_max(x, (0,)), [np.zeros((0, 2), np.float32)], f32(-INF, -INF)),
    "gather fills": (
        lambda x, i: gather_rows(x, i, "fill", fill_value=-9),
        [GRID, i32(2, 3, -1)],
        f32(4, 5, -9, -9, -9, -9).reshape(3, 2),
    ),
    "gather clips": (
        lambda x, i: gather_rows(x, i, "clip"),
        [GRID, i32(2, 3, -1)],
        f32(4, 5, 4, 5, 0, 1).reshape(3, 2),
    ),
    "scatter drops": (
        lambda x, i, u: scatter_rows(x, i, u, "drop"),
        [GRID, i32(0, 3, 0), np.ones((3, 2), np.float32)],
        f32(2, 3, 2, 3, 4, 5).reshape(3, 2),
    ),
    "scatter clips": (
        lambda x, i, u: scatter_rows(x, i, u, "clip"),
        [GRID, i32(0, 3, 0), np.ones((3, 2), np.float32)],
        f32(2, 3, 2, 3, 5, 6).reshape(3, 2),
    ),
    "scatter replaces in order": (
        lambda x, i, u: x.at[i].set(u),
        [f32(0, 0, 0), i32(1, 1, 2), f32(5, 6, 7)],
        f32(0, 6, 7),
    ),
    "scatter with any function": (
        lambda x, i: lax.scatter_apply(
            x, i[:, None], lambda v: 2 * v + 1, lax.ScatterDimensionNumbers((), (0,), (0,)), update_shape=(3,)
        ),
        [f32(1, 2, 3), i32(1, 1, 0)],
        f32(3, 11, 3),
    ),
    "slices move to where they fit": (
        lambda x, i: lax.dynamic_slice(x, (i,), (2,)),
        [f32(1, 2, 3), np.int32(9)],
        f32(2, 3),
    ),
    "updates move to where they fit": (
        lambda x, u, i: lax.dynamic_update_slice(x, u, (i,)),
        [f32(1, 2, 3), f32(8, 9), np.int32(-4)],
        f32(8, 9, 3),
    ),
    "negative and interior padding": (
        lambda x: lax.pad(x, np.float32(0), ((-1, 2, 1),)),
        [f32(1, 2, 3)],
        f32(0, 2, 0, 3, 0, 0),
    ),
    "padding that cuts everything": (
        lambda x: lax.pad(x, np.float32(7), ((-2, 1, 0),)),
        [f32(1, 2)],
        f32(7),
    ),
    "a window's gradient goes to its first maximum": (window_max_gradient, [f32(1, 5, 5, 2)], f32(0, 2, 0, 0)),
    "no turn of a loop": (
        lambda x: lax.while_loop(lambda v: v[0] > 5, lambda v: (v[0] - 1, v[1] * 2), (x, x))[1],
        [np.float32(3)],
        np.float32(3),
    ),
    "loops of a batch end one by one": (
        jax.vmap(lambda x: lax.while_loop(lambda v: v > 5, lambda v: v - 4, x)),
        [f32(3, 9, 20)],
        f32(3, 5, 4),
    ),
    "branches outside of the range": (
        lambda i, x: lax.switch(i, [lambda v: v, lambda v: -v, lambda v: v + 10], x),
        [np.int32(99), np.float32(1)],
        np.float32(11),
    ),
    "a scan from the end": (
        lambda x: lax.scan(lambda c, v: (c + v, c), np.float32(0), x, reverse=True)[1],
        [f32(1, 2, 4)],
        f32(6, 4, 0),
    ),
    "exclusive or of many": (lambda x: lax.reduce_xor(x, (0,)), [i32(5, 1, 8)], np.int32(12)),
    "complex sign": (lax.sign, [np.complex64([3 + 4j, 0])], np.complex64([0.6 + 0.8j, 0])),
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_documented_semantics(name):
    function, inputs, expected = DOCUMENTED[name]
    (actual,) = run(function, *inputs)
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    np.testing.assert_array_equal(actual, expected)
    assert np.array_equal(np.signbit(actual), np.signbit(expected)) if expected.dtype == np.float32 else True


#: XLA's CPU code treats numbers below 1e-38 as zero.
FLUSHED = {"next numbers"}


@pytest.mark.parametrize("name", sorted(DOCUMENTED.keys() - FLUSHED))
def test_jax_means_the_same(name):
    function, inputs, expected = DOCUMENTED[name]
    np.testing.assert_array_equal(np.asarray(jax.jit(function)(*inputs)), expected)


INTEGERS = [np.dtype(name) for name in ("int4", "int8", "int16", "int32", "uint4", "uint8", "uint16", "uint32")]


def wrapped(value, dtype):
    """A Python integer as the type holds it, modulo its width."""
    info = ml_dtypes.iinfo(dtype)
    return (value - int(info.min)) % (1 << info.bits) + int(info.min)


def truncated(x, y):
    return abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)


@given(st.sampled_from(INTEGERS), st.data())
def test_integer_arithmetic_is_that_of_python_modulo_the_width(dtype, data):
    info = ml_dtypes.iinfo(dtype)
    numbers = st.lists(st.integers(int(info.min), int(info.max)), min_size=5, max_size=5)
    xs, ys = data.draw(numbers), data.draw(numbers)
    x, y = np.array(xs, np.int64).astype(dtype), np.array(ys, np.int64).astype(dtype)
    for function, exact in ((lax.add, operator.add), (lax.sub, operator.sub), (lax.mul, operator.mul)):
        expected = [wrapped(exact(*pair), dtype) for pair in zip(xs, ys, strict=True)]
        assert run(function, x, y)[0].astype(np.int64).tolist() == expected
    quotients = [wrapped(truncated(a, b) if b else -1, dtype) for a, b in zip(xs, ys, strict=True)]
    remainders = [a - b * truncated(a, b) if b else a for a, b in zip(xs, ys, strict=True)]
    counts = [b % (1 << info.bits) for b in ys]
    left = [wrapped(a << min(n, info.bits), dtype) for a, n in zip(xs, counts, strict=True)]
    right = [wrapped((a % (1 << info.bits)) >> n, dtype) for a, n in zip(xs, counts, strict=True)]
    for function, expected in (
        (lax.div, quotients),
        (lax.rem, remainders),
        (lax.shift_left, left),
        (lax.shift_right_logical, right),
    ):
        assert run(function, x, y)[0].astype(np.int64).tolist() == expected, function


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_against_the_vectors_of_its_authors(key, counter, expected):
    words = [np.array([word], np.uint32) for word in (*key, *counter)]
    assert tuple(int(word[0]) for word in threefry(*words)) == expected


def test_random_numbers_are_those_of_jax():
    def draws(seed):
        key = jax.random.key(seed)
        first, second = jax.random.split(jax.random.fold_in(key, 3))
        return (
            jax.random.bits(first, (3,), np.uint8),
            jax.random.randint(second, (2, 3), -5, 9),
            jax.random.uniform(first, (4,)),
            jax.random.permutation(second, 7),
            jax.random.key_data(jax.random.split(first, (2, 2))),
        )

    for seed in (0, 12345):
        for mine, theirs in zip(run(draws, np.int32(seed)), jax.jit(draws)(seed), strict=True):
            np.testing.assert_array_equal(mine, theirs)


#: Functions whose results are rounded, against XLA: within a few units in the last place of the largest element.
def _linear(x):
    return jnp.linalg.cholesky(x @ x.T + 4 * jnp.eye(4))


ROUNDED = {
    "angle of complex numbers": (
        lambda a, b, c, d: lax.real(lax.atan2(lax.complex(a, b), lax.complex(c, d))),
        [(3, 4), (3, 4), (3, 4), (3, 4)],
    ),
    "convolution": (
        lambda x, k: lax.conv_general_dilated(
            x, k, (1, 2), ((2, 1), (0, 3)), (1, 2), (2, 1), ("NHWC", "HWIO", "NCHW"), feature_group_count=2
        ),
        [(2, 5, 6, 4), (2, 3, 2, 6)],
    ),
    "batch-grouped convolution": (
        lambda x, k: lax.conv_general_dilated(x, k, (1,), "VALID", batch_group_count=2),
        [(4, 3, 7), (6, 3, 2)],
    ),
    "batched product": (lambda x, y: jnp.einsum("bij,kbj->bki", x, y), [(2, 3, 4), (5, 2, 4)]),
    "triangular solve": (
        lambda x, y: lax.linalg.triangular_solve(_linear(x), y, left_side=False, lower=True, transpose_a=True),
        [(4, 4), (3, 4)],
    ),
    "linear solve": (lambda x, y: jnp.linalg.solve(x @ x.T + 4 * jnp.eye(4), y), [(4, 4), (4,)]),
    "complex transform": (lambda x: jnp.abs(jnp.fft.fft2(x)) + jnp.fft.irfft(jnp.fft.rfft(x), 5), [(3, 5)]),
    "window sum": (
        lambda x: lax.reduce_window(x, 0.0, lax.add, (2, 3), (1, 2), ((1, 0), (2, 1)), (2, 1), (1, 2)),
        [(4, 7)],
    ),
    "window of any function": (
        lambda x: lax.reduce_window(x, 1.0, lambda a, b: a * b + 0 * b, (2, 2), (1, 1), "SAME"),
        [(4, 3)],
    ),
    "fold of pairs": (
        lambda x, y: lax.reduce((x, y), (0.0, 1.0), lambda a, b: (a[0] + b[0], a[1] * b[1]), (1,))[1],
        [(3, 4), (3, 4)],
    ),
    "running": (lambda x: lax.cumlogsumexp(x) + lax.cumsum(x, reverse=True) + lax.cumprod(x), [(6,)]),
    "special": (
        lambda x, y: lax.igamma(1 + abs(x), abs(y)) + lax.zeta(2 + abs(x), 1 + abs(y)) + lax.polygamma(1.0, 1 + abs(x)),
        [(5,), (5,)],
    ),
    "slopes of special functions": (
        lambda x: jax.grad(lambda v: lax.igamma(v, np.float32(1.5)))(1 + x * x),
        [()],
    ),
    "nested derivatives": (jax.vmap(jax.grad(jax.grad(lambda x: jnp.tanh(x) * jax.nn.gelu(x)))), [(5,)]),
}


@pytest.mark.parametrize("name", ROUNDED)
def test_rounded_results_agree_with_xla(name):
    function, shapes = ROUNDED[name]
    generator = np.random.Generator(np.random.Philox(7))
    inputs = [generator.standard_normal(shape).astype(np.float32) for shape in shapes]
    (mine,) = run(function, *inputs)
    theirs = np.asarray(jax.jit(function)(*inputs))
    assert (mine.dtype, mine.shape) == (theirs.dtype, theirs.shape)
    np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=2e-5 * np.abs(theirs).max())


def test_64_bits():
    with jax.enable_x64(True):
        x = np.array([1e300, -1 / 3])
        mine = run(lambda v: (jnp.sqrt(jnp.abs(v)) * 3, v.astype(np.int64)), x)
        theirs = jax.jit(lambda v: (jnp.sqrt(jnp.abs(v)) * 3, v.astype(np.int64)))(x)
    assert [value.dtype.name for value in mine] == ["float64", "int64"]
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


# kernels of the templates


def agreeing(indices, ir_side):
    """Levels and number of the kernels on which NumPy agrees with an oracle of the IR side, for two draws each."""
    plan = Plan(config.load("default"), load_library(()))
    levels, count = set(), 0
    for index in indices:
        try:
            kernel = plan.kernel(index, 0)
            with jax.enable_x64(kernel.x64):
                extraction = extract_kernel(kernel)
            pair = Pair.from_extraction(extraction)
            limit = ORACLES["numpy"].limit(pair) or ORACLES[ir_side].limit(pair)
        except Rejected:  # as a run refuses it
            continue
        if limit:
            continue
        tolerance, numpy_side = tolerance_of(pair), ORACLES["numpy"].prepare(pair)
        other = ORACLES[ir_side].prepare(pair)
        levels.add(extraction.sample.level)
        count += 1
        for seed in (2, 3):
            inputs = draw(pair.inputs, seed)
            before = [value.tobytes() for value in inputs]
            found = compare_sides(pair, other.run(inputs), numpy_side.run(inputs), inputs, tolerance)
            assert found.agrees or found.fault.startswith("rounding decides"), f"index {index}, seed {seed}: {found}"
            assert [value.tobytes() for value in inputs] == before
    return levels, count


def test_kernels_of_every_level_agree_with_the_interpreter():
    levels, count = agreeing(range(3, 9000, 112), "interpreter")
    assert levels == {1, 2, 3, 4, 5}
    assert count > 60


@pytest.mark.slow
@pytest.mark.parametrize(("ir_side", "step", "least"), [("interpreter", 15, 900), ("compiled", 50, 300)])
def test_many_kernels_agree(ir_side, step, least):
    levels, count = agreeing(range(1, 20_000, step), ir_side)
    assert levels == {1, 2, 3, 4, 5}
    assert count > least


def test_nothing_is_compiled(monkeypatch):
    """An evaluation is independent of XLA: no lowering, no compilation, no computation of JAX's."""
    function = jax.grad(lambda x: jnp.sum(jnp.sort(jnp.tanh(x)) * lax.fori_loop(0, 3, lambda i, v: v * 1.5, x)))
    x = f32(3, 1, 2)
    closed = jax.jit(function).trace(x).jaxpr
    events = []
    jax.monitoring.register_event_duration_secs_listener(lambda name, seconds, **_: events.append(name))
    try:
        program = Evaluator(closed)
        mine = [program.run([x]), program.run([2 * x])]
        assert events == []
    finally:
        jax.monitoring.clear_event_listeners()
    np.testing.assert_allclose(mine[0][0], jax.jit(function)(x), rtol=1e-5)
    np.testing.assert_allclose(mine[1][0], jax.jit(function)(2 * x), rtol=1e-5)


def test_the_rounding_error_is_measured():
    cancelled = jax.jit(lambda x: (x + 1e4) - 1e4).trace(f32(0.3)).jaxpr
    (error,) = rounding_error(cancelled, [f32(0.3)])
    assert 1e-5 < error[0] < 5e-3
    on_purpose = jax.jit(lambda x: x.astype(jnp.bfloat16).astype(np.float32) - x).trace(f32(0.3)).jaxpr
    (error,) = rounding_error(on_purpose, [f32(0.3)])
    assert error[0] < 1e-8
    whole_numbers = jax.jit(lambda x: jnp.sum(x) - x).trace(f32(1, 2, 3)).jaxpr
    assert rounding_error(whole_numbers, [f32(1, 2, 3)])[0].tolist() == [0, 0, 0]
    (error,) = rounding_error(jax.jit(lambda x: jnp.sum(x)).trace(f32(0.1, 0.2, 0.7)).jaxpr, [f32(0.1, 0.2, 0.7)])
    assert 1e-8 < error < 1e-5
    with jax.enable_x64(True):
        closed = jax.jit(lambda x: jnp.sin(x) + 1e6).trace(np.array([0.3])).jaxpr
        assert 1e-11 < rounding_error(closed, [np.array([0.3])])[0][0] < 1e-8
    lost = jax.jit(lambda x: jnp.arccosh(1 + x * x)).trace(f32(1e-10)).jaxpr
    assert 1e-9 < rounding_error(lost, [f32(1e-10)])[0][0] < 1e-6
    saturated = jax.jit(lambda x: 1 - jnp.tanh(x)).trace(f32(25)).jaxpr
    assert 1e-8 < rounding_error(saturated, [f32(25)])[0][0] < 1e-5
    whole = jax.jit(lambda x: x * 3).trace(i32(5)).jaxpr
    assert rounding_error(whole, [i32(5)])[0].tolist() == [0]
    precise = Precise(cancelled).run([f32(0.3)])[0]
    assert precise.dtype == np.float64
    assert abs(precise[0] - np.float64(np.float32(0.3))) < 1e-11


# limits


def test_limits_have_reasons_and_no_rules():
    assert not LIMITS.keys() & RULES.keys()
    assert all(len(reason) > 10 for reason in LIMITS.values())


@pytest.mark.parametrize(
    ("function", "inputs", "expected"),
    [
        (lambda x: lax.approx_max_k(x, 1)[0], [f32(1, 2)], "approx_top_k: its result is approximate"),
        (lambda x: jax.pure_callback(np.sin, x, x), [f32(1)], "pure_callback: calls the host"),
        (lambda x: lax.sort((x, x + 1), is_stable=False), [f32(1)], "sort: an unstable sort"),
        (
            lambda x: jax.random.bits(jax.random.key(x, impl="rbg")),
            [np.int32(1)],
            "no array, threefry key or token",
        ),
        (
            lambda x: lax.scan(lambda c, v: (c, lax.approx_max_k(v, 1)[0]), 0, x),
            [np.zeros((1, 2), np.float32)],
            "top_k",
        ),
    ],
)
def test_what_has_a_limit_is_refused_by_name(function, inputs, expected):
    closed = jax.jit(function).trace(*inputs).jaxpr
    assert expected in limit(closed)
    with pytest.raises(Rejected, match="numpy oracle cannot run it"):
        evaluate(closed, inputs)


def test_missing_names_primitives_inside_of_loops():
    closed = (
        jax.jit(lambda x: lax.map(lambda v: lax.approx_max_k(v, 1)[0], x)).trace(np.zeros((1, 2), np.float32)).jaxpr
    )
    assert missing(closed) == {"approx_top_k"}
    assert missing(jax.jit(jnp.sin).trace(f32(1)).jaxpr) == set()


def test_a_loop_without_end_is_stopped():
    closed = jax.jit(lambda x: lax.while_loop(lambda v: v > 0, lambda v: v, x)).trace(np.float32(1)).jaxpr
    with pytest.raises(Rejected, match="too many steps"):
        evaluate(closed, [np.float32(1)])


def test_the_rules_import_no_jax():
    """Rules are NumPy and SciPy alone; only the limits look at a setting of JAX's."""
    script = (
        "import json, pathlib, ast, jaxir.executor.numpy_rules as rules\n"
        "found = {}\n"
        "for path in sorted(pathlib.Path(rules.__file__).parent.glob('*.py')):\n"
        "    names = set()\n"
        "    for node in ast.walk(ast.parse(path.read_text())):\n"
        "        if isinstance(node, ast.Import): names |= {alias.name.split('.')[0] for alias in node.names}\n"
        "        if isinstance(node, ast.ImportFrom): names.add(node.module.split('.')[0])\n"
        "    found[path.name] = sorted(names & {'jax', 'jaxlib'})\n"
        "print(json.dumps({name: names for name, names in found.items() if names}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"limits.py": ["jax"]}
