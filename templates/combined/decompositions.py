"""Decompositions of matrices in use: what is unique of their factors, for matrices far from singular ones."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jax.scipy import linalg
from jaxtyping import AbstractDtype, Array, Complex

from jaxir import Uniform


class Wide(AbstractDtype):
    """Real types that LAPACK knows."""

    dtypes = ("float64", "float32")


class Field(AbstractDtype):
    """Types that LAPACK knows."""

    dtypes = ("complex128", "complex64", "float64", "float32")


def _covariance(x):
    return x.T @ x / x.shape[0] + jnp.eye(x.shape[1], dtype=x.dtype)


def _hermitian(x):
    return (x + jnp.conj(x.T)) / 2


def _dominant(x):
    return x + 2 * x.shape[-1] * jnp.eye(x.shape[-1], dtype=x.dtype)


def _descending(values):
    return jnp.sort(jnp.abs(values))[::-1]


# Cholesky factors


def covariance_factor(samples: Wide[Array, "m n"], *, upper: Literal[False, True]) -> Wide[Array, "n n"]:
    """a Cholesky factor of the regularised second moments of samples"""
    return jnp.linalg.cholesky(_covariance(samples), upper=upper)


def gram_factor(z: Complex[Array, "m n"], *, ridge: Annotated[float, Uniform(0.5, 2.0)]) -> Complex[Array, "n n"]:
    """the lower Cholesky factor of a complex Gram matrix"""
    gram = jnp.conj(z.T) @ z + ridge * jnp.eye(z.shape[1], dtype=z.dtype)
    return lax.linalg.cholesky(gram)


def cholesky_log_determinant(samples: Wide[Array, "*b m n"]) -> Wide[Array, "*b"]:
    """the log-determinants of regularised Gram matrices, from Cholesky factors"""
    gram = jnp.swapaxes(samples, -1, -2) @ samples + jnp.eye(samples.shape[-1], dtype=samples.dtype)
    factor = lax.linalg.cholesky(gram, symmetrize_input=False)
    return 2 * jnp.sum(jnp.log(jnp.diagonal(factor, axis1=-2, axis2=-1)), axis=-1)


def solved_by_cholesky(
    samples: Field[Array, "m n"], b: Field[Array, "n k"], *, lower: Literal[False, True]
) -> Field[Array, "n k"]:
    """the solution of a positive definite system by a kept Cholesky factor"""
    gram = jnp.conj(samples.T) @ samples + jnp.eye(samples.shape[1], dtype=samples.dtype)
    return linalg.cho_solve(linalg.cho_factor(gram, lower=lower), b)


def whitened(samples: Wide[Array, "m n"], *, lower: Literal[False, True]) -> Wide[Array, "m n"]:
    """samples whitened by the Cholesky factor of their second moments"""
    factor = linalg.cholesky(_covariance(samples), lower=lower)
    if lower:
        white = linalg.solve_triangular(factor, samples.T, lower=True)
    else:
        white = linalg.solve_triangular(factor, samples.T, trans="T", lower=False)
    return white.T


def updated_factor(samples: Wide[Array, "m n"], row: Wide[Array, "n"]) -> Wide[Array, "n n"]:
    """a Cholesky factor after a new sample"""
    factor = jnp.linalg.cholesky(_covariance(samples), upper=True)
    return jnp.triu(lax.linalg.cholesky_update(factor, row))


def symmetric_rank_update(
    a: Wide[Array, "n k"], c: Wide[Array, "n n"], *, alpha: Annotated[float, Uniform(0.5, 2.0)], beta: Literal[0.5, 1.0]
) -> Wide[Array, "n n"]:
    """a symmetric matrix plus multiples of the products of rows"""
    return lax.linalg.symmetric_product(a, c + c.T, alpha=alpha, beta=beta, symmetrize_output=True)


# LU factors


def lu_product(a: Field[Array, "n n"], *, part: Literal["lower", "upper"]) -> Field[Array, "n n"]:
    """the `part` factor of a diagonally dominant matrix"""
    _, lower, upper = linalg.lu(_dominant(a))
    if part == "lower":
        factor = lower
    else:
        factor = upper
    return factor


def permuted_lower_factor(a: Wide[Array, "n n"]) -> tuple[Wide[Array, "n n"], Wide[Array, "n n"]]:
    """the rows of a matrix by its permuted lower and its upper factor"""
    return linalg.lu(_dominant(a), permute_l=True)


def solved_by_lu(a: Field[Array, "n n"], b: Field[Array, "n k"], *, trans: Literal[0, 1, 2]) -> Field[Array, "n k"]:
    """the solution of a diagonally dominant system by kept LU factors"""
    return linalg.lu_solve(linalg.lu_factor(_dominant(a)), b, trans=trans)


def determinant_of_complex_matrix(z: Complex[Array, "*b n n"]) -> Complex[Array, "*b"]:
    """the determinants of complex matrices by LU factors"""
    shifted = z + 2 * jnp.eye(z.shape[-1], dtype=z.dtype)
    packed, _, _ = lax.linalg.lu(shifted)
    return jnp.prod(jnp.diagonal(packed, axis1=-2, axis2=-1), axis=-1) ** 2


def row_order_of_elimination(a: Wide[Array, "n n"], values: Wide[Array, "n"]) -> Wide[Array, "n"]:
    """numbers in the order in which partial pivoting takes the rows of a matrix"""
    _, pivots, _ = lax.linalg.lu(a)
    return values[lax.linalg.lu_pivots_to_permutation(pivots, a.shape[0])]


# Orthogonal factors


def qr_triangle(x: Field[Array, "n+1 n"]) -> Field[Array, "n n"]:
    """the magnitudes of the triangular factor of a tall matrix"""
    return jnp.abs(jnp.linalg.qr(x, mode="r")).astype(x.dtype)


def column_space_projection(x: Wide[Array, "n+2 n"], y: Wide[Array, "n+2"]) -> Wide[Array, "n+2"]:
    """the projection of `y` on the span of columns"""
    q, _ = jnp.linalg.qr(x + jnp.eye(*x.shape, dtype=x.dtype))
    return q @ (q.T @ y)


def unitary_projection(z: Complex[Array, "n+2 n"], y: Complex[Array, "n+2"]) -> Complex[Array, "n+2"]:
    """the part of `y` outside the span of complex columns"""
    q, _ = lax.linalg.qr(z + 2 * jnp.eye(*z.shape, dtype=z.dtype), full_matrices=False)
    return y - q @ (jnp.conj(q.T) @ y)


def least_squares_by_qr(
    x: Wide[Array, "n+2 n"], y: Wide[Array, "n+2"], *, mode: Literal["economic"]
) -> Wide[Array, "n"]:
    """the coefficients of a regression by QR factors"""
    q, r = linalg.qr(x + 2 * jnp.eye(*x.shape, dtype=x.dtype), mode=mode)
    return linalg.solve_triangular(r, q.T @ y)


def rank_revealing_diagonal(x: Wide[Array, "n n"]) -> Wide[Array, "n"]:
    """the magnitudes of the diagonal of a pivoted triangular factor"""
    _, r, _ = linalg.qr(x, pivoting=True)
    return jnp.abs(jnp.diag(r))


def pivoted_complex_diagonal(z: Complex[Array, "n n"]) -> Complex[Array, "n"]:
    """the magnitudes of the diagonal of a pivoted triangular factor of a complex matrix"""
    _, r, _ = lax.linalg.qr(z, pivoting=True, full_matrices=False)
    return jnp.abs(jnp.diagonal(r)).astype(z.dtype)


def rotated_by_reflectors(
    a: Field[Array, "n+1 n+1"], c: Field[Array, "n m"], *, transpose: Literal[False, True]
) -> Field[Array, "n m"]:
    """`c` after the reflections that bring a matrix to Hessenberg form"""
    packed, scalars = lax.linalg.hessenberg(a)
    return lax.linalg.ormqr(packed[1:, :-1], scalars, c, left=True, transpose=transpose)


def product_of_reflectors(a: Field[Array, "n+1 n+1"]) -> Field[Array, "n n"]:
    """the reflections that bring a matrix to Hessenberg form, multiplied out"""
    packed, scalars = lax.linalg.hessenberg(a)
    return lax.linalg.householder_product(packed[1:, :-1], scalars)


def rotated_complex_rows(z: Complex[Array, "n+1 n+1"], c: Complex[Array, "m n"]) -> Complex[Array, "m n"]:
    """`c` times the reflections that bring a complex matrix to Hessenberg form"""
    packed, scalars = lax.linalg.hessenberg(z)
    return lax.linalg.ormqr(packed[1:, :-1], scalars, c, left=False)


def coordinates_in_orthogonal_basis(a: Wide[Array, "n n"], c: Wide[Array, "m n"]) -> Wide[Array, "m n"]:
    """the magnitudes of the coordinates of vectors in the basis that the columns of a matrix make"""
    return jnp.abs(linalg.qr_multiply(_dominant(a), c, mode="right")[0])


def polar_factors(
    a: Wide[Array, "n n"], *, method: Literal["qdwh", "svd"]
) -> tuple[Wide[Array, "n n"], Wide[Array, "n n"]]:
    """the orthogonal and the positive factor of a diagonally dominant matrix"""
    return linalg.polar(_dominant(a), method=method)


def left_stretch(a: Field[Array, "n n"]) -> Field[Array, "n n"]:
    """the positive left factor of a diagonally dominant matrix"""
    return linalg.polar(_dominant(a), side="left", method="svd")[1]


def nearest_unitary(z: Complex[Array, "n n"]) -> Complex[Array, "n n"]:
    """the unitary matrix nearest to a diagonally dominant complex one"""
    return lax.linalg.qdwh(_dominant(z))[0]


# Singular values


def singular_values(x: Wide[Array, "m n"], *, fn: Literal["svdvals", "library"]) -> Wide[Array, ""]:
    """a smooth count of the large singular values"""
    if fn == "svdvals":
        values = jnp.linalg.svdvals(x)
    else:
        values = linalg.svd(x, compute_uv=False)
    return jnp.sum(values**2 / (values**2 + 0.5))


def spectral_filter(x: Field[Array, "n n"], *, power: Literal[1, 2]) -> Field[Array, "n n"]:
    """a matrix whose singular values were damped"""
    u, s, vh = jnp.linalg.svd(x, full_matrices=False)
    damped = s**power / (s**power + 1)
    return (u * damped.astype(x.dtype)) @ vh


def complex_singular_filter(
    z: Complex[Array, "m n"], *, threshold: Annotated[float, Uniform(0.1, 0.5)]
) -> Complex[Array, "m n"]:
    """a complex matrix whose singular values were soft-thresholded"""
    u, s, vh = lax.linalg.svd(z, full_matrices=False)
    return (u * jnp.maximum(s - threshold, 0).astype(z.dtype)) @ vh


def pseudo_inverse(x: Wide[Array, "n+1 n"], *, scale: Literal[2, 3]) -> Wide[Array, "n n+1"]:
    """the pseudo-inverse of a tall matrix of full rank"""
    return jnp.linalg.pinv(x + scale * jnp.eye(*x.shape, dtype=x.dtype))


def regression_by_lstsq(x: Wide[Array, "n+1 n"], y: Wide[Array, "n+1 k"]) -> Wide[Array, "n k"]:
    """the least-squares coefficients of a tall matrix of full rank"""
    return jnp.linalg.lstsq(x + 2 * jnp.eye(*x.shape, dtype=x.dtype), y)[0]


def rank_after_rounding(x: Wide[Array, "m n"], *, tolerance: Literal[0.5, 1.0]) -> Wide[Array, "m n"]:
    """a matrix divided by its numerical rank"""
    return x / (1 + jnp.linalg.matrix_rank(x, rtol=tolerance / 10))


def condition_number(x: Field[Array, "n n"], *, order: Literal[1, 2, "fro"]) -> Field[Array, ""]:
    """the condition number of a diagonally dominant matrix"""
    return jnp.linalg.cond(_dominant(x), order).astype(x.dtype)


def schatten_norm(x: Wide[Array, "m n"], *, ord: Literal["nuc", "fro", 2, -2, 1]) -> Wide[Array, ""]:
    """a norm of a matrix"""
    return jnp.linalg.matrix_norm(x + jnp.eye(*x.shape, dtype=x.dtype), ord=ord)


# Eigenvalues of Hermitian matrices


def symmetric_eigenvalues(a: Wide[Array, "n n"], *, fn: Literal["eigvalsh", "eigh", "tridiagonal"]) -> Wide[Array, "n"]:
    """the eigenvalues of a symmetric matrix"""
    symmetric = _hermitian(a)
    if fn == "eigvalsh":
        values = jnp.linalg.eigvalsh(symmetric)
    elif fn == "eigh":
        values = linalg.eigh(symmetric, eigvals_only=True)
    else:
        values = linalg.eigh_tridiagonal(jnp.diag(a), jnp.diag(a, 1), eigvals_only=True)
    return values


def function_of_symmetric_matrix(
    a: Wide[Array, "n n"], *, fn: Literal["exp", "tanh", "sin", "square", "arctan"]
) -> Wide[Array, "n n"]:
    """the matrix function `fn` of a symmetric matrix"""
    values, vectors = jnp.linalg.eigh(_hermitian(a))
    return (vectors * getattr(jnp, fn)(values)) @ vectors.T


def unitary_evolution(
    hamiltonian: Complex[Array, "n n"], state: Complex[Array, "n"], *, time: Annotated[float, Uniform(0.1, 2.0)]
) -> Complex[Array, "n"]:
    """the state of a quantum system after a time"""
    energies, modes = jnp.linalg.eigh(_hermitian(hamiltonian))
    return modes @ (jnp.exp(-1j * time * energies) * (jnp.conj(modes.T) @ state))


def thermal_state(
    hamiltonian: Complex[Array, "n n"], *, temperature: Annotated[float, Uniform(0.5, 2.0)]
) -> Complex[Array, "n n"]:
    """the density matrix of a quantum system at a temperature"""
    modes, energies = lax.linalg.eigh(_hermitian(hamiltonian))
    weights = jnp.exp(-(energies - energies[0]) / temperature)
    return (modes * (weights / jnp.sum(weights)).astype(modes.dtype)) @ jnp.conj(modes.T)


def principal_variances(samples: Wide[Array, "m n"]) -> tuple[Wide[Array, "n"], Wide[Array, "n n"]]:
    """the principal variances and the squared loadings of samples"""
    centred = samples - jnp.mean(samples, axis=0)
    drift = jnp.diag(jnp.arange(samples.shape[1], dtype=samples.dtype))
    values, vectors = jnp.linalg.eigh(centred.T @ centred / samples.shape[0] + drift)
    return values, vectors**2


def smallest_eigenvalue_gap(a: Wide[Array, "n+1 n+1"]) -> Wide[Array, ""]:
    """the gap between the two smallest eigenvalues of a symmetric matrix"""
    values = jnp.linalg.eigvalsh(_hermitian(a), UPLO="U")
    return values[1] - values[0]


def spectral_embedding(weights: Wide[Array, "n n"]) -> Wide[Array, "n"]:
    """the squared entries of the Fiedler vector of a weighted graph whose nodes also have weights"""
    adjacency = jnp.abs(_hermitian(weights))
    laplacian = jnp.diag(jnp.sum(adjacency, axis=1) + jnp.arange(weights.shape[0])) - adjacency
    _, vectors = linalg.eigh(laplacian.astype(weights.dtype))
    return vectors[:, min(1, weights.shape[0] - 1)] ** 2


def tridiagonal_form(a: Field[Array, "n n"]) -> Field[Array, "n"]:
    """the diagonal of the tridiagonal form of a Hermitian matrix"""
    _, diagonal, _, _ = lax.linalg.tridiagonal(_hermitian(a), lower=True)
    return diagonal.astype(a.dtype)


def hermitian_off_diagonal(z: Complex[Array, "n+1 n+1"]) -> Complex[Array, "n"]:
    """the squared off-diagonal of the tridiagonal form of a Hermitian matrix"""
    _, _, beside, _ = lax.linalg.tridiagonal(_hermitian(z))
    return (beside**2).astype(z.dtype)


# Eigenvalues of any matrix


def eigenvalue_moduli(a: Wide[Array, "n n"], *, fn: Literal["eigvals", "eig"]) -> Wide[Array, "n"]:
    """the moduli of the eigenvalues of a matrix, the largest first"""
    if fn == "eigvals":
        values = jnp.linalg.eigvals(a)
    else:
        values = jnp.linalg.eig(a).eigenvalues
    return _descending(values)


def spectral_radius(z: Complex[Array, "n n"], *, power: Literal[1, 2]) -> Complex[Array, ""]:
    """the largest modulus of an eigenvalue of a complex matrix"""
    (values,) = lax.linalg.eig(z, compute_left_eigenvectors=False, compute_right_eigenvectors=False)
    return jnp.max(jnp.abs(values)).astype(z.dtype) ** power


def trace_of_power(a: Wide[Array, "n n"], *, power: Literal[2, 3]) -> Wide[Array, ""]:
    """the trace of a power of a matrix, from its eigenvalues"""
    values, _ = jnp.linalg.eig(a)
    return jnp.real(jnp.sum(values**power)).astype(a.dtype)


def polynomial_root_moduli(coefficients: Wide[Array, "n+2"]) -> Wide[Array, "n+2"]:
    """the moduli of the roots of a monic polynomial, from its companion matrix"""
    leading = jnp.concatenate([jnp.ones(1, coefficients.dtype), coefficients])
    return _descending(jnp.linalg.eigvals(linalg.companion(leading)))


def modes_of_normal_matrix(z: Complex[Array, "n n"]) -> Complex[Array, "n n"]:
    """a complex matrix put together again from squares of its eigenvalues"""
    spread = z / (4 * z.shape[0]) + jnp.diag(jnp.arange(z.shape[0])).astype(z.dtype)
    values, vectors = jnp.linalg.eig(spread)
    return (vectors * values**2) @ jnp.linalg.inv(vectors)


def schur_diagonal(z: Complex[Array, "n n"], *, power: Literal[1, 2, 3]) -> Complex[Array, ""]:
    """the sum of powers of the diagonal of the Schur form of a complex matrix"""
    triangle, _ = linalg.schur(z, output="complex")
    return jnp.sum(jnp.diag(triangle) ** power)


def departure_from_normality(a: Field[Array, "n n"]) -> Field[Array, ""]:
    """Henrici's departure from normality"""
    triangle, _ = lax.linalg.schur(a)
    lengths = jnp.sum(jnp.abs(triangle) ** 2) - jnp.sum(jnp.abs(jnp.diag(triangle)) ** 2)
    return (lengths + 1).astype(a.dtype)


def schur_put_together(a: Wide[Array, "n n"], *, scale: Literal[1, 2]) -> Wide[Array, "n n"]:
    """a matrix put together again from its Schur factors, with the form scaled"""
    form, vectors = linalg.schur(a)
    return vectors @ (scale * form + jnp.eye(a.shape[0], dtype=a.dtype)) @ vectors.T


def complex_schur_moduli(a: Wide[Array, "n n"]) -> Wide[Array, "n"]:
    """the moduli of the diagonal of the complex Schur form of a real matrix, the largest first"""
    form, vectors = linalg.schur(a)
    triangle, _ = linalg.rsf2csf(form, vectors)
    return _descending(jnp.diag(triangle)).astype(a.dtype)


def hessenberg_form(a: Field[Array, "n n"]) -> Field[Array, "n n"]:
    """the magnitudes of the Hessenberg form of a matrix"""
    return jnp.abs(jnp.triu(linalg.hessenberg(a), -1)).astype(a.dtype)


def hessenberg_basis(a: Field[Array, "n n"], x: Field[Array, "n"]) -> Field[Array, "n"]:
    """the magnitudes of the coordinates of a vector in the Hessenberg basis of a matrix"""
    _, basis = linalg.hessenberg(a, calc_q=True)
    return jnp.abs(jnp.conj(basis.T) @ x).astype(a.dtype)


def packed_hessenberg_diagonal(z: Complex[Array, "n n"]) -> Complex[Array, "n"]:
    """the diagonal of the Hessenberg form of a complex matrix"""
    packed, _ = lax.linalg.hessenberg(z)
    return jnp.diagonal(packed)
