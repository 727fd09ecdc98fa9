"""Iterative solvers, minimisation, rotations, differential equations, sparse matrices and Taylor mode of JAX."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax.experimental import jet, sparse
from jax.experimental.ode import odeint
from jax.scipy import optimize
from jax.scipy.sparse import linalg
from jax.scipy.spatial.transform import Rotation
from jaxtyping import AbstractDtype, Array, Float

from jaxir import Uniform


class Wide(AbstractDtype):
    """Types in which iterations converge."""

    dtypes = ("float64", "float32")


def _positive(a):
    return a @ a.T / a.shape[0] + jnp.eye(a.shape[0], dtype=a.dtype)


def conjugate_gradients(a: Wide[Array, "n n"], b: Wide[Array, "n"], *, steps: Literal[2, 3, 5]) -> Wide[Array, "n"]:
    """the solution of a positive definite system after at most `steps` conjugate gradient steps"""
    return linalg.cg(_positive(a), b, maxiter=steps)[0]


def preconditioned_gradients(
    a: Wide[Array, "n n"],
    b: Wide[Array, "n"],
    *,
    steps: Literal[2, 4],
    tolerance: Annotated[float, Uniform(0.001, 0.01)],
) -> Wide[Array, "n"]:
    """the solution of a positive definite system by conjugate gradients with a diagonal preconditioner"""
    matrix = _positive(a)
    scale = jnp.diag(matrix)
    return linalg.cg(lambda x: matrix @ x, b, tol=tolerance, maxiter=steps, M=lambda r: r / scale)[0]


def krylov_solution(
    a: Wide[Array, "n n"], b: Wide[Array, "n"], *, method: Literal["batched", "incremental"], restart: Literal[2, 3]
) -> Wide[Array, "n"]:
    """the solution of a diagonally dominant system by restarted minimal residuals"""
    matrix = a / a.shape[0] + 2 * jnp.eye(a.shape[0], dtype=a.dtype)
    return linalg.gmres(matrix, b, restart=restart, maxiter=4, tol=1e-3, solve_method=method)[0]


def stabilised_biconjugate_gradients(
    a: Wide[Array, "n n"], b: Wide[Array, "n"], *, steps: Literal[1, 2]
) -> Wide[Array, "n"]:
    """the solution of a diagonally dominant system after `steps` stabilised biconjugate gradient steps"""
    matrix = a / a.shape[0] + 2 * jnp.eye(a.shape[0], dtype=a.dtype)
    return linalg.bicgstab(matrix, b, maxiter=steps)[0]


def minimised_quadratic(a: Wide[Array, "n n"], b: Wide[Array, "n"], *, steps: Literal[1, 2]) -> Wide[Array, "n"]:
    """the minimiser of a quadratic function after at most `steps` quasi-Newton steps"""
    matrix = _positive(a)

    def objective(x):
        return 0.5 * x @ matrix @ x - b @ x

    return optimize.minimize(objective, jnp.zeros_like(b), method="BFGS", options={"maxiter": steps}).x


def fitted_line(
    x: Wide[Array, "n+2"], y: Wide[Array, "n+2"], *, loss: Literal["square", "log_cosh"]
) -> Wide[Array, ""]:
    """the loss of a line after a quasi-Newton step"""

    def objective(line):
        gap = line[0] * x + line[1] - y
        if loss == "square":
            cost = gap**2
        else:
            cost = jnp.logaddexp(gap, -gap)
        return jnp.mean(cost)

    return optimize.minimize(objective, jnp.ones(2, x.dtype), method="BFGS", options={"maxiter": 1}).fun


def rotated_by_vector(
    rotation: Wide[Array, "3"], points: Wide[Array, "n 3"], *, way: Literal["forward", "back"]
) -> Wide[Array, "n 3"]:
    """points turned `way` by a rotation vector"""
    return Rotation.from_rotvec(rotation).apply(points, inverse=(way == "back"))


def rotated_by_quaternion(
    q: Wide[Array, "4"], point: Wide[Array, "3"], *, way: Literal["forward", "back"]
) -> Wide[Array, "3"]:
    """a point turned `way` by a quaternion"""
    shifted = q + jnp.array([0.0, 0.0, 0.0, 2.0], q.dtype)
    return Rotation.from_quat(shifted).apply(point, inverse=(way == "back"))


def euler_matrix(
    angles: Wide[Array, "3"], *, axes: Literal["xyz", "zyx", "zxz", "XYZ"], degrees: Literal[False, True]
) -> Wide[Array, "3 3"]:
    """the rotation matrix of three angles"""
    return Rotation.from_euler(axes, angles, degrees=degrees).as_matrix()


def composed_rotation(
    first: Wide[Array, "3"], second: Wide[Array, "3"], *, form: Literal["as_quat", "as_rotvec", "as_mrp", "as_matrix"]
) -> Wide[Array, "3"]:
    """the first three numbers of `form` of two rotations one after the other"""
    turned = Rotation.from_rotvec(first / 3) * Rotation.from_rotvec(second / 3)
    if form == "as_quat":
        result = turned.as_quat()[:3]
    elif form == "as_matrix":
        result = turned.as_matrix()[0]
    else:
        result = getattr(turned, form)()
    return result


def rotation_angle(q: Wide[Array, "4"], p: Wide[Array, "4"]) -> Wide[Array, ""]:
    """the angle between two attitudes"""
    first = Rotation.from_quat(q + jnp.array([0.0, 0.0, 0.0, 2.0], q.dtype))
    second = Rotation.from_quat(p + jnp.array([0.0, 0.0, 2.0, 0.0], p.dtype))
    return (first * second.inv()).magnitude()


def oscillator_path(
    state: Wide[Array, "2"], *, damping: Annotated[float, Uniform(0.1, 0.5)], tolerance: Literal[0.001, 0.0001]
) -> Wide[Array, "4 2"]:
    """the path of a damped pendulum by an adaptive Runge-Kutta method"""

    def field(y, _):
        return jnp.stack([y[1], -jnp.sin(y[0]) - damping * y[1]])

    return odeint(field, state, jnp.linspace(0.0, 1.0, 4, dtype=state.dtype), rtol=tolerance, atol=tolerance)


def flow_of_field(
    state: Wide[Array, "n"],
    times: Wide[Array, "2"],
    *,
    field: Callable[[Wide[Array, "n"]], Wide[Array, "n"]],
) -> Wide[Array, "3 n"]:
    """the states at three times that the damped flow of `field` takes a state to"""
    grid = jnp.concatenate([jnp.zeros(1, times.dtype), jnp.cumsum(jnp.abs(times) + 0.1)])
    return odeint(lambda y, t: 0.1 * jnp.tanh(field(y)) - y * (1 + t), state, grid, rtol=1e-2, atol=1e-2)


def sparse_product(
    a: Float[Array, "m k"], x: Float[Array, "k n"], *, threshold: Annotated[float, Uniform(0.1, 0.3)]
) -> Float[Array, "m n"]:
    """the product of a matrix without its small entries, kept as sparse, and a dense one"""
    kept = jnp.where(jnp.abs(a) > threshold, a, 0)
    return sparse.BCOO.fromdense(kept, nse=a.size) @ x


def sparse_from_coordinates(
    values: Float[Array, "n"], x: Float[Array, "n"], *, offset: Literal[1, 2]
) -> Float[Array, "n"]:
    """the product of a sparse cyclic matrix and a vector"""
    rows = jnp.arange(values.shape[0])
    places = jnp.stack([rows, (rows + offset) % values.shape[0]], axis=-1)
    return sparse.BCOO((values, places), shape=(values.shape[0], values.shape[0])) @ x


def densified_sum(
    a: Float[Array, "m n"], b: Float[Array, "m n"], *, drop: Annotated[float, Uniform(0.1, 0.3)]
) -> Float[Array, "m n"]:
    """a sparse matrix put back into a dense one and weighted"""
    kept = sparse.BCOO.fromdense(jnp.where(jnp.abs(a) > drop, a, 0), nse=a.size)
    return kept.todense() * b + a


def taylor_coefficients(
    x: Float[Array, "*s"], velocity: Float[Array, "*s"], *, fn: Literal["exp", "sin", "cos", "tanh"]
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the first two derivatives of `fn` along a line"""
    _, (first, second) = jet.jet(getattr(jnp, fn), (x,), ((velocity, jnp.zeros_like(x)),))
    return first, second


def directional_curvature(
    x: Wide[Array, "n"], direction: Wide[Array, "n"], *, objective: Literal["quartic", "exponential"]
) -> Wide[Array, ""]:
    """the second derivative of a function in a direction by Taylor mode"""

    def value(point):
        if objective == "quartic":
            total = jnp.sum(point * point * point * point)
        else:
            total = jnp.sum(jnp.exp(point) * point)
        return total

    _, (_, second) = jet.jet(value, (x,), ((direction, jnp.zeros_like(direction)),))
    return second


def named_block(
    x: Float[Array, "*b n"], weights: Float[Array, "n m"], *, fn: Literal["tanh", "relu", "silu"]
) -> Float[Array, "*b m"]:
    """a dense layer under a name of its own"""

    def block(rows):
        return getattr(jax.nn, fn)(rows @ weights)

    return jax.named_call(block, name="dense")(x)
