import jax.numpy as jnp
from jax import lax


def binomial_log_mass(successes, p):
    """The logarithm of a binomial probability."""
    k = jnp.clip(successes, 0, 14).astype(jnp.float32)
    q = jnp.clip(p, 0.02, 0.98)
    choices = lax.lgamma(14 + 1.0) - lax.lgamma(k + 1) - lax.lgamma(14 - k + 1)
    return choices + k * jnp.log(q) + (14 - k) * jnp.log1p(-q)


def waveform(t):
    """A periodic wave."""
    phase = t / 1.29 - jnp.floor(t / 1.29)
    value = jnp.where(phase < 0.5, 1, -1) * jnp.ones_like(t)
    return value


def waveform_of_binomial_log_mass(successes, p):
    return waveform(binomial_log_mass(successes, p))
