"""`compile_or_fallback`: compiled where JAX can trace it, plain with a reason where not, and errors stay errors."""

from __future__ import annotations

import copy
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxir.errors import UserError
from jaxir.executor.fallback import Frozen, compile_or_fallback

X = jnp.arange(3.0)


def tracer(x: Any) -> bool:
    return isinstance(x, jax.core.Tracer)


class Weighed:
    """Counts traces and plain calls of a weighted sum of powers."""

    def __init__(self) -> None:
        self.traces: list[bool] = []

    def __call__(self, x: Any, powers: Any, *, weights: Any = None) -> Any:
        self.traces.append(tracer(x))
        return sum((weights or {}).get(power, 1.0) * x**power for power in powers)


def test_lists_sets_and_dicts_are_static_and_each_value_is_traced_once() -> None:
    weighed = Weighed()
    fn = compile_or_fallback(weighed, static_args=["powers", "weights"])
    for _ in range(3):
        np.testing.assert_allclose(fn(X, [1, 2]), X + X**2)
        np.testing.assert_allclose(fn(X, {2}), X**2)
        np.testing.assert_allclose(fn(X, [1, 2], weights={2: 0.5}), X + 0.5 * X**2)
        np.testing.assert_allclose(fn(X, powers=(1, 2)), X + X**2)
    assert weighed.traces == [True] * 4
    assert fn.reason == ""


def test_a_list_that_changes_is_a_new_value_and_what_the_function_does_to_it_stays_inside() -> None:
    def popped(x: Any, powers: list[int]) -> Any:
        return x ** powers.pop()

    fn = compile_or_fallback(popped, static_args=[1])
    powers = [3, 2]
    for _ in range(2):
        np.testing.assert_allclose(fn(X, powers), X**2)
    powers[-1] = 1
    np.testing.assert_allclose(fn(X, powers), X)
    np.testing.assert_allclose(fn(X[:2], powers), X[:2])  # other types: traced again with the same value
    assert powers == [3, 1]
    assert fn.reason == ""


def test_a_function_that_looks_at_values_falls_back_with_a_reason_and_is_not_traced_again() -> None:
    seen: list[bool] = []

    def flipped(x: Any) -> Any:
        seen.append(tracer(x))
        return x if x[0] > 0 else -x

    fn = compile_or_fallback(flipped)
    for _ in range(3):
        np.testing.assert_allclose(fn(X + 1), X + 1)
    np.testing.assert_allclose(fn(-X - 1), X + 1)
    assert seen == [True, False, False, False, False]
    assert fn.reason.startswith("TracerBoolConversionError: ")
    assert "\n" not in fn.reason
    assert fn.__name__ == "flipped"


def test_what_jax_does_not_take_or_give_is_a_reason() -> None:
    text = compile_or_fallback(lambda x: f"{float(x[1]):.1f}")
    assert (text(X), text.reason[:28]) == ("1.0", "ConcretizationTypeError: Abs"[:28])
    word = compile_or_fallback(lambda x: "word")
    assert word(X) == "word"
    assert "str" in word.reason
    argument = compile_or_fallback(lambda x, how: x + len(how))
    np.testing.assert_allclose(argument(X, {"a", "b"}), X + 2)  # a set that is not static
    assert argument.reason.startswith("TypeError: ")


def test_a_static_value_that_cannot_be_hashed_is_a_reason() -> None:
    class Odd:
        __hash__ = None  # type: ignore[assignment]  # as of a class with __eq__ alone
        power = 2

    fn = compile_or_fallback(lambda x, odd: x**odd.power, static_args=["odd"])
    np.testing.assert_allclose(fn(X, Odd()), X**2)
    assert fn.reason == "TypeError: unhashable type: 'Odd'"


def test_errors_of_the_function_are_no_reason() -> None:
    def strict(x: Any, rows: int) -> Any:
        if len(x) != rows:
            raise ValueError(f"{len(x)} rows, expected {rows}")
        return x * 2

    fn = compile_or_fallback(strict, static_args=("rows",))
    for call in (lambda: fn(X, 4), lambda: fn(X, 5)):
        with pytest.raises(ValueError, match="3 rows, expected") as caught:
            call()
        assert caught.value.__context__ is None
    assert fn.reason == ""
    np.testing.assert_allclose(fn(X, 3), 2 * X)
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        fn(X)
    assert fn.reason == ""


def test_errors_of_the_compiled_program_are_no_reason() -> None:
    calls: list[bool] = []

    def fails(x: Any) -> Any:
        raise RuntimeError("the host says no")

    def asks(x: Any) -> Any:
        calls.append(tracer(x))
        return jax.pure_callback(fails, jax.ShapeDtypeStruct(x.shape, x.dtype), x)

    fn = compile_or_fallback(asks)
    with pytest.raises(jax.errors.JaxRuntimeError, match="the host says no"):
        jax.block_until_ready(fn(X))
    assert calls == [True]
    assert fn.reason == ""


def test_transforms_go_through_it() -> None:
    fn = compile_or_fallback(lambda x, powers: jnp.sum(x ** powers[0]), static_args=[1])
    np.testing.assert_allclose(jax.grad(lambda x: fn(x, [3]))(X), 3 * X**2)
    np.testing.assert_allclose(jax.vmap(lambda x: fn(x, [2]))(X), X**2)
    assert fn.reason == ""


def test_of_a_jitted_function_the_plain_one_is_taken() -> None:
    fn = compile_or_fallback(jax.jit(lambda x, powers: x ** powers[0]), static_args=["powers"])
    np.testing.assert_allclose(fn(X, [2]), X**2)
    looks = compile_or_fallback(jax.jit(lambda x: x if x[0] > 0 else -x))
    np.testing.assert_allclose(looks(X), -X)
    assert looks.reason


def test_static_arguments_are_parameters_of_the_function() -> None:
    def fn(a: Any, /, b: Any, *rest: Any, c: Any = 0) -> Any:
        return a * len(b) + c[0]

    for static in (["b", "c"], [1, "c"]):
        np.testing.assert_allclose(compile_or_fallback(fn, static)(X, [1, 2], c=[5]), 2 * X + 5)
    for static in ("d", 2, 7, "rest"):
        with pytest.raises(UserError, match=rf"fn: static argument {static!r} is no parameter of it; it has a, b, c"):
            compile_or_fallback(fn, [static])
    with pytest.raises(UserError, match="its signature is not known"):
        compile_or_fallback(max, [0])


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner) | st.sets(st.integers())
    ),
)


@given(VALUES)
def test_a_copy_of_a_value_is_the_same_value(value: Any) -> None:
    frozen, copied = Frozen(value), Frozen(copy.deepcopy(value))
    assert frozen == copied
    assert hash(frozen) == hash(copied)
    assert frozen != Frozen([value])


def test_values_that_python_calls_equal_can_differ() -> None:
    values = [1, 1.0, True, 0.0, -0.0, [1], (1,), {1}, frozenset({1}), {"a": 1, "b": 2}, {"b": 2, "a": 1}]
    values += [np.zeros(2), np.zeros(2, np.float32), np.zeros((2, 1)), np.array([0.0, -0.0]), float("nan"), "nan", None]
    assert len({Frozen(value) for value in values}) == len(values)
    assert Frozen(float("nan")) == Frozen(float("nan"))
    assert Frozen(1) != 1
