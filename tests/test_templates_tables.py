"""Templates that are tables of functions: each choice gives what NumPy's function of that name gives."""

import importlib.util
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest

from jaxir.analysis.reach import template_reach
from jaxir.analysis.universe import universe
from jaxir.executor.evaluate import evaluate
from jaxir.generator.templates import template_files

FOLDER = Path(__file__).resolve().parent.parent / "templates"
FILES = (
    *(f"arithmetic/{name}" for name in ("unary", "binary", "predicates", "casts", "operators")),
    *(f"array/{name}" for name in ("stacking", "creation", "nan_statistics", "sets", "selection", "polynomials")),
    *(f"array/{name}" for name in ("scatter_gather", "windows", "matrix_products", "convolutions", "spectra")),
    *(f"control_flow/{name}" for name in ("conditionals", "counted", "prefix_scans", "structure")),
)


def _module(file: str) -> types.ModuleType:
    spec = importlib.util.spec_from_file_location(f"tables_{file.replace('/', '_')}", FOLDER / f"{file}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


MODULES = {file: _module(file) for file in FILES}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: item
    for module in MODULES.values()
    for name, item in vars(module).items()
    if isinstance(item, types.FunctionType) and item.__module__ == module.__name__ and not name.startswith("_")
}

rng = np.random.default_rng(12)
X = rng.normal(size=(3, 4)).astype(np.float32)
Y = rng.normal(size=(3, 4)).astype(np.float32)
P = rng.uniform(0.1, 0.9, size=(3, 4)).astype(np.float32)
Q = rng.uniform(0.1, 0.9, size=(3, 4)).astype(np.float32)
W = rng.uniform(1.1, 2.0, size=(3, 4)).astype(np.float32)
C = (X + 1j * Y).astype(np.complex64)
M = rng.integers(-9, 9, size=(3, 4)).astype(np.int32)
N = rng.integers(0, 9, size=(3, 4)).astype(np.int32)
U = rng.integers(0, 99, size=(3, 4)).astype(np.uint32)
K = rng.random((3, 4)) < 0.5
S = rng.normal(size=(4, 4)).astype(np.float32)
V = rng.normal(size=5).astype(np.float32)
R = rng.normal(size=5).astype(np.float32)
I5 = np.array([3, 1, 3, 7, 1], np.int32)
J5 = np.array([1, 2, 8, 3, 8], np.int32)
CUBE = rng.normal(size=(2, 3, 4)).astype(np.float32)
T = rng.normal(size=(2, 4, 3)).astype(np.float32)
HOLED = np.concatenate([np.full((3, 1), 0.5), np.where(X[:, 1:] < 0, np.nan, np.sqrt(np.abs(X[:, 1:])))], axis=1)

#: (template, option, arguments, wanted): `wanted` takes the choice and gives NumPy's result.
TABLES: list[tuple[str, str, tuple[Any, ...], Callable[[Any], Any]]] = [
    ("circular_function", "fn", (P,), lambda fn: getattr(np, fn)(P)),
    ("root_function", "fn", (W,), lambda fn: _root(fn, W)),
    ("exponential_function", "fn", (P,), lambda fn: getattr(np, fn)(P)),
    ("integral_power", "exponent", (M,), lambda power: M**power),
    ("inverse_integral_power", "exponent", (W,), lambda power: W ** float(power)),
    ("round_to_whole", "fn", (X,), lambda fn: getattr(np, fn)(3 * X)),
    ("angle_unit", "fn", (X,), lambda fn: getattr(np, fn)(X)),
    ("sum_or_product", "fn", (M, N), lambda fn: getattr(np, fn)(M, N)),
    ("ratio", "fn", (X, W), lambda fn: X / W),
    ("quotient_or_remainder", "fn", (X, W), lambda fn: getattr(np, fn)(X, W)),
    ("power_function", "fn", (W, X), lambda fn: W**X),
    ("extreme_of_pair", "fn", (X, Y), lambda fn: getattr(np, fn)(X, Y)),
    ("angle_of_point", "fn", (X, Y), lambda fn: np.arctan2(X, Y)),
    ("log_of_sum", "fn", (X, Y), lambda fn: getattr(np, fn)(X, Y)),
    ("divisor_or_multiple", "fn", (M, N), lambda fn: getattr(np, fn)(M, N)),
    ("join_sign", "fn", (X, Y), lambda fn: getattr(np, fn)(X, Y)),
    ("ordering", "fn", (M, N), lambda fn: getattr(np, fn)(M, N)),
    ("lax_comparison", "fn", (M, N), lambda fn: _compared(fn, M, N)),
    ("equality", "fn", (M, N), lambda fn: np.where(getattr(np, fn)(M, N), M * N, M - N)),
    ("replace_invalid", "fn", (X, Y), lambda fn: _without_nan(fn, X, Y)),
    ("float_round_trip", "to", (X,), lambda to: X.astype(_dtype(to)).astype(np.float32) + X / 2),
    ("narrow_integers", "to", (M, N), lambda to: M.astype(_dtype(to)).astype(np.int32) + N),
    ("bit_operators", "operator", (M, N), lambda op: _bits(op, M, N)),
    ("extreme_method", "method", (X,), lambda fn: getattr(X, fn)(-1, keepdims=True)),
    ("stack_rows", "fn", (X, Y), lambda fn: np.vstack([X, Y])),
    ("stack_side_by_side", "fn", (X, Y), lambda fn: np.hstack([X, Y])),
    ("columns_of_vectors", "fn", (V, R), lambda fn: np.column_stack([V, R])),
    ("permute_axes", "fn", (CUBE,), lambda fn: np.moveaxis(CUBE, -1, 0)),
    ("unstack_and_join", "fn", (X,), lambda fn: np.stack([X[2], X[1], X[0]], -1)),
    ("lax_slice", "axis", (S,), lambda axis: np.flip(S[1:-1], axis)),
    ("extract_diagonal", "fn", (CUBE[0],), lambda fn: np.trace(CUBE[0])),
    ("rotate_quarter", "k", (S,), lambda k: np.rot90(S, k)),
    ("flip_matrix", "fn", (X, Y), lambda fn: np.concatenate([getattr(np, fn)(X), Y])),
    ("pad_modes", "mode", (V,), lambda mode: np.pad(V, (2, 1), mode=mode)),
    ("insert_row", "at", (X, Y[0]), lambda at: np.insert(X, at, Y[0], axis=0)),
    ("delete_row", "at", (X,), lambda at: np.delete(X, at, axis=0)),
    ("taper", "window", (X,), lambda window: X * (1 + getattr(np, window)(4))),
    ("spaced_points", "fn", (V,), lambda fn: V * _points(fn, 3.0)),
    ("triangle_entries", "fn", (S[:3, :3],), lambda fn: S[:3, :3][getattr(np, fn)(3)]),
    ("nan_reduction", "fn", (X,), lambda fn: getattr(np, fn)(HOLED, axis=-1)),
    ("nan_running", "fn", (X,), lambda fn: getattr(np, fn)(HOLED, axis=-1)),
    ("reduce_where", "fn", (X, K), lambda fn: getattr(np, fn)(X, axis=-1, where=K, initial=1)),
    ("percentile_of_rows", "method", (X,), lambda method: np.percentile(X, 30, axis=-1, method=method)),
    ("covariance", "fn", (X,), lambda fn: getattr(np, fn)(X + np.eye(3, 4)) + 1),
    ("slide_product", "fn", (V, R[:2]), lambda fn: getattr(np, fn)(V, R[:2], "valid")),
    ("area_under", "fn", (X, V[:4]), lambda fn: _area(fn, X, V[:4])),
    ("running_totals", "fn", (X,), lambda fn: (np.cumsum if fn.endswith("sum") else np.cumprod)(X, -1)),
    ("lax_reduction", "fn", (X,), lambda fn: _reduced(fn, X)),
    ("lax_cumulative", "fn", (X,), lambda fn: _running(fn, X)),
    ("set_operation", "fn", (I5, J5), lambda fn: _padded(getattr(np, fn)(I5, J5), 6, -1)),
    ("members", "method", (I5, J5), lambda method: np.isin(I5, J5)),
    ("nonzero_positions", "fn", (V, R), lambda fn: R[_padded(np.flatnonzero(V > 0.5), 3, 0)]),
    ("kth_smallest", "fn", (X,), lambda fn: np.sort(X, -1)[:, 1]),
    ("polynomial_sum", "fn", (V[:2], R), lambda fn: getattr(np, fn)(V[:2], R)),
    ("update_at", "method", (X, np.array([0, 2, 0]), Y[0]), lambda method: _updated(method, X, [0, 2, 0], Y[0])),
    ("window_integers", "fn", (I5,), lambda fn: _windows(fn, I5)),
    ("strided_windows", "fn", (S,), lambda fn: _blocks(fn, S)),
    ("vector_products", "fn", (V, R), lambda fn: V @ R),
    ("matrix_and_vector", "fn", (CUBE, T[:, :, 0]), lambda fn: np.einsum("bmn,bn->bm", CUBE, T[:, :, 0])),
    ("einsum_pattern", "pattern", (S, S.T), lambda pattern: np.einsum(pattern, S, S.T)),
    ("fourier_pair", "norm", (C,), lambda norm: np.fft.fft(C, norm=norm)),
    ("real_fourier", "fn", (X,), lambda fn: getattr(np.fft, fn)(X)),
    ("fourier_of_images", "fn", (C,), lambda fn: getattr(np.fft, fn)(C)),
    ("real_from_spectrum", "fn", (C,), lambda fn: getattr(np.fft, fn)(C)),
    ("associative_running", "fn", (X,), lambda fn: getattr(np, fn).accumulate(X)),
    ("repeat_step", "fn", (X, Y), lambda fn: getattr(np, fn)(getattr(np, fn)(X, Y), Y)),
    ("scan_masks", "fn", (K, K[0]), lambda fn: getattr(np, fn).accumulate(np.vstack([K[:1], K]))[1:]),
    ("compiled_helper", "fn", (X, Y), lambda fn: _twice(lambda a: getattr(np, fn)(a, Y) + a, X)),
]
#: Values of the other options of a template; what is not here has its first choice.
FIXED: dict[str, dict[str, Any]] = {
    "area_under": {"dx": 0.5},
    "spaced_points": {"stop": 3.0},
    "reduce_where": {"initial": 1},
    "percentile_of_rows": {"q": 30},
    "kth_smallest": {"kth": 1},
    "repeat_step": {"times": 2},
}


def _dtype(name: str) -> np.dtype[Any]:
    return np.dtype(getattr(ml_dtypes, name, None) or name)


def _area(fn: str, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    return (np.trapezoid(y, x) if fn == "points" else np.trapezoid(y, dx=0.5)) + x.mean()


def _root(fn: str, x: np.ndarray) -> np.ndarray:
    return {"rsqrt": x**-0.5, "logistic": 1 / (1 + np.exp(-x)), "reciprocal": 1 / x}.get(
        fn, x**2 if fn == "square" else x**0.5
    )


def _compared(fn: str, x: np.ndarray, y: np.ndarray) -> Any:
    return {"eq": x == y, "ne": x != y, "lt": x < y, "le": x <= y, "gt": x > y, "ge": x >= y}[fn]


def _bits(operator: str, x: np.ndarray, y: np.ndarray) -> Any:
    results = {"&": x & y, "|": x | y, "^": x ^ y, "& ~": x & ~y, "<<": x << (y & 7), ">>": x >> (y & 7)}
    return results[operator]


def _without_nan(fn: str, x: np.ndarray, default: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        value = getattr(np, fn)(x)
    return np.where(np.isnan(value), default, value)


def _points(fn: str, stop: float) -> np.ndarray:
    return np.asarray(getattr(np, fn)(1.0, stop, 5))


def _padded(values: np.ndarray, size: int, fill: int) -> np.ndarray:
    return np.concatenate([values[:size], np.full(max(0, size - len(values)), fill, values.dtype)])


def _reduced(fn: str, x: np.ndarray) -> np.ndarray:
    return np.asarray(getattr(np, fn.removeprefix("reduce_"))(x, axis=-1))


def _running(fn: str, x: np.ndarray) -> Any:
    functions = {"cumsum": np.add, "cumprod": np.multiply, "cummax": np.maximum, "cummin": np.minimum}
    return functions[fn].accumulate(x)


def _updated(method: str, x: np.ndarray, rows: list[int], values: np.ndarray) -> np.ndarray:
    functions = {"subtract": np.subtract, "multiply": np.multiply, "max": np.maximum, "min": np.minimum, "add": np.add}
    result = x.copy()
    for row in rows:
        result[row] = values if method == "set" else functions[method](result[row], values)
    return result


def _windows(fn: str, x: np.ndarray) -> np.ndarray:
    function = getattr(np, fn)
    return np.asarray(function(function(x[:-2], x[1:-1]), x[2:]))


def _blocks(fn: str, x: np.ndarray) -> Any:
    functions = {"add": np.add, "max": np.maximum, "min": np.minimum, "mul": np.multiply}
    blocks = x.reshape(2, 2, 2, 2).swapaxes(1, 2).reshape(2, 2, 4)
    return functions[fn].reduce(np.concatenate([blocks, np.ones((2, 2, 1), x.dtype)], -1), axis=-1)


def _twice(function: Callable[[Any], Any], x: np.ndarray) -> Any:
    return function(function(x))


def _choices(name: str) -> dict[str, tuple[Any, ...]]:
    """The choices of each `Literal` option of a template."""
    hints = typing.get_type_hints(FUNCTIONS[name], include_extras=True)
    return {
        option: typing.get_args(hint) for option, hint in hints.items() if typing.get_origin(hint) is typing.Literal
    }


def _same(got: Any, wanted: Any) -> None:
    results = got if isinstance(got, tuple) else (got,)
    expected = wanted if isinstance(wanted, tuple) else (wanted,)
    for result, value in zip(results, expected, strict=True):
        assert result.shape == np.shape(value)
        np.testing.assert_allclose(np.asarray(result), value, rtol=3e-4, atol=3e-5)


def _run(name: str, arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """What the template's jaxpr gives in NumPy: the compiles of all choices would take minutes."""
    arrays = [np.asarray(jnp.asarray(array)) for array in arguments]
    results = evaluate(jax.jit(lambda *given: FUNCTIONS[name](*given, **options)).trace(*arrays).jaxpr, arrays)
    return results[0] if len(results) == 1 else tuple(results)


@pytest.mark.parametrize(("name", "option", "arguments", "wanted"), TABLES, ids=[table[0] for table in TABLES])
def test_every_choice(name: str, option: str, arguments: tuple[Any, ...], wanted: Callable[[Any], Any]) -> None:
    choices = _choices(name)
    others = {other: values[0] for other, values in choices.items() if other != option} | FIXED.get(name, {})
    for choice in choices[option]:
        _same(_run(name, arguments, {**others, option: choice}), wanted(choice))


#: (template, arguments, options, wanted)
CASES: list[tuple[str, tuple[Any, ...], dict[str, Any], Any]] = [
    ("arc_of_quotient", (X, Y), {}, np.arctan2(X, Y)),
    ("clamp_between", (X, np.float32(-0.5), np.float32(1)), {}, np.clip(X, -0.5, 0.5)),
    ("high_product_signed", (M, N), {"shift": 18}, (M.astype(np.int64) * N << 36 >> 32).astype(np.int32)),
    ("lax_quotient", (M, N), {}, np.trunc(M / (N * N + 1)).astype(np.int32)),
    ("whole_and_fraction", (3 * X,), {}, np.modf(3 * X)),
    ("frexp_parts", (X,), {"power": 2}, 4 * X),
    ("halves_of_words", (U,), {"to": "uint16"}, ((U + 70000) << 16) | ((U + 70000) >> 16)),
    ("unsigned_difference", (U, U[::-1]), {}, np.abs(U.astype(int) - U[::-1].astype(int)).astype(np.uint32)),
    ("packed_bits", (np.eye(8, dtype=bool),), {"bitorder": "big"}, 2 ** np.arange(7, -1, -1)[:, None]),
    ("divmod_operator", (M, N), {}, np.divmod(M, N * N + 1)),
    ("block_diagonal_pair", (S, X), {}, np.block([[S, np.zeros((4, 4))], [np.zeros((3, 4)), X]])),
    ("block_of_four", (X, Y, S), {"corner": "ones"}, np.block([[X, Y], [S, np.ones((4, 4))]])),
    ("repeat_counts", (X,), {}, np.repeat(X, [1, 2, 3], axis=0)),
    ("lax_pad", (V, np.float32(9)), {"low": 1, "interior": 1}, [9, *np.stack([V, np.full(5, 9)], 1).ravel()[:-1], 9]),
    ("lax_pad_negative", (X, np.float32(9)), {"cut": 2}, np.pad(X[2:], ((0, 0), (1, 1)), constant_values=9)),
    ("split_by_direction", (CUBE[:, :2],), {"fn": "dsplit"}, np.roll(CUBE[:, :2], 2, -1)),
    ("with_diagonal", (S, V[:4]), {}, np.where(np.eye(4, dtype=bool), V[:4], S)),
    ("grid_sum", (V, R), {"indexing": "xy"}, V[:, None] + R),
    ("vandermonde", (V,), {"powers": 4, "increasing": True}, 1 - V + V**3),
    ("vandermonde", (V,), {"powers": 4, "increasing": False}, V**3 - V**2 + 1),
    ("extract_diagonal", (S,), {"fn": "diagonal", "offset": 1}, np.trace(S, -1)),
    ("weighted_average", (X, V[:4]), {}, np.average(X, axis=1, weights=V[:4] ** 2 + 0.5)),
    ("unwrapped_phase", (V,), {"period": 1.0}, np.unwrap(3 * V, period=1.0)),
    ("joint_histogram", (V, R, V), {}, np.histogram2d(V, R, 3, [[-1.5, 2.5]] * 2, weights=V)[0]),
    ("consecutive_differences", (V, R[:1]), {}, np.ediff1d(V, to_begin=R[:1])),
    ("distinct_with_counts", (I5,), {"size": 4}, [2 + 1, 2 + 1, 2 + 1, 1 + 1, 2 + 1]),
    ("codes_of_distinct", (I5,), {}, [1, 0, 1, 2, 0]),
    ("common_positions", (I5, J5), {}, ([1, 3, 0, 0], [1, 0, 5, 5])),
    ("compressed", (X, np.array([True, False, True])), {}, [X[0], X[2], np.zeros(4)]),
    ("flat_position", (X, I5, J5), {"mode": "clip"}, X[np.clip(I5, 0, 2), np.clip(J5, 0, 3)]),
    ("lax_sort_three", (I5, V, R), {"num_keys": 2}, tuple(a[np.lexsort((V, I5 % 3))] for a in (I5 % 3, V, R))),
    ("polynomial_product", (V, R), {}, np.polymul(V, R)),
    ("polynomial_from_roots", (V,), {}, np.poly(V)),
    ("polynomial_quotient", (V, R[:3]), {"part": "quotient"}, np.polydiv(V, [2, R[1], R[2]])[0]),
    ("gather_points", (X, np.array([[0, 1], [2, 9]])), {"mode": "CLIP"}, [X[0, 1] + X[0, 0], X[2, 3] + 9 * X[0, 0]]),
    ("gather_batched", (X, N[:, :2]), {}, np.take_along_axis(X, np.clip(N[:, :2], 0, 3), 1)),
    ("scatter_batched", (X, N[:, :1] % 4, Y[:, :1]), {}, X + np.where(np.arange(4) == N[:, :1] % 4, Y[:, :1], 0)),
    (
        "segments",
        (X, np.array([4, 0, 1])),
        {"fn": "segment_sum", "indices_are_sorted": False},
        [X[0] + X[2], X[1], X[0] + X[2]],
    ),
    ("scatter_products", (V, np.array([0, 2, 0, 9]), R[:4]), {}, V * [R[0] * R[2], 1, R[1], 1, 1]),
    ("scatter_unique_products", (V, R[:3]), {}, V * [*R[:3], 1, 1]),
    ("spread_windows", (V,), {}, np.convolve(np.stack([V, 0 * V], 1).ravel()[:-1], [1, 1, 1], "same")),
    (
        "contract_transposed",
        (CUBE, np.moveaxis(CUBE, 1, 0)[..., :2]),
        {},
        np.einsum("kbm,bnk->bmn", CUBE, np.moveaxis(CUBE, 1, 0)[..., :2]),
    ),
    (
        "ragged_product",
        (S, CUBE.transpose(0, 2, 1), np.int32(1)),
        {},
        np.vstack([S[:1] @ CUBE[0].T, S[1:] @ CUBE[1].T]),
    ),
    ("convolve_dilated", (V[None, None], R[None, None, :3]), {}, [[[V[0] * R[0] + V[2] * R[1] + V[4] * R[2]]]]),
    (
        "gradient_of_pooling",
        (S, np.ones((2, 2), np.float32)),
        {"fn": "sum"},
        2 * np.kron(_blocks("add", S) - 1, np.ones((2, 2))),
    ),
    ("switch_of_four", (np.int32(7), X), {"last": "cos"}, np.cos(X)),
    ("switch_each_row", (np.array([0, 1, 2], np.int32), X), {}, [X[0] + 1, X[1] ** 2, 2 - X[2]]),
    ("count_by_branch", (I5,), {"bound": 3}, [2, 2, 1]),
    ("greatest_divisor", (U, U[::-1]), {}, np.gcd(U, U[::-1])),
    ("search_index", (V, V[2]), {}, np.argmax(V[2] < V)),
    ("divide_until_small", (np.float32(5),), {"bound": 0.5}, (5 / 16, 4)),
    ("two_counters", (M, N), {"times": 2}, (M - N, 2 * N - M)),
    (
        "associative_recurrence",
        (X, Y),
        {"reverse": False},
        [Y[0], X[1] * Y[0] + Y[1], X[2] * (X[1] * Y[0] + Y[1]) + Y[2]],
    ),
    ("scan_without_rows", (X, Y), {"unroll": 1}, [X - Y, 2 * X, 4 * X + 2 * Y]),
    ("scan_table", (I5, V), {}, [0, V[1] + V[4], 0, V[0] + V[2] + V[3]]),
    ("scan_both_directions", (X,), {"fn": "add"}, X.sum(0) - X),
    ("vmap_axes", (CUBE, X.T[:, :2]), {"out_axes": 0}, np.einsum("mkn,nm->km", CUBE, X.T[:, :2])),
    ("implicit_root", (np.float32(0), np.float32(10)), {"steps": 12}, 2.0),
    ("slope_of_root", (np.float32(0),), {"fn": "sin", "steps": 8}, 1 / 3),
    ("diagonal_solve", (V, R), {"symmetric": True}, R / (1 + V * V)),
    ("transposed_map", (S, V[:4]), {}, (S + np.roll(S, -1, 1)).T @ V[:4]),
]


@pytest.mark.parametrize(
    ("name", "arguments", "options", "wanted"), CASES, ids=[f"{case[0]}-{place}" for place, case in enumerate(CASES)]
)
def test_value(name: str, arguments: tuple[Any, ...], options: dict[str, Any], wanted: Any) -> None:
    _same(_run(name, arguments, options), wanted)


def test_clip_and_drop_differ_beyond_the_end() -> None:
    arguments = (X, np.array([1, 9]), Y[0])
    kept = _run("update_at", arguments, {"method": "add", "mode": "drop"})
    moved = _run("update_at", arguments, {"method": "add", "mode": "clip"})
    np.testing.assert_allclose(kept, X + np.array([[0], [1], [0]]) * Y[0], rtol=1e-6)
    np.testing.assert_allclose(moved, X + np.array([[0], [1], [1]]) * Y[0], rtol=1e-6)


def test_gradient_is_that_of_the_function() -> None:
    def total(values: np.ndarray) -> float:
        return float(np.sum(R * np.cumprod(values) ** 2))

    found = _run("gradient_of_running", (V, R), {"fn": "cumprod"})
    wanted = [(total(V + h) - total(V - h)) / 2e-4 for h in 1e-4 * np.eye(5)]
    np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)


def test_platform_branch_is_that_of_the_platform() -> None:
    lowered = jax.jit(lambda x: FUNCTIONS["by_platform"](x, fn="exp", scale=2.0)).lower(X)
    text = lowered.as_text()
    assert text.count("stablehlo.exponential") == 1


def test_every_public_function_of_the_packages_is_reached() -> None:
    packages = ("jax.numpy", "jax.numpy.fft", "jax.lax", "jax.ops", "jax.Array")
    known = [name for name in (*universe().functions, *universe().transforms) if name.rpartition(".")[0] in packages]
    assert len(known) > 500
    missing = {name for name in template_reach([path for _, path in template_files([FOLDER])]).missing if name in known}
    # What may be left needs several devices.
    several_devices = {"axis_size", "pswapaxes", "ragged_all_to_all", "with_sharding_constraint"}
    assert {name.rpartition(".")[2] for name in missing} <= several_devices
