"""`jax.jit`: three functions, compiled, against NumPy."""

import jax
import jax.numpy as jnp
import numpy as np


@jax.jit
def horner(coefficients: jax.Array, x: jax.Array) -> jax.Array:
    """the value of a polynomial, its highest coefficient first"""
    value = jnp.zeros_like(x)
    for coefficient in coefficients:
        value = value * x + coefficient
    return value


@jax.jit
def softmax(logits: jax.Array) -> jax.Array:
    """each row as probabilities"""
    weights = jnp.exp(logits - jnp.max(logits, axis=-1, keepdims=True))
    return weights / jnp.sum(weights, axis=-1, keepdims=True)


@jax.jit
def standardize(rows: jax.Array) -> jax.Array:
    """columns of mean 0 and variance 1"""
    return (rows - jnp.mean(rows, axis=0)) / jnp.std(rows, axis=0)


def main() -> None:
    rng = np.random.default_rng(0)
    coefficients, x = rng.normal(size=5).astype(np.float32), np.linspace(-1, 1, 9, dtype=np.float32)
    rows = rng.normal(2, 3, (6, 4)).astype(np.float32)
    weights = np.exp(rows)
    for name, result, expected in (
        ("horner", horner(coefficients, x), np.polyval(coefficients, x)),
        ("softmax", softmax(rows), weights / weights.sum(axis=-1, keepdims=True)),
        ("standardize", standardize(rows), (rows - rows.mean(axis=0)) / rows.std(axis=0)),
    ):
        print(f"{name}: differs from NumPy by {np.max(np.abs(result - expected)):.1e}")


if __name__ == "__main__":
    main()
