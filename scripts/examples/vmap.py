"""`jax.vmap`: functions of one example, over batches of them."""

import jax
import jax.numpy as jnp
import numpy as np


def distance(x: jax.Array, y: jax.Array) -> jax.Array:
    """how far two points are apart"""
    return jnp.sqrt(jnp.sum((x - y) ** 2))


def squared_error(weights: jax.Array, features: jax.Array, target: jax.Array) -> jax.Array:
    """of a linear model, for one example"""
    return (jnp.dot(weights, features) - target) ** 2


@jax.jit
def distances(xs: jax.Array, ys: jax.Array) -> jax.Array:
    """from each point to each other: a map over the rows of a map over the columns"""
    return jax.vmap(lambda x: jax.vmap(lambda y: distance(x, y))(ys))(xs)


@jax.jit
def gradients(weights: jax.Array, features: jax.Array, targets: jax.Array) -> jax.Array:
    """of the error of each example by itself"""
    return jax.vmap(jax.grad(squared_error), in_axes=(None, 0, 0))(weights, features, targets)


@jax.jit
def rotated(angles: jax.Array, points: jax.Array) -> jax.Array:
    """points of the plane, each turned by its own angle"""

    def rotate(angle: jax.Array, point: jax.Array) -> jax.Array:
        turn = jnp.array([[jnp.cos(angle), -jnp.sin(angle)], [jnp.sin(angle), jnp.cos(angle)]])
        return turn @ point

    return jax.vmap(rotate)(angles, points)


def main() -> None:
    rng = np.random.default_rng(0)
    xs, ys = rng.normal(size=(3, 2)).astype(np.float32), rng.normal(size=(4, 2)).astype(np.float32)
    print("distances from 3 points to 4 others:\n", distances(xs, ys))
    print("gradients of 3 examples:\n", gradients(jnp.array([1.0, -2.0]), xs, jnp.zeros(3)))
    print(
        "quarter turn and half turn of (1, 0):\n",
        rotated(jnp.pi * jnp.array([0.5, 1.0]), jnp.array([[1.0, 0.0], [1.0, 0.0]])),
    )


if __name__ == "__main__":
    main()
