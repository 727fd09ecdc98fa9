"""Figures: op counts of the text, costs against XLA's own analysis."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from jaxir.extractor.facts import bytes_of, facts
from jaxir.extractor.program import TensorType, parse


def lowered(fn, *specs):
    return jax.jit(fn).lower(*[jax.ShapeDtypeStruct(shape, dtype) for shape, dtype in specs])


F = ((8, 6), jnp.float32)
IMAGE, KERNEL = ((2, 9, 8, 4), jnp.float32), ((3, 2, 4, 5), jnp.float32)
LAYOUT = ("NHWC", "HWIO", "NHWC")


@pytest.mark.parametrize(
    ("fn", "specs"),
    [
        (lambda x: x * 2 + 1, [F]),
        (lambda x, y: x @ y.T, [F, F]),
        (lambda x, y: jnp.einsum("bij,bkj->bik", x, y), [((3, 4, 5), jnp.float32), ((3, 6, 5), jnp.float32)]),
        (lambda x: jnp.sum(x, axis=1), [F]),
        (lambda x: jnp.max(x), [F]),
        (lambda x: jax.nn.softmax(x), [F]),
        (lambda x: jnp.where(x > 0, x, 2 * x), [F]),
        (lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (2, 3), (2, 1), "VALID"), [F]),
        (lambda x, k: lax.conv_general_dilated(x, k, (1, 1), "VALID", dimension_numbers=LAYOUT), [IMAGE, KERNEL]),
        (lambda x, k: lax.conv_general_dilated(x, k, (2, 1), "SAME", dimension_numbers=LAYOUT), [IMAGE, KERNEL]),
        (
            lambda x, k: lax.conv_general_dilated(
                x, k, (1, 1), ((2, 1), (0, 3)), lhs_dilation=(2, 1), rhs_dilation=(1, 2), dimension_numbers=LAYOUT
            ),
            [IMAGE, KERNEL],
        ),
        (
            lambda x, k: lax.conv_general_dilated(
                x, k, (1, 1), "SAME", dimension_numbers=LAYOUT, feature_group_count=2
            ),
            [IMAGE, ((3, 2, 2, 6), jnp.float32)],
        ),
        (lambda x: jnp.sort(x, axis=0), [F]),
        (lambda x: jnp.fft.fft(x), [((16,), jnp.complex64)]),
        (lambda x, i: x.at[i].add(1.0), [((8,), jnp.float32), ((3,), jnp.int32)]),
        (lambda x: lax.scan(lambda c, v: (c + v, c * v), x[0], x), [F]),
        (lambda x: lax.cond(x.sum() > 0, lambda v: v * 2 + 1, lambda v: v, x), [F]),
        (lambda x: jnp.exp(x) + jnp.log(x) + jnp.tanh(x) + x**2.5, [F]),
    ],
)
def test_costs_are_those_of_xla_before_optimisation(fn, specs):
    stage = lowered(fn, *specs)
    found, truth = facts(parse(stage.as_text())), stage.cost_analysis()
    assert found.flops == truth.get("flops", 0.0)
    assert found.transcendentals == truth.get("transcendentals", 0.0)


@pytest.mark.parametrize(
    ("fn", "specs", "flops"),
    [
        (lambda x: x * x + x, [F], 96.0),
        (lambda x, y: x @ y, [F, ((6, 7), jnp.float32)], 2.0 * 8 * 6 * 7),
        (lambda x: jnp.sum(x), [F], 47.0),
    ],
)
def test_flops_are_those_of_the_executable(fn, specs, flops):
    stage = lowered(fn, *specs)
    assert facts(parse(stage.as_text())).flops == flops == stage.compile().cost_analysis()["flops"]


def test_bytes_of_simple_programs():
    stage = lowered(lambda x, y: x + y, F, F)
    assert facts(parse(stage.as_text())).bytes_accessed == 3 * 48 * 4 == stage.cost_analysis()["bytes accessed"]
    stage = lowered(lambda x: x[2:4], F)
    assert facts(parse(stage.as_text())).bytes_accessed == 2 * 12 * 4 == stage.cost_analysis()["bytes accessed"]


@pytest.mark.parametrize(
    ("element", "size"),
    [
        ("f32", 24),
        ("bf16", 12),
        ("complex<f32>", 48),
        ("i1", 6),
        ("ui8", 6),
        ("i4", 3),
        ("i2", 2),
        ("f8E4M3FN", 6),
        ("!stablehlo.token", 0),
    ],
)
def test_bytes_of_types(element, size):
    assert bytes_of(TensorType("", element, (2, 3))) == size


def test_every_op_of_the_text_counts_once():
    def helper(x):
        return jnp.where(x > 0, jnp.sin(x), 0.0)

    def fn(x):
        twice = jax.jit(helper)
        return lax.fori_loop(0, 3, lambda i, c: twice(twice(c)), x) + lax.top_k(x, 2)[0][0]

    text = lowered(fn, ((4,), jnp.float32)).as_text()
    found = facts(parse(text))
    returns = text.count("stablehlo.return")
    assert found.num_ops == text.count("stablehlo.") + text.count("chlo.") - text.count("stablehlo.top_k") - returns
    assert found.op_counts["stablehlo.sine"] == 1
    assert found.op_counts["stablehlo.while"] == 1
    assert found.op_counts["chlo.top_k"] == 1
    assert found.ops == tuple(sorted(found.op_counts))
    assert not {name for name in found.ops if name.startswith("func.") or name.endswith(".return")}


def test_a_called_function_costs_each_time():
    def fn(x):
        twice = jax.jit(lambda v: jnp.sin(v) * 2)
        return twice(twice(x))

    found = facts(parse(lowered(fn, ((5,), np.float32)).as_text()))
    assert found.op_counts["stablehlo.sine"] == 1
    assert (found.transcendentals, found.flops) == (10.0, 10.0)


@pytest.mark.parametrize("out", [1, 4, 7])
@pytest.mark.parametrize(
    ("window", "stride", "low", "dilation"), [(1, 1, 0, 1), (3, 1, 1, 1), (3, 2, 2, 2), (5, 3, 0, 2)]
)
def test_taps_that_read_no_padding_are_counted_without_a_loop(out, window, stride, low, dilation):
    from jaxir.extractor.facts import _taps

    size = 6
    slow = sum(0 <= p * stride + t * dilation - low < size for p in range(out) for t in range(window))
    assert _taps(out, size, window, stride, low, 1, dilation) == slow
