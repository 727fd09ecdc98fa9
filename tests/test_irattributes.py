"""Attribute values, from lines that JAX of today really prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from jaxir.analysis.irattributes import ATTRIBUTES, attributes
from jaxir.analysis.irtext import scan
from jaxir.analysis.universe import universe

F32 = jnp.float32


def values(function: Callable[..., Any], *shapes: tuple[int, ...], kind: Any = F32) -> dict[str, set[str]]:
    """`op.attribute` -> values of a lowered function; ops without their dialect."""
    text = jax.jit(function).lower(*(jax.ShapeDtypeStruct(shape, kind) for shape in shapes)).as_text()
    found: dict[str, set[str]] = {}
    for op, name, value in scan(text).attributes:
        found.setdefault(f"{op.partition('.')[2]}.{name}", set()).add(value)
    return found


def test_comparisons() -> None:
    found = values(lambda x, y: (x < y, x == y), (3,), (3,))
    assert found == {"compare.comparison_direction": {"LT", "EQ"}, "compare.compare_type": {"FLOAT"}}
    assert values(lambda x: x < 2, (3,), kind=jnp.uint8)["compare.compare_type"] == {"UNSIGNED"}
    assert values(jnp.sort, (3,))["compare.compare_type"] >= {"TOTALORDER"}


@pytest.mark.parametrize(
    ("precision", "shown"),
    [(None, {"DEFAULT"}), ("high", {"HIGH"}), (("default", "highest"), {"DEFAULT", "HIGHEST"})],
)
def test_precision(precision: Any, shown: set[str]) -> None:
    dims = (((1,), (0,)), ((), ()))
    found = values(lambda x, y: lax.dot_general(x, y, dims, precision=precision), (3, 4), (4, 2))
    assert found == {"dot_general.precision": shown, "dot_general.contracting_dims": {"1"}}


def test_algorithms_of_products() -> None:
    found = values(lambda x, y: lax.dot(x, y, precision="BF16_BF16_F32_X3"), (3, 4), (4, 2))
    assert found["dot_general.algorithm"] == {"bf16_bf16_f32_X3"}
    found = values(lambda x, y: jnp.einsum("abij,abjk->abik", x, y), (2, 3, 4, 5), (2, 3, 5, 4))
    assert found["dot_general.batching_dims"] == {"2"}


def test_convolutions() -> None:
    def convolve(x: Any, w: Any) -> Any:
        return lax.conv_general_dilated(x, w, (2, 1), ((1, 0), (-1, 2)), rhs_dilation=(1, 2), feature_group_count=3)

    assert values(convolve, (1, 3, 8, 8), (3, 1, 2, 2)) == {
        "convolution.stride": {">1"}, "convolution.pad": {"+-"}, "convolution.lhs_dilate": {"1"},
        "convolution.rhs_dilate": {">1"}, "convolution.reverse": {"[false, false]"},
        "convolution.batch_group_count": {"1"}, "convolution.feature_group_count": {">1"},
        "convolution.precision": {"DEFAULT"},
        "convolution.dim_numbers": {"[b, f, 0, 1]x[o, i, 0, 1]->[b, f, 0, 1]"},
    }  # fmt: skip


def test_gather_and_scatter() -> None:
    found = values(lambda x: x.at[jnp.array([2, 1])].get(mode="clip", indices_are_sorted=True), (5, 3))
    assert found["gather.indices_are_sorted"] == {"true"}
    assert found["gather.offset_dims"] == {"1"}
    found = values(lambda x: x.at[jnp.array([2, 1])].add(1.0, unique_indices=True), (5,))
    assert found["scatter.unique_indices"] == {"true"}
    assert found["scatter.indices_are_sorted"] == {"false"}
    assert found["scatter.inserted_window_dims"] == {"1"}


def test_windows_pads_slices_and_reductions() -> None:
    found = values(lambda x: lax.reduce_window(x, 0.0, lax.add, (2,), (2,), ((1, 0),), (1,), (2,)), (5,))
    assert found["reduce_window.window_strides"] == {">1"}
    assert found["reduce_window.padding"] == {"+"}
    assert found["reduce_window.base_dilations"] == {"1"}
    assert found["reduce_window.window_dilations"] == {">1"}
    found = values(lambda x: lax.pad(x, jnp.float32(0), ((-1, 2, 1),)), (5,))
    assert found == {"pad.low": {"-"}, "pad.high": {"+"}, "pad.interior": {"+"}}
    assert values(lambda x: (x[::2], x[1:]), (5,)) == {"slice.strides": {">1", "1"}}
    assert values(lambda x: jnp.max(x, axis=(0, 1)), (3, 4)) == {
        "reduce.reducer": {"maximum"},
        "reduce.dimensions": {"2"},
    }


def test_words_flags_and_formats() -> None:
    assert values(lambda x: jnp.fft.rfft(x), (8,))["fft.type"] == {"RFFT"}
    assert values(lambda x: lax.reduce_precision(x, 5, 10), (8,)) == {"reduce_precision.format": {"e5m10"}}
    assert values(lambda x: lax.sort(x, dimension=0, is_stable=False), (3, 2))["sort.is_stable"] == {"false"}
    assert values(lambda x: lax.sort(x, dimension=0), (3, 2))["sort.dimension"] == {"0"}
    found = values(lambda x: lax.exp(x, accuracy=lax.AccuracyMode.HIGHEST), (3,))
    assert found == {"exponential.result_accuracy": {"HIGHEST"}}
    bits = values(
        lambda k: lax.rng_bit_generator(k, (3,), algorithm=lax.RandomAlgorithm.RNG_PHILOX), (4,), kind=jnp.uint32
    )
    assert bits["rng_bit_generator.algorithm"] == {"PHILOX"}
    assert values(lambda x: lax.broadcasted_iota(jnp.int32, (2, 3), 1) + x, (2, 3), kind=jnp.int32) == {
        "iota.dim": {"1"}
    }
    assert values(lambda x: lax.concatenate([x, x], 1), (2, 3)) == {"concatenate.dim": {"1"}}


def test_options_of_lapack_are_letters() -> None:
    found = values(lambda a, b: lax.linalg.triangular_solve(a, b, left_side=True, lower=True), (3, 3), (3, 2))
    assert found["custom_call.side"] == {"L"}
    assert found["custom_call.uplo"] == {"L"}
    assert found["custom_call.diag"] == {"N"}


def test_ops_without_attributes_and_broken_lines_have_none() -> None:
    assert list(attributes("stablehlo.sine", "%0 : tensor<3xf32>")) == []
    for op in ATTRIBUTES:
        for line in ("", " = ", "%0 = [", "dims = [[[", "<{", "type = "):
            assert set(attributes(op, line)) <= {("strides", "1"), ("dimensions", "0")}


def test_the_universe_holds_what_these_programs_show() -> None:
    known = universe().attributes
    assert ("stablehlo.compare", "comparison_direction", "GE") in known
    assert ("stablehlo.fft", "type", "IRFFT") in known
    assert ("stablehlo.dot_general", "algorithm", "bf16_bf16_f32_X3") in known
    assert {op for op, name, _ in known if name != "result_accuracy"} <= {*ATTRIBUTES}
    assert len(known) > 150
