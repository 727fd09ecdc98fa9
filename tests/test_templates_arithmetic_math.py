"""Templates of arithmetic and math give the values that NumPy, SciPy and closed forms give."""

import functools
import importlib.util
import math
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
import scipy.special
import scipy.stats

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
FILES = sorted([*TEMPLATES.glob("arithmetic/*.py"), *TEMPLATES.glob("math/*.py")])


@functools.cache
def module(file: str) -> types.ModuleType:
    """A template file as a module, imported by its path."""
    spec = importlib.util.spec_from_file_location(f"tested_{file.replace('/', '_')}", TEMPLATES / f"{file}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def public_functions(file: Path) -> list[types.FunctionType]:
    name = file.relative_to(TEMPLATES).with_suffix("").as_posix()
    functions = [item for item in vars(module(name)).values() if isinstance(item, types.FunctionType)]
    return [
        item for item in functions if item.__module__ == module(name).__name__ and not item.__name__.startswith("_")
    ]


rng = np.random.default_rng(20)
X = rng.normal(size=(3, 4)).astype(np.float32)
Y = rng.normal(size=(3, 4)).astype(np.float32)
Z = rng.normal(size=(3, 4)).astype(np.float32)
P = rng.uniform(0.05, 0.9, size=(3, 4)).astype(np.float32)
Q = rng.uniform(0.05, 0.9, size=(3, 4)).astype(np.float32)
W = rng.uniform(1.1, 2.0, size=(3, 4)).astype(np.float32)
C = (X + 1j * Y).astype(np.complex64)
D = (Z + 1j * P).astype(np.complex64)
M = rng.integers(-50, 50, size=(3, 4)).astype(np.int32)
J = rng.integers(1, 20, size=(3, 4)).astype(np.int32)
N = rng.integers(0, 200, size=(3, 4)).astype(np.int32)
U = rng.integers(0, 2**32, size=(3, 4), dtype=np.uint32)
V = rng.integers(0, 2**32, size=(3, 4), dtype=np.uint32)
B8 = rng.integers(0, 256, size=(3, 4)).astype(np.uint8)
C8 = rng.integers(0, 256, size=(3, 4)).astype(np.uint8)
S8 = rng.integers(-128, 128, size=(3, 4)).astype(np.int8)
T8 = rng.integers(-128, 128, size=(3, 4)).astype(np.int8)
A, B, K = (rng.random((3, 4)) < 0.5 for _ in range(3))
COEFFICIENTS = np.array([0.5, -1.25, 0.75, 2.0], np.float32)
POINTS2 = rng.normal(size=(5, 2)).astype(np.float32)
QUATERNIONS = rng.normal(size=(5, 4)).astype(np.float32)
SCALAR = np.float32(0.7)


def each(fn: Callable[..., Any], *arrays: np.ndarray, dtype: Any = None) -> np.ndarray:
    """`fn` on Python numbers, element by element."""
    flat = [fn(*(item.item() for item in items)) for items in zip(*(array.flat for array in arrays), strict=True)]
    return np.array(flat, dtype=dtype or arrays[0].dtype).reshape(arrays[0].shape)


def truncating(dividend: int, divisor: int) -> int:
    return math.trunc(dividend / divisor)


def signed_clip(value: int) -> int:
    return max(-128, min(127, value))


def murmur(key: int, seed: int = 12345) -> int:
    h = key ^ seed
    h = (h ^ (h >> 16)) * 0x85EBCA6B % 2**32
    h = (h ^ (h >> 13)) * 0xC2B2AE35 % 2**32
    return h ^ (h >> 16)


def morton(x: int, y: int) -> int:
    bits = ((x >> i & 1) << 2 * i | (y >> i & 1) << 2 * i + 1 for i in range(8))
    return sum(bits)


def quaternion_matrix(p: np.ndarray) -> np.ndarray:
    """Left multiplication by a quaternion as a matrix."""
    w, x, y, z = p
    return np.array([[w, -x, -y, -z], [x, w, -z, y], [y, z, w, -x], [z, -y, x, w]])


E, G = "arithmetic/elementwise", "arithmetic/integers"
F, H, CN = "arithmetic/formulas", "arithmetic/bits", "arithmetic/complex_numbers"
L, S, R, T = "math/elementary", "math/special", "math/geometry", "math/series"
CUBIC = np.polynomial.Polynomial(COEFFICIENTS.astype(np.float64))

#: file, template, arrays, options, expected value (a tuple where the template gives a tuple)
CASES: list[tuple[str, str, tuple[Any, ...], dict[str, Any], Any]] = [
    (E, "add", (X, Y), {}, X + Y),
    (E, "add", (M, J[0]), {}, M + J[0]),
    (E, "sub", (C, D), {}, C - D),
    (E, "mul", (X, Y[:, :1]), {}, X * Y[:, :1]),
    (E, "div", (X, W), {}, X / W),
    (E, "negate", (M,), {}, -M),
    (E, "integer_power", (X,), {"exponent": 5}, X**5),
    (E, "inverse_power", (W,), {"exponent": 3}, 1 / W**3),
    (E, "power", (X, Y), {}, np.abs(X) ** Y),
    (E, "multiply_add", (X, Y, Z), {"sign": "minus"}, X * Y - Z),
    (E, "scale_and_shift", (X, Y[0], Z[0]), {}, X * Y[0] + Z[0]),
    (E, "floor_divide", (M, J), {}, M // J),
    (E, "remainder", (M, J), {"fn": "remainder"}, M % J),
    (E, "remainder", (M, J), {"fn": "fmod"}, np.fmod(M, J)),
    (E, "divide_with_remainder", (M, J), {}, (M // J, M % J)),
    (E, "safe_divide", (X, X * 0), {}, X * 0),
    (E, "clip", (X, np.float32(-0.5), SCALAR), {"form": "clip"}, np.clip(X, -0.5, 0.7)),
    (E, "clip", (X, SCALAR, np.float32(-0.5)), {"form": "min_max"}, np.clip(X, -0.5, 0.7)),
    (E, "clip", (X, np.float32(-0.5), SCALAR), {"form": "clamp"}, np.clip(X, -0.5, 0.7)),
    (E, "round_to", (X * 3,), {"fn": "trunc"}, np.trunc(X * 3)),
    (E, "round_half_away", (np.array([0.5, 1.5, -2.5], np.float32),), {}, np.array([1.0, 2.0, -3.0])),
    (E, "round_to_step", (X, SCALAR), {"fn": "floor"}, 0.7 * np.floor(X / 0.7)),
    (E, "split_whole_and_fraction", (X * 3,), {}, (X * 3 - np.floor(X * 3), np.floor(X * 3).astype(np.int32))),
    (E, "reduce_mantissa", (np.float32(1 + 2**-4 + 2**-9),), {"mantissa_bits": 6}, np.float32(1 + 2**-4)),
    (E, "cast_round_trip", (X,), {"dtype": "float16"}, X - X.astype(np.float16).astype(np.float32)),
    (E, "lerp", (X, Y, SCALAR), {"form": "delta"}, 0.3 * X + 0.7 * Y),
    (E, "lerp", (X, Y, SCALAR), {"form": "two_products"}, 0.3 * X + 0.7 * Y),
    (E, "inverse_lerp", (X, X - 1, X + 3), {}, np.full_like(X, 0.25)),
    (E, "bilinear_blend", (np.stack([X, Y, X, Y]), P, Q), {}, X * (1 - P) + Y * P),
    (E, "smoothstep", (np.array([-1.0, 0, 1, 9], np.float32),), {"low": 0.0, "order": "cubic"}, [0, 0, 0.5, 1]),
    (E, "smoothstep", (np.array([-1.0, 0, 1, 9], np.float32),), {"low": 0.0, "order": "quintic"}, [0, 0, 0.5, 1]),
    (E, "smoothstep", (np.array([-1.0, 0, 1, 9], np.float32),), {"low": 0.0, "order": "septic"}, [0, 0, 0.5, 1]),
    (E, "cubic", (X, COEFFICIENTS), {"form": "horner"}, CUBIC(X)),
    (E, "cubic", (X, COEFFICIENTS), {"form": "powers"}, CUBIC(X)),
    (E, "estrin", (X, np.arange(6, dtype=np.float32)), {}, np.polyval([5, 4, 3, 2, 1, 0], X)),
    (E, "polynomial_through_roots", (M, J[0, :3]), {}, (M - J[0, 0]) * (M - J[0, 1]) * (M - J[0, 2])),
    (E, "derivative_of_polynomial", (X, COEFFICIENTS), {}, CUBIC.deriv()(X)),
    (E, "soft_threshold", (X, W), {"form": "sign"}, np.sign(X) * np.maximum(np.abs(X) - W / 4, 0)),
    (E, "soft_threshold", (X, W), {"form": "difference"}, np.sign(X) * np.maximum(np.abs(X) - W / 4, 0)),
    (E, "wrap_to_range", (X * 9, np.float32(2)), {"centre": "half"}, X * 9 - 2.25 * np.floor(X * 9 / 2.25)),
    (E, "reflect_to_range", (np.array([0.2, 1.2, 2.5], np.float32),), {"length": 1.0}, [0.2, 0.8, 0.5]),
    (E, "three_way_compare", (X, Y), {}, np.sign(X - Y)),
    (E, "median_of_three", (X, Y, Z), {}, np.median([X, Y, Z], axis=0)),
    (E, "gated_sum", (C, D, A), {}, np.where(A, C + D, C)),
    (H, "bitwise", (U, V), {"fn": "bitwise_xor"}, U ^ V),
    (H, "bitwise_multiplexer", (M, J, N), {"form": "xor"}, (M & ~N) | (J & N)),
    (H, "bitwise_multiplexer", (M, J, N), {"form": "and_or"}, (M & ~N) | (J & N)),
    (H, "shift_by", (U, V), {"fn": "shift_right_logical"}, U >> (V & 3)),
    (H, "shift_by", (M, J), {"fn": "shift_right_arithmetic"}, M >> (J & 3)),
    (H, "rotate_bits", (U,), {"amount": 5, "direction": "left"}, (U << 5) | (U >> 27)),
    (H, "rotate_bits", (B8,), {"amount": 3, "direction": "right"}, (B8 >> 3) | (B8 << 5)),
    (H, "count_bits", (U,), {"fn": "clz"}, each(lambda x: 32 - x.bit_length(), U)),
    (H, "hamming_distance", (U, V), {}, each(lambda x, y: (x ^ y).bit_count(), U, V)),
    (H, "bit_parity", (U,), {"form": "count"}, each(lambda x: (x & 127).bit_count() % 2, U)),
    (H, "bit_parity", (U,), {"form": "fold"}, each(lambda x: (x & 127).bit_count() % 2, U)),
    (H, "bit_length", (N,), {}, each(int.bit_length, N)),
    (H, "trailing_zeros", (J,), {}, each(lambda x: (x & -x).bit_length() - 1, J)),
    (H, "is_power_of_two", (N,), {}, each(lambda x: x.bit_count() == 1, N, dtype=bool)),
    (H, "next_power_of_two", (B8.astype(np.uint32),), {}, each(lambda x: 1 << x.bit_length(), B8, dtype=np.uint32)),
    (H, "gray_code", (B8 ^ (B8 >> 1),), {"direction": "decoded"}, B8),
    (H, "reverse_bits", (B8,), {}, each(lambda x: int(f"{x:08b}"[::-1], 2), B8)),
    (H, "swap_bytes", (U,), {}, U.byteswap()),
    (H, "interleave_bits", (N.astype(np.uint32), B8.astype(np.uint32)), {}, each(morton, N, B8, dtype=np.uint32)),
    (H, "update_flag", (N, np.int32(6)), {"action": "clear"}, N & ~4),
    (H, "pack_rgb", (U, V, U >> 7), {}, ((U & 255) << 16) | ((V & 255) << 8) | (U >> 7 & 255)),
    (H, "mix_hash", (U, np.uint32(12345)), {}, each(murmur, U)),
    (H, "uniform_from_bits", (U,), {}, (U & 255) / 256.0),
    (H, "fast_inverse_sqrt", (X,), {"steps": 2}, 1 / np.sqrt(1 + np.abs(X))),
    (H, "full_adder", (A, B, K), {}, ((A.astype(int) + B + K) % 2 == 1, A.astype(int) + B + K >= 2)),
    (H, "majority_vote", (A, B, K), {}, A.astype(int) + B + K >= 2),
    (H, "count_votes", (A, B, K), {}, A.astype(int) + B + K),
    (H, "implies", (A, B), {}, ~A | B),
    (G, "average_without_overflow", (S8, T8), {"rounding": "down"}, each(lambda x, y: (x + y) // 2, S8, T8)),
    (G, "average_without_overflow", (S8, T8), {"rounding": "up"}, each(lambda x, y: -(-(x + y) // 2), S8, T8)),
    (G, "saturating_add", (S8, T8), {}, each(lambda x, y: signed_clip(x + y), S8, T8)),
    (G, "saturating_add", (U, V), {}, each(lambda x, y: min(x + y, 2**32 - 1), U, V)),
    (G, "saturating_sub", (B8, C8), {"form": "where"}, each(lambda x, y: max(x - y, 0), B8, C8)),
    (G, "saturating_sub", (B8, C8), {"form": "max"}, each(lambda x, y: max(x - y, 0), B8, C8)),
    (G, "saturating_mul", (S8, T8), {}, each(lambda x, y: signed_clip(x * y), S8, T8)),
    (G, "absolute_difference", (B8, C8), {}, each(lambda x, y: abs(x - y), B8, C8)),
    (G, "truncated_divide", (M, J), {}, each(truncating, M, J)),
    (G, "ceil_divide", (M, J), {"form": "negate"}, each(lambda x, y: -(-x // y), M, J)),
    (G, "ceil_divide", (M, J), {"form": "offset"}, each(lambda x, y: -(-x // y), M, J)),
    (G, "align_up", (N,), {"alignment": 8}, each(lambda x: -(-x // 8) * 8, N)),
    (G, "round_up_to_multiple", (N, np.int32(7)), {}, each(lambda x: -(-x // 7) * 7, N)),
    (G, "modular_arithmetic", (N, J, np.int32(11)), {"operation": "difference"}, (N - J) % 11),
    (G, "modular_arithmetic", (N, J, np.int32(11)), {"operation": "product"}, (N * J) % 11),
    *(
        (G, "modular_power", (N,), {"exponent": e, "modulus": 251}, each(lambda x, e=e: pow(x, e, 251), N))
        for e in (3, 5, 6)
    ),
    (G, "common_multiple", (N + 1, J), {"fn": "gcd"}, np.gcd(N + 1, J)),
    (G, "common_multiple", (N + 1, J), {"fn": "lcm"}, np.lcm(N + 1, J)),
    (G, "collatz_step", (N,), {"form": "full"}, np.where(N % 2, 3 * N + 1, N // 2)),
    (G, "polygonal_number", (np.arange(1, 6, dtype=np.int32),), {"sides": 5}, [1, 5, 12, 22, 35]),
    (G, "cantor_pair", (np.int32([0, 1, 0, 2]), np.int32([0, 0, 1, 0])), {}, [0, 1, 2, 3]),
    (G, "integer_sqrt", (N * N + J,), {}, each(math.isqrt, N * N + J)),
    (G, "sum_of_digits", (N,), {"base": 10}, each(lambda x: sum(map(int, str(x))), N)),
    (G, "grid_distance", (M[:, :2], J[:, :2]), {"metric": "manhattan"}, np.abs(M - J)[:, :2].sum(-1)),
    (G, "fixed_point_multiply", (M, J), {"fraction_bits": 3, "rounding": "nearest"}, np.floor(M * J / 8 + 0.5)),
    (G, "dequantize", (S8, W[0]), {"zero_point": 3}, (S8.astype(np.float32) - 3) * W[0]),
    (G, "quantize_to_int8", (X,), {"scale": 0.01, "zero_point": 5}, np.clip(np.round(X / 0.01) + 5, -128, 127)),
    (G, "alpha_blend", (B8, C8), {"alpha": 100}, (100 * B8.astype(int) + 155 * C8.astype(int) + 127) // 255),
    (G, "day_of_week", (np.int32(4), np.int32(7), np.int32(2026)), {}, np.int32(0)),  # a Saturday
    (G, "day_of_week", (np.int32(1), np.int32(1), np.int32(2000)), {}, np.int32(0)),  # a Saturday
    (G, "clock_time", (np.int32(60),), {"offset": 100}, np.array([59920 // 3600, 59920 // 60 % 60, 59920 % 60])),
    (F, "mean_of_pair", (P, Q), {"kind": "arithmetic"}, (P + Q) / 2 + 0.01),
    (F, "mean_of_pair", (P, Q), {"kind": "harmonic"}, scipy.stats.hmean([P + 0.01, Q + 0.01])),
    (F, "norm_of_pair", (X, Y), {"order": "two"}, np.hypot(X, Y)),
    (F, "percent_change", (W, W * 1.5), {}, np.full_like(W, 50)),
    (F, "parallel_resistance", (P, Q), {}, 1 / (1 / (P + 0.1) + 1 / (Q + 0.1))),
    (F, "welford_step", (np.float32(1), X, X * 0, Y), {}, ((X + Y) / 2, (X - Y) ** 2 / 2)),
    (F, "deviation_from_running_mean", (X,), {}, X - np.cumsum(X, axis=-1) / np.arange(1, 5)),
    (F, "two_sum", (np.float32(1), np.float32(2**-30)), {}, (np.float32(1), np.float32(2**-30))),
    (F, "compound_interest", (X, P), {"periods": 12}, X * (1 + P / 120) ** 12),
    (F, "present_value", (X,), {"rate": 0.05}, (X / 1.05 ** np.arange(4)).sum(-1)),
    (F, "convert_temperature", (np.float32([0, 100]),), {"to": "fahrenheit"}, [32, 212]),
    (F, "degrees_minutes_seconds", (np.float32(np.radians(10.26)),), {}, (10, 15, 36)),
    (F, "elastic_collision", (W, W, X, Y), {}, (Y, X)),
    (F, "series_sum", (X, P), {"terms": 4}, X * sum((P / 4) ** k for k in range(4))),
    (CN, "determinant_2x2", (POINTS2[:4].reshape(2, 2, 2),), {}, np.linalg.det(POINTS2[:4].reshape(2, 2, 2))),
    (CN, "cramer_2x2", (POINTS2[:2], POINTS2[2]), {}, np.linalg.solve(POINTS2[:2] + 2 * np.eye(2), POINTS2[2])),
    (F, "squared_difference", (X, Y), {"form": "expanded"}, (X - Y) ** 2),
    (CN, "complex_product", (X, Y, Z, P), {"form": "four_products"}, ((C * D).real, (C * D).imag)),
    (CN, "complex_product", (X, Y, Z, P), {"form": "three_products"}, ((C * D).real, (C * D).imag)),
    (CN, "make_complex", (X, Y), {}, C),
    (CN, "squared_modulus", (C,), {"form": "conjugate"}, np.abs(C) ** 2),
    (CN, "conjugate_product", (C, D), {}, C * D.conj()),
    (CN, "mandelbrot_step", (C, D), {"steps": 2}, (C**2 + D) ** 2 + D),
    (L, "sin", (C,), {}, np.sin(C)),
    (L, "cos", (X,), {}, np.cos(X)),
    (L, "exp", (C,), {}, np.exp(C)),
    (L, "tanh", (X,), {}, np.tanh(X)),
    (L, "sqrt", (X,), {}, np.sqrt(np.abs(X))),
    (L, "inverse_trig", (P,), {"fn": "arccos"}, np.arccos(P)),
    (L, "inverse_hyperbolic", (X,), {"fn": "arccosh"}, np.arccosh(1 + X * X)),
    (L, "arc_tangent_of_ratio", (X, Y), {"unit": "turns"}, np.arctan2(X, Y) / (2 * np.pi) % 1),
    *((L, "rsqrt", (X,), {"form": form}, 1 / np.sqrt(1 + X * X)) for form in ("lax", "power", "quotient")),
    (L, "nth_root", (X,), {"degree": 3, "form": "logarithm"}, np.sign(X) * np.cbrt(np.abs(X) + 1e-3)),
    *((L, "hypotenuse", (X, Y), {"form": form}, np.hypot(X, Y)) for form in ("library", "scaled", "plain")),
    (L, "logarithm_to_base", (X, SCALAR), {}, np.log(np.abs(X) + 1e-3) / np.log(2.7)),
    (L, "decibels", (W, np.float32(1)), {"factor": 20}, 20 * np.log10((W + 1e-3) / 1.001)),
    (L, "log_add", (X, Y), {"fn": "logaddexp2"}, np.logaddexp2(X, Y)),
    (L, "log_add_stable", (X, Y), {}, np.logaddexp(X, Y)),
    *(
        (L, "log_sub", (X, Y), {"form": form}, np.log(np.exp(np.maximum(X, Y) + 0.1) - np.exp(np.minimum(X, Y))))
        for form in ("expm1", "log1p")
    ),
    (L, "log_one_minus_exp", (X,), {}, np.log(-np.expm1(-np.abs(X) - 0.01))),
    (L, "relative_exponential", (X,), {"order": 1}, np.expm1(X) / X),
    (L, "relative_exponential", (X * 1e-3,), {"order": 2}, 0.5 + X * 1e-3 / 6),
    *((L, "log_cosh", (X,), {"form": form}, np.log(np.cosh(X))) for form in ("logaddexp", "log1p")),
    *((L, "logit", (P,), {"form": form}, scipy.special.logit(P)) for form in ("difference", "ratio")),
    *((L, "sinc", (X,), {"form": form}, np.sinc(X)) for form in ("library", "guarded")),
    (L, "versine", (X,), {"form": "haversine"}, (1 - np.cos(X)) / 2),
    *((L, "multiple_angle", (X,), {"fn": f"sine of {k}"}, np.sin(k * X)) for k in (2, 3)),
    *((L, "multiple_angle", (X,), {"fn": f"cosine of {k}"}, np.cos(k * X)) for k in (2, 3)),
    *((L, "sum_of_angles", (X, Y), {"fn": fn}, getattr(np, fn)(X + Y)) for fn in ("sin", "cos")),
    (L, "half_angle_tangent", (P,), {}, np.tan(P / 2)),
    *((L, "gudermannian", (X,), {"form": f}, np.arctan(np.sinh(X))) for f in ("tanh", "sinh", "exp")),
    (L, "langevin", (W,), {}, 1 / np.tanh(W) - 1 / W),
    (L, "langevin", (P / 100,), {}, P / 300),
    (L, "geometric_mean", (P,), {}, scipy.stats.gmean(P + 1e-3, axis=-1)),
    (L, "power_mean", (P,), {"exponent": 2.0}, np.sqrt(np.mean((P + 1e-3) ** 2, axis=-1))),
    (L, "box_cox", (P, SCALAR), {}, scipy.special.boxcox(P + 0.01, 0.8)),
    *((L, "complex_exponential", (X,), {"form": form}, np.exp(1j * X)) for form in ("exp", "parts")),
    (L, "from_polar_form", (np.abs(C), np.angle(C)), {}, C),
    (L, "to_polar_form", (C,), {}, (np.abs(C), np.angle(C))),
    (L, "principal_power", (C, SCALAR), {}, ((np.abs(C) + 1e-3) / np.abs(C) * C) ** 0.7),
    (S, "error_function", (X,), {"fn": "erfc"}, scipy.special.erfc(X)),
    (S, "inverse_error_function", (P,), {}, scipy.special.erfinv(P)),
    (S, "scaled_erfc", (X,), {}, scipy.special.erfcx(np.abs(X))),
    (S, "digamma", (W,), {}, scipy.special.digamma(W + 0.1)),
    (S, "polygamma", (W,), {"order": 2}, scipy.special.polygamma(2, W + 0.5)),
    (S, "gamma_reflection", (P,), {}, scipy.special.gamma(P) * scipy.special.gamma(1 - P)),
    (S, "log_beta", (P, Q), {}, scipy.special.betaln(P + 0.1, Q + 0.1)),
    (S, "log_binomial", (W, P), {}, np.log(scipy.special.binom(W + P, P))),
    (S, "incomplete_gamma", (P, W), {"fn": "igamma"}, scipy.special.gammainc(P + 0.5, W + 0.1)),
    (S, "incomplete_beta", (P, Q, W), {}, scipy.special.betainc(P + 0.5, Q + 0.5, np.minimum(W / 2, 0.95))),
    (S, "zeta", (W, P), {}, scipy.special.zeta(W + 1.5, P + 0.5)),
    (S, "bessel_scaled", (X,), {"fn": "bessel_i1e"}, scipy.special.i1e(X)),
    (S, "bessel_i0_series", (P,), {}, scipy.special.i0(P)),
    *(
        (S, "spherical_bessel", (W,), {"order": n}, scipy.special.spherical_jn(n, W.astype(np.float64) + 0.5))
        for n in (0, 1, 2)
    ),
    (S, "stirling", (W * 3,), {"terms": 3}, scipy.special.gammaln(W * 3 + 2)),
    (S, "lambert_w", (W,), {"steps": 2}, scipy.special.lambertw(W).real),
    (S, "elliptic_k", (W,), {}, scipy.special.ellipk(np.minimum(W / 2, 0.9))),
    (S, "elliptic_perimeter", (W, W), {}, 2 * np.pi * (W + 5e-4)),
    (S, "normal_density", (X, Y, SCALAR), {"form": "density"}, scipy.stats.norm.pdf(X, Y, 0.8)),
    (S, "normal_density", (X, Y, SCALAR), {"form": "log-density"}, scipy.stats.norm.logpdf(X, Y, 0.8)),
    *((S, "normal_cdf", (X,), {"form": form}, scipy.stats.norm.cdf(X)) for form in ("erf", "erfc")),
    (S, "normal_tail", (X,), {"fn": "log_ndtr"}, scipy.stats.norm.logsf(X)),
    *((S, "normal_quantile", (P,), {"form": form}, scipy.stats.norm.ppf(P)) for form in ("erf_inv", "library")),
    (S, "mills_ratio", (X,), {}, scipy.stats.norm.pdf(X) / scipy.stats.norm.sf(X)),
    (S, "laplace_density", (X, Y), {"scale": 0.5}, scipy.stats.laplace.pdf(X, Y, 0.5)),
    (S, "cauchy_density", (X, Y), {"form": "log"}, scipy.stats.cauchy.logpdf(X, Y)),
    (S, "cauchy_density", (X, Y), {"form": "cumulative"}, scipy.stats.cauchy.cdf(X, Y)),
    *(
        (S, "logistic_density", (X,), {"form": form}, scipy.stats.logistic.pdf(X))
        for form in ("logistic", "hyperbolic", "exponential")
    ),
    (S, "student_t_log_density", (X, np.float32(2)), {}, scipy.stats.t.logpdf(X, 3)),
    (S, "gamma_log_density", (P, Q), {"rate": 2.0}, scipy.stats.gamma.logpdf(P + 0.05, Q + 0.5, scale=0.5)),
    (S, "beta_log_density", (P, SCALAR, W[0, 0]), {}, scipy.stats.beta.logpdf(P, 1.2, W[0, 0] + 0.5)),
    (S, "poisson_log_mass", (J, W), {}, scipy.stats.poisson.logpmf(J, W + 0.01)),
    (S, "binomial_log_mass", (J, P), {"trials": 20}, scipy.stats.binom.logpmf(J, 20, P)),
    (S, "extreme_value_density", (X,), {"form": "gumbel"}, scipy.stats.gumbel_r.pdf(X)),
    (S, "extreme_value_density", (P,), {"form": "weibull"}, scipy.stats.weibull_min.pdf(P + 0.01, 1.5)),
    (S, "extreme_value_density", (P,), {"form": "rayleigh"}, scipy.stats.rayleigh.pdf(P + 0.01)),
    (S, "lognormal_density", (P,), {"sigma": 0.5}, scipy.stats.lognorm.pdf(P + 0.05, 0.5)),
    (S, "von_mises_density", (X,), {"concentration": 1.5}, scipy.stats.vonmises.pdf(X, 1.5)),
    (S, "binary_entropy", (P,), {"unit": "bits"}, scipy.stats.entropy([P, 1 - P], base=2)),
    (S, "binary_entropy", (P,), {"unit": "nats"}, scipy.stats.entropy([P, 1 - P])),
    *((S, "entropy_of_weights", (P,), {"form": f}, scipy.stats.entropy(P + 1e-3, axis=-1)) for f in ("entr", "log")),
    (
        S,
        "slope_of_special_function",
        (X,),
        {"fn": "lgamma"},
        scipy.special.digamma(1 + X.astype(np.float64) ** 2),
    ),
    (R, "polar_to_cartesian", (np.abs(C), np.angle(C)), {}, (X, Y)),
    (R, "cartesian_to_polar", (POINTS2,), {}, (np.hypot(*POINTS2.T), np.arctan2(POINTS2[:, 1], POINTS2[:, 0]))),
    *((R, "mercator", (P,), {"form": f}, np.arctanh(np.sin(P))) for f in ("tangent", "sine", "gudermann")),
    (R, "great_circle_distance", (np.zeros(2, np.float32), np.float32([0, 1])), {"radius": 2.0}, np.float32(2)),
    (
        R,
        "rotate_points",
        (POINTS2, SCALAR),
        {"sense": "left"},
        (lambda z: np.stack([z.real, z.imag], -1))((POINTS2 @ [1, 1j]) * np.exp(0.7j)),
    ),
    (R, "rotation_2d", (SCALAR,), {}, [[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]]),
    (
        R,
        "quaternion_multiply",
        (QUATERNIONS, QUATERNIONS[::-1]),
        {},
        [quaternion_matrix(p) @ q for p, q in zip(QUATERNIONS, QUATERNIONS[::-1], strict=True)],
    ),
    (R, "quaternion_conjugate", (QUATERNIONS,), {"form": "signs"}, QUATERNIONS * [1, -1, -1, -1]),
    (R, "quaternion_conjugate", (QUATERNIONS,), {"form": "concatenate"}, QUATERNIONS * [1, -1, -1, -1]),
    (R, "angle_difference", (X * 9, Y * 9), {"form": "modulo"}, np.angle(np.exp(9j * (X - Y)))),
    (R, "angle_difference", (X * 9, Y * 9), {"form": "arctan"}, np.angle(np.exp(9j * (X - Y)))),
    (R, "circular_mean", (P,), {}, scipy.stats.circmean(P, axis=-1)),
    (R, "law_of_cosines", (W, W, P), {}, 2 * W * np.sin(P / 2)),
    (R, "heron_area", (np.float32(2), np.float32(1), np.float32(3)), {}, np.float32(6)),  # sides 3, 5 and 4
    *(
        (R, "triangle_area", (np.float32([[0, 0], [4, 0], [1, 3]]),), {"form": form}, np.float32(6))
        for form in ("shoelace", "edges")
    ),
    (R, "lorentz_boost", (X, Y), {"speed": 0.6}, (1.25 * (X - 0.6 * Y), 1.25 * (Y - 0.6 * X))),
    (R, "superellipse_radius", (X,), {"exponent": 2}, np.ones_like(X)),
    (T, "taylor_exp", (P / 4,), {"order": 4}, sum((P / 4) ** k / math.factorial(k) for k in range(5))),
    *((T, "taylor_trig", (P / 2,), {"fn": fn}, getattr(np, fn)(P / 2)) for fn in ("sin", "cos")),
    (T, "pade_exp", (P,), {"order": 2}, np.exp(P / 4)),
    (T, "pade_tanh", (P,), {}, np.tanh(P)),
    *(
        (T, "chebyshev_polynomial", (X,), {"degree": n}, scipy.special.eval_chebyt(n, X.astype(np.float64)))
        for n in (2, 3, 4, 5)
    ),
    (T, "chebyshev_cosine", (P,), {"degree": 7}, scipy.special.eval_chebyt(7, P.astype(np.float64))),
    (T, "chebyshev_series", (X, COEFFICIENTS), {}, np.polynomial.chebyshev.chebval(X, COEFFICIENTS)),
    *(
        (T, "legendre_polynomial", (X,), {"degree": n}, scipy.special.eval_legendre(n, X.astype(np.float64)))
        for n in (2, 3, 4)
    ),
    (T, "legendre_recurrence", (np.float32(1), X, X, X * 0 + 1), {}, (3 * X * X - 1) / 2),
    *(
        (T, "hermite_polynomial", (X,), {"degree": n, "kind": kind}, evaluate(n, X.astype(np.float64)))
        for kind, evaluate in (
            ("physicist", scipy.special.eval_hermite),
            ("probabilist", scipy.special.eval_hermitenorm),
        )
        for n in (2, 3, 4)
    ),
    *(
        (T, "laguerre_polynomial", (X,), {"degree": n}, scipy.special.eval_laguerre(n, X.astype(np.float64)))
        for n in (2, 3)
    ),
    *(
        (
            T,
            "cubic_bezier",
            (P, COEFFICIENTS),
            {"scheme": scheme},
            np.stack([s**3, 3 * s * s * P, 3 * s * P * P, P**3], -1) @ COEFFICIENTS,
        )
        for scheme in ("bernstein", "de_casteljau")
        for s in (1 - P,)
    ),
    (T, "bernstein_basis", (P,), {}, np.stack([(1 - P) ** 3, 3 * (1 - P) ** 2 * P, 3 * (1 - P) * P**2, P**3], -1)),
    (T, "hermite_spline", (P, X * 0, X * 0 + 1, X * 0 + 1, X * 0 + 1), {}, P),
    (T, "catmull_rom", (SCALAR, np.stack([X, X + 1, X + 2, X + 3])), {}, X + 1.7),
    (T, "lagrange_through_three", (X, np.float32([3, 1, 5])), {}, 1 + X + 3 * X * X),
    (T, "evaluate_polynomial", (COEFFICIENTS, X), {}, np.polyval(COEFFICIENTS, X)),
    (T, "power_series", (X, COEFFICIENTS), {}, CUBIC(X / 2)),
    (
        T,
        "fourier_series",
        (X, COEFFICIENTS),
        {"fn": "cos"},
        sum(c * np.cos((k + 1) * X) for k, c in enumerate(COEFFICIENTS)),
    ),
    (T, "waveform", (np.float32([0.1, 0.6, 1.2]),), {"shape": "square", "period": 1.0}, [1, -1, 1]),
    (T, "waveform", (np.float32([0.0, 0.25, 1.5]),), {"shape": "triangle", "period": 1.0}, [-1, 0, 1]),
    (T, "unit_roots_sum", (C,), {"frequency": 3}, np.fft.fft(C)[:, 3]),
    (T, "trapezoid", (X,), {"step": 0.25}, np.trapezoid(X, dx=0.25)),
    (T, "trapezoid_over_grid", (X, P[0]), {}, np.trapezoid(X, np.cumsum(P[0]))),
    (T, "simpson_panel", (np.float32([0, 1, 8, 27, 64]),), {"step": 1.0, "rule": "simpson"}, np.float32(64)),
    (T, "simpson_panel", (np.float32([0, 1, 16, 81, 256]),), {"step": 1.0, "rule": "boole"}, np.float32(204.8)),
    (T, "gauss_legendre", (P, W), {"fn": "exp"}, np.exp(W) - np.exp(P)),
    (T, "finite_difference", (np.arange(5, dtype=np.float32) ** 2,), {"step": 1.0, "order": "first"}, [2, 4, 6]),
    (T, "finite_difference", (np.arange(5, dtype=np.float32) ** 2,), {"step": 0.5, "order": "second"}, [8, 8, 8]),
    (T, "five_point_derivative", (np.arange(6, dtype=np.float32) ** 3,), {"step": 1.0}, [12, 27]),
    (T, "richardson_extrapolation", (X + 4 * Y, X + Y), {"order": 2}, X),
    (T, "aitken_acceleration", (X + W, X + W / 2, X + W / 4), {}, X),
    (T, "newton_root_step", (W, (W + 0.1) ** 3), {"degree": 3}, W + 0.1),
    (T, "halley_cube_root", ((W + 0.1) ** 3, W), {}, W + 0.1),
]


@pytest.mark.parametrize(
    ("file", "name", "arrays", "options", "expected"),
    CASES,
    ids=[f"{name}-{'-'.join(map(str, options.values()))}" for _, name, _, options, _ in CASES],
)
def test_value(file: str, name: str, arrays: tuple[Any, ...], options: dict[str, Any], expected: Any) -> None:
    compiled = jax.jit(functools.partial(getattr(module(file), name), **options))
    results = compiled(*arrays)
    pairs = zip(results, expected, strict=True) if isinstance(results, tuple) else [(results, expected)]
    for got, wanted in pairs:
        assert got.shape == np.shape(wanted)
        if np.asarray(got).dtype.kind in "biu":
            np.testing.assert_array_equal(np.asarray(got), wanted)
        else:
            np.testing.assert_allclose(np.asarray(got), wanted, rtol=2e-4, atol=2e-5)


def test_names_of_the_predecessor_exist() -> None:
    required = {"arithmetic": {"add", "sub", "mul", "div"}, "math": {"sin", "cos", "exp", "tanh", "sqrt"}}
    for category, names in required.items():
        defined = {item.__name__ for file in FILES if file.parent.name == category for item in public_functions(file)}
        assert names <= defined
        assert len(defined) >= 45


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_docstrings_fit_after_computes(file: Path) -> None:
    for function in public_functions(file):
        lines = (function.__doc__ or "").splitlines()
        assert lines, function.__name__
        assert lines[0] == lines[0].strip(" ."), function.__name__
        assert lines[0].split()[0] not in {"The", "A", "An", "Compute", "Computes", "Return", "Returns"}, (
            function.__name__
        )
