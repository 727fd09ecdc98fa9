"""Derivatives of Rosenbrock's function, and Newton's method with them."""

import jax
import jax.numpy as jnp


def rosenbrock(x: jax.Array) -> jax.Array:
    """a curved valley; its minimum, 0, is at (1, ..., 1)"""
    return jnp.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


@jax.jit
def gradient(x: jax.Array) -> jax.Array:
    """the gradient, in reverse mode"""
    return jax.grad(rosenbrock)(x)


@jax.jit
def hessian(x: jax.Array) -> jax.Array:
    """the matrix of second derivatives, forward over reverse"""
    return jax.hessian(rosenbrock)(x)


@jax.jit
def slope(x: jax.Array, direction: jax.Array) -> tuple[jax.Array, jax.Array]:
    """value and derivative along a direction, in forward mode"""
    return jax.jvp(rosenbrock, (x,), (direction,))


@jax.jit
def newton_step(x: jax.Array) -> jax.Array:
    """one step of Newton's method"""
    return x - jnp.linalg.solve(jax.hessian(rosenbrock)(x), jax.grad(rosenbrock)(x))


def main() -> None:
    x = jnp.array([-1.2, 1.0])
    print("at", x, "gradient", gradient(x), "Hessian", hessian(x).tolist())
    value, rate = slope(x, jnp.array([1.0, 0.0]))
    print(f"along the first axis: value {value:.2f}, derivative {rate:.2f}")
    for _ in range(8):
        x = newton_step(x)
    print("after 8 steps of Newton's method:", x)


if __name__ == "__main__":
    main()
