"""Geometry, graphics and a little finance: closed forms over batches."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from jaxir import Uniform


def _normal_cdf(x):
    return 0.5 * (1 + lax.erf(x * 0.7071067811865476))


def _unit_length(vectors):
    return vectors * lax.rsqrt(jnp.sum(jnp.square(vectors), axis=-1, keepdims=True) + 1e-3)


def ray_sphere(
    origins: Float[Array, "*b 3"],
    directions: Float[Array, "*b 3"],
    centre: Float[Array, "3"],
    radius: Float[Array, ""],
    *,
    output: Literal["distance", "shading", "miss distance"],
) -> Float[Array, "*b"]:
    """a measure of how each ray meets a sphere"""
    rays = _unit_length(directions)
    offsets = origins - centre
    along = jnp.sum(offsets * rays, axis=-1)
    gap = jnp.sum(jnp.square(offsets), axis=-1) - radius**2
    discriminant = along**2 - gap
    reach = jnp.sqrt(jnp.maximum(discriminant, 0))
    if output == "distance":
        result = jnp.where(discriminant > 0, reach - along, 0)
    elif output == "shading":
        normals = _unit_length(offsets + (reach - along)[..., None] * rays)
        result = jnp.where(discriminant > 0, jnp.abs(jnp.sum(normals * rays, axis=-1)), 0)
    else:
        result = jnp.where(discriminant > 0, reach, gap - along**2)
    return result


def reflect_rays(
    directions: Float[Array, "*b 3"],
    normals: Float[Array, "*b 3"],
    *,
    surface: Literal["mirror", "glass", "fresnel"],
    index: Annotated[float, Uniform(0.5, 0.95)],
) -> Float[Array, "*b 3"]:
    """the directions of rays after a surface"""
    rays, ups = _unit_length(directions), _unit_length(normals)
    cosine = jnp.sum(rays * ups, axis=-1, keepdims=True)
    if surface == "mirror":
        bounced = rays - 2 * cosine * ups
    elif surface == "glass":
        bend = jnp.sqrt(jnp.maximum(1 - index**2 * (1 - cosine**2), 0))
        bounced = index * rays - (index * cosine + bend) * ups
    else:
        share = 0.04 + 0.96 * jnp.abs(1 - jnp.abs(cosine)) ** 5
        bounced = share * (rays - 2 * cosine * ups) + (1 - share) * index * rays
    return bounced


def rotate_by_quaternion(
    quaternions: Float[Array, "*b 4"],
    vectors: Float[Array, "*b 3"],
    *,
    form: Literal["cross", "matrix"],
) -> Float[Array, "*b 3"]:
    """vectors rotated by unit quaternions"""
    unit = _unit_length(quaternions)
    if form == "cross":
        axis, real = unit[..., 1:], unit[..., :1]
        twist = 2 * jnp.cross(axis, vectors)
        rotated = vectors + real * twist + jnp.cross(axis, twist)
    else:
        w, x, y, z = jnp.moveaxis(unit, -1, 0)
        rows = [
            jnp.stack([1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)], axis=-1),
            jnp.stack([2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)], axis=-1),
            jnp.stack([2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)], axis=-1),
        ]
        rotated = jnp.einsum("...ij,...j->...i", jnp.stack(rows, axis=-2), vectors)
    return rotated


def rotate_about_axis(
    vectors: Float[Array, "*b 3"],
    axis: Float[Array, "3"],
    angle: Float[Array, ""],
    *,
    form: Literal["rodrigues", "exponential"],
) -> Float[Array, "*b 3"]:
    """vectors rotated about an axis by an angle"""
    unit = _unit_length(axis)
    if form == "rodrigues":
        along = (vectors @ unit)[..., None] * unit
        turned = jnp.cos(angle) * (vectors - along) + jnp.sin(angle) * jnp.cross(unit, vectors) + along
    else:
        x, y, z = unit
        zero = jnp.zeros_like(x)
        skew = jnp.stack([zero, -z, y, z, zero, -x, -y, x, zero]).reshape(3, 3)
        matrix = jnp.eye(3, dtype=axis.dtype) + jnp.sin(angle) * skew + (1 - jnp.cos(angle)) * skew @ skew
        turned = vectors @ matrix.T
    return turned


def project_points(
    points: Float[Array, "*b 3"],
    intrinsics: Float[Array, "3 3"],
    translation: Float[Array, "3"],
    *,
    distortion: Literal["none", "radial"],
) -> Float[Array, "*b 2"]:
    """the pixels of points in space through a pinhole camera"""
    moved = points + translation
    depth = jnp.abs(moved[..., 2:]) + 0.1
    plane = moved[..., :2] / depth
    if distortion == "none":
        seen = plane
    else:
        squares = jnp.sum(jnp.square(plane), axis=-1, keepdims=True)
        seen = plane * (1 - 0.1 * squares / (1 + squares))
    return seen @ intrinsics[:2, :2].T + intrinsics[:2, 2] / (1 + jnp.abs(intrinsics[2, 2]))


def rigid_alignment(
    source: Float[Array, "n 2"],
    target: Float[Array, "n 2"],
    *,
    scaling: Literal["rigid", "similarity"],
) -> tuple[Float[Array, "n 2"], Float[Array, ""]]:
    """planar points moved onto their targets by the best rotation and translation, and its angle"""
    start, goal = source - jnp.mean(source, axis=0), target - jnp.mean(target, axis=0)
    cosine = jnp.sum(start * goal)
    sine = jnp.sum(start[:, 0] * goal[:, 1] - start[:, 1] * goal[:, 0])
    angle = jnp.arctan2(sine, cosine)
    rotation = jnp.stack([jnp.cos(angle), jnp.sin(angle), -jnp.sin(angle), jnp.cos(angle)]).reshape(2, 2)
    if scaling == "rigid":
        aligned = start @ rotation
    else:
        ratio = jnp.sqrt(cosine**2 + sine**2 + 1e-3) / (jnp.sum(jnp.square(start)) + 1e-2)
        aligned = ratio * start @ rotation
    return aligned + jnp.mean(target, axis=0), angle


def polygon_area(
    vertices: Float[Array, "*b n+2 2"], *, measure: Literal["area", "perimeter", "roundness"]
) -> Float[Array, "*b"]:
    """the `measure` of closed polygons"""
    following = jnp.roll(vertices, -1, axis=-2)
    if measure == "area":
        crossed = vertices[..., 0] * following[..., 1] - vertices[..., 1] * following[..., 0]
        result = 0.5 * jnp.abs(jnp.sum(crossed, axis=-1))
    elif measure == "perimeter":
        result = jnp.sum(jnp.linalg.norm(following - vertices, axis=-1), axis=-1)
    else:
        crossed = vertices[..., 0] * following[..., 1] - vertices[..., 1] * following[..., 0]
        edges = jnp.sqrt(jnp.sum(jnp.square(following - vertices), axis=-1) + 1e-3)
        result = 6.2832 * jnp.abs(jnp.sum(crossed, axis=-1)) / jnp.square(jnp.sum(edges, axis=-1))
    return result


def bezier_curve(
    controls: Float[Array, "4 d"],
    parameters: Float[Array, "*s"],
    *,
    method: Literal["bernstein", "de casteljau", "catmull-rom"],
) -> Float[Array, "*s d"]:
    """points of a cubic curve at the given parameters"""
    t = parameters[..., None]
    if method == "bernstein":
        inner = 3 * t * (1 - t) * ((1 - t) * controls[1] + t * controls[2])
        curve = (1 - t) ** 3 * controls[0] + inner + t**3 * controls[3]
    elif method == "de casteljau":
        first, middle, last = (controls[i] + t * (controls[i + 1] - controls[i]) for i in range(3))
        left, right = first + t * (middle - first), middle + t * (last - middle)
        curve = left + t * (right - left)
    else:
        slope, leave = 0.5 * (controls[2] - controls[0]), 0.5 * (controls[3] - controls[1])
        bend = 3 * (controls[2] - controls[1]) - 2 * slope - leave
        twist = 2 * (controls[1] - controls[2]) + slope + leave
        curve = controls[1] + t * (slope + t * (bend + t * twist))
    return curve


def haversine(
    latitudes: Float[Array, "*s"],
    longitudes: Float[Array, "*s"],
    station: Float[Array, "2"],
    *,
    form: Literal["haversine", "cosines", "chord"],
) -> Float[Array, "*s"]:
    """the distances of places to a station on the unit sphere"""
    turn = longitudes - station[1]
    if form == "haversine":
        half = jnp.sin(0.5 * (latitudes - station[0])) ** 2
        share = half + jnp.cos(latitudes) * jnp.cos(station[0]) * jnp.sin(0.5 * turn) ** 2
        distance = 2 * jnp.arcsin(jnp.sqrt(jnp.clip(share, 0, 1)))
    else:
        level = jnp.cos(latitudes) * jnp.cos(station[0]) * jnp.cos(turn)
        cosine = jnp.sin(latitudes) * jnp.sin(station[0]) + level
        if form == "cosines":
            distance = jnp.arccos(jnp.clip(cosine, -0.99, 0.99))
        else:
            distance = jnp.sqrt(jnp.maximum(2 - 2 * cosine, 0) + 1e-3)
    return distance


def black_scholes(
    spot: Float[Array, "*s"],
    strike: Float[Array, "*s"],
    volatility: Float[Array, "*s"],
    maturity: Float[Array, "*s"],
    *,
    rate: Annotated[float, Uniform(0.0, 0.1)],
    quantity: Literal["call price", "put price", "call delta", "vega"],
) -> Float[Array, "*s"]:
    """the Black-Scholes `quantity` of European options"""
    price, level = jnp.abs(spot) + 0.05, jnp.abs(strike) + 0.05
    time = jnp.abs(maturity) + 0.05
    spread = (jnp.abs(volatility) + 0.05) * jnp.sqrt(time)
    d1 = (jnp.log(price / level) + rate * time) / spread + 0.5 * spread
    if quantity == "call price":
        result = price * _normal_cdf(d1) - level * jnp.exp(-rate * time) * _normal_cdf(d1 - spread)
    elif quantity == "put price":
        result = level * jnp.exp(-rate * time) * _normal_cdf(spread - d1) - price * _normal_cdf(-d1)
    elif quantity == "call delta":
        result = _normal_cdf(d1)
    else:
        result = price * jnp.sqrt(time) * 0.3989423 * jnp.exp(-0.5 * d1 * d1)
    return result


def binomial_option(
    spot: Float[Array, "*s"],
    strike: Float[Array, "*s"],
    *,
    up: Annotated[float, Uniform(1.05, 1.3)],
    exercise: Literal["american", "european"],
    kind: Literal["call", "put"],
) -> Float[Array, "*s"]:
    """the price of an option on a binomial tree of six steps"""
    moves = jnp.arange(7, dtype=spot.dtype)
    share = (1.01 - 1 / up) / (up - 1 / up)
    leaves = spot[..., None] * up ** (2 * moves - 6)
    if kind == "call":
        payoff = jnp.maximum(leaves - strike[..., None], 0)
    else:
        payoff = jnp.maximum(strike[..., None] - leaves, 0)

    def step_back(_, values):
        ahead = jnp.concatenate([values[..., 1:], values[..., -1:]], axis=-1)
        held = (share * ahead + (1 - share) * values) / 1.01
        if exercise == "american":
            kept = jnp.maximum(held, 0.9 * payoff)
        else:
            kept = held
        return kept

    return lax.fori_loop(0, 6, step_back, payoff)[..., 0]


def fractal_escape(
    real: Float[Array, "*s"],
    imaginary: Float[Array, "*s"],
    *,
    steps: Literal[3, 5, 8],
    family: Literal["mandelbrot", "burning ship", "julia"],
) -> Float[Array, "*s"]:
    """the smooth escape counts of points of a fractal"""

    def iterate(_, carry):
        x, y, count = carry
        if family == "burning ship":
            new_x, new_y = x * x - y * y + real, 2 * jnp.abs(x * y) + imaginary
        elif family == "julia":
            new_x, new_y = x * x - y * y - 0.4, 2 * x * y + 0.6
        else:
            new_x, new_y = x * x - y * y + real, 2 * x * y + imaginary
        inside = new_x * new_x + new_y * new_y < 4
        held_x, held_y = jnp.where(inside, new_x, x), jnp.where(inside, new_y, y)
        return held_x, held_y, count + inside.astype(count.dtype)

    x, y, count = lax.fori_loop(0, steps, iterate, (real, imaginary, jnp.zeros_like(real)))
    return count + 0.25 * (x * x + y * y)
