"""The heat equation u_t = u_xx on (0, 1), ends kept at 0: explicit steps against the analytic solution."""

import jax
import jax.numpy as jnp
from jax import lax

INTERVALS = 32
RATIO = 0.25  # time step over squared grid step; explicit steps are stable up to 1/2
STEPS = 200


def advanced(u: jax.Array) -> jax.Array:
    """one time step; the ends stay"""
    return u.at[1:-1].add(RATIO * (u[2:] - 2.0 * u[1:-1] + u[:-2]))


@jax.jit
def step(u: jax.Array) -> jax.Array:
    """the temperatures after one time step"""
    return advanced(u)


@jax.jit
def evolve(u: jax.Array) -> jax.Array:
    """the temperatures after STEPS time steps"""
    return lax.fori_loop(0, STEPS, lambda _, state: advanced(state), u)


@jax.jit
def heat(u: jax.Array) -> jax.Array:
    """the integral of the temperature, by the trapezoidal rule"""
    return (jnp.sum(u) - 0.5 * (u[0] + u[-1])) / INTERVALS


def main() -> None:
    x = jnp.linspace(0.0, 1.0, INTERVALS + 1)
    start = jnp.sin(jnp.pi * x)
    time = STEPS * RATIO / INTERVALS**2
    end, analytic = evolve(start), jnp.exp(-(jnp.pi**2) * time) * start
    print(f"at t = {time:.4f}: off the analytic solution by {jnp.max(jnp.abs(end - analytic)):.1e}")
    print(f"heat at first {heat(start):.4f}, after one step {heat(step(start)):.4f}, at last {heat(end):.4f}")


if __name__ == "__main__":
    main()
