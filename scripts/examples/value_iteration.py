"""Value iteration for a walk on a line: left or right, a slip one time in ten, a reward at the right end."""

import jax
import jax.numpy as jnp
from jax import lax

STATES = 6
DISCOUNT = 0.9
SLIP = 0.1
TOLERANCE = 1e-6
MOST_SWEEPS = 200


def worth(values: jax.Array, rewards: jax.Array, transitions: jax.Array) -> jax.Array:
    """of each action in each state: rewards[a, s], transitions[a, s, t]"""
    return rewards + DISCOUNT * transitions @ values


@jax.jit
def backup(values: jax.Array, rewards: jax.Array, transitions: jax.Array) -> jax.Array:
    """one sweep of Bellman's equation"""
    return jnp.max(worth(values, rewards, transitions), axis=0)


@jax.jit
def greedy(values: jax.Array, rewards: jax.Array, transitions: jax.Array) -> jax.Array:
    """the best action in each state"""
    return jnp.argmax(worth(values, rewards, transitions), axis=0)


@jax.jit
def solve(rewards: jax.Array, transitions: jax.Array) -> tuple[jax.Array, jax.Array]:
    """the values of the states, by sweeps until no value moves, and the number of sweeps"""

    def moves(state: tuple) -> jax.Array:
        _, change, sweeps = state
        return (change > TOLERANCE) & (sweeps < MOST_SWEEPS)

    def sweep(state: tuple) -> tuple:
        values, _, sweeps = state
        new = jnp.max(worth(values, rewards, transitions), axis=0)
        return new, jnp.max(jnp.abs(new - values)), sweeps + 1

    values, _, sweeps = lax.while_loop(moves, sweep, (jnp.zeros_like(rewards[0]), jnp.inf, 0))
    return values, sweeps


def walk() -> tuple[jax.Array, jax.Array]:
    """rewards and transitions of the walk"""
    here = jnp.arange(STATES)
    left = jax.nn.one_hot(jnp.maximum(here - 1, 0), STATES)
    right = jax.nn.one_hot(jnp.minimum(here + 1, STATES - 1), STATES)
    transitions = jnp.stack([(1 - SLIP) * left + SLIP * right, (1 - SLIP) * right + SLIP * left])
    return jnp.tile(jax.nn.one_hot(STATES - 1, STATES), (2, 1)), transitions


def main() -> None:
    rewards, transitions = walk()
    values, sweeps = solve(rewards, transitions)
    print(f"values after {sweeps} sweeps:", values)
    print("best actions:", [("left", "right")[a] for a in greedy(values, rewards, transitions)])
    print(f"one more sweep moves them by {jnp.max(jnp.abs(backup(values, rewards, transitions) - values)):.1e}")


if __name__ == "__main__":
    main()
