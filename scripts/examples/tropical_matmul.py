"""Products of matrices in the tropical semiring, (min, +) for (+, *): shortest paths, jitted and in NumPy."""

import timeit

import jax
import jax.numpy as jnp
import numpy as np

NODES = 24
DOUBLINGS = 5  # paths of up to 2 ** 5 edges


def multiplied(a: jax.Array, b: jax.Array) -> jax.Array:
    return jnp.min(a[:, :, None] + b[None, :, :], axis=1)


@jax.jit
def tropical_product(a: jax.Array, b: jax.Array) -> jax.Array:
    """min over k of a[i, k] + b[k, j]"""
    return multiplied(a, b)


@jax.jit
def shortest_paths(lengths: jax.Array) -> jax.Array:
    """distances in a graph from the lengths of its edges, by repeated squaring"""
    for _ in range(DOUBLINGS):
        lengths = multiplied(lengths, lengths)
    return lengths


def numpy_product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.min(a[:, :, None] + b[None, :, :], axis=1)


def ring(nodes: int) -> np.ndarray:
    """lengths of the edges of a ring: 1 to both neighbours, 0 to itself, infinite to others"""
    lengths = np.full((nodes, nodes), np.inf, np.float32)
    here = np.arange(nodes)
    lengths[here, here] = 0
    lengths[here, (here + 1) % nodes] = lengths[here, here - 1] = 1
    return lengths


def main() -> None:
    lengths = ring(NODES)
    print("distances from node 0 of a ring:", shortest_paths(lengths)[0].astype(int).tolist())
    a = np.random.default_rng(0).normal(size=(96, 96)).astype(np.float32)
    print("jitted equals NumPy:", bool((tropical_product(a, a) == numpy_product(a, a)).all()))
    jitted = min(timeit.repeat(lambda: tropical_product(a, a).block_until_ready(), number=1, repeat=10))
    plain = min(timeit.repeat(lambda: numpy_product(a, a), number=1, repeat=10))
    print(f"96 x 96: {1e3 * jitted:.2f} ms jitted, {1e3 * plain:.2f} ms in NumPy")


if __name__ == "__main__":
    main()
