"""Gradient descent and Adam on the quadratic x'Ax / 2 - b'x, whose minimum solves Ax = b."""

import jax
import jax.numpy as jnp
from jax import lax

RATE = 0.1
STEPS = 200
DECAY, SQUARE_DECAY, EPSILON = 0.9, 0.999, 1e-8  # Kingma and Ba 2015


def quadratic(x: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
    return 0.5 * x @ a @ x - b @ x


def descended(x: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
    return x - RATE * jax.grad(quadratic)(x, a, b)


def adapted(x: jax.Array, mean: jax.Array, square: jax.Array, count: jax.Array, a: jax.Array, b: jax.Array) -> tuple:
    slope = jax.grad(quadratic)(x, a, b)
    mean = DECAY * mean + (1.0 - DECAY) * slope
    square = SQUARE_DECAY * square + (1.0 - SQUARE_DECAY) * slope**2
    unbiased, spread = mean / (1.0 - DECAY**count), square / (1.0 - SQUARE_DECAY**count)
    return x - RATE * unbiased / (jnp.sqrt(spread) + EPSILON), mean, square


@jax.jit
def descent_step(x: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
    """one step down the gradient"""
    return descended(x, a, b)


@jax.jit
def descend(x: jax.Array, a: jax.Array, b: jax.Array) -> jax.Array:
    """STEPS steps of gradient descent"""
    return lax.fori_loop(0, STEPS, lambda _, x: descended(x, a, b), x)


@jax.jit
def adam_step(x: jax.Array, mean: jax.Array, square: jax.Array, a: jax.Array, b: jax.Array) -> tuple:
    """the first step of Adam: the point, and running means of the gradient and of its square"""
    return adapted(x, mean, square, jnp.float32(1), a, b)


@jax.jit
def adam(x: jax.Array, a: jax.Array, b: jax.Array) -> tuple[jax.Array, jax.Array]:
    """STEPS steps of Adam: the point and the objective before each step"""

    def step(state: tuple, count: jax.Array) -> tuple[tuple, jax.Array]:
        return adapted(*state, count, a, b), quadratic(state[0], a, b)

    state, objectives = lax.scan(step, (x, jnp.zeros_like(x), jnp.zeros_like(x)), 1.0 + jnp.arange(STEPS))
    return state[0], objectives


def main() -> None:
    a, b = jnp.array([[3.0, 1.0], [1.0, 2.0]]), jnp.array([5.0, 5.0])  # the minimum is at (1, 2)
    start, zeros = jnp.zeros(2), jnp.zeros(2)
    first, *_ = adam_step(start, zeros, zeros, a, b)
    print("one step of gradient descent:", descent_step(start, a, b), "of Adam:", first)
    x, objectives = adam(start, a, b)
    print(f"after {STEPS} steps: gradient descent {descend(start, a, b)}, Adam {x}")
    print(f"Adam's objective: {objectives[0]:.1f} at first, {objectives[-1]:.3f} at last; the minimum is -7.5")


if __name__ == "__main__":
    main()
