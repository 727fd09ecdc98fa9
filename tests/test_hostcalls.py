"""What the interpreter leaves to NumPy and SciPy, against XLA: LAPACK, bit generators, and where a module is cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from matrices import DTYPES, matrix

from jaxir import ArraySpec
from jaxir.executor.compiled import Executable
from jaxir.executor.interpreter import Interpreter
from jaxir.executor.limits import limit_of
from jaxir.executor.numpy_rules.generators import generate
from jaxir.extractor.program import parse

LAPACK = lax.linalg


def definite(x: Any) -> Any:
    return x @ jnp.conj(x.mT) + 4 * jnp.eye(x.shape[-2], dtype=x.dtype)


def text_of(function: Callable[..., Any], *inputs: np.ndarray) -> tuple[str, list[ArraySpec]]:
    with jax.enable_x64(True):
        lowered = jax.jit(function).lower(*inputs)
        outputs = [ArraySpec(leaf.shape, leaf.dtype.name) for leaf in jax.tree.leaves(lowered.out_info)]
        return lowered.as_text(), outputs


def both(function: Callable[..., Any], *inputs: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """What the interpreter and XLA make of the text of a function."""
    text, outputs = text_of(function, *inputs)
    assert limit_of(parse(text)) == ""
    return Interpreter(parse(text), outputs).run(inputs), Executable(text, outputs, x64=True).run(inputs)


def check(function: Callable[..., Any], *inputs: np.ndarray) -> None:
    found, expected = both(function, *inputs)
    narrow = any(array.dtype in (np.float32, np.complex64) for array in (*found, *inputs))
    for one, other in zip(found, expected, strict=True):
        assert (one.dtype, one.shape) == (other.dtype, other.shape)
        np.testing.assert_allclose(one, other, rtol=1e-4 if narrow else 1e-11, atol=1e-4 if narrow else 1e-11)


ROUTINES: dict[str, Callable[[Any], Any]] = {
    "getrf": LAPACK.lu,
    "potrf": lambda x: LAPACK.cholesky(definite(x), symmetrize_input=False),
    "geqrf and orgqr": lambda x: LAPACK.qr(x, full_matrices=False),
    "geqrf, all of Q": lambda x: LAPACK.qr(x, full_matrices=True),
    "geqp3": lambda x: LAPACK.qr(x, full_matrices=False, pivoting=True),
    "ormqr": lambda x: [
        LAPACK.ormqr(packed.mT, scalars, x if left else x.mT, left=left, transpose=transpose)
        for packed, scalars in [jnp.linalg.qr(x, mode="raw")]
        for left in (True, False)
        for transpose in (True, False)
    ],
    "gesdd": lambda x: LAPACK.svd(x, full_matrices=False),
    "gesdd, all of both factors": lambda x: LAPACK.svd(x, full_matrices=True),
    "gesdd, values alone": lambda x: LAPACK.svd(x, compute_uv=False),
    "syevd, lower": lambda x: LAPACK.eigh(definite(x), lower=True, symmetrize_input=False),
    "syevd, upper": lambda x: LAPACK.eigh(definite(x), lower=False, symmetrize_input=False),
    "geev": lambda x: LAPACK.eig(x[..., :3, :3]),
    "geev, values alone": lambda x: LAPACK.eig(
        x[..., :3, :3], compute_left_eigenvectors=False, compute_right_eigenvectors=False
    ),
    "gees": lambda x: LAPACK.schur(x[..., :3, :3]),
    "gehrd": lambda x: LAPACK.hessenberg(x[..., :3, :3]),
    "sytrd": lambda x: LAPACK.tridiagonal(definite(x), lower=True),
    "gtsv": lambda x: LAPACK.tridiagonal_solve(x[..., 0, :] * 0 + 1, x[..., 0, :] * 0 + 5, x[..., 1, :], x.mT[..., :2]),
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ROUTINES)
def test_a_routine_gives_what_xla_gives(name: str, dtype: str) -> None:
    check(ROUTINES[name], matrix(dtype, 4, 3))
    check(ROUTINES[name], matrix(dtype, 2, 5, 4, 3))  # a batch


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("left_side", [True, False])
@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("unit_diagonal", [True, False])
def test_triangular_systems(dtype: str, left_side: bool, lower: bool, unit_diagonal: bool) -> None:
    a, b = matrix(dtype, 2, 3, 3) + 3 * np.eye(3, dtype=dtype), matrix(dtype, 2, *((3, 2) if left_side else (2, 3)))

    def solved(a: Any, b: Any) -> list[Any]:
        return [
            LAPACK.triangular_solve(
                a,
                b,
                left_side=left_side,
                lower=lower,
                unit_diagonal=unit_diagonal,
                transpose_a=transpose,
                conjugate_a=conjugate,
            )
            for transpose, conjugate in ((False, False), (True, False), (True, True))
        ]

    check(solved, a, b)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: jnp.linalg.svd(x, full_matrices=False)[1],
        lambda x: jnp.linalg.eigvals(x),
        lambda x: jnp.linalg.eigvalsh(x),
        lambda x: jnp.linalg.cholesky(x),
        lambda x: jnp.linalg.solve(x, x[0]),
    ],
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_matrix_that_is_not_finite(function: Callable[..., Any], value: float) -> None:
    x = matrix("float32", 3, 3)
    x[1, 1] = value
    found, expected = both(function, x)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(np.isfinite(one), np.isfinite(other))


def test_a_matrix_that_is_not_positive_definite_is_nan() -> None:
    found, expected = both(jnp.linalg.cholesky, -np.eye(3, dtype=np.float32))
    np.testing.assert_array_equal(found[0], expected[0])
    assert np.isnan(found[0]).any()


def test_several_calls_one_after_the_other_and_gradients() -> None:
    x = matrix("float64", 4, 4) + 4 * np.eye(4)
    check(lambda x: jnp.linalg.inv(jnp.linalg.qr(x)[1]) @ jnp.linalg.cholesky(definite(x)), x)
    check(jax.grad(lambda x: jnp.linalg.slogdet(jnp.linalg.solve(x, x.T + jnp.eye(4)))[1]), x)


def test_calls_inside_functions_and_composites() -> None:
    inner = jax.jit(lambda x: jnp.linalg.cholesky(definite(x)) + 1)

    def twice(x: Any) -> Any:
        return inner(inner(x)), lax.composite(lambda v: jnp.linalg.qr(v)[1], name="my.qr")(x), jnp.where(x > 0, x, 0)

    check(twice, matrix("float64", 3, 3))

    @jax.jit
    def branching(x: Any) -> Any:
        factor = jnp.linalg.qr(x)[1]
        # What a region reads from outside is renamed with the rest.
        return lax.cond(factor[0, 0] > 0, lambda: factor, lambda: 2 * factor)

    check(lambda x: branching(x) + branching(2 * x), matrix("float64", 3, 3))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: lax.cond(x[0, 0] > 0, jnp.linalg.cholesky, lambda m: m, definite(x)),
        lambda x: lax.fori_loop(0, 3, lambda _, m: jnp.linalg.qr(m)[0], x),
        lambda x: jax.jit(jnp.linalg.qr)(x)[1] + lax.fori_loop(0, 3, lambda _, m: jax.jit(jnp.linalg.qr)(m)[0], x),
    ],
)
def test_a_call_in_a_loop_or_a_branch_is_a_known_limit(function: Callable[..., Any]) -> None:
    text, _ = text_of(function, matrix("float32", 3, 3))
    assert limit_of(parse(text)) == "stablehlo.custom_call: LAPACK or an odd irfft inside a loop or a branch"


def test_a_call_in_a_recursion_is_a_known_limit() -> None:
    text, _ = text_of(lambda x: jax.jit(jnp.linalg.cholesky)(x) + 1, matrix("float32", 3, 3))
    assert limit_of(parse(text)) == ""
    call = next(line.strip() for line in text.splitlines() if "call @cholesky(" in line)
    first = next(line for line in text.splitlines() if "stablehlo.custom_call" in line)
    hostile = text.replace(first, f"{call.replace('%0', '%again', 1)}\n{first}")
    assert hostile != text
    assert "inside a loop" in limit_of(parse(hostile))


STATES = ([1, 2], [2**64 - 1, 2**64 - 2], [3**30, 5**20])


@pytest.mark.parametrize("algorithm", list(lax.RandomAlgorithm))
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "uint32", "uint64"])
def test_random_bits_are_those_of_xla(algorithm: lax.RandomAlgorithm, dtype: str) -> None:
    for shape in ((), (1,), (5,), (3, 4), (3, 5), (2, 3, 5), (5, 1, 2)):
        for words in STATES:
            state = np.array(words, np.uint64)
            with jax.enable_x64(True):
                expected = lax.rng_bit_generator(state, shape, np.dtype(dtype), algorithm=algorithm)
            found = generate(algorithm.name.removeprefix("RNG_"), state, shape, np.dtype(dtype))
            for one, other in zip(found, expected, strict=True):
                np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("algorithm", ["PHILOX", "DEFAULT", "THREE_FRY"])
def test_random_bits_of_a_text(algorithm: str) -> None:
    words = 2 if algorithm == "THREE_FRY" else 3
    text = f"""module @m {{
      func.func public @main(%s: tensor<{words}xui64>) -> (tensor<{words}xui64>, tensor<3x5xui32>) {{
        %n, %b = stablehlo.rng_bit_generator %s, algorithm = {algorithm}
          : (tensor<{words}xui64>) -> (tensor<{words}xui64>, tensor<3x5xui32>)
        return %n, %b : tensor<{words}xui64>, tensor<3x5xui32>
      }}
    }}"""
    outputs = [ArraySpec((words,), "uint64"), ArraySpec((3, 5), "uint32")]
    state = np.array([7, 2**64 - 2, 2**64 - 1][:words], np.uint64)
    found = Interpreter(parse(text), outputs).run([state])
    for one, other in zip(found, Executable(text, outputs, x64=True).run([state]), strict=True):
        np.testing.assert_array_equal(one, other)
