"""The types of the template language: reading, unifying, instantiating."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jax import Array
from jaxtyping import Bool, Float, Float32, Int, Num, Shaped

from jaxir.generator.rng import Rng
from jaxir.generator.types import (
    ArrayType,
    Binding,
    Expression,
    Fixed,
    Named,
    TypeLanguageError,
    Variadic,
    bind_missing,
    instantiate,
    parse_dims,
    unify,
)
from jaxir.sample import ArraySpec


def spec(text: str) -> ArraySpec:
    return ArraySpec.parse(text)


def test_dims_are_read_as_jaxtyping_writes_them():
    assert parse_dims("n 3") == (Named("n"), Fixed(3))
    assert parse_dims("*b n") == (Variadic("b"), Named("n"))
    assert parse_dims("#k m+n") == (Named("k", broadcast=True), Expression("m+n", ("m", "n")))
    assert parse_dims("*#s") == parse_dims("#*s") == (Variadic("s", broadcast=True),)
    assert parse_dims("rows=4 _ ...") == (Fixed(4), Named("_1"), Variadic("...2"))
    assert parse_dims("") == ()


@pytest.mark.parametrize("text", ["?n", "*a *b", "f(n)", "n!", "n**2", "{k}"])
def test_dims_outside_the_language_are_refused(text):
    with pytest.raises(TypeLanguageError):
        parse_dims(text)


def test_a_class_is_one_type_within_a_call():
    x = ArrayType.from_annotation(Float[Array, "n"])
    bound = unify(x, spec("float16[3]"), Binding(), Rng(0))
    assert bound is not None
    assert unify(x, spec("float32[3]"), bound, Rng(0)) is None
    assert unify(x, spec("float16[4]"), bound, Rng(0)) is None
    assert instantiate(x, bound) == spec("float16[3]")


def test_classes_admit_what_jaxtyping_says():
    assert ArrayType.from_annotation(Num[Array, ""]).admits("complex64")
    assert not ArrayType.from_annotation(Float[Array, ""]).admits("int32")
    assert ArrayType.from_annotation(Shaped[Array, ""]).admits("bool")
    assert ArrayType.from_annotation(Float32[Array, ""]).default_dtype() == "float32"
    assert ArrayType.from_annotation(Bool[Array, ""]).default_dtype() == "bool"


def test_an_expression_is_solved_for_its_free_names():
    both = ArrayType.from_annotation(Int[Array, "m+n"])
    bound = unify(both, spec("int32[7]"), Binding(), Rng(1))
    assert bound is not None
    assert bound.sizes["m"] + bound.sizes["n"] == 7
    assert unify(both, spec("int32[7]"), Binding(sizes={"m": 7}), Rng(1)) is None
    even = ArrayType.from_annotation(Int[Array, "2*k"])
    assert unify(even, spec("int32[5]"), Binding(), Rng(1)) is None


def test_a_dim_below_one_is_no_spec():
    shorter = ArrayType.from_annotation(Int[Array, "n-1"])
    assert instantiate(shorter, Binding({"Int": "int32"}, {"n": 1})) is None


def test_a_dim_that_divides_by_zero_is_no_spec():
    share = ArrayType.from_annotation(Int[Array, "n//(m-1)"])
    assert instantiate(share, Binding({"Int": "int32"}, {"n": 6, "m": 1})) is None
    assert str(instantiate(share, Binding({"Int": "int32"}, {"n": 6, "m": 3}))) == "int32[3]"
    bound = unify(share, spec("int32[2]"), Binding(sizes={"n": 4}), Rng(1))
    assert bound is not None
    assert bound.sizes["m"] == 3
    never = ArrayType.from_annotation(Int[Array, "n//0"])
    assert instantiate(never, Binding({"Int": "int32"}, {"n": 6})) is None
    assert unify(never, spec("int32[2]"), Binding(), Rng(1)) is None


DIMS = ["", "n", "*b", "*b n", "n *b 3", "m n", "m+n", "2*n", "n-1 n", "_ n", "... 2", "m n m+n"]


@given(st.sampled_from(DIMS), st.integers(0, 10_000))
def test_what_is_instantiated_unifies_back(dims, seed):
    declared = ArrayType.from_annotation(Float[Array, dims])
    rng = Rng("test", seed)
    binding = Binding()
    assert bind_missing(
        [declared],
        binding,
        dtype_of=lambda _: "bfloat16",
        size=lambda: rng.integer(2, 6),
        shape=lambda: tuple(rng.integer(1, 4) for _ in range(rng.integer(0, 2))),
    )
    concrete = instantiate(declared, binding)
    assert concrete is not None
    again = unify(declared, concrete, Binding(), rng)
    assert again is not None
    assert instantiate(declared, again) == concrete


def test_broadcastable_dims_shrink_only_where_asked():
    declared = ArrayType.from_annotation(Float[Array, "*#s #n"])
    binding = Binding({"Float": "float32"}, {"n": 4}, {"s": (3, 5)})
    assert str(instantiate(declared, binding)) == "float32[3,5,4]"
    shapes = {instantiate(declared, binding, Rng(seed)).shape for seed in range(60)}
    assert (3, 5, 4) in shapes
    assert any(len(shape) < 3 for shape in shapes)
    assert all(size in (1, full) for shape in shapes for size, full in zip(shape[::-1], (4, 5, 3), strict=False))


def test_choices_are_the_same_on_every_machine():
    # Written down from CPython 3.11; random.Random.random() is guaranteed to keep its sequence.
    rng = Rng(0, 7, "x")
    assert [rng.integer(0, 99) for _ in range(5)] == GOLDEN_INTEGERS
    assert rng.shuffled("abcdef") == GOLDEN_SHUFFLE


GOLDEN_INTEGERS = [40, 43, 48, 10, 31]
GOLDEN_SHUFFLE = ["a", "c", "b", "f", "d", "e"]
