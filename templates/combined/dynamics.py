"""Integrators of ordinary differential equations, and systems to integrate."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from jaxir import Uniform


def _lorenz(state):
    x, y, z = state[..., 0], state[..., 1], state[..., 2]
    return jnp.stack([10 * (y - x), x * (28 - z) - y, x * y - 8 / 3 * z], axis=-1)


def integrate(
    state: Float[Array, "n"],
    *,
    field: Callable[[Float[Array, "n"]], Float[Array, "n"]],
    method: Literal["euler", "midpoint", "heun", "rk4"],
    step_size: Annotated[float, Uniform(0.01, 0.2)],
    steps: Literal[1, 2, 4],
) -> Float[Array, "n"]:
    """the state after Runge-Kutta steps along the vector field `field`"""
    if method == "euler":

        def advance(_, x):
            return x + step_size * field(x)

    elif method == "midpoint":

        def advance(_, x):
            return x + step_size * field(x + 0.5 * step_size * field(x))

    elif method == "heun":

        def advance(_, x):
            slope = field(x)
            return x + 0.5 * step_size * (slope + field(x + step_size * slope))

    else:

        def advance(_, x):
            k1 = field(x)
            k2 = field(x + 0.5 * step_size * k1)
            k3 = field(x + 0.5 * step_size * k2)
            k4 = field(x + step_size * k3)
            return x + step_size / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    return lax.fori_loop(0, steps, advance, state)


def trajectory(
    state: Float[Array, "n"],
    times: Float[Array, "t"],
    *,
    field: Callable[[Float[Array, "n"], Float[Array, ""]], Float[Array, "n"]],
    method: Literal["euler", "midpoint"],
) -> Float[Array, "t n"]:
    """the states along the time-dependent vector field `field` at the given times"""

    def advance(carry, time):
        x, before = carry
        step_size = time - before
        if method == "euler":
            moved = x + step_size * field(x, before)
        else:
            middle = x + 0.5 * step_size * field(x, before)
            moved = x + step_size * field(middle, before + 0.5 * step_size)
        return (moved, time), moved

    _, states = lax.scan(advance, (state, times[0]), times)
    return states


def embedded_step(
    state: Float[Array, "n"],
    step_size: Float[Array, ""],
    *,
    field: Callable[[Float[Array, "n"]], Float[Array, "n"]],
    norm: Literal["rms", "largest"],
) -> tuple[Float[Array, "n"], Float[Array, ""]]:
    """the state after a Bogacki-Shampine step along the field `field`, and the next step size"""
    k1 = field(state)
    k2 = field(state + 0.5 * step_size * k1)
    k3 = field(state + 0.75 * step_size * k2)
    moved = state + step_size * (2 * k1 + 3 * k2 + 4 * k3) / 9
    gap = step_size * (5 * k1 - 6 * k2 - 8 * k3 + 9 * field(moved)) / 72
    if norm == "rms":
        error = jnp.sqrt(jnp.mean(jnp.square(gap)) + 1e-4)
    else:
        error = jnp.max(jnp.abs(gap)) + 1e-2
    return moved, step_size * jnp.clip(0.9 * (0.05 / error) ** 0.333, 0.2, 5)


def leapfrog(
    position: Float[Array, "n"],
    velocity: Float[Array, "n"],
    *,
    force: Callable[[Float[Array, "n"]], Float[Array, "n"]],
    scheme: Literal["kick drift kick", "drift kick drift", "symplectic euler"],
    step_size: Annotated[float, Uniform(0.01, 0.2)],
    steps: Literal[1, 2, 4],
) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    """the position and the velocity after symplectic steps under the force `force`"""
    if scheme == "kick drift kick":

        def advance(_, phase):
            half = phase[1] + 0.5 * step_size * force(phase[0])
            moved = phase[0] + step_size * half
            return moved, half + 0.5 * step_size * force(moved)

    elif scheme == "drift kick drift":

        def advance(_, phase):
            middle = phase[0] + 0.5 * step_size * phase[1]
            kicked = phase[1] + step_size * force(middle)
            return middle + 0.5 * step_size * kicked, kicked

    else:

        def advance(_, phase):
            kicked = phase[1] + step_size * force(phase[0])
            return phase[0] + step_size * kicked, kicked

    return lax.fori_loop(0, steps, advance, (position, velocity))


def verlet_trajectory(
    position: Float[Array, "n"],
    previous: Float[Array, "n"],
    *,
    potential: Callable[[Float[Array, "n"]], Float[Array, ""]],
    step_size: Annotated[float, Uniform(0.02, 0.2)],
    steps: Literal[2, 3, 5],
) -> tuple[Float[Array, "n"], Float[Array, ""]]:
    """the position after `steps` Verlet steps down `potential`, and the mean potential on the way"""

    def advance(pair, _):
        energy, slope = jax.value_and_grad(potential)(pair[0])
        moved = 2 * pair[0] - pair[1] - step_size**2 * slope
        return (moved, pair[0]), energy

    (last, _), energies = lax.scan(advance, (position, previous), None, length=steps)
    return last, jnp.mean(energies)


def hamiltonian_step(
    position: Float[Array, "n"],
    momentum: Float[Array, "n"],
    *,
    energy: Callable[[Float[Array, "n"], Float[Array, "n"]], Float[Array, ""]],
    step_size: Annotated[float, Uniform(0.01, 0.2)],
    form: Literal["symplectic", "explicit"],
) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    """the position and the momentum after one step of the flow of the energy `energy`"""
    if form == "symplectic":
        new_momentum = momentum - step_size * jax.grad(energy)(position, momentum)
        new_position = position + step_size * jax.grad(energy, argnums=1)(position, new_momentum)
    else:
        force, drift = jax.grad(energy, argnums=(0, 1))(position, momentum)
        new_momentum = momentum - step_size * force
        new_position = position + step_size * drift
    return new_position, new_momentum


def lorenz_steps(
    state: Float[Array, "*b 3"],
    *,
    method: Literal["euler", "heun", "rk4"],
    step_size: Annotated[float, Uniform(0.002, 0.02)],
    steps: Literal[1, 4, 8],
) -> Float[Array, "*b 3"]:
    """the state of the Lorenz system after explicit steps"""
    if method == "euler":

        def advance(_, x):
            return x + step_size * _lorenz(x)

    elif method == "heun":

        def advance(_, x):
            slope = _lorenz(x)
            return x + 0.5 * step_size * (slope + _lorenz(x + step_size * slope))

    else:

        def advance(_, x):
            k1 = _lorenz(x)
            k2 = _lorenz(x + 0.5 * step_size * k1)
            k3 = _lorenz(x + 0.5 * step_size * k2)
            return x + step_size / 6 * (k1 + 2 * k2 + 2 * k3 + _lorenz(x + step_size * k3))

    return lax.fori_loop(0, steps, advance, state)


def pendulum(
    angle: Float[Array, "*s"],
    rate: Float[Array, "*s"],
    *,
    damping: Annotated[float, Uniform(0.0, 0.5)],
    form: Literal["damped", "inverted", "linear"],
    steps: Literal[1, 2, 4, 8],
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the angle and the rate of a pendulum after semi-implicit steps"""

    def advance(_, phase):
        if form == "damped":
            torque = -jnp.sin(phase[0]) - damping * phase[1]
        elif form == "inverted":
            torque = jnp.sin(phase[0]) - damping * phase[1] * jnp.abs(phase[1])
        else:
            torque = -phase[0] - damping * phase[1]
        new_rate = phase[1] + 0.1 * torque
        return phase[0] + 0.1 * new_rate, new_rate

    return lax.fori_loop(0, steps, advance, (angle, rate))


def predator_prey(
    prey: Float[Array, "*s"],
    predators: Float[Array, "*s"],
    *,
    response: Literal["linear", "saturating", "logistic prey"],
    step_size: Annotated[float, Uniform(0.01, 0.2)],
    steps: Literal[1, 4, 8],
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the prey and the predators after explicit steps of their population model"""

    def advance(_, populations):
        x, y = populations
        if response == "linear":
            growth, eaten = 1.1 * x, 0.4 * x * y
        elif response == "saturating":
            growth, eaten = 1.1 * x, 0.4 * x * y / (1 + x)
        else:
            growth, eaten = 1.1 * x * (1 - x / 3), 0.4 * x * y
        return x + step_size * (growth - eaten), y + step_size * (0.5 * eaten - 0.4 * y)

    return lax.fori_loop(0, steps, advance, (prey, predators))


def epidemic_curve(
    susceptible: Float[Array, "*s"],
    infected: Float[Array, "*s"],
    contact_rates: Float[Array, "t"],
    *,
    recovery: Annotated[float, Uniform(0.05, 0.3)],
    model: Literal["sir", "sis"],
) -> Float[Array, "t *s"]:
    """the infected share of a population over time"""

    def advance(shares, contact):
        healthy, ill = shares
        caught = contact * healthy * ill
        healed = recovery * ill
        if model == "sir":
            remaining = healthy - caught
        else:
            remaining = healthy - caught + healed
        return (remaining, ill + caught - healed), ill + caught - healed

    _, curve = lax.scan(advance, (susceptible, infected), contact_rates)
    return curve


def n_body_forces(
    positions: Float[Array, "n d"],
    masses: Float[Array, "n"],
    *,
    softening: Annotated[float, Uniform(0.05, 0.5)],
    form: Literal["pairs", "gradient", "map"],
) -> Float[Array, "n d"]:
    """the gravitational accelerations of bodies on one another"""
    if form == "pairs":
        offsets = positions[None, :, :] - positions[:, None, :]
        distances = jnp.sqrt(jnp.sum(jnp.square(offsets), axis=-1) + softening)
        accelerations = jnp.einsum("ijd,ij,j->id", offsets, distances**-3, masses)
    elif form == "gradient":

        def potential(place):
            return jnp.sum(masses * lax.rsqrt(jnp.sum(jnp.square(positions - place), axis=-1) + softening))

        accelerations = jax.vmap(jax.grad(potential))(positions)
    else:

        def pull(place):
            offsets = positions - place
            strengths = masses * (jnp.sum(jnp.square(offsets), axis=-1) + softening) ** -1.5
            return strengths @ offsets

        accelerations = lax.map(pull, positions)
    return accelerations


def pair_energy(
    positions: Float[Array, "n 3"],
    charges: Float[Array, "n"],
    *,
    potential: Literal["lennard-jones", "coulomb", "morse", "yukawa"],
) -> Float[Array, ""]:
    """the energy of charged particles, summed over pairs"""
    squares = jnp.sum(jnp.square(positions[:, None] - positions), axis=-1) + 0.5
    pairs = jnp.triu(jnp.outer(charges, charges), k=1)
    if potential == "lennard-jones":
        cubes = 1 / squares**3
        energy = 4 * (cubes * cubes - cubes)
    elif potential == "coulomb":
        energy = lax.rsqrt(squares)
    elif potential == "morse":
        energy = jnp.square(1 - jnp.exp(1 - jnp.sqrt(squares)))
    else:
        energy = jnp.exp(-jnp.sqrt(squares)) * lax.rsqrt(squares)
    return jnp.sum(pairs * energy)
