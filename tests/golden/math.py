import jax.numpy as jnp
from jax import lax


def digamma(x):
    """The digamma function of a positive number."""
    return lax.digamma(jnp.abs(x) + 0.1)


def laplace_density(x, location):
    """The density of a Laplace distribution."""
    return jnp.exp(-jnp.abs(x - location) / 1.36) / (2 * 1.36)


def laplace_density_of_digamma(location, x):
    return laplace_density(digamma(x), location)
