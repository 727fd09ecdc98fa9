"""Derivatives: functions that bring a derivative of their own, implicit ones, and derivatives of derivatives."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Float32

from jaxir import Uniform


def clipped_gradient(
    x: Float[Array, "*s"],
    *,
    bound: Annotated[float, Uniform(0.1, 1.5)],
    inner: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """the gradient of the sum of squares of `inner`, clipped to `bound` on its way back"""

    @jax.custom_vjp
    def guard(v):
        return v

    def forward(v):
        return v, None

    def backward(_, cotangent):
        return (jnp.clip(cotangent, -bound, bound),)

    guard.defvjp(forward, backward)
    return jax.grad(lambda v: jnp.sum(inner(guard(v)) ** 2))(x)


def straight_through(
    x: Float[Array, "*s"], target: Float[Array, "*s"], *, quantise: Literal["round", "sign", "floor"]
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the `quantise` of `x` and the gradient of its squared distance to `target`, passed straight through"""

    @jax.custom_vjp
    def quantised(v):
        return getattr(jnp, quantise)(v)

    quantised.defvjp(lambda v: (quantised(v), v), lambda v, g: (jnp.where(jnp.abs(v) <= 1, g, 0.5 * g),))

    def loss(v):
        return jnp.sum((quantised(v) - target) ** 2)

    return quantised(x), jax.grad(loss)(x)


def reversed_gradient(
    x: Float[Array, "*b n"], weights: Float[Array, "n"], *, strength: Annotated[float, Uniform(0.1, 2.0)]
) -> Float[Array, "*b n"]:
    """the gradient of a logistic loss, reversed at the features as adversarial training does"""

    @jax.custom_vjp
    def reverse(v):
        return v

    reverse.defvjp(lambda v: (v, ()), lambda _, g: (-strength * g,))

    def loss(v):
        return jnp.sum(jax.nn.softplus(reverse(jnp.tanh(v)) @ weights))

    return jax.grad(loss)(x)


def stable_softplus(
    x: Float[Array, "*s"], tangent: Float[Array, "*s"]
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """log(1 + exp(x)) and its derivative along `tangent`, by a rule that does not overflow"""

    @jax.custom_jvp
    def softplus(v):
        return jnp.maximum(v, 0) + jnp.log1p(jnp.exp(-jnp.abs(v)))

    def rule(primals, tangents):
        (v,), (t,) = primals, tangents
        return softplus(v), jax.nn.sigmoid(v) * t

    softplus.defjvp(rule)
    return jax.jvp(softplus, (x,), (tangent,))


def safe_norm_slope(x: Float[Array, "*b n"], *, order: Literal["euclid", "max"]) -> Float[Array, "*b n"]:
    """the slope of the `order` norm of the last axis, which is zero where the norm is"""

    @jax.custom_jvp
    def norm(v):
        if order == "euclid":
            size = jnp.sqrt(jnp.sum(v * v, axis=-1))
        else:
            size = jnp.max(jnp.abs(v), axis=-1)
        return size

    def rule(primals, tangents):
        (v,), (t,) = primals, tangents
        size = norm(v)
        if order == "euclid":
            slope = v / jnp.maximum(size, 1e-3)[..., None]
        else:
            slope = jnp.sign(v) * (jnp.abs(v) == size[..., None])
        return size, jnp.sum(slope * t, axis=-1)

    norm.defjvp(rule)
    return jax.grad(lambda v: jnp.sum(norm(v)))(x)


def partial_rules(x: Float[Array, "*s"], y: Float[Array, "*s"]) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """both partial derivatives of the tanh of `x` times `y`, by one rule for each argument"""

    @jax.custom_jvp
    def squashed(a, b):
        return jnp.tanh(a * b)

    squashed.defjvps(
        lambda t, result, a, b: t * b * (1 - result * result),
        lambda t, result, a, b: t * a * (1 - result * result),
    )
    return jax.grad(lambda a, b: jnp.sum(squashed(a, b)), argnums=(0, 1))(x, y)


def newton_root(
    level: Float32[Array, "*s"], *, steps: Literal[4, 6, 8], power: Literal[3, 5]
) -> tuple[Float32[Array, "*s"], Float32[Array, "*s"]]:
    """the root of z**`power` + z = `level` by Newton steps, and its slope by the implicit function theorem"""

    def residual(z, c):
        return z**power + z - c

    @jax.custom_vjp
    def root(c):
        def body(_, z):
            return z - residual(z, c) / (power * z ** (power - 1) + 1)

        return lax.fori_loop(0, steps, body, jnp.zeros_like(c))

    def forward(c):
        z = root(c)
        return z, z

    def backward(z, cotangent):
        return (cotangent / (power * z ** (power - 1) + 1),)

    root.defvjp(forward, backward)
    return root(level), jax.grad(lambda c: jnp.sum(root(c)))(level)


def custom_solve(
    diagonal: Float32[Array, "n"], right: Float32[Array, "n"], *, coupling: Annotated[float, Uniform(0.05, 0.3)]
) -> Float32[Array, "n"]:
    """the solution of a diagonally dominant system by Jacobi sweeps as a linear solve of its own, and its gradient"""
    main = 2 + jnp.abs(diagonal)

    def apply(v):
        return main * v - coupling * (jnp.roll(v, 1) + jnp.roll(v, -1))

    def solve(matvec, b):
        return lax.fori_loop(0, 12, lambda _, v: v + (b - matvec(v)) / main, b / main)

    def loss(b):
        return jnp.sum(lax.custom_linear_solve(apply, b, solve, symmetric=True) ** 2)

    return jax.grad(loss)(right)


def hessian_vector(
    x: Float[Array, "n"],
    direction: Float[Array, "n"],
    *,
    inner: Callable[[Float[Array, "n"]], Float[Array, "n"]],
    mode: Literal["forward_reverse", "reverse_reverse"],
) -> Float[Array, "n"]:
    """the Hessian of the sum of squares of `inner` times `direction`, by differentiation in `mode`"""

    def loss(v):
        return jnp.sum(inner(v) ** 2)

    if mode == "forward_reverse":
        _, product = jax.jvp(jax.grad(loss), (x,), (direction,))
    else:
        product = jax.grad(lambda v: jnp.vdot(jax.grad(loss)(v), direction))(x)
    return product


def full_jacobian(
    x: Float[Array, "n"], *, fn: Literal["jacfwd", "jacrev"], inner: Callable[[Float[Array, "n"]], Float[Array, "n"]]
) -> Float[Array, "n n"]:
    """the Jacobian of `inner` of `x`"""
    return getattr(jax, fn)(inner)(x)


def full_hessian(
    x: Float[Array, "n"], *, inner: Callable[[Float[Array, "n"]], Float[Array, "n"]]
) -> Float[Array, "n n"]:
    """the Hessian of the sum of the tanh of `inner` of `x`"""
    return jax.hessian(lambda v: jnp.sum(jnp.tanh(inner(v)) * v))(x)


def pullback(
    x: Float[Array, "*s"],
    cotangent: Float[Array, "*s"],
    *,
    inner: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the value of `inner` and the pullback of a cotangent through it"""
    value, pull = jax.vjp(inner, x)
    (back,) = pull(cotangent)
    return value, back


def linearised_update(
    x: Float[Array, "*s"],
    step: Float[Array, "*s"],
    *,
    inner: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """`inner` at `x` and a first-order move along `step` and half of it, from one linearisation"""
    value, push = jax.linearize(inner, x)
    return value + push(step) - 0.5 * push(0.5 * step)


def detached_target(
    x: Float[Array, "*s"],
    *,
    momentum: Annotated[float, Uniform(0.1, 0.9)],
    inner: Callable[[Float[Array, "*s"]], Float[Array, "*s"]],
) -> Float[Array, "*s"]:
    """the gradient of the squared distance of `inner` to a moving target that is held fixed"""

    def loss(v):
        made = inner(v)
        target = lax.stop_gradient(momentum * made + (1 - momentum) * v)
        return jnp.sum((made - target) ** 2)

    return jax.grad(loss)(x)


def taylor_through(
    x: Float[Array, "*s"], *, order: Literal[2, 3], fn: Literal["sin", "exp", "tanh", "arctan"]
) -> Float[Array, "*s"]:
    """the derivative of order `order` of `fn` at each number"""
    derivative = getattr(jnp, fn)
    for _ in range(order):
        derivative = jax.grad(derivative)
    return jnp.vectorize(derivative)(x)
