import jax.numpy as jnp
from jax import lax


def discounted_sums_of_dynamic_trip_count(done, x, code, x_2):
    def lowest(rows):
        return jnp.min(rows, axis=-1)

    def highest(rows):
        return jnp.max(rows, axis=-1)

    branches = [lowest, highest, lambda rows: rows[..., 0]]
    count = lax.switch(code.astype(jnp.int32) % 3, branches, x_2)

    def step(x):
        decay = jnp.exp(-jnp.abs(x))
        density = decay / jnp.square(1 + decay)
        return density

    trips = jnp.clip(count, 1, 6).astype(jnp.int32)
    x_3 = lax.fori_loop(0, trips, lambda _, state: jnp.clip(step(state), -1, 1), x)

    def body(later, row):
        value, ends = row
        total = value + jnp.where(ends, 0, 0.579 * later)
        return total, total

    _, sums = lax.scan(body, jnp.zeros_like(x_3[0]), (x_3, done), reverse=True)
    return sums
