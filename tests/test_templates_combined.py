"""The templates of `combined` compute what their names say: against NumPy and closed forms."""

from __future__ import annotations

import functools
import importlib.util
import itertools
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "templates" / "combined"
RNG = np.random.default_rng(0)


@functools.cache
def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"combined_{name}", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def call(where: str, *arrays: Any, **options: Any) -> Any:
    """Call `file.template` on arrays; a tuple of results comes back as a tuple of NumPy arrays."""
    file, name = where.split(".")
    results = jax.jit(functools.partial(getattr(module(file), name), **options))(*map(jnp.asarray, arrays))
    return tuple(map(np.asarray, results)) if isinstance(results, tuple) else np.asarray(results)


def floats(*shape: int) -> np.ndarray:
    return RNG.uniform(0.1, 0.9, shape).astype(np.float32)


def normals(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def np_softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
    weights = np.exp(x - x.max(axis=axis, keepdims=True))
    return weights / weights.sum(axis=axis, keepdims=True)


def np_sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def np_layer_norm(x: np.ndarray, scale: np.ndarray, bias: np.ndarray) -> np.ndarray:
    return (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5) * scale + bias


def np_conv2d(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    _, height, width = image.shape
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)))
    out = np.zeros((kernel.shape[0], height, width))
    for row, column in itertools.product(range(height), range(width)):
        patch = padded[:, row : row + 3, column : column + 3]
        out[:, row, column] = np.tensordot(kernel, patch, axes=3)
    return out


def np_edit_distance(source: list[int], target: list[int]) -> int:
    table = np.zeros((len(source) + 1, len(target) + 1), int)
    table[:, 0], table[0] = np.arange(len(source) + 1), np.arange(len(target) + 1)
    for i, j in itertools.product(range(1, len(source) + 1), range(1, len(target) + 1)):
        changed = table[i - 1, j - 1] + (source[i - 1] != target[j - 1])
        table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, changed)
    return int(table[-1, -1])


def np_warping(left: np.ndarray, right: np.ndarray) -> float:
    table = np.full((len(left) + 1, len(right) + 1), np.inf)
    table[0, 0] = 0
    for i, j in itertools.product(range(1, len(left) + 1), range(1, len(right) + 1)):
        best = min(table[i - 1, j], table[i, j - 1], table[i - 1, j - 1])
        table[i, j] = abs(left[i - 1] - right[j - 1]) + best
    return float(table[-1, -1])


def np_paths(initial: np.ndarray, transition: np.ndarray, emissions: np.ndarray) -> dict[tuple[int, ...], float]:
    """Score of every state path whose first step, too, is a transition."""
    scores = {}
    states = range(len(initial))
    for path in itertools.product(states, repeat=len(emissions) + 1):
        score = initial[path[0]]
        for step, (before, after) in enumerate(itertools.pairwise(path)):
            score += transition[before, after] + emissions[step, after]
        scores[path] = float(score)
    return scores


def np_second_difference(n: int) -> np.ndarray:
    return 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)


X, Y, Z = normals(3, 5), normals(3, 5), normals(3, 5)
MATRIX, VECTOR = normals(5, 4), normals(4)
SCALE, BIAS = floats(5), normals(5)
IMAGE = normals(4, 6, 2)
SERIES = normals(6, 3)
LABELS = np.array([0, 3, 6], np.int32)
QUERIES, KEYS, VALUES = normals(2, 3, 4), normals(2, 5, 4), normals(2, 5, 3)
SCORES = QUERIES @ KEYS.transpose(0, 2, 1) / 2
SMALL = floats(4, 4)
DOWN, UP = normals(5, 2), normals(2, 4)
MODEL = np_softmax(normals(3, 3))


def np_tridiagonal_solve(lower: np.ndarray, diagonal: np.ndarray, upper: np.ndarray, rhs: np.ndarray) -> np.ndarray:
    return np.linalg.solve(np.diag(diagonal + 2) + np.diag(lower[1:], -1) + np.diag(upper[:-1], 1), rhs)


def np_shortest_paths(weights: np.ndarray) -> np.ndarray:
    lengths = np.where(np.eye(len(weights)), 0, weights)
    for node in range(len(weights)):
        lengths = np.minimum(lengths, lengths[:, [node]] + lengths[[node]])
    return lengths


def np_forward(belief: np.ndarray, transition: np.ndarray, likelihoods: np.ndarray) -> tuple[float, np.ndarray]:
    rows, evidence = [], 0.0
    for likelihood in likelihoods:
        joint = belief @ transition * likelihood
        evidence += float(np.log(joint.sum()))
        belief = joint / joint.sum()
        rows.append(belief)
    return evidence, np.stack(rows)


#: (file.template, arrays, options, expected values or a function of the arrays that gives them)
Case = tuple[str, tuple[Any, ...], dict[str, Any], Any]


def forms(
    where: str, arrays: tuple[Any, ...], option: str, choices: list[Any], expected: Any, **rest: Any
) -> list[Case]:
    """One case a choice, all with the same answer."""
    return [(where, arrays, {option: choice, **rest}, expected) for choice in choices]


CASES: list[Case] = [
    *forms("activations.sigmoid", (X,), "form", ["logistic", "quotient", "tanh", "two sided"], np_sigmoid(X)),
    *forms("activations.softmax", (X,), "form", ["shift", "logsumexp", "library"], np_softmax(X), axis=-1),
    *forms("activations.softmax", (X,), "form", ["shift", "logsumexp", "library"], np_softmax(X, 0), axis=0),
    *forms("activations.relu", (X,), "form", ["maximum", "where", "gate", "mirror", "library"], np.maximum(X, 0)),
    *forms("activations.smooth_rectifier", (X,), "form", ["log1p", "logaddexp"], np.log1p(np.exp(2 * X)) / 2, beta=2.0),
    *forms("activations.parametric_relu", (X, SCALE), "form", ["where", "sum"], np.where(X > 0, X, SCALE * X)),
    ("activations.self_gated", (X,), {"gate": "mish"}, X * np.tanh(np.log1p(np.exp(X)))),
    ("activations.gaussian_gate", (X,), {"form": "erf"}, np.asarray(jax.nn.gelu(X, approximate=False))),
    ("activations.nn_activation", (X,), {"fn": "silu"}, X * np_sigmoid(X)),
    ("activations.sparsemax", (np.array([[2.0, 1.5, -1.0]], np.float32),), {}, [[0.75, 0.25, 0.0]]),
    (
        "activations.gated_linear_unit",
        (SERIES.T,),
        {"gate": "tanh", "layout": "halves"},
        SERIES.T[:, :3] * np.tanh(SERIES.T[:, 3:]),
    ),
    (
        "activations.gated_linear_unit",
        (SERIES.T,),
        {"gate": "sigmoid", "layout": "interleaved"},
        SERIES.T[:, ::2] * np_sigmoid(SERIES.T[:, 1::2]),
    ),
    *forms(
        "layers.linear",
        (X, MATRIX, VECTOR),
        "form",
        ["matmul", "einsum", "dot_general", "transposed"],
        X @ MATRIX + VECTOR,
    ),
    *forms(
        "layers.quadratic",
        (X, np.float32(2), np.float32(-3), np.float32(1)),
        "form",
        ["powers", "horner", "square", "polyval"],
        2 * X**2 - 3 * X + 1,
    ),
    *forms(
        "layers.layer_norm",
        (X, SCALE, BIAS),
        "variance",
        ["centred", "moments", "library"],
        np_layer_norm(X, SCALE, BIAS),
    ),
    *forms(
        "layers.rms_norm",
        (X, SCALE),
        "form",
        ["rsqrt", "sqrt"],
        X / np.sqrt((X**2).mean(-1, keepdims=True) + 1e-5) * SCALE,
        centre="zero",
    ),
    *forms("layers.embedding_lookup", (X, LABELS), "form", ["take", "index", "one hot"], X[LABELS % 3], scaled=False),
    *forms(
        "layers.lora_linear", (X, MATRIX, DOWN, UP), "merged", [False, True], X @ (MATRIX + 0.5 * DOWN @ UP), alpha=1.0
    ),
    *forms("attention.attention", (QUERIES, KEYS, VALUES), "mask", ["none"], np_softmax(SCORES) @ VALUES),
    (
        "attention.attention",
        (QUERIES, KEYS, VALUES),
        {"mask": "causal"},
        np_softmax(np.where(np.tril(np.ones((3, 5))), SCORES, -1e9)) @ VALUES,
    ),
    *forms(
        "recurrent.linear_recurrence",
        (np.full_like(SERIES, 0.5), SERIES),
        "method",
        ["associative", "scan", "loop"],
        np.stack([sum(0.5 ** (t - s) * SERIES[s] for s in range(t + 1)) for t in range(6)]),
    ),
    *forms(
        "vision.max_pool", (IMAGE,), "form", ["window", "blocks", "strided"], IMAGE.reshape(2, 2, 3, 2, 2).max((1, 3))
    ),
    *forms("vision.avg_pool", (IMAGE,), "form", ["window", "blocks"], IMAGE.reshape(2, 2, 3, 2, 2).mean((1, 3))),
    *forms("losses.mse", (X, Y), "reduction", ["mean", "dot"], ((X - Y) ** 2).mean()),
    ("losses.mse", (X, Y), {"reduction": "root"}, np.sqrt(((X - Y) ** 2).mean())),
    *forms(
        "losses.cross_entropy",
        (X, LABELS),
        "pick",
        ["one hot", "take along axis", "where"],
        -np.log(np_softmax(X)[np.arange(3), LABELS % 5]).mean(),
        reduction="mean",
    ),
    (
        "losses.kl_divergence",
        (X, Y),
        {"kind": "forward Kullback-Leibler"},
        (np_softmax(X) * np.log(np_softmax(X) / np_softmax(Y))).sum(-1),
    ),
    (
        "losses.kl_divergence",
        (X, Y),
        {"kind": "Jensen-Shannon"},
        0.5 * (np_softmax(X) * np.log(2 * np_softmax(X) / (np_softmax(X) + np_softmax(Y)))).sum(-1)
        + 0.5 * (np_softmax(Y) * np.log(2 * np_softmax(Y) / (np_softmax(X) + np_softmax(Y)))).sum(-1),
    ),
    *forms(
        "losses.huber",
        (X, Y),
        "form",
        ["where", "clip"],
        delta=0.5,
        expected=np.where(abs(X - Y) <= 0.5, 0.5 * (X - Y) ** 2, 0.5 * (abs(X - Y) - 0.25)).mean(-1),
    ),
    *forms(
        "losses.binary_cross_entropy",
        (X, floats(3, 5) * 0 + 0.25, np.ones(5, np.float32)),
        "form",
        ["stable", "log sigmoid", "softplus"],
        -(0.25 * np.log(np_sigmoid(X)) + 0.75 * np.log(np_sigmoid(-X))).mean(-1),
    ),
    *forms(
        "losses.quantile_loss",
        (X, VECTOR[:3], SCALE),
        "form",
        ["maximum", "where"],
        np.maximum(SCALE * (VECTOR[:3, None] - X), (SCALE - 1) * (VECTOR[:3, None] - X)).mean(-1),
    ),
    ("optimizers.sgd_step", (X, Y), {"learning_rate": 0.1, "decay": "none"}, X - 0.1 * Y),
    (
        "optimizers.momentum_step",
        (X, Y, Z),
        {"learning_rate": 0.1, "momentum": 0.9, "style": "nesterov"},
        (X - 0.1 * (Y + 0.9 * (0.9 * Z + Y)), 0.9 * Z + Y),
    ),
    (
        "optimizers.adam_step",
        (X, Y, 0 * X, 0 * X, np.int32(0)),
        {"learning_rate": 0.1, "variant": "adam"},
        (X - 0.1 * np.sign(Y), 0.1 * Y, 0.001 * Y**2),
    ),
    *forms(
        "optimizers.clip_by_global_norm",
        (MATRIX * 9, VECTOR * 9),
        "form",
        ["concatenate", "sum", "tree"],
        (
            MATRIX * 9 / (norm := 9 * np.sqrt((MATRIX**2).sum() + (VECTOR**2).sum())),
            VECTOR * 9 / norm,
            norm,
        ),
        limit=1.0,
        scaling="minimum",
    ),
    *forms(
        "solvers.poisson_thomas",
        (SERIES,),
        "boundary",
        ["fixed"],
        np.linalg.solve(np_second_difference(6), 0.25 * SERIES),
        spacing=0.5,
    ),
    (
        "solvers.tridiagonal_solve",
        (floats(6), floats(6), floats(6), SERIES[:, 0]),
        {"pivots": "shifted"},
        np_tridiagonal_solve,
    ),
    *forms("solvers.root_by_newton", (floats(4),), "root", ["square root"], lambda x: np.sqrt(x + 0.05), steps=6),
    (
        "physics.heat_implicit",
        (SERIES,),
        {"rate": 0.7, "scheme": "backward euler"},
        np.linalg.solve(np.eye(6) + 0.7 * np_second_difference(6), SERIES),
    ),
    (
        "physics.heat_implicit",
        (SERIES,),
        {"rate": 0.7, "scheme": "crank-nicolson"},
        np.linalg.solve(
            np.eye(6) + 0.35 * np_second_difference(6), (np.eye(6) - 0.35 * np_second_difference(6)) @ SERIES
        ),
    ),
    (
        "physics.heat_explicit",
        (SERIES.T,),
        {"rate": 0.2, "boundary": "constant", "steps": 2},
        SERIES.T @ np.linalg.matrix_power(np.eye(6) - 0.2 * np_second_difference(6), 2),
    ),
    (
        "physics.cellular_automaton",
        (np.array([[0] * 5, [0] * 5, [0, 1, 1, 1, 0], [0] * 5, [0] * 5]),),
        {"rule": "life", "neighbourhood": "moore"},
        np.array([[0] * 5, [0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [0] * 5]),
    ),
    *forms("graphs.tropical_matmul", (X, MATRIX), "semiring", ["max plus"], (X[:, :, None] + MATRIX).max(1)),
    ("graphs.tropical_matmul", (X, MATRIX), {"semiring": "min plus"}, (X[:, :, None] + MATRIX).min(1)),
    *forms("graphs.shortest_paths", (SMALL,), "method", ["floyd", "squaring"], np_shortest_paths, loops="free"),
    *forms(
        "graphs.edit_distance",
        (np.array([1, 2, 3, 4, 5, 1]), np.array([2, 3, 9, 5, 1, 1, 7])),
        "costs",
        ["levenshtein"],
        np_edit_distance([1, 2, 3, 4, 5, 1], [2, 3, 9, 5, 1, 1, 7]),
    ),
    (
        "graphs.time_warping",
        (SERIES[:, 0], SERIES[:5, 1]),
        {"path": "hard", "local_cost": "absolute"},
        np_warping(SERIES[:, 0], SERIES[:5, 1]),
    ),
    *forms(
        "decisions.discounted_returns",
        (SERIES, SERIES[0]),
        "method",
        ["scan", "triangle", "associative"],
        discount=0.9,
        expected=np.stack(
            [sum(0.9 ** (s - t) * SERIES[s] for s in range(t, 6)) + 0.9 ** (6 - t) * SERIES[0] for t in range(6)]
        ),
    ),
    (
        "probability.hmm_forward",
        (np.array([0.2, 0.3, 0.5]), MODEL, floats(4, 3)),
        {"domain": "scaled"},
        np_forward,
    ),
    (
        "signal.fft_filter",
        (SERIES.T,),
        {"cutoff": 0.25, "response": "butterworth"},
        np.fft.irfft(np.fft.rfft(SERIES.T) / np.sqrt(1 + (np.fft.rfftfreq(6) / 0.25) ** 4), n=6),
    ),
    *forms(
        "signal.autocorrelation",
        (SERIES.T,),
        "form",
        ["circulant", "scan", "toeplitz"],
        centred=False,
        expected=np.stack([(SERIES.T * np.roll(SERIES.T, -lag, -1)).sum(-1) for lag in range(6)], -1)
        / ((SERIES.T**2).sum(-1, keepdims=True) + 1e-2),
    ),
    *forms(
        "signal.exponential_smoothing",
        (SERIES,),
        "form",
        ["level", "associative"],
        alpha=0.3,
        expected=np.stack(
            [0.7**t * SERIES[0] + sum(0.3 * 0.7 ** (t - s) * SERIES[s] for s in range(1, t + 1)) for t in range(6)]
        ),
    ),
    (
        "signal.savgol_filter",
        (np.arange(8.0, dtype=np.float32) ** 2,),
        {"derivative": "smooth"},
        np.arange(2.0, 6.0) ** 2,
    ),
    (
        "signal.savgol_filter",
        (np.arange(8.0, dtype=np.float32) ** 2,),
        {"derivative": "slope"},
        2 * np.arange(2.0, 6.0),
    ),
    (
        "signal.spectral_derivative",
        (np.sin(2 * np.pi * np.arange(8) / 8).astype(np.float32),),
        {"what": "first derivative"},
        2 * np.pi * np.cos(2 * np.pi * np.arange(8) / 8),
    ),
    *forms(
        "signal.median_filter",
        (SERIES.T,),
        "form",
        ["sort", "min max"],
        boundary="edge",
        expected=np.median([np.pad(SERIES.T, ((0, 0), (1, 1)), mode="edge")[:, i : i + 6] for i in range(3)], axis=0),
    ),
    *forms(
        "dynamics.n_body_forces",
        (X, SCALE[:3]),
        "form",
        ["pairs", "gradient", "map"],
        softening=0.3,
        expected=np.stack(
            [
                sum(SCALE[j] * (X[j] - X[i]) / (((X[j] - X[i]) ** 2).sum() + 0.3) ** 1.5 for j in range(3))
                for i in range(3)
            ]
        ),
    ),
    *forms(
        "geometry.polygon_area", (np.array([[0, 0], [2, 0], [2, 1], [0, 1]], np.float32),), "measure", ["area"], 2.0
    ),
    *forms("learning.pairwise_distances", (X, Y), "metric", ["manhattan"], abs(X[:, None] - Y).sum(-1)),
]


@pytest.mark.parametrize(
    ("where", "arrays", "options", "expected"),
    [pytest.param(*case, id=f"{case[0]}-{'-'.join(str(value) for value in case[2].values())}") for case in CASES],
)
def test_values(where: str, arrays: tuple[Any, ...], options: dict[str, Any], expected: Any) -> None:
    result = call(where, *arrays, **options)
    wanted = expected(*arrays) if callable(expected) else expected
    # The damping terms of the templates (1e-3 in a divisor) allow no tighter comparison for a few of them.
    tolerance = 3e-2 if where in ("probability.hmm_forward", "optimizers.clip_by_global_norm") else 2e-4
    for got, want in zip(*((item if isinstance(item, tuple) else (item,)) for item in (result, wanted)), strict=True):
        assert np.shape(got) == np.shape(want)
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance)


def test_convolutions_agree_with_loops() -> None:
    image, kernel = normals(2, 5, 4), normals(3, 2, 3, 3)
    for layout in ("channels first", "channels last"):
        got = call(
            "vision.conv2d", image, kernel, np.zeros(3, np.float32), layout=layout, dilation=1, activation="none"
        )
        np.testing.assert_allclose(got, np_conv2d(image, kernel), rtol=1e-4, atol=1e-4)
    signal, taps = normals(2, 6, 3), normals(3, 3, 4)
    got = call("vision.conv1d", signal, taps, padding="causal", dilation=2)
    padded = np.pad(signal, ((0, 0), (4, 0), (0, 0)))
    want = sum(padded[:, 2 * tap : 2 * tap + 6] @ taps[tap] for tap in range(3))
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def test_transposed_convolutions_are_one_another() -> None:
    image, kernel = normals(3, 4, 2), normals(2, 2, 2, 5)
    shuffled = call("vision.conv2d_transpose", image, kernel, form="shuffle", activation="none")
    # A convolution by an input dilation reads the kernel backwards; a 2x2 kernel with stride 2 has no overlap.
    dilated = call("vision.conv2d_transpose", image, kernel[::-1, ::-1], form="input dilation", activation="none")
    np.testing.assert_allclose(shuffled, dilated, rtol=1e-4, atol=1e-4)


def test_recurrent_networks_step_by_step() -> None:
    inputs, hidden, cell = normals(4, 2, 3), normals(2, 5), normals(2, 5)
    wx, wh, bias = normals(3, 20), normals(5, 20), normals(20)
    states, last_cell = call("recurrent.lstm_scan", inputs, hidden, cell, wx, wh, bias, forget_bias=1.0, reverse=False)
    state, memory = hidden, cell
    for step in range(4):
        forget, write, candidate, read = np.split(inputs[step] @ wx + state @ wh + bias, 4, axis=-1)
        memory = np_sigmoid(forget + 1) * memory + np_sigmoid(write) * np.tanh(candidate)
        state = np_sigmoid(read) * np.tanh(memory)
        np.testing.assert_allclose(states[step], state, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(last_cell, memory, rtol=1e-4, atol=1e-4)
    outputs, last = call(
        "recurrent.rnn_scan", inputs, hidden, wx[:, :5], wh[:, :5], bias[:5], activation=jnp.tanh, reverse=True
    )
    want = np.tanh(inputs[3] @ wx[:, :5] + hidden @ wh[:, :5] + bias[:5])
    np.testing.assert_allclose(outputs[3], want, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(outputs[0], last)


def test_multi_head_attention_is_attention_of_each_head() -> None:
    x, weights, output = normals(4, 6), normals(3, 6, 2, 3), normals(2, 3, 6)
    got = call("attention.multi_head_attention", x, *weights, output, causal=False, residual=False)
    want = np.zeros_like(x)
    for head in range(2):
        queries, keys, values = (x @ weights[kind][:, head] for kind in range(3))
        want += np_softmax(queries @ keys.T / np.sqrt(3)) @ values @ output[head]
    np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def test_rotary_embedding_keeps_lengths_and_depends_on_distance_only() -> None:
    rows = np.broadcast_to(normals(6), (5, 6))
    for layout in ("halves", "interleaved"):
        turned = call("attention.rotary_embedding", rows, layout=layout)
        np.testing.assert_allclose(np.linalg.norm(turned, axis=-1), np.linalg.norm(rows, axis=-1), rtol=1e-5)
        products = turned @ turned.T
        np.testing.assert_allclose(np.diagonal(products, 1), products[0, 1], rtol=1e-4)


@pytest.mark.parametrize("sweep", ["classical", "modified", "twice"])
def test_gram_schmidt_is_orthonormal(sweep: str) -> None:
    basis = call("matrices.gram_schmidt", normals(3, 6), sweep=sweep)
    np.testing.assert_allclose(basis @ basis.T, np.eye(3), atol=5e-3)


@pytest.mark.parametrize("update", ["outer", "masked"])
def test_cholesky_by_columns(update: str) -> None:
    samples = normals(7, 4)
    factor = call("matrices.cholesky_by_columns", samples, ridge=0.5, update=update)
    np.testing.assert_allclose(factor, np.linalg.cholesky(samples.T @ samples / 7 + 0.5 * np.eye(4)), atol=1e-4)


def test_viterbi_finds_the_best_path_of_all() -> None:
    initial, transition, emissions = normals(3), normals(3, 3), normals(4, 3)
    score, states = call("graphs.viterbi", initial, transition, emissions, scores="given")
    scores = np_paths(initial, transition, emissions)
    best = max(scores, key=scores.__getitem__)
    assert tuple(states) == best[1:]
    assert score == pytest.approx(scores[best], abs=1e-4)


@pytest.mark.parametrize("paths", ["all paths", "all paths from a step earlier"])
def test_chain_partition_sums_over_all_paths(paths: str) -> None:
    unary, pairwise = normals(4, 3), normals(3, 3)
    first = pairwise if paths == "all paths from a step earlier" else np.full((3, 3), -np.log(3))
    weights = []
    for path in itertools.product(range(3), repeat=5):
        score = first[path[0], path[1]] + unary[0, path[1]]
        for step, (before, after) in enumerate(itertools.pairwise(path[1:]), start=1):
            score += pairwise[before, after] + unary[step, after]
        weights.append(np.exp(score))
    assert call("graphs.chain_partition", unary, pairwise, paths=paths) == pytest.approx(np.log(sum(weights)), abs=1e-3)


def test_kalman_updates_agree() -> None:
    root = normals(3, 3)
    covariance = (root @ root.T + np.eye(3)).astype(np.float32)
    mean, sensor, noise = normals(3), normals(2, 3), floats(2)
    measured = normals(2)
    innovation = sensor @ covariance @ sensor.T + np.diag(1 + noise**2)
    gain = covariance @ sensor.T @ np.linalg.inv(innovation)
    want = mean + gain @ (measured - sensor @ mean), covariance - gain @ sensor @ covariance
    for form in ("standard", "joseph"):
        got = call("probability.kalman_update", mean, covariance, measured, sensor, noise, form=form)
        for result, wanted in zip(got, want, strict=True):
            np.testing.assert_allclose(result, wanted, rtol=1e-3, atol=1e-3)
    sequential = call(
        "probability.kalman_scalar_update", mean, covariance, measured, sensor, noise=1.0, inflation="none"
    )
    at_once = call("probability.kalman_update", mean, covariance, measured, sensor, 0 * noise, form="standard")
    for result, wanted in zip(sequential, at_once, strict=True):
        np.testing.assert_allclose(result, wanted, rtol=1e-3, atol=1e-3)


def test_belief_update_is_bayes_rule() -> None:
    belief, moves, seen = np_softmax(normals(4)), np_softmax(normals(2, 4, 4)), np_softmax(normals(4, 3))
    want = belief @ moves[1] * seen[:, 2]
    for form in ("index", "one hot"):
        got = call("probability.belief_update", belief, moves, seen, np.int32(3), np.int32(5), form=form)
        np.testing.assert_allclose(got, want / want.sum(), atol=5e-3)


def test_generalised_advantages() -> None:
    rewards, values = normals(5), normals(6)
    alive = np.array([True, True, False, True, True])
    got, targets = call(
        "decisions.generalised_advantages", rewards, values, alive, discount=0.9, trace_decay=0.8, standardise=False
    )
    future = 0.0
    for step in reversed(range(5)):
        error = rewards[step] + 0.9 * alive[step] * values[step + 1] - values[step]
        future = error + 0.9 * 0.8 * alive[step] * future
        assert got[step] == pytest.approx(future, abs=1e-4)
    np.testing.assert_allclose(targets, got + values[:-1], rtol=1e-5)


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("midpoint", 2), ("heun", 2), ("rk4", 4)])
def test_integrators_have_their_order(method: str, order: int) -> None:
    def field(x: jax.Array) -> jax.Array:
        return -x

    size, steps = 0.2, 4
    growth = sum((-size) ** k / np.prod(np.arange(1, k + 1), initial=1) for k in range(order + 1))
    got = call("dynamics.integrate", np.ones(2, np.float32), field=field, method=method, step_size=size, steps=steps)
    np.testing.assert_allclose(got, growth**steps, rtol=1e-5)


@pytest.mark.parametrize("scheme", ["kick drift kick", "drift kick drift", "symplectic euler"])
def test_symplectic_steps_keep_the_area(scheme: str) -> None:
    def step(phase: jax.Array) -> jax.Array:
        moved = module("dynamics").leapfrog(
            phase[:1], phase[1:], force=lambda x: -jnp.sin(x), scheme=scheme, step_size=0.1, steps=4
        )
        return jnp.concatenate(moved)

    assert np.linalg.det(jax.jacobian(step)(jnp.array([0.4, 0.7]))) == pytest.approx(1, abs=1e-5)


def test_holes_of_solvers() -> None:
    operator = np.diag(np.array([2, 3, 4], np.float32))
    rhs = normals(3)
    solution, residual = call("solvers.conjugate_gradient", rhs, operator=lambda v: operator @ v, steps=4)
    np.testing.assert_allclose(solution, np.linalg.solve(operator, rhs), atol=2e-2)
    assert np.abs(residual).max() < 5e-2
    roots = call("solvers.newton_iteration", floats(4) + 1, residual=lambda x: x * x - 2, steps=5)
    np.testing.assert_allclose(roots, np.sqrt(2), atol=1e-3)
    fixed, error = call("solvers.fixed_point", floats(4), update=jnp.cos, damping=0.5, steps=8, residual="largest")
    np.testing.assert_allclose(fixed, 0.739085, atol=1e-3)
    assert error < 1e-3
    found = call(
        "optimizers.gradient_descent", np.ones(3, np.float32), loss=lambda p: jnp.sum(p * p), learning_rate=0.1, steps=4
    )
    np.testing.assert_allclose(found, 0.8**4, rtol=1e-5)


def test_black_scholes_parity() -> None:
    spot, strike, volatility, maturity = floats(5), floats(5), floats(5), floats(5)
    price = {
        quantity: call("geometry.black_scholes", spot, strike, volatility, maturity, rate=0.05, quantity=quantity)
        for quantity in ("call price", "put price")
    }
    forward = (spot + 0.05) - (strike + 0.05) * np.exp(-0.05 * (maturity + 0.05))
    np.testing.assert_allclose(price["call price"] - price["put price"], forward, atol=1e-5)


@pytest.mark.parametrize("form", ["cross", "matrix"])
def test_quaternions_rotate(form: str) -> None:
    quarter_turn = np.array([1, 0, 0, 1], np.float32) * 10
    turned = call("geometry.rotate_by_quaternion", quarter_turn, np.array([1, 2, 3], np.float32), form=form)
    np.testing.assert_allclose(turned, [-2, 1, 3], atol=1e-4)


@pytest.mark.parametrize("domain", ["kernel", "log"])
def test_sinkhorn_marginals(domain: str) -> None:
    cost = floats(3, 4)
    rows, columns = np.full(3, 1 / 3, np.float32), np.full(4, 0.25, np.float32)
    plan = call("graphs.sinkhorn", cost, rows, columns, blur=0.5, steps=8, domain=domain)
    np.testing.assert_allclose(plan.sum(0) / plan.sum(), columns, atol=1e-2)
    np.testing.assert_allclose(plan.sum(1) / plan.sum(), rows, atol=1e-2)


def test_gaussian_process_means_agree() -> None:
    inputs, targets, queries = normals(5, 2), normals(5), normals(3, 2)
    by_gradients = call(
        "learning.gaussian_process_mean", inputs, targets, queries, noise=0.5, steps=8, kernel="gaussian"
    )
    by_factor, variance = call("learning.gaussian_process_posterior", inputs, targets, queries, noise=0.5)
    np.testing.assert_allclose(by_gradients, by_factor, atol=2e-2)
    assert np.all((variance > 0) & (variance <= 1))


@pytest.mark.parametrize("gradient", ["closed form", "automatic"])
def test_logistic_regression_step(gradient: str) -> None:
    features, labels, weights = normals(6, 3), np.array([0, 1, 2, 3, 4, 5], np.int32), normals(3)
    errors = np_sigmoid(features @ weights + 0.5) - labels % 2
    got = call(
        "learning.logistic_regression_step",
        features,
        labels,
        weights,
        np.float32(0.5),
        gradient=gradient,
        learning_rate=0.2,
    )
    np.testing.assert_allclose(got[0], weights - 0.2 * errors @ features / 6, atol=1e-5)
    assert got[1] == pytest.approx(0.5 - 0.2 * errors.mean(), abs=1e-5)


def test_value_iteration_finds_the_fixed_point() -> None:
    rewards, logits = floats(3, 2), normals(2, 3, 3)
    values, actions = call("decisions.value_iteration", rewards, logits, discount=0.5, sweeps=8, backup="max")
    action_values = rewards + 0.5 * np.einsum("anm,m->na", np_softmax(logits), values)
    np.testing.assert_allclose(values, action_values.max(-1), atol=2e-2)
    np.testing.assert_array_equal(actions, action_values.argmax(-1))


def test_spectral_norm_and_power_iteration() -> None:
    weights = normals(4, 3)
    scaled, _ = call("layers.spectral_norm_step", weights, np.ones(4, np.float32), steps=3, bound="exact")
    assert np.linalg.svd(scaled, compute_uv=False)[0] == pytest.approx(1, abs=0.15)
    matrix = SMALL + SMALL.T
    value, _ = call(
        "matrices.dominant_eigenpair", matrix, np.ones(4, np.float32), steps=8, normaliser="euclidean", symmetric=True
    )
    assert value == pytest.approx(np.linalg.eigvalsh(matrix)[-1], rel=1e-2)


REQUIRED = ("linear", "quadratic", "sigmoid", "softmax", "relu", "mse")


def test_the_predecessors_names_exist() -> None:
    names: dict[str, Callable[..., Any]] = {}
    for path in sorted(FOLDER.glob("*.py")):
        names |= {name: item for name, item in vars(module(path.stem)).items() if callable(item)}
    assert set(REQUIRED) <= set(names)
