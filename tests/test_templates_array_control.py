"""Templates of `array` and `control_flow` against NumPy and closed forms."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

FOLDER = Path(__file__).parent.parent / "templates"


def _functions() -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {}
    for path in sorted(path for name in ("array", "control_flow") for path in (FOLDER / name).glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"templates_{path.parent.name}_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        own = {name: fn for name, fn in vars(module).items() if getattr(fn, "__module__", "") == module.__name__}
        assert not found.keys() & own.keys()
        found |= own
    return found


FUNCTIONS = _functions()
RNG = np.random.default_rng(7)


def _f(*shape: int) -> np.ndarray:
    return RNG.uniform(0.1, 0.9, shape).astype(np.float32)


def _i(*shape: int) -> np.ndarray:
    return RNG.integers(0, 10, shape).astype(np.int32)


X = _f(3, 4)
Y = _f(3, 4)
CUBE = _f(2, 3, 4)
SQUARE = _f(4, 4)
SQUARE_2 = _f(4, 4)
V = _f(4)
W = _f(4)
SIX = _f(6)
INTS = _i(3, 5)
LABELS = np.array([2, 0, 3], np.int32)
MASK = np.array([[True, False, True, True], [False, False, False, False], [True, True, False, True]])
FLAGS = np.array([True, False, True])
Z = (_f(3, 4) + 1j * _f(3, 4)).astype(np.complex64)
EYE = np.eye(4, dtype=np.float32)


def _edit(a: str, b: str) -> int:
    if not a or not b:
        return len(a) + len(b)
    return min(_edit(a[1:], b) + 1, _edit(a, b[1:]) + 1, _edit(a[1:], b[1:]) + (a[0] != b[0]))


def _scan(step: Callable[[Any, Any], Any], state: Any, rows: Any) -> list[Any]:
    states = []
    for row in rows:
        state = step(state, row)
        states.append(state)
    return states


def _paths(lengths: np.ndarray) -> np.ndarray:
    best = lengths.copy()
    for k in range(len(best)):
        best = np.minimum(best, best[:, [k]] + best[[k], :])
    return best


def _subsets_best(values: np.ndarray, weights: np.ndarray) -> list[float]:
    best = [0.0] * 8
    for subset in range(2 ** len(values)):
        chosen = [k for k in range(len(values)) if subset >> k & 1]
        weight = sum(max(1, min(7, int(weights[k]))) for k in chosen)
        for capacity in range(weight, 8):
            best[capacity] = max(best[capacity], float(values[chosen].sum()))
    return best


def _life(board: np.ndarray) -> np.ndarray:
    shifts = [(i, j) for i in (-1, 0, 1) for j in (-1, 0, 1) if (i, j) != (0, 0)]
    around = np.sum([np.roll(board, shift, (0, 1)) for shift in shifts], axis=0)
    return (around == 3) | (board & (around == 2))


GLIDER = np.zeros((5, 5), bool)
GLIDER[[0, 1, 2, 2, 2], [1, 2, 0, 1, 2]] = True

CASES: list[tuple[str, tuple[Any, ...], dict[str, Any], Any]] = [
    # reductions
    ("sum", (X,), {}, X.sum(-1)),
    ("mean", (X,), {}, X.mean(-1)),
    ("product_of_rows", (X,), {}, X.prod(0)),
    ("extremum", (X,), {"fn": "min"}, X.min(-1)),
    ("value_range", (CUBE,), {}, CUBE.max((1, 2)) - CUBE.min((1, 2))),
    ("arg_extremum", (X,), {"fn": "argmax"}, X.argmax(-1)),
    ("peak_position", (X,), {"fn": "argmax"}, (*np.unravel_index(X.argmax(), X.shape), X.max())),
    ("mean_and_variance", (X,), {"form": "two pass"}, (X.mean(-1), X.var(-1))),
    ("mean_and_variance", (X,), {"form": "one pass"}, (X.mean(-1), X.var(-1))),
    ("weighted_mean", (X, V), {}, X @ V / (V.sum() + 1e-3)),
    ("masked_mean", (X, MASK), {}, np.where(MASK, X, 0).sum(-1) / np.maximum(MASK.sum(-1), 1)),
    ("masked_extremum", (X, MASK, np.float32(0.5)), {"fn": "max"}, np.where(MASK, X, 0.5).max(-1)),
    ("count_above", (X, X[:, 0]), {}, (X[:, :1] < X).sum(-1)),
    ("quantified", (X, X + 0.01), {"fn": "all"}, [True, True, True]),
    ("mask_parity", (MASK, FLAGS), {}, [False, False, False]),
    ("bitwise_fold", (INTS,), {"fn": "reduce_xor"}, INTS[0] ^ INTS[1] ^ INTS[2]),
    ("cumulative", (X,), {"fn": "cumprod", "reverse": False}, np.cumprod(X, -1)),
    ("cumulative", (X,), {"fn": "cummax", "reverse": True}, np.maximum.accumulate(X[:, ::-1], -1)[:, ::-1]),
    ("running_logsumexp", (X,), {"reverse": False}, np.log(np.cumsum(np.exp(X), 0))),
    ("running_mean", (X,), {}, np.cumsum(X, 0) / np.array([[1], [2], [3]])),
    ("exclusive_prefix_sum", (INTS,), {}, np.cumsum(INTS, -1) - INTS),
    ("vector_norm", (X,), {"order": "l1"}, np.linalg.norm(X, 1, axis=-1)),
    ("matrix_norm", (SQUARE,), {"order": "row sum"}, np.linalg.norm(SQUARE, np.inf)),
    ("matrix_norm", (SQUARE,), {"order": "column sum"}, np.linalg.norm(SQUARE, 1)),
    ("trapezoid_area", (X, np.sort(V)), {}, np.trapezoid(X, np.sort(V))),
    ("summary_statistics", (X,), {}, [X.min(-1), X.mean(-1), np.median(X, -1), X.max(-1)]),
    # sorting
    ("sort_values", (X,), {"descending": True}, -np.sort(-X, -1)),
    ("ranks", (X,), {}, X.argsort(-1).argsort(-1)),
    ("sort_by_key", (V[:3], X), {}, X[V[:3].argsort()]),
    ("sort_pairs", (V, W), {}, (np.sort(V), W[V.argsort()])),
    ("lexicographic_sort", (LABELS[[0, 1, 0]], V[:3], X), {}, X[np.lexsort((V[:3], LABELS[[0, 1, 0]]))]),
    ("inverse_permutation", (V[:3], X), {}, X[V[:3].argsort().argsort()]),
    ("partition_by_mask", (X, FLAGS), {}, X[[0, 2, 1]]),
    ("top_two_gap", (X,), {}, np.sort(X)[:, -1] - np.sort(X)[:, -2]),
    ("keep_largest", (X,), {"k": 1}, np.where(X.max(-1, keepdims=True) == X, X, 0)),
    ("median_value", (X,), {"figure": "median"}, np.median(X, -1)),
    ("quantile_value", (X,), {"q": 0.3, "method": "linear"}, np.quantile(X, 0.3, axis=0)),
    ("trimmed_mean", (X,), {}, np.sort(X)[:, 1:-1].mean(-1)),
    ("search_sorted", (V, X), {"side": "left", "method": "scan"}, np.searchsorted(np.sort(V), X)),
    ("search_sorted", (V, X), {"side": "right", "method": "sort"}, np.searchsorted(np.sort(V), X, "right")),
    ("interpolate_table", (np.float32([1.5, 2.25]), np.float32([3, 1, 2]), np.float32([0, 1, 5])), {}, [0.5, 2.0]),
    ("contains", (INTS, LABELS), {"invert": True}, ~np.isin(INTS, LABELS)),
    ("count_distinct", (INTS,), {}, [len(set(row)) for row in INTS.tolist()]),
    ("first_occurrence", (np.int32([3, 1, 3, 1]),), {}, [True, True, False, False]),
    ("most_frequent", (np.int32([[3, 1, 1, 2], [5, 4, 4, 5]]),), {}, [1, 5]),
    ("local_maxima", (np.float32([1, 3, 2, 2]),), {}, [True, False]),
    ("inversions", (np.float32([3, 1, 2]),), {}, 2),
    # indexing
    ("gather_rows", (X, np.int32([2, 9])), {}, X[[2, 2]]),
    ("take_along", (X, INTS[:, :2] % 4), {}, np.take_along_axis(X, INTS[:, :2] % 4, -1)),
    ("pick_label", (X, LABELS), {}, X[[0, 1, 2], LABELS]),
    ("pick_points", (X, np.int32([0, 7]), np.int32([1, 2])), {}, X[[0, 2], [1, 2]]),
    ("choose_layer", (X, np.int32([0, 2, 1, 9])), {}, X[[0, 2, 1, 2], [0, 1, 2, 3]]),
    ("interpolate_grid", (X, np.float32([0.5]), np.float32([1.5])), {}, [X[:2, 1:3].mean()]),
    ("scatter_rows", (X, np.int32([1, 1]), Y[:2]), {"method": "add"}, X + np.array([[0], [1], [0]]) * Y[:2].sum(0)),
    ("scatter_multiply", (X, np.int32([0, 2]), np.float32(3)), {}, X * np.array([[3], [1], [3]])),
    ("replace_diagonal", (SQUARE, V), {"method": "set"}, SQUARE * (1 - EYE) + np.diag(V)),
    ("scale_alternate", (X, V), {"start": 0}, np.stack([X[0] * V, X[1], X[2] * V])),
    ("window_at", (SIX, V[:3], np.int32(2)), {}, SIX[2:5] * V[:3]),
    ("crop_window", (SQUARE, np.int32([1, 9]), EYE[:3, :3]), {}, SQUARE[1:4, 1:4] * EYE[:3, :3]),
    ("write_window", (SIX, V[:2], np.int32(9)), {}, np.concatenate([SIX[:4], V[:2]])),
    ("swap_rows", (X, np.int32(0), np.int32(2)), {}, X[[2, 1, 0]]),
    ("first_selected", (X, FLAGS), {}, X[[0, 2, 0]]),
    ("segment_reduce", (X, np.int32([1, 1, 3])), {"fn": "segment_sum"}, [X[0] * 0, X[0] + X[1], X[0] * 0, X[2]]),
    ("segment_extremum", (X, np.int32([1, 1, 0])), {"fn": "segment_max"}, [X[2], np.maximum(X[0], X[1]), X[0] * 0]),
    ("weighted_bincount", (INTS[0], V[[0, 1, 2, 3, 0]]), {}, np.bincount(INTS[0], V[[0, 1, 2, 3, 0]], 10)),
    ("joint_counts", (np.int32([0, 1, 9]), np.int32([2, 2, 9])), {"how": "scatter"}, None),
    ("neighbor_sum", (X, np.int32([0, 1]), np.int32([2, 2])), {}, np.stack([X[0], X[1], X.sum(0)])),
    # layout
    ("transpose", (CUBE,), {}, CUBE.transpose(0, 2, 1)),
    ("where", (MASK, X, Y[0]), {}, np.where(MASK, X, Y[0])),
    ("maximum", (X, Y[0]), {}, np.maximum(X, Y[0])),
    ("minimum", (X, Y), {}, np.minimum(X, Y)),
    ("concatenate", (X, Y[:2]), {}, np.concatenate([X, Y[:2]])),
    ("interleave", (X, Y), {}, np.stack([X[0], Y[0], X[1], Y[1], X[2], Y[2]])),
    ("split_halves", (X,), {"how": "rotate"}, np.concatenate([-X[:, 2:], X[:, :2]], -1)),
    ("haar_step", (SIX,), {}, ((SIX[::2] + SIX[1::2]) / 2, (SIX[::2] - SIX[1::2]) / 2)),
    ("tile_blocks", (X,), {"weight": "plain"}, np.tile(X, (2, 2))),
    ("tile_blocks", (X,), {"weight": "numbered"}, np.kron([[1, 2], [3, 4]], X)),
    ("space_to_depth", (SQUARE,), {}, np.einsum("minj->mnij", SQUARE.reshape(2, 2, 2, 2)).reshape(2, 2, 4)),
    ("channels_last", (CUBE, V[:2]), {}, np.moveaxis(CUBE, 0, -1) * V[:2]),
    ("rotate_image", (SQUARE,), {"turns": 1}, np.rot90(SQUARE)),
    ("circular_shift", (X,), {"shift": 2, "how": "sum"}, X + np.roll(X, 2, -1)),
    ("dynamic_roll", (X, np.float32(0.5)), {}, np.roll(X, 2, 0)),
    ("pad_ends", (X,), {"mode": "wrap"}, np.pad(X, ((0, 0), (1, 1)), mode="wrap")),
    ("spread_with_gaps", (V[:2], np.float32(0.5)), {}, [V[0], 0.5, V[1], 0.5]),
    ("shift_right", (X, V[:3]), {}, np.concatenate([V[:3, None], X[:, :-1]], -1)),
    ("triangle", (SQUARE,), {"part": "triu", "k": 1, "keep": "removed"}, np.tril(SQUARE)),
    ("band_limited", (SQUARE,), {"width": 1}, np.tril(np.triu(SQUARE, -1), 1)),
    ("symmetrize", (SQUARE,), {"part": "mirror"}, np.tril(SQUARE) + np.tril(SQUARE, -1).T),
    (
        "structured_matrix",
        (V[:3], np.ones(3, np.float32)),
        {"kind": "circulant"},
        V[[[0, 2, 1], [1, 0, 2], [2, 1, 0]]],
    ),
    ("sliding_windows", (SIX, np.float32(1)), {}, np.lib.stride_tricks.sliding_window_view(SIX, 3) + 1),
    ("sliding_order", (SIX,), {"pick": 1}, np.median(np.lib.stride_tricks.sliding_window_view(SIX, 3), -1)),
    ("window_extremum", (V,), {"fn": "max", "size": 2}, np.append(np.maximum(V[:-1], V[1:]), V[-1])),
    ("window_sum", (V,), {"size": 3, "dilation": 1, "padding": "SAME"}, np.convolve(V, np.ones(3), "same")),
    ("strided_window_mean", (V[[0, 1, 2, 3, 0]],), {}, [V[:3].mean(), V[[2, 3, 0]].mean()]),
    ("integral_image", (X,), {}, X.cumsum(0).cumsum(1)),
    ("difference_along", (X,), {"how": "second"}, np.diff(X, 2)),
    ("edge_gradient", (X,), {}, np.gradient(X, axis=-1)),
    ("ramp_between", (X, Y), {"endpoint": True}, np.linspace(X, Y, 4)),
    ("add_to_center", (SIX, V), {"how": "index"}, SIX + np.pad(V, 1)),
    # products
    ("dot", (X, V), {}, X @ V),
    ("matmul", (X, SQUARE), {}, X @ SQUARE),
    ("matmul", (INTS, INTS.T.copy()), {}, INTS @ INTS.T),
    ("vector_dot", (Z, Z), {}, (np.abs(Z) ** 2).sum(-1)),
    ("outer_product", (V, W), {}, np.outer(V, W)),
    ("rank_one_update", (SQUARE, V, W), {"sign": "minus"}, SQUARE - np.outer(V, W)),
    ("kronecker", (SQUARE, X[:, :3]), {"combine": "product"}, np.kron(SQUARE, X[:, :3])),
    ("kronecker", (SQUARE, X[:, :3]), {"combine": "sum"}, np.kron(SQUARE, np.eye(3)) + np.kron(EYE, X[:, :3])),
    ("block_matrix", (V[None], W[:2, None]), {"diagonal": "main"}, [[*V, 0], [0] * 4 + [W[0]], [0] * 4 + [W[1]]]),
    ("square_einsum", (SQUARE, SQUARE_2), {"equation": "ji,jk->ik"}, SQUARE.T @ SQUARE_2),
    ("reduced_einsum", (SQUARE, V), {"equation": "ii,j->j"}, np.trace(SQUARE) * V),
    ("triple_einsum", (X, SQUARE, Y), {"equation": "bi,ij,bj->b"}, np.einsum("bi,ij,bj->b", X, SQUARE, Y)),
    ("triple_einsum", (X, SQUARE, Y), {"equation": "bi,ij,bj->bi"}, np.einsum("bi,ij,bj->b", X, SQUARE, Y)),
    ("tensor_contract", (CUBE, CUBE.transpose(1, 2, 0)), {}, np.einsum("akl,klb->ab", CUBE, CUBE.transpose(1, 2, 0))),
    ("matrix_chain", (X, SQUARE, SQUARE_2), {"order": "right"}, X @ SQUARE @ SQUARE_2),
    # numbers
    ("float_exponent", (np.float32([0.75, 1, 6]),), {}, [-1, 0, 2]),
    ("mantissa_bits", (np.float32([1 + 2**-4 + 2**-5]),), {"keep": 4}, [1 + 2**-4]),
    ("pack_mask", (np.array([1, 0, 0, 0, 0, 0, 1, 1], bool),), {"bitorder": "big"}, 0b10000011),
    ("unpack_byte", (np.uint8(0b110),), {"bitorder": "little"}, [0, 1, 1, 0, 0, 0, 0, 0]),
    ("word_bytes", (np.uint32(0x01020304), np.uint32(0)), {}, [4, 3, 2, 1]),
    ("threshold_bits", (np.float32([1, 5, 1]), np.float32([2, 2, 2])), {}, 0b101),
    ("polar_to_complex", (X, Y), {}, X * np.exp(1j * Y)),
    ("magnitude_and_phase", (Z,), {}, (np.abs(Z), np.angle(Z))),
    ("complex_part", (Z, Z.conj()), {"part": "imag"}, (Z * Z).imag),
    ("hermitian_part", (Z[:, :3],), {"part": "Hermitian"}, (Z[:, :3] + Z[:, :3].conj().T) / 2),
    ("fourier_transform", (Z,), {"fn": "ifft"}, np.fft.ifft(Z)),
    ("frequency_power", (X,), {"window": "none"}, np.abs(np.fft.rfft(X)) ** 2),
    ("fourier_slope", (np.sin(2 * np.pi * np.arange(8) / 8).astype(np.float32),), {}, None),
    ("circular_correlation", (X, V), {}, [[row @ np.roll(V, k) for k in range(4)] for row in X]),
    # loops
    ("iterate", (X,), {"count": 1, "mix": 0.5, "step": lambda x: 2 * x}, 0.5 * X + 0.5 * np.tanh(2 * X)),
    ("iterate_with_input", (X, Y), {"count": 3, "step": lambda x, d: x + d}, np.clip(X + 3 * Y, -2, 2)),
    ("dynamic_trip_count", (X, np.int32(2)), {"step": lambda x: x / 2}, X / 4),
    ("alternate", (X,), {"count": 1, "even": lambda x: x * 0, "odd": lambda x: x}, X / 2),
    ("orbit", (V,), {"count": 3, "step": lambda x: x / 2}, ([V / 2, V / 4, V / 8, V * 0, V * 0], V / 8)),
    ("until_small", (np.float32([0.8]),), {"limit": 0.3, "direction": lambda x: x * 0}, ([0.2], 2)),
    ("contract_until", (V, W), {"tolerance": 1e-3, "step": lambda x: x * 0}, W),
    (
        "bisection",
        (V * 0, V * 0 + 1, V**2),
        {"count": 6, "fn": lambda x: x * x},
        (np.floor(V * 64) + 0.5) / 64,
    ),
    ("golden_section", (V * 0, V * 0 + 1), {"count": 5, "fn": lambda x: x}, V * 0 + 0.618034**5 / 2),
    (
        "backtracking",
        (V, 4 * V),
        {"objective": lambda x: (x * x).sum()},
        -V,
    ),
    (
        "euler_trajectory",
        (V,),
        {"dt": 0.1, "count": 3, "velocity": lambda x: x * 0 + 1},
        [V, V + 0.1 * np.tanh(1), V + 0.2 * np.tanh(1), V + 0.2 * np.tanh(1)],
    ),
    # searches
    ("collatz_lengths", (np.int32([1, 2, 3, 4, 6]),), {}, [0, 1, 7, 2, 8]),
    ("euclid", (INTS, INTS[:, ::-1]), {}, np.gcd(INTS, INTS[:, ::-1])),
    ("digit_sum", (np.int32([0, 7, 129]),), {"base": 10}, [0, 7, 12]),
    ("integer_root", (INTS,), {}, np.floor(np.sqrt(INTS))),
    ("power_by_squaring", (X, INTS[:, :4] % 8), {}, X ** (INTS[:, :4] % 8)),
    ("bisection_root", (V,), {"power": 2, "count": 8}, None),
    ("life_changes", (GLIDER,), {"steps": 2, "rule": "life"}, GLIDER ^ _life(_life(GLIDER))),
    ("linear_search", (np.float32([1, 5, 7]), np.float32(4)), {"start": "front", "wanted": "above"}, (1, 5)),
    ("binary_search", (V, X), {}, np.searchsorted(np.sort(V), X)),
    ("odd_even_sort", (X,), {"rounds": 4}, np.sort(X)),
    ("bubble_pass", (np.int32([3, 1, 2, 0]),), {"direction": "up"}, [1, 2, 0, 3]),
    ("fill_until", (np.ones((5, 2), np.float32),), {"capacity": 1.5}, [2, 2]),
    ("best_value_by_capacity", (V, LABELS[[0, 1, 2, 0]]), {}, _subsets_best(V, LABELS[[0, 1, 2, 0]])),
    # linear algebra
    ("jacobi_iterations", (EYE, V), {"tolerance": 0.001, "update": "plain"}, V / 2),
    ("gauss_seidel_sweeps", (EYE * 0, V), {"sweeps": 1, "order": "forward"}, V / 4.5),
    ("unit_triangular_solve", (SQUARE, V), {"side": "lower"}, np.linalg.solve(np.tril(SQUARE, -1) + EYE, V)),
    ("unit_triangular_solve", (SQUARE, X.T), {"side": "upper"}, np.linalg.solve(np.triu(SQUARE, 1) + EYE, X.T)),
    ("loop_matmul", (X, SQUARE), {}, X @ SQUARE),
    ("repeated_differences", (INTS,), {"order": 2}, np.diff(np.diff(INTS, prepend=0), prepend=0)),
    ("relax_paths", (SQUARE,), {"rule": "total"}, _paths(SQUARE)),
    # scans
    ("fold", (X, V), {"reverse": False, "step": lambda c, x: c / 2 + x}, _scan(lambda c, x: c / 2 + x, V, X)[-1]),
    ("fold", (X, V), {"reverse": True, "step": lambda c, x: c / 2 + x}, _scan(lambda c, x: c / 2 + x, V, X[::-1])[-1]),
    (
        "scan_states",
        (X, V),
        {"reverse": False, "unroll": 2, "step": lambda c, x: c + x},
        (_scan(lambda c, x: np.tanh(c + x), V, X)[-1], _scan(lambda c, x: np.tanh(c + x), V, X)),
    ),
    ("masked_fold", (X, FLAGS, V), {"step": lambda c, x: c + x}, np.clip(V + X[0] + X[2], -2, 2) + X[0]),
    (
        "branching_fold",
        (np.float32([0.1, 0.9]), np.float32(0)),
        {"threshold": 0.5, "high": lambda c, x: c + x, "low": lambda c, x: c - x},
        (np.tanh(np.tanh(-0.1) + 0.9), [False, True]),
    ),
    ("nested_scan", (CUBE, V), {"step": lambda c, x: x}, (np.sin(CUBE[1, 2]), np.sin(CUBE[:, 2]))),
    ("map_rows", (X,), {"fn": lambda row: 3 * row}, 2 * X),
    ("map_pairs", (X, Y), {"batch": 2, "fn": lambda x, y: x * y}, X * Y),
    ("pairwise_kernel", (X, Y[:2]), {"kernel": lambda x, y: x @ y}, X @ Y[:2].T),
    ("chunked_map", (SQUARE,), {"fn": lambda rows: rows.sum(0), "reverse": False}, SQUARE.cumsum(0)[1::2]),
    # recurrences
    (
        "decaying_states",
        (X, Y),
        {"reverse": False, "unroll": 2},
        _scan(lambda h, row: row[0] * h + row[1], 0 * V, zip(X, Y, strict=True)),
    ),
    (
        "parallel_recurrence",
        (X, Y),
        {"reverse": False},
        _scan(lambda h, row: row[0] * h + row[1], 0 * V, zip(X, Y, strict=True)),
    ),
    ("prefix_combine", (X,), {"fn": "multiply", "reverse": False}, X.cumprod(0)),
    (
        "prefix_matrix_products",
        (CUBE[:, :, :3],),
        {"order": "right"},
        np.stack([CUBE[0, :, :3], CUBE[0, :, :3] @ CUBE[1, :, :3]]) / 3,
    ),
    ("segmented_sums", (X, FLAGS), {"how": "scan"}, [X[0], X[0] + X[1], X[2]]),
    ("segmented_sums", (X, FLAGS), {"how": "associative"}, [X[0], X[0] + X[1], X[2]]),
    (
        "discounted_sums",
        (X, np.array([False, False, True])),
        {"discount": 0.9},
        [X[0] + 0.9 * (X[1] + 0.9 * X[2]), X[1] + 0.9 * X[2], X[2]],
    ),
    ("delay_line", (SIX, V[:3]), {}, np.convolve(SIX, V[:3])[:6]),
    # machines
    ("running_record", (X,), {}, (np.maximum.accumulate(X), X.argmax(0))),
    ("run_automaton", (np.int32([[1, 2, 3]] * 4), np.int32([0, 2, 5, 1])), {"emit": "state"}, [1, 3, 3, 2]),
    ("hysteresis", (np.float32([0.4, 0.8, 0.4, 0.1]),), {"low": 0.3, "high": 0.6}, [False, True, True, False]),
    ("stack_machine", (np.int32([0, 1, 3]), np.float32([2, 3, 1]), np.float32(0)), {}, 3.5),
    (
        "prefix_edit_distances",
        (np.int32([1, 2, 3]), np.int32([2, 3, 4])),
        {"edits": "all"},
        [_edit("123", "234"[:k]) for k in (1, 2, 3)],
    ),
    ("merge_sorted", (V, SIX), {}, np.sort(np.concatenate([V, SIX]))),
    ("elementary_automaton", (np.eye(1, 5, 2, dtype=bool)[0],), {"rule": 90}, None),
    # branches
    ("branch_on_mean", (X,), {"threshold": 0.01, "high": lambda x: 2 * x, "low": lambda x: x}, 2 * X),
    ("branch_on_flag", (np.bool_(False), X, Y), {"then": jnp.add, "otherwise": jnp.subtract}, X - Y),
    ("switch_three", (np.int32(4), X), {"first": jnp.sin, "second": jnp.cos, "third": jnp.tanh}, np.cos(X)),
    ("optional_update", (X, V, np.int32(1)), {"update": jnp.multiply}, np.stack([X[0], X[1] * V, X[2]])),
    ("first_that_fits", (X, np.float32(0.01)), {"attempt": jnp.sin, "fallback": jnp.cos}, np.cos(X)),
    ("ordered_pair", (X + 1, X), {"measure": "mean"}, (X, X + 1)),
    ("dispatch_operation", (np.int32(9), X, Y), {"extra": "both"}, X**2 - Y**2),
    ("dispatch_reduction", (np.int32(1), X), {}, X.max(-1)),
    ("piecewise_curve", (np.float32([0.1, 0.5, 0.9]),), {"outer": "linear"}, [0.05, 0.5, 0.8]),
    ("select_chain", (X, Y, X + Y - 0.5), {"rule": "median"}, np.median([X, Y, X + Y - 0.5], axis=0)),
    ("select_case", (np.int32([0, 1, 7]), V[:3], W[:3]), {"third": "product"}, [V[0], W[1], V[2] * W[2]]),
    ("grade", (np.float32([0.1, 0.45, 0.9]), np.float32([0.6, 0.2, 0.4])), {}, [0, 2, 3]),
    ("reduce_by_magnitude", (np.float32([[1, -3], [-2, 1]]),), {"pick": "larger"}, [-3, -2]),
    ("reduce_with_position", (X,), {"fn": "lt"}, (X.min(-1), X.argmin(-1))),
    ("reduce_transformed", (X,), {"fn": "hypot", "transform": lambda x: 2 * x}, 2 * np.linalg.norm(X, axis=-1)),
]

#: Results that are easier said apart from their call; the case holds None.
WANTED: dict[str, Any] = {
    "joint_counts": np.pad([[0, 0, 1, 0, 0], [0, 0, 1, 0, 0]], ((0, 3), (0, 0))) + np.diag([0, 0, 0, 0, 1]),
    "fourier_slope": 2 * np.pi / 8 * np.cos(2 * np.pi * np.arange(8) / 8),
    "bisection_root": np.floor(np.sqrt(V) * 256) / 256 + V / 256,
    "elementary_automaton": np.array([[0, 1, 0, 1, 0], [1, 0, 0, 0, 1], [1, 1, 0, 1, 1], [0, 1, 0, 1, 0]], bool),
}


@pytest.mark.parametrize(
    ("name", "arguments", "options", "wanted"), CASES, ids=[f"{case[0]}-{place}" for place, case in enumerate(CASES)]
)
def test_value(name: str, arguments: tuple[Any, ...], options: dict[str, Any], wanted: Any) -> None:
    call = jax.jit(lambda *arrays: FUNCTIONS[name](*arrays, **options))
    results = call(*arguments)
    expected = WANTED[name] if wanted is None else wanted
    if not isinstance(results, tuple):
        results, expected = (results,), (expected,)
    assert len(results) == len(expected)
    for result, value in zip(results, expected, strict=True):
        np.testing.assert_allclose(result, np.asarray(value), rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("scale", ["euclid", "max", "none"])
def test_orthogonal_rows(scale: str) -> None:
    rows = np.eye(3, 4, dtype=np.float32) + X / 2
    basis = np.asarray(FUNCTIONS["orthogonal_rows"](jnp.asarray(rows), scale=scale))
    lengths = np.linalg.norm(basis, axis=1)
    cosines = basis @ basis.T / np.outer(lengths, lengths)
    # The template's guard against rows of length zero costs some exactness.
    np.testing.assert_allclose(cosines, np.eye(3), atol=5e-3)
    np.testing.assert_allclose(basis[0] / lengths[0], rows[0] / np.linalg.norm(rows[0]), rtol=1e-5)


@pytest.mark.parametrize("norm", ["euclid", "max"])
def test_power_iteration_finds_the_dominant_direction(norm: str) -> None:
    a = jnp.diag(jnp.array([4.0, 1.0]))
    vector, quotient = FUNCTIONS["power_iteration"](a, jnp.ones(2), count=6, form="gram", norm=norm)
    # Of diag(16, 1) that is the first axis; the rest shrinks by 16 a round, and the norm has a guard against zero.
    np.testing.assert_allclose(vector, [1, 0], atol=1e-2)
    np.testing.assert_allclose(quotient, 16, rtol=1e-2)


def test_gradient_through_scan_is_the_derivative() -> None:
    def end(start: np.ndarray) -> float:
        state = start
        for row in X.astype(np.float64):
            state = np.tanh(V * state + row)
        return float((state * state).sum())

    start = W.astype(np.float64)
    wanted = [(end(start + h) - end(start - h)) / 2e-5 for h in 1e-5 * np.eye(4)]
    for remat in (False, True):
        found = FUNCTIONS["gradient_through_scan"](X, V, jnp.asarray(W), remat=remat, loss="sum")
        np.testing.assert_allclose(found, wanted, rtol=1e-3)


@pytest.mark.parametrize("name", ["dot", "matmul", "sum", "mean", "transpose", "where", "maximum", "minimum"])
def test_operations_of_the_predecessor_are_here(name: str) -> None:
    assert name in FUNCTIONS


def test_checkpoint_does_not_change_the_value() -> None:
    def step(carry: jax.Array, x: jax.Array) -> jax.Array:
        return carry * x

    found = FUNCTIONS["checkpointed_fold"](X, V, step=step)
    np.testing.assert_allclose(found, _scan(lambda c, x: 0.5 * c + np.tanh(c * x), V, X)[-1], rtol=1e-4)
