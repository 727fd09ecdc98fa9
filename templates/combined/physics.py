"""Differential equations on grids, by explicit and implicit steps."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from jaxir import Uniform


def _halo(field, boundary):
    return jnp.pad(field, [(0, 0)] * (field.ndim - 1) + [(1, 1)], mode=boundary)


def _curvature(field, boundary):
    padded = _halo(field, boundary)
    return padded[..., :-2] - 2 * field + padded[..., 2:]


def _laplacian(field):
    sides = jnp.roll(field, 1, axis=0) + jnp.roll(field, -1, axis=0)
    return sides + jnp.roll(field, 1, axis=1) + jnp.roll(field, -1, axis=1) - 4 * field


def _diffuse_implicitly(rate, rhs):
    def eliminate(carry, value):
        pivot = 1 + 2 * rate + rate * carry[0]
        reduced = (-rate / pivot, (value + rate * carry[1]) / pivot)
        return reduced, reduced

    def substitute(following, row):
        value = row[1] - row[0] * following
        return value, value

    start = (jnp.zeros((), rhs.dtype), jnp.zeros_like(rhs[0]))
    _, reduced = lax.scan(eliminate, start, rhs)
    return lax.scan(substitute, jnp.zeros_like(rhs[0]), reduced, reverse=True)[1]


def heat_explicit(
    temperature: Float[Array, "*b n"],
    *,
    rate: Annotated[float, Uniform(0.05, 0.4)],
    boundary: Literal["wrap", "edge", "constant"],
    steps: Literal[1, 2, 4, 8],
) -> Float[Array, "*b n"]:
    """the temperature after explicit steps of the heat equation"""

    def advance(_, values):
        return values + rate * _curvature(values, boundary)

    return lax.fori_loop(0, steps, advance, temperature)


def heat_implicit(
    temperature: Float[Array, "n *b"],
    *,
    rate: Annotated[float, Uniform(0.1, 2.0)],
    scheme: Literal["backward euler", "crank-nicolson", "two steps"],
) -> Float[Array, "n *b"]:
    """the temperature after an implicit step of the heat equation, by a tridiagonal solve"""
    if scheme == "backward euler":
        cooled = _diffuse_implicitly(rate, temperature)
    elif scheme == "crank-nicolson":
        padded = jnp.pad(temperature, [(1, 1)] + [(0, 0)] * (temperature.ndim - 1))
        flux = padded[:-2] - 2 * temperature + padded[2:]
        cooled = _diffuse_implicitly(0.5 * rate, temperature + 0.5 * rate * flux)
    else:
        cooled = _diffuse_implicitly(0.5 * rate, _diffuse_implicitly(0.5 * rate, temperature))
    return cooled


def heat_2d_step(
    temperature: Float[Array, "h w"],
    conductivity: Float[Array, "h w"],
    *,
    rate: Annotated[float, Uniform(0.02, 0.2)],
    form: Literal["local", "flux", "nine points", "radiating"],
) -> Float[Array, "h w"]:
    """the temperature of a plate with varying conductivity after one explicit step"""
    if form == "local":
        change = conductivity * _laplacian(temperature)
    elif form == "flux":
        down = 0.5 * (conductivity + jnp.roll(conductivity, -1, axis=0))
        across = 0.5 * (conductivity + jnp.roll(conductivity, -1, axis=1))
        down_flux = down * (jnp.roll(temperature, -1, axis=0) - temperature)
        across_flux = across * (jnp.roll(temperature, -1, axis=1) - temperature)
        change = down_flux - jnp.roll(down_flux, 1, axis=0) + across_flux - jnp.roll(across_flux, 1, axis=1)
    elif form == "nine points":
        rows = jnp.roll(temperature, 1, axis=0) + temperature + jnp.roll(temperature, -1, axis=0)
        around = jnp.roll(rows, 1, axis=1) + rows + jnp.roll(rows, -1, axis=1)
        change = conductivity * (around - 9 * temperature) / 3
    else:
        change = conductivity * _laplacian(temperature) - 0.1 * (temperature**4 - 0.01)
    return temperature + rate * change


def wave_step(
    displacement: Float[Array, "*b n"],
    previous: Float[Array, "*b n"],
    *,
    courant: Annotated[float, Uniform(0.1, 0.9)],
    boundary: Literal["wrap", "edge", "constant"],
    damping: Literal["none", "linear"],
) -> Float[Array, "*b n"]:
    """the displacement of a string after one step of the wave equation"""
    force = courant**2 * _curvature(displacement, boundary)
    if damping == "none":
        moved = 2 * displacement - previous + force
    else:
        moved = 1.95 * displacement - 0.95 * previous + force
    return moved


def wave_trajectory(
    displacement: Float[Array, "n"],
    velocity: Float[Array, "n"],
    *,
    courant: Annotated[float, Uniform(0.1, 0.9)],
    steps: Literal[2, 4, 8],
    summary: Literal["mean", "max", "min", "std"],
) -> tuple[Float[Array, "n"], Float[Array, "n"], Float[Array, ""]]:
    """the displacement and velocity of a periodic string after `steps` steps, and one statistic"""

    def advance(state, _):
        position, speed = state
        new_speed = speed + courant**2 * _curvature(position, "wrap")
        return (position + new_speed, new_speed), position[0]

    (last, last_speed), trace = lax.scan(advance, (displacement, velocity), None, length=steps)
    return last, last_speed, getattr(jnp, summary)(trace)


def advect_upwind(
    density: Float[Array, "*b n"],
    velocity: Float[Array, "n"],
    *,
    courant: Annotated[float, Uniform(0.05, 0.5)],
    scheme: Literal["upwind", "flux upwind", "lax-friedrichs", "lax-wendroff"],
) -> Float[Array, "*b n"]:
    """the density after one step of the advection equation on a ring"""
    speed = courant * velocity
    ahead = jnp.roll(density, -1, axis=-1)
    if scheme == "flux upwind":
        flux = jnp.maximum(speed, 0) * density + jnp.minimum(speed, 0) * ahead
        moved = density - flux + jnp.roll(flux, 1, axis=-1)
    else:
        behind = jnp.roll(density, 1, axis=-1)
        if scheme == "upwind":
            moved = density - jnp.where(speed > 0, speed * (density - behind), speed * (ahead - density))
        elif scheme == "lax-friedrichs":
            moved = 0.5 * (ahead + behind) - 0.5 * speed * (ahead - behind)
        else:
            curved = speed**2 * (ahead - 2 * density + behind)
            moved = density + 0.5 * (curved - speed * (ahead - behind))
    return moved


def burgers_step(
    velocity: Float[Array, "*b n"],
    *,
    viscosity: Annotated[float, Uniform(0.01, 0.2)],
    flux: Literal["upwind", "godunov", "rusanov"],
    boundary: Literal["wrap", "edge"],
) -> Float[Array, "*b n"]:
    """the velocity after one step of the viscous Burgers equation"""
    padded = _halo(velocity, boundary)
    left, right = padded[..., :-1], padded[..., 1:]
    if flux == "upwind":
        through = 0.5 * jnp.where(left + right > 0, left * left, right * right)
    elif flux == "godunov":
        through = 0.5 * jnp.maximum(jnp.square(jnp.maximum(left, 0)), jnp.square(jnp.minimum(right, 0)))
    else:
        fastest = jnp.maximum(jnp.abs(left), jnp.abs(right))
        through = 0.25 * (left**2 + right**2) - 0.5 * fastest * (right - left)
    slope = viscosity * (right - left)
    return velocity - 0.2 * jnp.diff(through, axis=-1) + jnp.diff(slope, axis=-1)


def reaction_diffusion(
    u: Float[Array, "h w"],
    v: Float[Array, "h w"],
    *,
    model: Literal["gray-scott", "fitzhugh-nagumo", "brusselator"],
    feed: Annotated[float, Uniform(0.02, 0.08)],
) -> tuple[Float[Array, "h w"], Float[Array, "h w"]]:
    """two reacting and diffusing species after one step"""
    if model == "gray-scott":
        u_rate = feed * (1 - u) - u * v * v
        v_rate = u * v * v - (feed + 0.06) * v
    elif model == "fitzhugh-nagumo":
        u_rate = u - u**3 / 3 - v + feed
        v_rate = 0.08 * (u + 0.7 - 0.8 * v)
    else:
        u_rate = 1 - 3 * u + u * u * v + feed
        v_rate = 2 * u - u * u * v
    return u + 0.2 * _laplacian(u) + 0.5 * u_rate, v + 0.1 * _laplacian(v) + 0.5 * v_rate


def shallow_water_step(
    height: Float[Array, "n"],
    momentum: Float[Array, "n"],
    *,
    ratio: Annotated[float, Uniform(0.05, 0.3)],
    boundary: Literal["wrap", "edge", "symmetric"],
) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    """the height and momentum of shallow water after one Lax-Friedrichs step"""
    depth, flow = _halo(jnp.abs(height) + 0.1, boundary), _halo(momentum, boundary)
    pressure = flow * flow / depth + 0.5 * depth * depth
    new_height = 0.5 * (depth[:-2] + depth[2:]) - ratio * (flow[2:] - flow[:-2])
    new_momentum = 0.5 * (flow[:-2] + flow[2:]) - ratio * (pressure[2:] - pressure[:-2])
    return new_height, new_momentum


def lattice_boltzmann_step(
    populations: Float[Array, "3 n"],
    *,
    relaxation: Annotated[float, Uniform(0.5, 1.5)],
    flow: Literal["diffusion", "advection", "nonlinear"],
) -> Float[Array, "3 n"]:
    """the particle populations of a lattice after one collision and streaming step"""
    density = jnp.sum(populations, axis=0)
    if flow == "diffusion":
        equilibrium = jnp.outer(jnp.array([1 / 3, 1 / 3, 1 / 3], density.dtype), density)
    elif flow == "advection":
        equilibrium = jnp.stack([0.3 * density, 0.4 * density, 0.3 * density])
    else:
        drift = 0.2 * density * (populations[1] - populations[2])
        equilibrium = jnp.stack([density / 3, density / 3 + drift, density / 3 - drift])
    collided = populations + relaxation * (equilibrium - populations)
    return jnp.stack([collided[0], jnp.roll(collided[1], 1), jnp.roll(collided[2], -1)])


def cellular_automaton(
    cells: Int[Array, "h w"],
    *,
    rule: Literal["life", "majority", "parity"],
    neighbourhood: Literal["moore", "von neumann"],
) -> Int[Array, "h w"]:
    """the cells of a cellular automaton on a torus after one step"""
    alive = cells % 2
    beside = jnp.roll(alive, 1, axis=0) + jnp.roll(alive, -1, axis=0)
    if neighbourhood == "moore":
        column = alive + beside
        neighbours = beside + jnp.roll(column, 1, axis=1) + jnp.roll(column, -1, axis=1)
    else:
        neighbours = beside + jnp.roll(alive, 1, axis=1) + jnp.roll(alive, -1, axis=1)
    if rule == "life":
        born = (neighbours == 3) | ((neighbours == 2) & (alive == 1))
    elif rule == "majority":
        born = neighbours + alive >= 3
    else:
        born = (neighbours + alive) % 2 == 1
    return born.astype(cells.dtype)


def ising_sweep(
    field: Float[Array, "h w"],
    uniforms: Float[Array, "h w"],
    *,
    inverse_temperature: Annotated[float, Uniform(0.1, 1.0)],
    rule: Literal["glauber", "metropolis"],
) -> Float[Array, "h w"]:
    """the spins of an Ising lattice after a checkerboard sweep with given uniform numbers"""
    spins = jnp.where(field > 0.5, 1, -1).astype(field.dtype)
    around = _laplacian(spins) + 4 * spins
    rows, columns = jnp.indices(field.shape)
    even = (rows + columns) % 2 == 0
    if rule == "glauber":
        probability = 1 / (1 + jnp.exp(-2 * inverse_temperature * around))
        proposed = jnp.where(uniforms < probability, 1, -1).astype(field.dtype)
    else:
        probability = jnp.exp(-2 * inverse_temperature * jnp.maximum(spins * around, 0))
        proposed = jnp.where(uniforms < probability, -spins, spins)
    return jnp.where(even, proposed, spins)
