"""The NumPy rules of decompositions: what defines each, JAX's own results, and how far rounding moves them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from matrices import DTYPES, matrix

from jaxir.executor.evaluate import evaluate
from jaxir.executor.rounding import rounding_error


def run(function: Callable[..., Any], *inputs: np.ndarray) -> list[np.ndarray]:
    with jax.enable_x64(True):
        return evaluate(jax.jit(function).trace(*inputs).jaxpr, inputs)


def close(left: Any, right: Any, dtype: str) -> None:
    tolerance = 2e-5 if dtype in ("float32", "complex64") else 1e-12
    np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance)


def h(x: np.ndarray) -> np.ndarray:
    return np.conj(np.swapaxes(x, -1, -2))


@pytest.mark.parametrize("dtype", DTYPES)
def test_eigenvalues_of_hermitian_stacks(dtype: str) -> None:
    x = matrix(dtype, 3, 4, 4)
    x = x + h(x)
    vectors, values = run(lax.linalg.eigh, x)
    assert values.dtype == np.finfo(dtype).dtype
    assert (np.diff(values) >= 0).all()
    close(vectors * values[:, None] @ h(vectors), x, dtype)
    close(h(vectors) @ vectors, np.broadcast_to(np.eye(4), x.shape), dtype)
    # One triangle is read.
    lower = run(lambda a: lax.linalg.eigh(a, symmetrize_input=False)[1], np.tril(x).astype(dtype))[0]
    close(lower, values, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_eigenvalues_of_any_matrix(dtype: str) -> None:
    x = matrix(dtype, 4, 4)
    values, left, right = run(lax.linalg.eig, x)
    close(x @ right, right * values, dtype)
    close(h(left) @ x, values[:, None] * h(left), dtype)
    (alone,) = run(lambda a: lax.linalg.eig(a, compute_left_eigenvectors=False, compute_right_eigenvectors=False)[0], x)
    close(np.sort_complex(alone), np.sort_complex(values), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(2, 5, 3), (3, 5)])
def test_singular_values(dtype: str, shape: tuple[int, ...]) -> None:
    x = matrix(dtype, *shape)
    for full in (False, True):
        u, values, vh = run(lambda a, full=full: lax.linalg.svd(a, full_matrices=full), x)
        count = values.shape[-1]
        close(u[..., :count] * values[..., None, :] @ vh[..., :count, :], x, dtype)
        assert u.shape[-1] == (x.shape[-2] if full else count)
    close(run(jnp.linalg.svdvals, x)[0], values, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_orthogonal_factors(dtype: str) -> None:
    x = matrix(dtype, 5, 3)
    q, r = run(lambda a: lax.linalg.qr(a, full_matrices=False), x)
    close(q @ r, x, dtype)
    close(h(q) @ q, np.eye(3), dtype)
    close(r, np.triu(r), dtype)
    q, r, order = run(lambda a: lax.linalg.qr(a, pivoting=True), x)
    close((q @ r)[:, np.argsort(order)], x, dtype)
    sizes = np.abs(np.diagonal(r))
    assert (np.diff(sizes) <= 1e-6).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_reflectors(dtype: str) -> None:
    x, c = matrix(dtype, 4, 4), matrix(dtype, 3, 2)

    def reduce(a: jax.Array, b: jax.Array) -> Any:
        packed, scalars = lax.linalg.hessenberg(a)
        q = lax.linalg.householder_product(packed[1:, :-1], scalars)
        products = [lax.linalg.ormqr(packed[1:, :-1], scalars, b, transpose=way) for way in (False, True)]
        return packed, q, *products, lax.linalg.ormqr(packed[1:, :-1], scalars, b.T, left=False)

    packed, q, ahead, back, right = run(reduce, x, c)
    whole = np.eye(4, dtype=dtype)
    whole[1:, 1:] = q
    close(whole @ np.triu(packed, -1) @ h(whole), x, dtype)
    close(h(q) @ q, np.eye(3), dtype)
    close(ahead, q @ c, dtype)
    close(back, h(q) @ c, dtype)
    close(right, c.T @ q, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_tridiagonal_form_has_the_same_eigenvalues(dtype: str) -> None:
    x = matrix(dtype, 5, 5)
    x = x + h(x)
    for lower in (True, False):
        _, diagonal, beside, _ = run(lambda a, lower=lower: lax.linalg.tridiagonal(a, lower=lower), x)
        form = np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
        close(np.linalg.eigvalsh(form), np.linalg.eigvalsh(x), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_schur_factors(dtype: str) -> None:
    x = matrix(dtype, 4, 4)
    form, vectors = run(lax.linalg.schur, x)
    close(vectors @ form @ h(vectors), x, dtype)
    close(h(vectors) @ vectors, np.eye(4), dtype)
    assert not np.tril(form, -1 if "complex" in dtype else -2).any()


def test_updates() -> None:
    x, row = matrix("float64", 6, 3), matrix("float64", 3)
    factor = np.linalg.cholesky(x.T @ x).T
    (updated,) = run(lax.linalg.cholesky_update, factor, row)
    close(updated.T @ updated, x.T @ x + np.outer(row, row), "float64")
    close(updated, np.triu(updated), "float64")
    c = matrix("float64", 6, 6)
    (product,) = run(lambda a, b: lax.linalg.symmetric_product(a, b, alpha=2.0, beta=0.5), x, c + c.T)
    close(product, 2 * x @ x.T + 0.5 * (c + c.T), "float64")


@pytest.mark.parametrize(
    "function",
    [
        lambda a: jnp.abs(lax.linalg.qr(a)[1]),
        lambda a: jnp.abs(lax.linalg.hessenberg(a)[0][0, 1]),
        lambda a: lax.linalg.eigh(a + a.T)[1],
        lambda a: jnp.linalg.svdvals(a),
        lambda a: jnp.sort(jnp.abs(lax.linalg.schur(a.astype(jnp.complex64))[0].diagonal())),
        lambda a: jnp.sort(jnp.abs(jnp.linalg.eigvals(a))),
    ],
)
def test_unique_results_are_those_of_jax(function: Callable[[Any], Any]) -> None:
    x = matrix("float32", 4, 4)
    (ours,) = evaluate(jax.jit(function).trace(x).jaxpr, [x])
    np.testing.assert_allclose(ours, jax.jit(function)(x), rtol=2e-5, atol=2e-5)


def test_what_does_not_converge_is_nan() -> None:
    x = np.full((2, 2, 2), np.nan, np.float32)
    x[1] = np.eye(2)
    values = run(lambda a: lax.linalg.eigh(a, symmetrize_input=False)[1], x)[0]
    assert np.isnan(values[0]).all()
    assert values[1].tolist() == [1, 1]


def test_rounding_moves_a_small_eigenvalue_by_units_of_the_largest() -> None:
    """A decomposition is as good as its matrix is large: 1e-6 beside 1 has lost most of its digits."""
    x = np.array([[1, 0.3], [0.3, 0.09 + 1e-6]], np.float32)
    closed = jax.jit(lambda a: lax.linalg.eigh(a)[1]).trace(x).jaxpr
    small, large = rounding_error(closed, [x])[0]
    assert 1e-9 < small < 1e-5
    assert large < 1e-5


def test_rounding_leaves_poles_alone() -> None:
    """An infinite value of a series is no rounding error: the reciprocal of the gamma function is 0 there."""
    x = np.array([0.0, -1.0, 2.5], np.float32)
    closed = jax.jit(lambda a: jnp.exp(-lax.lgamma(a))).trace(x).jaxpr
    errors = rounding_error(closed, [x])[0]
    assert errors[:2].tolist() == [0, 0]
    assert 0 < errors[2] < 1e-4
