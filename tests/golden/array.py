import jax.numpy as jnp


def vector_norm_of_transpose(x):
    transpose = jnp.matrix_transpose(jnp.sum(x, axis=-1, dtype=x.dtype))
    norm = jnp.sqrt(jnp.mean(transpose * transpose, axis=-1) + 1e-06)
    return norm
