import jax
import jax.numpy as jnp
from jax import lax


def _angles(length, half, dtype):
    rates = jnp.exp(jnp.arange(half, dtype=jnp.float32) * (-4.0 / half))
    return (jnp.arange(length, dtype=jnp.float32)[:, None] * rates).astype(dtype)


def positional_encoding(x):
    """Sequence plus its sinusoidal position code."""
    angles = _angles(x.shape[-2], x.shape[-1] // 2, x.dtype)
    code = jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], axis=-1)
    return x + 0.476 * code


def hopfield_update(state, patterns):
    """One retrieval step of a Hopfield memory."""
    overlaps = state @ patterns.T
    recalled = jnp.tanh(1.43 * (overlaps * jnp.abs(overlaps)) @ patterns / patterns.shape[1])
    return recalled


def fourier_slope(x):
    """The derivative of a periodic signal along the last axis, by its Fourier series."""
    size = x.shape[-1]
    waves = 2 * jnp.pi * jnp.fft.rfftfreq(size)
    spectrum = jnp.fft.rfft(x, axis=-1) * lax.complex(jnp.zeros_like(waves), waves)
    return jnp.fft.irfft(spectrum, size, axis=-1)


def gated_linear_unit(x):
    """Gated linear unit of two halves of the features."""
    value, control = jnp.split(x, 2, axis=-1)
    return value * jax.nn.silu(control)


def shortest_paths(weights):
    """Lengths of the shortest paths between all nodes of a graph."""
    lengths = jnp.where(jnp.eye(weights.shape[0], dtype=bool), 0, jnp.abs(weights))

    def double(_, best):
        return jnp.minimum(best, jnp.min(best[:, :, None] + best[None], axis=1))

    paths = lax.fori_loop(0, 3, double, lengths)
    return paths


def shortest_paths_of_gated_linear_unit(patterns, x):
    fourier_slope_2 = fourier_slope(hopfield_update(positional_encoding(x), patterns))
    return shortest_paths(gated_linear_unit(fourier_slope_2))
