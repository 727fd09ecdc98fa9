"""Programs over several devices and programs with symbolic dims: lowered, run by every oracle, replayed."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.sharding import AbstractMesh, PartitionSpec

from jaxir import ArraySpec, Kernel, Rejected, UserError, extract
from jaxir.executor import verify
from jaxir.executor.evaluate import evaluate
from jaxir.executor.inputs import draw, sized
from jaxir.executor.interpreter import Interpreter
from jaxir.executor.isolation import Job, Limits, run_isolated
from jaxir.executor.oracle import ORACLES, Pair
from jaxir.extractor import symbolic
from jaxir.extractor.lower import extract_kernel
from jaxir.extractor.program import parse
from jaxir.generator.rng import Rng
from jaxir.generator.symbolic import with_symbols

X = np.arange(24, dtype=np.float32).reshape(8, 3) % 7 - 2


def kernel(source: str, *inputs: str) -> Kernel:
    names = ("x", "y")[: len(inputs)]
    head = "import jax\nimport jax.numpy as jnp\nimport numpy as np\nfrom jax import lax\n\n\n"
    return Kernel(head + source, "f", tuple(map(ArraySpec.parse, inputs)), names)


# Several devices


def on_devices(
    body: Callable[..., Any], out: Any, sizes: tuple[int, ...] = (4,), names: tuple[str, ...] = ("i",)
) -> Any:
    """What NumPy makes of a body over the rows of `X`; tracing needs no device."""
    mesh = AbstractMesh(sizes, names)
    mapped = jax.shard_map(body, mesh=mesh, in_specs=PartitionSpec(names), out_specs=out)
    return evaluate(jax.jit(mapped).trace(X).jaxpr, [X])[0]


BLOCKS = X.reshape(4, 2, 3)
ROWS = PartitionSpec("i")
COLLECTIVES = {
    "psum": (lambda a: lax.psum(a, "i"), PartitionSpec(), BLOCKS.sum(0)),
    "pmean": (lambda a: lax.pmean(a, "i"), PartitionSpec(), BLOCKS.mean(0)),
    "pmax": (lambda a: lax.pmax(a, "i"), PartitionSpec(), BLOCKS.max(0)),
    "pmin": (lambda a: lax.pmin(a, "i"), PartitionSpec(), BLOCKS.min(0)),
    "all_gather": (lambda a: lax.all_gather(a, "i"), ROWS, np.concatenate([BLOCKS] * 4)),
    "tiled": (lambda a: lax.all_gather(a, "i", axis=1, tiled=True), ROWS, np.tile(np.concatenate(BLOCKS, 1), (4, 1))),
    "psum_scatter": (
        lambda a: lax.psum_scatter(jnp.tile(a, (2, 1)), "i", tiled=True),
        ROWS,
        np.tile(BLOCKS.sum(0), (2, 1)),
    ),
    "all_to_all": (
        lambda a: lax.all_to_all(jnp.tile(a, (2, 1)), "i", 0, 1, tiled=True),
        ROWS,
        np.tile(np.concatenate(BLOCKS, 1), (2, 1)),
    ),
    "ppermute": (
        lambda a: lax.ppermute(a, "i", [(0, 1), (3, 0)]),
        ROWS,
        np.concatenate([BLOCKS[3], BLOCKS[0], 0 * X[:4]]),
    ),
    "axis_index": (lambda a: a + lax.axis_index("i"), ROWS, (BLOCKS + np.arange(4)[:, None, None]).reshape(8, 3)),
    "loop": (
        lambda a: lax.fori_loop(0, 3, lambda _, c: lax.ppermute(c, "i", [(k, (k + 1) % 4) for k in range(4)]), a),
        ROWS,
        np.roll(X, 6, 0),
    ),
}


@pytest.mark.parametrize("name", sorted(COLLECTIVES))
def test_collectives_in_numpy(name: str) -> None:
    body, out, expected = COLLECTIVES[name]
    np.testing.assert_allclose(on_devices(body, out), expected, rtol=1e-6)


def test_a_sum_over_one_axis_of_a_grid_of_devices() -> None:
    def body(rows: Any) -> Any:
        return lax.psum(rows, "j") + lax.axis_index("i")

    found = on_devices(body, PartitionSpec("i"), (2, 4), ("i", "j"))
    expected = X.reshape(2, 4, 3).sum(1) + np.arange(2)[:, None]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_a_collective_that_not_all_devices_reach() -> None:
    def body(rows: Any) -> Any:
        return lax.while_loop(lambda c: c[0, 0] < 3, lambda c: c + 1 + 0 * lax.ppermute(c, "i", [(0, 1)]), rows)

    with pytest.raises(Rejected, match="collective without a partner"):
        on_devices(body, ROWS)


PARALLEL = """def f(x):
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:4]), ("i",))

    def body(rows):
        return rows - lax.pmean(jnp.mean(rows, axis=0, keepdims=True), "i") * lax.axis_index("i")

    spec = jax.sharding.PartitionSpec("i")
    return jax.shard_map(body, mesh=mesh, in_specs=spec, out_specs=spec)(x)
"""


def made_row(payload: dict[str, Any]) -> dict[str, Any]:
    """In a child, where there are virtual devices: lower and prove a kernel, and replay its row."""
    from jaxir.executor.replay import check_row

    made = extract_kernel(kernel(payload["source"], *payload["inputs"]))
    seen = verify.observe(Pair.from_extraction(made), 4 * int(made.sample.id[:8], 16))
    sample = dataclasses.replace(
        made.sample,
        input_seed=seen.input_seed,
        output_digest=seen.output_digest,
        behavior_hash=seen.behavior_hash,
        verified=seen.verified,
    )
    row = dataclasses.asdict(sample)
    found = check_row({**row, "oracles": list(ORACLES), "mutants": 4, "device": "cpu"})
    return {"row": {**row, **{name: list(row[name]) for name in ("ops", "verified", "outputs")}}, "found": found}


def replayed(source: str, *inputs: str) -> dict[str, Any]:
    job = Job("row", {"source": source, "inputs": list(inputs)})
    (verdict,) = run_isolated("test_parallel_dynamic:made_row", [job], workers=1, limits=Limits(120), fresh=False)
    assert verdict.value is not None, verdict
    return dict(verdict.value)


def test_a_kernel_over_four_devices_is_proved_and_replayed() -> None:
    made = replayed(PARALLEL, "float32[8,3]")
    assert made["row"]["num_devices"] == 4
    assert {"stablehlo.all_reduce", "stablehlo.partition_id"} <= set(made["row"]["ops"])
    assert made["row"]["verified"] == ["compiled", "numpy"]
    found = made["found"]
    assert found["status"] == "agreed", found["reason"]
    assert found["agreed"] == ["compiled", "source", "numpy"]
    assert found["same_lowering"]


# Symbolic dims

DYNAMIC = {
    "get_dimension_size": ("def f(x):\n    return x / x.shape[0]\n", "float32[b]"),
    "dynamic_broadcast_in_dim": ("def f(x):\n    return jnp.outer(x, x) + 1.0\n", "float32[b]"),
    "dynamic_iota": ("def f(x):\n    return x * jnp.arange(x.shape[0])\n", "float32[b]"),
    "dynamic_reshape": ("def f(x):\n    return (x * 2).reshape(-1)\n", "float32[b,3]"),
    "dynamic_gather": ("def f(x):\n    return x[1:] - x[:-1]\n", "float32[b,3]"),
    "dynamic_pad": ("def f(x):\n    return lax.pad(x, 0.0, [(0, x.shape[0], 0)])\n", "float32[b]"),
    "real_dynamic_slice": ("def f(x):\n    return jnp.roll(x, 1)\n", "float32[b]"),
    "dynamic_conv": (
        "def f(x):\n    return lax.conv_general_dilated(x[None, None], x[None, None, :3], (2,), 'SAME')[0, 0]\n",
        "float32[b]",
    ),
}


@pytest.mark.parametrize("op", sorted(DYNAMIC))
def test_a_kernel_with_a_symbolic_dim_runs_at_two_sizes(op: str) -> None:
    source, spec = DYNAMIC[op]
    if op == "dynamic_conv":
        source = source.replace("x[None, None, :3]", "jnp.flip(x)[None, None]")
    made = extract_kernel(kernel(source, spec))
    assert f"stablehlo.{op}" in made.sample.ops
    assert "loc(" not in made.sample.stablehlo
    assert "?" in made.sample.stablehlo
    pair = Pair.from_extraction(made)
    seen = verify.observe(pair, 4 * int(made.sample.id[:8], 16))
    assert seen.verified == ("interpreter", "numpy")
    inputs = [draw(pair.inputs, seed) for seed in verify.BEHAVIOR_SEEDS]
    assert inputs[0][0].shape != inputs[1][0].shape
    runners = [oracle.prepare(pair) for oracle in ORACLES.values()]
    for arrays in inputs:
        first, *others = (runner.run(arrays) for runner in runners)
        for other in others:
            np.testing.assert_allclose(other[0], first[0], rtol=2e-6, atol=1e-6)


def test_a_row_with_symbolic_dims_is_replayed() -> None:
    source = "def f(x, y):\n    return jnp.concatenate([jnp.roll(x, 1, axis=0), x[1:]]) @ y\n"
    made = replayed(source, "float32[b,n]", "float32[n,2]")
    assert made["row"]["outputs"] == ["float32[2*b - 1,2]"]
    assert made["row"]["flops"] > 0
    found = made["found"]
    assert found["status"] == "agreed", found["reason"]
    assert found["agreed"] == list(ORACLES)
    assert found["same_lowering"]
    assert found["same_output_digest"]
    assert found["same_behavior_hash"]


def test_refinement_leaves_no_dynamic_type() -> None:
    text = extract_kernel(kernel("def f(x):\n    return jnp.roll(x, 2) + jnp.flip(x)\n", "float32[b]")).sample.stablehlo
    made = symbolic.refined(text, [ArraySpec((5,), "float32")])
    assert "?" not in made
    assert "dynamic" not in made
    assert "shape_assertion" not in made
    (found,) = Interpreter(parse(made), [ArraySpec((5,), "float32")]).run([np.arange(5, dtype=np.float32)])
    np.testing.assert_array_equal(found, [7, 7, 2, 2, 2])


def test_what_cannot_be_refined_is_refused() -> None:
    pair = Pair.from_extraction(extract_kernel(kernel("def f(x):\n    return jnp.cumsum(x)\n", "float32[b]")))
    with pytest.raises(Rejected, match="shapes cannot be refined"):
        verify.observe(pair, 0)


@pytest.mark.parametrize("text", ["float32[b,4]", "float32[2*b + 1]", "int8[floordiv(b, 2),n,3]", "float32[- b + 8]"])
def test_symbolic_types_are_read_as_they_are_written(text: str) -> None:
    assert str(ArraySpec.parse(text)) == text


@pytest.mark.parametrize("text", ["float32[-3]", "float32[3x]", "float32[b,]", "float32[2.5]", "float32[*]"])
def test_what_is_no_dim(text: str) -> None:
    with pytest.raises(UserError, match="is no dimension"):
        ArraySpec.parse(text)


def test_extract_takes_symbolic_dims() -> None:
    sample = extract(doubled, ArraySpec.parse("float32[b,2]"))
    assert sample.signature == "doubled(x: float32[b,2]) -> float32[2*b,2]"
    assert sample.hlo == ""
    assert "f32[b,2]" in sample.jaxpr
    struct = jax.ShapeDtypeStruct(jax.export.symbolic_shape("b,2"), jnp.float32)
    assert extract(doubled, struct).stablehlo == sample.stablehlo
    with pytest.raises(UserError, match="no HLO text with symbolic dims"):
        extract(doubled, ArraySpec.parse("float32[b,2]"), dialects=["hlo"])
    with pytest.raises(UserError, match="several platforms"):
        extract(doubled, ArraySpec.parse("float32[b,2]"), platforms=["cpu", "cuda"])


def doubled(x: Any) -> Any:
    return jnp.concatenate([x, 2 * x])


def test_sizes_follow_from_the_seed() -> None:
    specs = [ArraySpec.parse("float32[b,n]"), ArraySpec.parse("int32[n,2]")]
    first, second = (sized(specs, seed) for seed in verify.BEHAVIOR_SEEDS)
    assert first[0].shape[1] == first[1].shape[0] != second[1].shape[0]
    assert [array.shape for array in draw(specs, verify.BEHAVIOR_SEEDS[0])] == [spec.shape for spec in first]
    assert sized(first, 0) == first


def test_equal_sizes_become_one_symbol() -> None:
    inputs = tuple(map(ArraySpec.parse, ("float32[5,3]", "float32[5]", "int32[3,1]", "float32[]")))
    seen = {with_symbols(inputs, Rng("symbols", number)) for number in range(20)}
    assert {tuple(map(str, made)) for made in seen} == {
        ("float32[b,3]", "float32[b]", "int32[3,1]", "float32[]"),
        ("float32[b,n]", "float32[b]", "int32[n,1]", "float32[]"),
    }
    scalars = (ArraySpec((), "float32"), ArraySpec((1,), "float32"))
    assert with_symbols(scalars, Rng("symbols", 0)) == scalars


# What the interpreter would do wrong


@pytest.mark.parametrize("out", ["".join(order) for order in itertools.permutations("NCW")])
def test_any_layout_of_a_convolution_is_interpreted(out: str) -> None:
    x = np.arange(math.prod((2, 3, 5)), dtype=np.float32).reshape(2, 3, 5) % 5
    kernel_ = np.arange(4 * 3 * 3, dtype=np.float32).reshape(4, 3, 3) % 3 - 1

    def f(x: Any, k: Any) -> Any:
        return lax.conv_general_dilated(x, k, (1,), "SAME", dimension_numbers=("NCW", "OIW", out))

    expected = np.asarray(f(x, kernel_))
    text = jax.jit(f).lower(x, kernel_).as_text()
    (found,) = Interpreter(parse(text), [ArraySpec(expected.shape, "float32")]).run([x, kernel_])
    np.testing.assert_array_equal(found, expected)


def test_a_composite_is_interpreted() -> None:
    def f(x: Any) -> Any:
        return lax.composite(lambda v, *, scale: jnp.tanh(v) * scale, name="test.scaled")(x, scale=2.0) + 1

    text = jax.jit(f).lower(X).as_text()
    assert "stablehlo.composite" in text
    (found,) = Interpreter(parse(text), [ArraySpec(X.shape, "float32")]).run([X])
    np.testing.assert_allclose(found, 2 * np.tanh(X) + 1, rtol=1e-6)
