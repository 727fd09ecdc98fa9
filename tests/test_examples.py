"""The example scripts: each function against its closed form, and what the scripts print."""

from __future__ import annotations

import importlib.util
import itertools
import math
import os
import re
import subprocess
import sys
from types import ModuleType

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from conftest import ROOT
from numpy.testing import assert_allclose, assert_array_equal

import jaxir

EXAMPLES = ROOT / "scripts" / "examples"
RNG = np.random.default_rng(0)


def load(name: str) -> ModuleType:
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def normal(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def test_jitted_functions_are_those_of_numpy() -> None:
    example = load("basic_jit")
    coefficients, x, rows = normal(6), normal(7), normal(5, 3)
    assert_allclose(example.horner(coefficients, x), np.polyval(coefficients, x), rtol=1e-4, atol=1e-5)
    odds = np.exp(rows.astype(np.float64))
    assert_allclose(example.softmax(rows), odds / odds.sum(axis=1, keepdims=True), rtol=1e-5)
    assert_allclose(example.softmax(rows + 300), example.softmax(rows), rtol=1e-4)  # exp alone would overflow
    standard = np.asarray(example.standardize(rows))
    assert_allclose(standard.mean(axis=0), 0, atol=1e-6)
    assert_allclose(standard.var(axis=0), 1, rtol=1e-5)


def test_derivatives_of_rosenbrock() -> None:
    example = load("autodiff")
    x = RNG.normal(size=4)
    slope = np.zeros(4)
    slope[:-1] = -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    slope[1:] += 200 * (x[1:] - x[:-1] ** 2)
    curve = np.diag([*(1200 * x[:-1] ** 2 - 400 * x[1:] + 2), 0.0]) + np.diag([0.0, 200, 200, 200])
    curve += np.diag(-400 * x[:-1], 1) + np.diag(-400 * x[:-1], -1)
    assert_allclose(example.gradient(x.astype(np.float32)), slope, rtol=1e-4, atol=1e-3)
    assert_allclose(example.hessian(x.astype(np.float32)), curve, rtol=1e-4, atol=1e-3)
    direction = normal(4)
    value, rate = example.slope(x.astype(np.float32), direction)
    assert_allclose(value, sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2), rtol=1e-4)
    assert_allclose(rate, slope @ direction, rtol=1e-3, atol=1e-2)
    point = jnp.array([-1.2, 1.0])
    step = np.linalg.solve([[1330, 480], [480, 200]], [-215.6, -88])
    assert_allclose(example.newton_step(point), [-1.2, 1.0] - step, rtol=1e-4)


def test_maps_over_batches() -> None:
    example = load("vmap")
    xs, ys, weights, targets = normal(3, 2), normal(4, 2), normal(2), normal(3)
    assert_allclose(example.distances(xs, ys), np.linalg.norm(xs[:, None] - ys[None], axis=-1), rtol=1e-5)
    assert_allclose(example.gradients(weights, xs, targets), 2 * (xs @ weights - targets)[:, None] * xs, rtol=1e-4)
    angles = normal(3)
    turned = np.exp(1j * angles) * (xs[:, 0] + 1j * xs[:, 1])
    assert_allclose(example.rotated(angles, xs), np.stack([turned.real, turned.imag], axis=1), rtol=1e-4, atol=1e-6)


def test_the_ir_of_two_spellings() -> None:
    example = load("ir_extraction")
    spec = jax.ShapeDtypeStruct((2, 3), jnp.float32)
    one, two, other = (jaxir.extract(getattr(example, name), spec) for name in ("swish", "also_swish", "log_sum_exp"))
    assert one.stablehlo == jax.jit(example.swish).lower(spec).as_text()
    assert one.stablehlo != two.stablehlo
    assert one.canonical_hash == two.canonical_hash != other.canonical_hash
    x = normal(2, 3)
    assert_allclose(example.swish(x), x / (1 + np.exp(-x)), rtol=1e-5)
    assert_allclose(example.log_sum_exp(jnp.full((2, 3), 1000.0)), 1000 + math.log(6), rtol=1e-6)


def test_poissons_equation_is_solved_exactly_where_differences_are_exact() -> None:
    example = load("poisson_1d")
    h = example.STEP
    x = np.arange(1, example.INNER_POINTS + 1) * h
    assert_allclose(example.solve(jnp.full(x.shape, 2.0)), x * (1 - x), rtol=1e-5)
    for wave in (1, 2, 5):  # eigenvectors of the matrix
        u = np.sin(wave * np.pi * x)
        f = (4 / h**2 * np.sin(wave * np.pi * h / 2) ** 2 * u).astype(np.float32)
        assert_allclose(example.solve(f), u, atol=2e-5)  # rounding, times the condition of the matrix
        assert_allclose(example.residual(u.astype(np.float32), f), 0, atol=8 * np.finfo(np.float32).eps / h**2)


def test_heat_decays_as_the_explicit_scheme_and_the_equation_say() -> None:
    example = load("heat_equation")
    h = 1 / example.INTERVALS
    x = np.linspace(0, 1, example.INTERVALS + 1)
    for wave in (1, 3):
        u = np.sin(wave * np.pi * x)
        factor = 1 - 4 * example.RATIO * np.sin(wave * np.pi * h / 2) ** 2
        assert_allclose(example.step(u.astype(np.float32)), factor * u, atol=1e-6)
        assert_allclose(example.evolve(u.astype(np.float32)), factor**example.STEPS * u, atol=5e-6)
    time = example.STEPS * example.RATIO * h**2
    u = np.sin(np.pi * x).astype(np.float32)
    assert_allclose(example.evolve(u), np.exp(-(np.pi**2) * time) * u, atol=h**2)
    assert_allclose(example.heat(u), h / np.tan(np.pi * h / 2), rtol=1e-5)


def test_optimizers_move_as_their_formulas_say() -> None:
    example = load("optimizers")
    a, b, x = np.array([[3, 1], [1, 2]], np.float32), np.array([5, 5], np.float32), normal(2)
    best = np.linalg.solve(a, b)
    for count, result in ((1, example.descent_step(x, a, b)), (example.STEPS, example.descend(x, a, b))):
        shrink = np.linalg.matrix_power(np.eye(2) - example.RATE * a, count)
        assert_allclose(result, best + shrink @ (x - best), rtol=1e-5)
    slope = a @ x - b
    moved, mean, square = example.adam_step(x, jnp.zeros(2), jnp.zeros(2), a, b)
    assert_allclose(moved, x - example.RATE * np.sign(slope), rtol=1e-4)  # the first step of Adam has the size RATE
    assert_allclose(mean, 0.1 * slope, rtol=1e-4)
    assert_allclose(square, 0.001 * slope**2, rtol=1e-3)
    end, objectives = example.adam(x, a, b)
    assert_allclose(end, best, atol=1e-3)
    assert_allclose(objectives[0], 0.5 * x @ a @ x - b @ x, rtol=1e-5)
    assert_allclose(objectives[-1], -0.5 * b @ best, rtol=1e-4)


def test_beliefs_follow_bayes() -> None:
    example = load("pomdp_belief")
    right = example.ACCURACY
    emission = np.array([[right, 1 - right], [1 - right, right]], np.float32)
    even, stays = np.full(2, 0.5, np.float32), np.eye(2, dtype=np.float32)
    beliefs = example.track(even, stays, emission, np.array([0, 0, 1, 0]))
    surplus = np.array([1, 2, 1, 2])  # how much more often left was heard
    assert_allclose(beliefs[:, 0], right**surplus / (right**surplus + (1 - right) ** surplus), rtol=1e-5)
    assert_allclose(example.update(even, stays, emission[:, 1]), [1 - right, right], rtol=1e-6)
    assert_allclose(example.entropy(even), 1.0, rtol=1e-6)
    assert_allclose(example.entropy(np.array([1, 0], np.float32)), 0.0, atol=1e-7)
    # A world that moves: against the sum over all its histories.
    transition, start, heard = (
        np.array([[0.7, 0.3], [0.2, 0.8]], np.float32),
        np.array([0.9, 0.1], np.float32),
        [0, 1, 1],
    )
    joint = np.zeros(2)
    for states in itertools.product(range(2), repeat=4):
        steps = zip(states[:-1], states[1:], heard, strict=True)
        joint[states[-1]] += start[states[0]] * math.prod(transition[s, t] * emission[t, o] for s, t, o in steps)
    assert_allclose(example.track(start, transition, emission, np.array(heard))[-1], joint / joint.sum(), rtol=1e-5)


def test_values_are_the_best_of_all_policies() -> None:
    example = load("value_iteration")
    rewards, transitions = map(np.asarray, example.walk())
    states = np.arange(example.STATES)
    assert_allclose(transitions.sum(axis=-1), 1, rtol=1e-6)
    policies = list(itertools.product(range(2), repeat=example.STATES))
    worth = [
        np.linalg.solve(
            np.eye(example.STATES) - example.DISCOUNT * transitions[list(policy), states],
            rewards[list(policy), states],
        )
        for policy in policies
    ]
    best = np.max(worth, axis=0)
    values, sweeps = example.solve(rewards, transitions)
    assert_allclose(values, best, rtol=1e-5)
    # Each sweep shrinks the change by the discount, from 1 at first.
    assert sweeps <= math.ceil(math.log(example.TOLERANCE) / math.log(example.DISCOUNT)) + 1
    assert_allclose(example.backup(best.astype(np.float32), rewards, transitions), best, rtol=1e-5)
    greedy = tuple(map(int, example.greedy(values, rewards, transitions)))
    assert_allclose(worth[policies.index(greedy)], best, rtol=1e-6)


def test_the_divergence_and_a_step_down_its_gradient() -> None:
    example = load("kl_training")
    targets = np.array([[0.5, 0.25, 0.25, 0.0]], np.float32)
    assert_allclose(example.kl_divergence(targets, np.zeros((1, 4), np.float32)), 0.5 * math.log(2), rtol=1e-5)
    certain = np.array([[0.2, 0.3, 0.5]], np.float32)
    assert_allclose(example.kl_divergence(certain, np.log(certain) + 7), 0, atol=1e-6)
    arguments = example.problem(batch=4, features=3, hidden=5, classes=2)
    w1, b1, w2, b2, inputs, targets = (np.asarray(one, np.float64) for one in arguments)
    hidden = np.tanh(inputs @ w1 + b1)
    odds = np.exp(hidden @ w2 + b2)
    predicted = odds / odds.sum(axis=1, keepdims=True)
    off = (predicted - targets) / 4  # the gradient by the logits, whatever the targets' entropy
    below = off @ w2.T * (1 - hidden**2)
    slopes = inputs.T @ below, below.sum(axis=0), hidden.T @ off, off.sum(axis=0)
    expected = [one - example.RATE * slope for one, slope in zip((w1, b1, w2, b2), slopes, strict=True)]
    *moved, value = example.train_step(*arguments)
    for result, wanted in zip(moved, expected, strict=True):
        assert_allclose(result, wanted, rtol=1e-4, atol=1e-6)
    assert_allclose(value, np.sum(targets * np.log(targets / predicted)) / 4, rtol=1e-4)
    assert_allclose(example.predict(*arguments[:5]), predicted, rtol=1e-5)


def test_tropical_products_are_shortest_paths() -> None:
    example = load("tropical_matmul")
    a, b = normal(5, 7), normal(7, 3)
    expected = [[min(a[i, k] + b[k, j] for k in range(7)) for j in range(3)] for i in range(5)]
    assert_array_equal(example.tropical_product(a, b), np.array(expected, np.float32))
    assert_array_equal(example.numpy_product(a, b), np.array(expected, np.float32))
    here = np.arange(example.NODES)
    apart = np.abs(here[:, None] - here[None])
    assert_array_equal(example.shortest_paths(example.ring(example.NODES)), np.minimum(apart, example.NODES - apart))


#: Runs scripts one after the other in one process and says where each begins.
DRIVER = """
import runpy, sys
for path in sys.argv[1:]:
    print(">>>", path)
    runpy.run_path(path, run_name="__main__")
"""
#: What a script prints of its results: a pattern and the range of the number in it.
PRINTED = {
    "autodiff": (r"Newton's method: \[(\S+) ", 0.999, 1.001),
    "basic_jit": (r"standardize: differs from NumPy by (\S+)", 0, 1e-6),
    "heat_equation": (r"off the analytic solution by (\S+)", 1e-6, 1e-3),
    "ir_extraction": (r"swish\(1\) = (\S+)", 0.73105, 0.73106),
    "kl_training": (r"after 200 steps: (\S+) nats", 0, 0.01),
    "optimizers": (r"Adam's objective: .* (\S+) at last", -7.5001, -7.4999),
    "poisson_1d": (r"f = 2: off the exact solution by (\S+),", 0, 1e-5),
    "pomdp_belief": (r"heard L: tiger left with probability (0.9\d+),", 0.9697, 0.9698),
    "tropical_matmul": (r"ring: \[0, 1, 2.* (\d+), 1\]", 2, 2),
    "value_iteration": (r"values after (\d+) sweeps", 100, 133),
    "vmap": (r"quarter turn and half turn of \(1, 0\):\n \[\[\S+ +(\S+)\]", 0.999, 1.001),
}


@pytest.fixture(scope="module")
def printed() -> dict[str, str]:
    """Script -> its output."""
    paths = sorted(map(str, EXAMPLES.glob("*.py")))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, *paths], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    parts = re.split(r"^>>> .*/(\w+)\.py\n", done.stdout, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_every_script_prints_what_it_found(printed: dict[str, str]) -> None:
    assert printed.keys() == PRINTED.keys()
    for name, (pattern, low, high) in PRINTED.items():
        match = re.search(pattern, printed[name])
        assert match, (name, printed[name])
        assert low <= float(match[1]) <= high, (name, match[0])


def test_the_comparisons_in_the_scripts_are_true(printed: dict[str, str]) -> None:
    assert "swish and also_swish are one program: True" in printed["ir_extraction"]
    assert "jitted equals NumPy: True" in printed["tropical_matmul"]
    assert re.search(r"a step: \d+\.\d+ ms jitted, \d+\.\d+ ms plain, \d+ times as long", printed["kl_training"])
