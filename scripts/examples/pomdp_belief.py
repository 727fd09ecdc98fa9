"""Beliefs of a POMDP: the tiger problem of Kaelbling, Littman and Cassandra (1998).

A tiger is behind the left or the right door. Listening hears it on the right side with probability 0.85.
"""

import jax
import jax.numpy as jnp
from jax import lax

ACCURACY = 0.85


def updated(belief: jax.Array, transition: jax.Array, likelihood: jax.Array) -> jax.Array:
    weight = likelihood * (belief @ transition)
    return weight / jnp.sum(weight)


@jax.jit
def update(belief: jax.Array, transition: jax.Array, likelihood: jax.Array) -> jax.Array:
    """the belief after a step of the world (transition[s, t]) and an observation that has a likelihood in each state"""
    return updated(belief, transition, likelihood)


@jax.jit
def track(belief: jax.Array, transition: jax.Array, emission: jax.Array, heard: jax.Array) -> jax.Array:
    """the belief after each of several observations; emission[s, o] is the probability of o in s"""

    def step(belief: jax.Array, observation: jax.Array) -> tuple[jax.Array, jax.Array]:
        belief = updated(belief, transition, emission[:, observation])
        return belief, belief

    return lax.scan(step, belief, heard)[1]


@jax.jit
def entropy(belief: jax.Array) -> jax.Array:
    """what is not known, in bits"""
    return jnp.sum(jax.scipy.special.entr(belief)) / jnp.log(2.0)


def main() -> None:
    even, stays = jnp.array([0.5, 0.5]), jnp.eye(2)
    emission = jnp.array([[ACCURACY, 1 - ACCURACY], [1 - ACCURACY, ACCURACY]])
    print("heard left once:", update(even, stays, emission[:, 0]))
    for heard, belief in zip("LLRL", track(even, stays, emission, jnp.array([0, 0, 1, 0])), strict=True):
        print(f"heard {heard}: tiger left with probability {belief[0]:.4f}, {entropy(belief):.3f} bits open")


if __name__ == "__main__":
    main()
