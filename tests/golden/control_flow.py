import jax.numpy as jnp
from jax import lax


def backtracking_of_taylor_trig(x, x_2):
    """The step from `x` along `direction`, halved until `objective` falls or after five halvings."""
    a = jnp.abs(x)
    scaled_erfc = jnp.exp(a * a) * lax.erfc(a)
    t = scaled_erfc * scaled_erfc
    value = scaled_erfc * (1 + t / 6 * (1 + t / 20))

    def combine(left, right):
        size, other = (jnp.abs(left), jnp.abs(right))
        wanted = size < other
        return lax.select(wanted | (size == other) & (left >= right), left, right)

    start = jnp.full((), jnp.inf, x_2.dtype)
    direction = lax.reduce(x_2, start, combine, (x_2.ndim - 1,))

    def objective(x):
        ordered = jnp.sort(x, axis=-1)
        return jnp.mean(ordered[..., 1:-1], axis=-1)

    start_2 = objective(value)

    def too_long(carry):
        size, tries = carry
        return (objective(value - size * direction) > start_2) & (tries < 5)

    def halve(carry):
        size, tries = carry
        return (size / 2, tries + 1)

    size, _ = lax.while_loop(too_long, halve, (jnp.ones((), value.dtype), 0))
    return value - size * direction
