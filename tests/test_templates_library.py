"""Templates over jax.scipy, jax.random and decompositions: each choice gives what SciPy or the definition gives."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy
from scipy import special, stats

FOLDER = Path(__file__).resolve().parents[1] / "templates"
RNG = np.random.default_rng(3)
KEY = np.array([3, 9], np.uint32)


def _module(file: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"library_{file.replace('/', '_')}", FOLDER / f"{file}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


FILES = (
    *(f"math/{name}" for name in ("distributions", "special_library", "special_matrices", "transforms_library")),
    *(f"math/{name}" for name in ("iterative_library",)),
    *(f"combined/{name}" for name in ("random_numbers", "initializers", "network_library", "decompositions")),
)
MODULES = [_module(file) for file in FILES]


def call(name: str, *arrays: Any, **options: Any) -> Any:
    """A template on arrays; a tuple of results comes back as a tuple of NumPy arrays."""
    (function,) = [vars(module)[name] for module in MODULES if name in vars(module)]
    results = jax.jit(lambda *values: function(*values, **options))(*map(jnp.asarray, arrays))
    return tuple(map(np.asarray, results)) if isinstance(results, tuple) else np.asarray(results)


def normals(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


X, Y = normals(6), normals(6)
P = RNG.uniform(0.1, 0.9, 6).astype(np.float32)
A, B = normals(4, 4), normals(4)
Z = (normals(4, 4) + 1j * normals(4, 4)).astype(np.complex64)
COUNTS = np.array([0, 1, 2, 3, 5, 8], np.int32)
LAWS = ("pdf", "logpdf", "cdf", "logcdf", "sf", "logsf")
DOMINANT = A + 8 * np.eye(4, dtype=np.float32)
SYMMETRIC = (A + A.T) / 2


@pytest.mark.parametrize("fn", LAWS)
def test_continuous_distributions(fn: str) -> None:
    cases = [
        ("cauchy_law", (X, Y), {"scale": 0.7}, getattr(stats.cauchy, fn)(X, Y, 0.7)),
        ("exponential_law", (X, Y), {}, getattr(stats.expon, fn)(abs(X) + 0.05, scale=abs(Y) + 0.2)),
        ("gamma_law", (X, Y), {}, getattr(stats.gamma, fn)(abs(X) + 0.1, abs(Y) + 0.5)),
        ("chi_squared_law", (X,), {"freedom": 3}, getattr(stats.chi2, fn)(X**2 + 0.1, 3)),
        ("beta_law", (P, X[0], Y[0]), {}, getattr(stats.beta, fn)(P, abs(X[0]) + 0.5, abs(Y[0]) + 0.5)),
        ("pareto_law", (X, Y), {}, getattr(stats.pareto, fn)(abs(X) + 1.1, abs(Y) + 0.5)),
        ("truncated_normal_law", (P,), {"low": -2.0, "high": 1.5}, getattr(stats.truncnorm, fn)(P, -2.0, 1.5)),
    ]
    for name, arrays, options, want in cases:
        np.testing.assert_allclose(call(name, *arrays, fn=fn, **options), want, rtol=2e-4, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("fn", ["pmf", "logpmf"])
def test_discrete_distributions(fn: str) -> None:
    cases = [
        ("binomial_law", {"trials": 10}, getattr(stats.binom, fn)(COUNTS, 10, P)),
        ("negative_binomial_law", {"successes": 3}, getattr(stats.nbinom, fn)(COUNTS, 3, P)),
        ("geometric_law", {}, getattr(stats.geom, fn)(COUNTS + 1, P)),
        ("poisson_law", {}, getattr(stats.poisson, fn)(COUNTS, P + 0.2)),
    ]
    for name, options, want in cases:
        np.testing.assert_allclose(call(name, COUNTS, P, fn=fn, **options), want, rtol=2e-4, err_msg=name)


def test_quantiles() -> None:
    for fn in ("ppf", "isf"):
        want = getattr(stats.norm, fn)(P, X, 0.5)
        np.testing.assert_allclose(call("normal_law_quantile", P, X, fn=fn, scale=0.5), want, rtol=1e-4, atol=1e-5)
    for law in ("gumbel_l", "gumbel_r"):
        want = getattr(stats, law).ppf(P, scale=2.0)
        np.testing.assert_allclose(call("gumbel_law_quantile", P, law=law, scale=2.0), want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "arrays", "options", "want"),
    [
        *(("erf_family", (X,), {"fn": fn}, getattr(special, fn)(X)) for fn in ("erf", "erfcx", "dawsn")),
        *(("gamma_family", (X,), {"fn": fn}, getattr(special, fn)(abs(X) + 0.3)) for fn in ("gamma", "factorial")),
        *(("exponential_integral", (X,), {"fn": fn}, getattr(special, fn)(abs(X) + 0.1)) for fn in ("exp1", "expi")),
        *(("modified_bessel", (X,), {"fn": fn}, getattr(special, fn)(X)) for fn in ("i0", "i0e", "i1", "i1e")),
        ("bessel_function", (X,), {"order": 2, "terms": 15}, special.jv(2, abs(X) + 0.2)),
        ("fresnel_integrals", (X,), {"scale": 2}, special.fresnel(2 * X)),
        ("sine_and_cosine_integrals", (X,), {}, special.sici(abs(X) + 0.1)),
        ("owen_t", (X, Y), {}, special.owens_t(X, Y)),
        ("kummer", (X,), {"a": 1.2, "b": 2.1}, special.hyp1f1(1.2, 2.1, X)),
        (
            "gauss_hypergeometric",
            (P[0],),
            {"a": 0.7, "b": 1.2, "c": 2.5},
            special.hyp2f1(0.7, 1.2, 2.5, min(P[0], 0.7)),
        ),
        ("faddeeva", (Z,), {}, special.wofz(Z)),
        ("dilogarithm", (X,), {}, special.spence(abs(X) + 0.05)),
        ("zeta_function", (X, Y), {}, special.zeta(abs(X) + 1.2, abs(Y) + 0.5)),
        ("ranks_with_ties", (COUNTS.astype(np.float32) % 3,), {"method": "dense"}, stats.rankdata(COUNTS % 3, "dense")),
        ("matrix_exponential", (A,), {"time": 0.5, "part": "whole"}, scipy.linalg.expm(A / 2)),
        ("square_root_of_matrix", (A,), {}, scipy.linalg.sqrtm(DOMINANT).real),
        ("system_solution", (A, B), {"assume": "gen"}, np.linalg.solve(DOMINANT, B)),
        ("structured_product", (X, Y), {"structure": "circulant"}, scipy.linalg.circulant(X) @ Y),
        ("companion_step", (B, A[0]), {"kind": "companion"}, scipy.linalg.companion([1, *B]) @ A[0]),
        ("without_trend", (X,), {"kind": "linear"}, scipy.signal.detrend(X)),
        ("cosine_transform_of_image", (A,), {"fn": "dctn"}, scipy.fft.dctn(A, norm="ortho")),
        ("fast_convolution", (X, Y), {}, np.convolve(X, Y)),
        ("conjugate_gradients", (A, B), {"steps": 5}, np.linalg.solve(A @ A.T / 4 + np.eye(4), B)),
        ("sparse_from_coordinates", (X, Y), {"offset": 1}, X * np.roll(Y, -1)),
        ("log_mean_exp", (A,), {"keepdims": False}, np.log(np.exp(A).mean(-1))),
        ("taylor_coefficients", (X, Y), {"fn": "sin"}, (np.cos(X) * Y, -np.sin(X) * Y**2)),
        (
            "euler_matrix",
            (X[:3],),
            {"axes": "xyz", "degrees": False},
            scipy.spatial.transform.Rotation.from_euler("xyz", X[:3]).as_matrix(),
        ),
        # Decompositions.
        ("nearest_unitary", (Z,), {}, scipy.linalg.polar(Z + 8 * np.eye(4))[0]),
        ("function_of_symmetric_matrix", (A,), {"fn": "exp"}, scipy.linalg.expm(SYMMETRIC)),
        ("eigenvalue_moduli", (A,), {"fn": "eig"}, np.sort(abs(np.linalg.eigvals(A)))[::-1]),
        ("symmetric_eigenvalues", (A,), {"fn": "eigvalsh"}, np.linalg.eigvalsh(SYMMETRIC)),
        (
            "spectral_filter",
            (DOMINANT,),
            {"power": 1},
            (lambda u, s, v: u * (s / (s + 1)) @ v)(*np.linalg.svd(DOMINANT)),
        ),
        ("unitary_evolution", (Z, Z[0]), {"time": 0.5}, scipy.linalg.expm(-0.25j * (Z + Z.conj().T)) @ Z[0]),
        ("regression_by_lstsq", (A[:, :3], A), {}, np.linalg.lstsq(A[:, :3] + 2 * np.eye(4, 3), A)[0]),
        ("trace_of_power", (A,), {"power": 3}, np.trace(A @ A @ A)),
        ("schur_diagonal", (Z,), {"power": 2}, np.trace(Z @ Z)),
        ("updated_factor", (A, B), {}, np.linalg.cholesky(A.T @ A / 4 + np.eye(4) + np.outer(B, B)).T),
        (
            "column_space_projection",
            (A[:, :2], B),
            {},
            (lambda q: q @ q.T @ B)(np.linalg.qr(A[:, :2] + np.eye(4, 2))[0]),
        ),
        ("solved_by_lu", (A, A), {"trans": 1}, np.linalg.solve(DOMINANT.T, A)),
    ],
)
def test_functions(name: str, arrays: tuple[Any, ...], options: dict[str, Any], want: Any) -> None:
    got = call(name, *arrays, **options)
    if isinstance(got, tuple):
        assert len(got) == len(want)
        for one, other in zip(got, want, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)
    else:
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-4)


def test_samples_have_the_means_of_their_distributions() -> None:
    """A few thousand draws each; the bounds are five standard errors."""
    many = np.zeros(4000, np.float32)
    means = {"normal": 0.0, "uniform": 0.5, "laplace": 0.0, "logistic": 0.0, "exponential": 1.0, "gumbel": 0.5772}
    for fn, mean in means.items():
        draws = call("noise_like", KEY, many, fn=fn)
        assert abs(draws.mean() - mean) < 5 * draws.std() / 63, fn
    for fn, mean in (("gamma", 1.5), ("chisquare", 1.5)):
        draws = call("sample_of_shape", KEY, many + 1, fn=fn)
        assert abs(draws.mean() - mean) < 5 * draws.std() / 63, fn
    counts = call("poisson_sample", KEY, many + 1, scale=2)
    assert abs(counts.mean() - 3) < 5 * 3**0.5 / 63
    flips = call("dropout_by_bernoulli", KEY, many + 1, keep=0.5, fill="zero")
    assert abs(flips.mean() - 1) < 5 / 63


def test_shuffles_and_choices_keep_their_elements() -> None:
    assert sorted(call("shuffled_rows", KEY, X, independent=False)) == sorted(X)
    assert sorted(call("shuffled_indices", KEY, X)) == sorted(X)
    assert call("chosen_row", KEY, X, replace=True) in X
    assert sorted(call("weighted_choice", KEY, X, Y, replace=False)) == sorted(X)


def test_initial_weights_have_their_scale() -> None:
    eye = np.eye(64, dtype=np.float32)
    for init, variance in (("glorot_normal", 1 / 64), ("he_uniform", 2 / 64)):
        weights = call("fresh_linear", KEY, eye, init=init)
        assert weights.var() == pytest.approx(variance, rel=0.1)
    image = call("fresh_orthogonal_layer", KEY, eye, gain=1.0) - eye
    np.testing.assert_allclose(image @ image.T, eye, atol=1e-4)


def test_attention_hides_masked_keys() -> None:
    query, key, value = normals(3, 2, 4), normals(5, 2, 4), normals(5, 2, 4)
    bias, mask = np.zeros((2, 3, 5), np.float32), np.array([True, False, True, False, False])
    got = call("attention_with_bias", query, key, value, bias, mask)
    scores = np.einsum("thd,shd->hts", query, key[mask]) / 2
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    np.testing.assert_allclose(got, np.einsum("hts,shd->thd", weights, value[mask]), rtol=1e-4, atol=1e-5)
