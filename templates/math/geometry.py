"""Geometry: coordinate systems, rotations, quaternions, distances and angles."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Inexact

from jaxir import Uniform


def polar_to_cartesian(
    radius: Float[Array, "*#s"], angle: Float[Array, "*#s"]
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the Cartesian coordinates of a point in polar coordinates"""
    return radius * jnp.cos(angle), radius * jnp.sin(angle)


def cartesian_to_polar(points: Float[Array, "*b 2"]) -> tuple[Float[Array, "*b"], Float[Array, "*b"]]:
    """the radius and the angle of points in the plane"""
    x = points[..., 0]
    y = points[..., 1]
    return jnp.hypot(x, y), jnp.arctan2(y, x)


def spherical_to_cartesian(
    radius: Float[Array, "*s"], polar: Float[Array, "*s"], azimuth: Float[Array, "*s"]
) -> Float[Array, "*s 3"]:
    """the Cartesian coordinates of points in spherical coordinates"""
    planar = radius * jnp.sin(polar)
    x = planar * jnp.cos(azimuth)
    y = planar * jnp.sin(azimuth)
    return jnp.stack([x, y, radius * jnp.cos(polar)], axis=-1)


def cartesian_to_spherical(
    points: Float[Array, "*b 3"], *, convention: Literal["physics", "geography"]
) -> tuple[Float[Array, "*b"], Float[Array, "*b"], Float[Array, "*b"]]:
    """the radius and the two angles of points in space"""
    x, y, z = jnp.moveaxis(points, -1, 0)
    planar = jnp.hypot(x, y)
    radius = jnp.hypot(planar, z)
    azimuth = jnp.arctan2(y, x)
    if convention == "physics":
        elevation = jnp.arctan2(planar, z)
    else:
        elevation = jnp.arctan2(z, planar)
    return radius, elevation, azimuth


def cylindrical_to_cartesian(
    radius: Float[Array, "*s"], angle: Float[Array, "*s"], height: Float[Array, "*s"]
) -> Float[Array, "3 *s"]:
    """the Cartesian coordinates of points in cylindrical coordinates"""
    return jnp.stack([radius * jnp.cos(angle), radius * jnp.sin(angle), height])


def stereographic_projection(
    points: Float[Array, "*b 3"], *, pole: Annotated[float, Uniform(2.5, 5.0)]
) -> Float[Array, "*b 2"]:
    """the projection of points in space onto the plane, from a pole at height `pole`"""
    depth = jnp.maximum(pole - points[..., 2:], 0.1)
    return pole * points[..., :2] / depth


def mercator(latitude: Float[Array, "*s"], *, form: Literal["tangent", "sine", "gudermann"]) -> Float[Array, "*s"]:
    """the height on a Mercator map"""
    phi = jnp.clip(latitude, -1.4, 1.4)
    if form == "tangent":
        height = jnp.log(jnp.tan(jnp.pi / 4 + phi / 2))
    elif form == "sine":
        height = jnp.arctanh(jnp.sin(phi))
    else:
        height = jnp.arcsinh(jnp.tan(phi))
    return height


def great_circle_distance(
    start: Float[Array, "*b 2"], end: Float[Array, "*b 2"], *, radius: Annotated[float, Uniform(1.0, 6.4)]
) -> Float[Array, "*b"]:
    """the great-circle distance of two places by the haversine formula"""
    half_step = (end - start) / 2
    cosines = jnp.cos(start[..., 0]) * jnp.cos(end[..., 0])
    chord = jnp.sin(half_step[..., 0]) ** 2 + cosines * jnp.sin(half_step[..., 1]) ** 2
    return 2 * radius * jnp.arcsin(jnp.sqrt(jnp.clip(chord, 0, 1)))


def rotate_points(
    points: Float[Array, "*b 2"], angle: Float[Array, ""], *, sense: Literal["left", "right"]
) -> Float[Array, "*b 2"]:
    """points of the plane turned around the origin"""
    c, s = jnp.cos(angle), jnp.sin(angle)
    x, y = points[..., 0], points[..., 1]
    if sense == "left":
        turned = jnp.stack([c * x - s * y, s * x + c * y], axis=-1)
    else:
        turned = jnp.stack([c * x + s * y, c * y - s * x], axis=-1)
    return turned


def rotate_by_phase(z: Complex[Array, "*#s"], unit: Complex[Array, "*#s"]) -> Complex[Array, "*s"]:
    """complex numbers turned by the direction of `unit`"""
    return z * jnp.exp(1j * jnp.angle(unit))


def rotation_matrix(angle: Float[Array, "*s"], *, axis: Literal["x", "y", "z"]) -> Float[Array, "*s 3 3"]:
    """the matrix of a rotation around a coordinate axis"""
    c, s = jnp.cos(angle), jnp.sin(angle)
    zero, one = jnp.zeros_like(angle), jnp.ones_like(angle)
    if axis == "x":
        rows = [[one, zero, zero], [zero, c, -s], [zero, s, c]]
    elif axis == "y":
        rows = [[c, zero, s], [zero, one, zero], [-s, zero, c]]
    else:
        rows = [[c, -s, zero], [s, c, zero], [zero, zero, one]]
    return jnp.stack([jnp.stack(row, axis=-1) for row in rows], axis=-2)


def rotation_2d(angle: Float[Array, "*s"]) -> Float[Array, "*s 2 2"]:
    """the matrix of a rotation of the plane"""
    c, s = jnp.cos(angle), jnp.sin(angle)
    return jnp.stack([c, -s, s, c], axis=-1).reshape(*angle.shape, 2, 2)


def rodrigues_rotation(
    vector: Float[Array, "*b 3"], axis: Float[Array, "3"], angle: Float[Array, ""]
) -> Float[Array, "*b 3"]:
    """vectors turned around the axis `axis` by Rodrigues' formula"""
    k = axis / (jnp.sqrt(jnp.sum(axis * axis)) + 1e-3)
    along = jnp.sum(vector * k, axis=-1, keepdims=True)
    across = jnp.cross(jnp.broadcast_to(k, vector.shape), vector)
    return vector * jnp.cos(angle) + across * jnp.sin(angle) + k * along * (1 - jnp.cos(angle))


def shear_and_scale(
    points: Float[Array, "*b 2"],
    *,
    shear: Annotated[float, Uniform(-1.0, 1.0)],
    scale: Annotated[float, Uniform(0.5, 2.0)],
) -> Float[Array, "*b 2"]:
    """points of the plane sheared and scaled"""
    x, y = points[..., 0], points[..., 1]
    return jnp.stack([scale * (x + shear * y), scale * y], axis=-1)


def rigid_motion(
    points: Float[Array, "*b 2"], angle: Float[Array, ""], offset: Float[Array, "2"]
) -> Float[Array, "*b 2"]:
    """points of the plane turned and moved"""
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    swapped = points[..., ::-1] * jnp.stack([-sine, sine])
    return cosine * points + swapped + offset


def quaternion_multiply(p: Float[Array, "*b 4"], q: Float[Array, "*b 4"]) -> Float[Array, "*b 4"]:
    """the Hamilton product of two quaternions"""
    pw, px, py, pz = jnp.moveaxis(p, -1, 0)
    qw, qx, qy, qz = jnp.moveaxis(q, -1, 0)
    w = pw * qw - px * qx - py * qy - pz * qz
    x = pw * qx + px * qw + py * qz - pz * qy
    y = pw * qy - px * qz + py * qw + pz * qx
    z = pw * qz + px * qy - py * qx + pz * qw
    return jnp.stack([w, x, y, z], axis=-1)


def quaternion_conjugate(q: Float[Array, "*b 4"], *, form: Literal["concatenate", "signs"]) -> Float[Array, "*b 4"]:
    """the conjugate of a quaternion"""
    if form == "concatenate":
        conjugate = jnp.concatenate([q[..., :1], -q[..., 1:]], axis=-1)
    else:
        conjugate = q * jnp.array([1, -1, -1, -1], dtype=q.dtype)
    return conjugate


def quaternion_from_axis_angle(axis: Float[Array, "*b 3"], angle: Float[Array, "*b"]) -> Float[Array, "*b 4"]:
    """the unit quaternion of a rotation"""
    length = jnp.sqrt(jnp.sum(axis * axis, axis=-1, keepdims=True))
    half = angle[..., None] / 2
    vector = jnp.sin(half) * axis / jnp.maximum(length, 1e-3)
    return jnp.concatenate([jnp.cos(half), vector], axis=-1)


def quaternion_to_matrix_row(q: Float[Array, "*b 4"], *, row: Literal["first", "last"]) -> Float[Array, "*b 3"]:
    """a row of the rotation matrix of a quaternion"""
    unit = q / jnp.sqrt(jnp.sum(q * q, axis=-1, keepdims=True) + 1e-3)
    w, x, y, z = jnp.moveaxis(unit, -1, 0)
    if row == "first":
        entries = [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)]
    else:
        entries = [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)]
    return jnp.stack(entries, axis=-1)


def slerp(start: Float[Array, "*b n"], stop: Float[Array, "*b n"], weight: Float[Array, ""]) -> Float[Array, "*b n"]:
    """the spherical interpolation between two directions"""
    p = start / jnp.sqrt(jnp.sum(start * start, axis=-1, keepdims=True) + 1e-3)
    q = stop / jnp.sqrt(jnp.sum(stop * stop, axis=-1, keepdims=True) + 1e-3)
    cosine = jnp.clip(jnp.sum(p * q, axis=-1, keepdims=True), -0.99, 0.99)
    angle = jnp.arccos(cosine)
    return (jnp.sin((1 - weight) * angle) * p + jnp.sin(weight * angle) * q) / jnp.sin(angle)


def angle_between(
    u: Float[Array, "*b n"], v: Float[Array, "*b n"], *, form: Literal["cosine", "tangent"]
) -> Float[Array, "*b"]:
    """the angle between two vectors"""
    p = u / jnp.sqrt(jnp.sum(u * u, axis=-1, keepdims=True) + 1e-3)
    q = v / jnp.sqrt(jnp.sum(v * v, axis=-1, keepdims=True) + 1e-3)
    if form == "cosine":
        angle = jnp.arccos(jnp.clip(jnp.sum(p * q, axis=-1), -0.99, 0.99))
    else:
        apart = jnp.sqrt(jnp.sum(jnp.square(p - q), axis=-1))
        angle = 2 * jnp.arctan2(apart, jnp.sqrt(jnp.sum(jnp.square(p + q), axis=-1)))
    return angle


def angle_difference(
    a: Float[Array, "*#s"], b: Float[Array, "*#s"], *, form: Literal["modulo", "arctan"]
) -> Float[Array, "*s"]:
    """the signed difference of two angles"""
    gap = a - b
    if form == "modulo":
        result = jnp.mod(gap + jnp.pi, 2 * jnp.pi) - jnp.pi
    else:
        result = jnp.arctan2(jnp.sin(gap), jnp.cos(gap))
    return result


def circular_mean(angles: Float[Array, "*b n"]) -> Float[Array, "*b"]:
    """the mean direction of angles along the last axis"""
    return jnp.arctan2(jnp.mean(jnp.sin(angles), axis=-1), jnp.mean(jnp.cos(angles), axis=-1))


def law_of_cosines(a: Float[Array, "*#s"], b: Float[Array, "*#s"], angle: Float[Array, "*#s"]) -> Float[Array, "*s"]:
    """the third side of a triangle"""
    squared = a * a + b * b - 2 * a * b * jnp.cos(angle)
    return jnp.sqrt(jnp.maximum(squared, 1e-3))


def heron_area(a: Float[Array, "*s"], b: Float[Array, "*s"], c: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the area of the triangle whose tangent lengths are the magnitudes of `a`, `b` and `c`"""
    x, y, z = jnp.abs(a), jnp.abs(b), jnp.abs(c)
    return jnp.sqrt((x + y + z) * x * y * z)


def triangle_area(vertices: Float[Array, "*b 3 2"], *, form: Literal["shoelace", "edges"]) -> Float[Array, "*b"]:
    """the signed area of triangles in the plane"""
    x, y = vertices[..., 0], vertices[..., 1]
    if form == "shoelace":
        area = jnp.sum(x * jnp.roll(y, -1, axis=-1) - y * jnp.roll(x, -1, axis=-1), axis=-1) / 2
    else:
        dx, dy = x - x[..., :1], y - y[..., :1]
        area = (dx[..., 1] * dy[..., 2] - dx[..., 2] * dy[..., 1]) / 2
    return area


def reflect_vector(incoming: Float[Array, "*b n"], normal: Float[Array, "n"]) -> Float[Array, "*b n"]:
    """vectors reflected at a mirror"""
    unit = normal / jnp.sqrt(jnp.sum(normal * normal) + 1e-3)
    return incoming - 2 * jnp.sum(incoming * unit, axis=-1, keepdims=True) * unit


def snell_refraction(angle: Float[Array, "*s"], *, index: Annotated[float, Uniform(1.1, 2.4)]) -> Float[Array, "*s"]:
    """the angle of refraction in a denser medium"""
    return jnp.arcsin(jnp.clip(jnp.sin(angle) / index, -0.99, 0.99))


def distance_to_line(
    points: Float[Array, "*b 2"], start: Float[Array, "2"], end: Float[Array, "2"]
) -> Float[Array, "*b"]:
    """the signed distance of points from the line through `start` and `end`"""
    direction = end - start
    offset = points - start
    cross = direction[0] * offset[..., 1] - direction[1] * offset[..., 0]
    return cross / jnp.sqrt(jnp.sum(direction**2) + 1e-3)


def minkowski_interval(
    event: Float[Array, "*b 4"], *, signature: Literal["mostly_plus", "mostly_minus"]
) -> Float[Array, "*b"]:
    """the space-time interval of an event from the origin"""
    squares = jnp.square(event)
    if signature == "mostly_plus":
        interval = jnp.sum(squares[..., 1:], axis=-1) - squares[..., 0]
    else:
        interval = squares[..., 0] - jnp.sum(squares[..., 1:], axis=-1)
    return interval


def lorentz_boost(
    time: Float[Array, "*s"], position: Float[Array, "*s"], *, speed: Annotated[float, Uniform(0.1, 0.8)]
) -> tuple[Float[Array, "*s"], Float[Array, "*s"]]:
    """the time and place of an event for a moving observer, by its rapidity"""
    rapidity = jnp.arctanh(jnp.asarray(speed, dtype=time.dtype))
    c, s = jnp.cosh(rapidity), jnp.sinh(rapidity)
    return c * time - s * position, c * position - s * time


def hyperbolic_distance(u: Float[Array, "*b 2"], v: Float[Array, "*b 2"]) -> Float[Array, "*b"]:
    """the distance of two points of the Poincare disc, after moving them inside"""
    p = u / (1.5 + jnp.sqrt(jnp.sum(u * u, axis=-1, keepdims=True) + 1e-3))
    q = v / (1.5 + jnp.sqrt(jnp.sum(v * v, axis=-1, keepdims=True) + 1e-3))
    gap = jnp.sum(jnp.square(p - q), axis=-1)
    shrink = (1 - jnp.sum(p * p, axis=-1)) * (1 - jnp.sum(q * q, axis=-1))
    return jnp.arccosh(1 + 2 * gap / shrink)


def superellipse_radius(angle: Float[Array, "*s"], *, exponent: Literal[2, 3, 4]) -> Float[Array, "*s"]:
    """the radius of a superellipse in a direction"""
    total = jnp.abs(jnp.cos(angle)) ** exponent + jnp.abs(jnp.sin(angle)) ** exponent
    return total ** (-1 / exponent)


def torus_distance(points: Float[Array, "*b 3"], *, radius: Annotated[float, Uniform(0.5, 1.5)]) -> Float[Array, "*b"]:
    """the signed distance of points from a torus around the z axis"""
    ring = jnp.hypot(points[..., 0], points[..., 1]) - radius
    return jnp.hypot(ring, points[..., 2]) - 0.25


def parametric_curve(
    t: Inexact[Array, "*s"], *, curve: Literal["cycloid", "cardioid", "lissajous"]
) -> Inexact[Array, "*s 2"]:
    """points of a plane curve at the parameters `t`"""
    if curve == "cycloid":
        coordinates = [t - jnp.sin(t), 1 - jnp.cos(t)]
    elif curve == "cardioid":
        coordinates = [(1 - jnp.cos(t)) * jnp.cos(t), (1 - jnp.cos(t)) * jnp.sin(t)]
    else:
        coordinates = [jnp.sin(3 * t + 0.5), jnp.sin(2 * t)]
    return jnp.stack(coordinates, axis=-1)
