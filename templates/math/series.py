"""Series, orthogonal polynomials, sampled functions: Taylor, Chebyshev, Fourier, quadrature, differences, waves."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jaxtyping import Array, Complex64, Float, Float32, Inexact

from jaxir import Uniform


def taylor_exp(x: Inexact[Array, "*s"], *, order: Literal[2, 3, 4]) -> Inexact[Array, "*s"]:
    """the leading terms of the Taylor series of the exponential"""
    if order == 2:
        value = 1 + x * (1 + x / 2)
    elif order == 3:
        value = 1 + x * (1 + x / 2 * (1 + x / 3))
    else:
        value = 1 + x * (1 + x / 2 * (1 + x / 3 * (1 + x / 4)))
    return value


def taylor_trig(x: Inexact[Array, "*s"], *, fn: Literal["sin", "cos", "sinh", "cosh"]) -> Inexact[Array, "*s"]:
    """the leading terms of the Taylor series of `fn` at `x`"""
    t = x * x
    if fn == "sin":
        value = x * (1 - t / 6 * (1 - t / 20 * (1 - t / 42)))
    elif fn == "cos":
        value = 1 - t / 2 * (1 - t / 12 * (1 - t / 30))
    elif fn == "sinh":
        value = x * (1 + t / 6 * (1 + t / 20))
    else:
        value = 1 + t / 2 * (1 + t / 12)
    return value


def taylor_log1p(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the leading terms of the Taylor series of the logarithm of one plus half of `x`"""
    h = x / 2
    return h - h**2 / 2 + h**3 / 3 - h**4 / 4


def pade_exp(x: Inexact[Array, "*s"], *, order: Literal[1, 2]) -> Inexact[Array, "*s"]:
    """a Pade approximation of the exponential of a quarter of `x`"""
    h = x / 4
    if order == 1:
        value = (2 + h) / (2 - h)
    else:
        value = (12 + h * (6 + h)) / (12 - h * (6 - h))
    return value


def pade_tanh(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """a rational approximation of the hyperbolic tangent"""
    t = x * x
    return x * (945 + t * (105 + t)) / (945 + t * (420 + 15 * t))


def arctan_series(x: Float[Array, "*s"], *, form: Literal["euler", "taylor"]) -> Float[Array, "*s"]:
    """the leading terms of a series of the inverse tangent of half of `x`"""
    h = x / 2
    if form == "euler":
        y = h * h / (1 + h * h)
        value = y / jnp.where(h == 0, 1, h) * (1 + 2 / 3 * y * (1 + 4 / 5 * y * (1 + 6 / 7 * y)))
    else:
        value = h - h**3 / 3 + h**5 / 5 - h**7 / 7
    return value


def chebyshev_polynomial(x: Inexact[Array, "*s"], *, degree: Literal[2, 3, 4, 5]) -> Inexact[Array, "*s"]:
    """a Chebyshev polynomial of the first kind"""
    if degree == 2:
        value = 2 * x**2 - 1
    elif degree == 3:
        value = 4 * x**3 - 3 * x
    elif degree == 4:
        value = 8 * x**4 - 8 * x**2 + 1
    else:
        value = 16 * x**5 - 20 * x**3 + 5 * x
    return value


def chebyshev_cosine(x: Float[Array, "*s"], *, degree: Annotated[int, Uniform(2, 9)]) -> Float[Array, "*s"]:
    """a Chebyshev polynomial by its cosine form"""
    return jnp.cos(degree * jnp.arccos(jnp.clip(x, -0.99, 0.99)))


def chebyshev_series(x: Inexact[Array, "*s"], coefficients: Inexact[Array, "4"]) -> Inexact[Array, "*s"]:
    """a Chebyshev series by Clenshaw's recurrence"""
    third = coefficients[3]
    second = coefficients[2] + 2 * x * third
    first = coefficients[1] + 2 * x * second - third
    return coefficients[0] + x * first - second


def legendre_polynomial(x: Inexact[Array, "*s"], *, degree: Literal[2, 3, 4]) -> Inexact[Array, "*s"]:
    """a Legendre polynomial"""
    t = x * x
    if degree == 2:
        value = (3 * t - 1) / 2
    elif degree == 3:
        value = x * (5 * t - 3) / 2
    else:
        value = (3 - t * (30 - 35 * t)) / 8
    return value


def legendre_recurrence(
    n: Float[Array, ""], x: Float[Array, "*s"], current: Float[Array, "*s"], previous: Float[Array, "*s"]
) -> Float[Array, "*s"]:
    """the next Legendre polynomial by Bonnet's recurrence"""
    degree = jnp.abs(n)
    return ((2 * degree + 1) * x * current - degree * previous) / (degree + 1)


def hermite_polynomial(
    x: Inexact[Array, "*s"], *, degree: Literal[2, 3, 4], kind: Literal["physicist", "probabilist"]
) -> Inexact[Array, "*s"]:
    """a Hermite polynomial"""
    if kind == "physicist":
        scale = 2
        h1 = 2 * x
    else:
        scale = 1
        h1 = x
    h2 = h1 * h1 - scale
    h3 = h1 * h2 - 2 * scale * h1
    if degree == 2:
        value = h2
    elif degree == 3:
        value = h3
    else:
        value = h1 * h3 - 3 * scale * h2
    return value


def hermite_function(x: Float[Array, "*s"], *, level: Literal[0, 1, 2]) -> Float[Array, "*s"]:
    """a state of the harmonic oscillator"""
    envelope = 0.75112554 * jnp.exp(-x * x / 2)
    if level == 0:
        state = envelope
    elif level == 1:
        state = 1.41421356 * x * envelope
    else:
        state = (2 * x * x - 1) * envelope / 1.41421356
    return state


def laguerre_polynomial(x: Inexact[Array, "*s"], *, degree: Literal[2, 3]) -> Inexact[Array, "*s"]:
    """a Laguerre polynomial"""
    if degree == 2:
        value = (x * x - 4 * x + 2) / 2
    else:
        value = (6 - x * (18 - x * (9 - x))) / 6
    return value


def bernstein_basis(t: Float[Array, "*s"]) -> Float[Array, "*s 4"]:
    """the cubic Bernstein polynomials at `t`, along a new last axis"""
    s = 1 - t
    return jnp.stack([s**3, 3 * s * s * t, 3 * s * t * t, t**3], axis=-1)


def cubic_bezier(
    t: Float[Array, "*s"], control: Float[Array, "4"], *, scheme: Literal["bernstein", "de_casteljau"]
) -> Float[Array, "*s"]:
    """a cubic Bezier curve at `t`"""
    s = 1 - t
    a, b, c, d = control
    if scheme == "bernstein":
        value = s**3 * a + 3 * s**2 * t * b + 3 * s * t**2 * c + t**3 * d
    else:
        ab, bc, cd = s * a + t * b, s * b + t * c, s * c + t * d
        value = s * (s * ab + t * bc) + t * (s * bc + t * cd)
    return value


def hermite_spline(
    t: Float[Array, "*s"],
    start: Float[Array, "*#s"],
    end: Float[Array, "*#s"],
    start_slope: Float[Array, "*#s"],
    end_slope: Float[Array, "*#s"],
) -> Float[Array, "*s"]:
    """a cubic Hermite spline between two values with given slopes"""
    s = 1 - t
    ends = (1 + 2 * t) * s**2 * start + t**2 * (3 - 2 * t) * end
    return ends + t * s * (s * start_slope - t * end_slope)


def catmull_rom(t: Float[Array, ""], points: Float[Array, "4 *s"]) -> Float[Array, "*s"]:
    """a Catmull-Rom spline between the middle two of four points"""
    p0, p1, p2, p3 = points
    slope = (p2 - p0) / 2
    quadratic = p0 - 2.5 * p1 + 2 * p2 - 0.5 * p3
    third = 1.5 * (p1 - p2) + 0.5 * (p3 - p0)
    return p1 + t * (slope + t * (quadratic + t * third))


def lagrange_through_three(x: Float[Array, "*s"], values: Float[Array, "3"]) -> Float[Array, "*s"]:
    """the parabola through `values` at minus one, zero and one"""
    left, middle, right = values
    return left * x * (x - 1) / 2 + middle * (1 - x * x) + right * x * (x + 1) / 2


def barycentric_interpolation(x: Float[Array, "*s"], values: Float[Array, "3"]) -> Float[Array, "*s"]:
    """the barycentric interpolation of `values` at minus two, one half and three"""
    left = 0.5 * values[0] / (x + 2.05)
    middle = -values[1] / (x - 0.525)
    right = 0.5 * values[2] / (x - 3.05)
    return left + middle + right


def evaluate_polynomial(coefficients: Inexact[Array, "n"], x: Inexact[Array, "*s"]) -> Inexact[Array, "*s"]:
    """the polynomial with the given coefficients, highest power first"""
    return jnp.polyval(coefficients, x)


def power_series(x: Float[Array, "*s"], coefficients: Float[Array, "n"]) -> Float[Array, "*s"]:
    """a power series in half of `x`"""
    powers = (x[..., None] / 2) ** jnp.arange(coefficients.shape[0])
    return jnp.sum(coefficients * powers, axis=-1)


def fourier_series(
    t: Float[Array, "*s"], amplitudes: Float[Array, "n"], *, fn: Literal["sin", "cos"]
) -> Float[Array, "*s"]:
    """a Fourier series with the amplitudes `amplitudes`"""
    harmonics = jnp.arange(1, amplitudes.shape[0] + 1, dtype=t.dtype)
    return jnp.sum(amplitudes * getattr(jnp, fn)(t[..., None] * harmonics), axis=-1)


def fourier_wave(t: Float[Array, "*s"], *, wave: Literal["square", "sawtooth", "triangle"]) -> Float[Array, "*s"]:
    """the leading harmonics of a periodic wave"""
    phase = 2 * jnp.pi * t
    if wave == "square":
        value = 4 / jnp.pi * (jnp.sin(phase) + jnp.sin(3 * phase) / 3 + jnp.sin(5 * phase) / 5)
    elif wave == "sawtooth":
        value = 2 / jnp.pi * (jnp.sin(phase) - jnp.sin(2 * phase) / 2 + jnp.sin(3 * phase) / 3)
    else:
        value = 8 / jnp.pi**2 * (jnp.cos(phase) + jnp.cos(3 * phase) / 9)
    return value


def waveform(
    t: Float[Array, "*s"],
    *,
    shape: Literal["square", "sawtooth", "triangle"],
    period: Annotated[float, Uniform(0.3, 1.5)],
) -> Float[Array, "*s"]:
    """a periodic wave"""
    phase = t / period - jnp.floor(t / period)
    if shape == "square":
        value = jnp.where(phase < 0.5, 1, -1) * jnp.ones_like(t)
    elif shape == "sawtooth":
        value = 2 * phase - 1
    else:
        value = 1 - 4 * jnp.abs(phase - 0.5)
    return value


def damped_oscillation(
    t: Float[Array, "*s"],
    *,
    frequency: Annotated[float, Uniform(0.5, 5.0)],
    damping: Annotated[float, Uniform(0.1, 1.0)],
    fn: Literal["sin", "cos"],
) -> Float[Array, "*s"]:
    """a damped oscillation"""
    return jnp.exp(-damping * t) * getattr(jnp, fn)(frequency * t)


def modulated_carrier(
    signal: Float[Array, "*b n"], *, carrier: Annotated[float, Uniform(1.0, 9.0)], kind: Literal["amplitude", "phase"]
) -> Float[Array, "*b n"]:
    """a carrier wave modulated by `signal`"""
    t = jnp.arange(signal.shape[-1], dtype=signal.dtype) / signal.shape[-1]
    if kind == "amplitude":
        wave = (1 + signal / 2) * jnp.cos(carrier * t)
    else:
        wave = jnp.cos(carrier * t + signal)
    return wave


def chirp(
    t: Float[Array, "*s"], *, start: Annotated[float, Uniform(0.5, 2.0)], rate: Annotated[float, Uniform(0.5, 4.0)]
) -> Float[Array, "*s"]:
    """a wave whose frequency rises with time"""
    return jnp.sin(2 * jnp.pi * (start * t + 0.5 * rate * t * t))


def morlet_wavelet(t: Float[Array, "*s"], *, frequency: Annotated[float, Uniform(2.0, 6.0)]) -> Float[Array, "*s"]:
    """the Morlet wavelet"""
    return (jnp.cos(frequency * t) - jnp.exp(-(frequency**2) / 2)) * jnp.exp(-t * t / 2)


def ricker_wavelet(t: Float[Array, "*s"], width: Float[Array, ""]) -> Float[Array, "*s"]:
    """the Mexican hat wavelet"""
    z = jnp.square(t / (jnp.abs(width) + 0.2))
    return (1 - z) * jnp.exp(-z / 2)


def window_samples(
    signal: Float[Array, "*b n"], *, window: Literal["hann", "blackman", "welch"]
) -> Float[Array, "*b n"]:
    """`signal` times a window over the last axis"""
    n = signal.shape[-1]
    position = (jnp.arange(n, dtype=signal.dtype) + 0.5) / n
    if window == "hann":
        weights = jnp.square(jnp.sin(jnp.pi * position))
    elif window == "blackman":
        angle = 2 * jnp.pi * position
        weights = 0.42 - 0.5 * jnp.cos(angle) + 0.08 * jnp.cos(2 * angle)
    else:
        weights = 1 - jnp.square(2 * position - 1)
    return signal * weights


def plane_wave(
    position: Float32[Array, "*b 3"], direction: Float32[Array, "3"], *, frequency: Annotated[float, Uniform(0.5, 3.0)]
) -> Complex64[Array, "*b"]:
    """a plane wave at points in space"""
    path = jnp.sum(position * direction, axis=-1)
    return jnp.exp(2j * jnp.pi * frequency * path)


def unit_roots_sum(samples: Complex64[Array, "*b n"], *, frequency: Literal[1, 2, 3]) -> Complex64[Array, "*b"]:
    """one coefficient of the discrete Fourier transform"""
    n = samples.shape[-1]
    roots = jnp.exp(-2j * jnp.pi * frequency / n * jnp.arange(n))
    return jnp.sum(samples * roots, axis=-1)


def trapezoid(samples: Inexact[Array, "*b n"], *, step: Annotated[float, Uniform(0.05, 0.5)]) -> Inexact[Array, "*b"]:
    """the integral of `samples` by the trapezoidal rule"""
    ends = (samples[..., 0] + samples[..., -1]) / 2
    return step * (jnp.sum(samples, axis=-1) - ends)


def trapezoid_over_grid(samples: Float[Array, "*b n"], grid: Float[Array, "n"]) -> Float[Array, "*b"]:
    """the integral of `samples` over the points of `grid`"""
    widths = jnp.diff(jnp.cumsum(jnp.abs(grid)))
    return jnp.sum((samples[..., 1:] + samples[..., :-1]) * widths, axis=-1) / 2


def simpson_panel(
    samples: Inexact[Array, "*b 5"], *, step: Annotated[float, Uniform(0.05, 0.5)], rule: Literal["simpson", "boole"]
) -> Inexact[Array, "*b"]:
    """the integral of the five samples `samples`"""
    ends = samples[..., 0] + samples[..., 4]
    odd = samples[..., 1] + samples[..., 3]
    if rule == "simpson":
        integral = step / 3 * (ends + 4 * odd + 2 * samples[..., 2])
    else:
        integral = 2 * step / 45 * (7 * ends + 32 * odd + 12 * samples[..., 2])
    return integral


def gauss_legendre(
    low: Float[Array, "*s"], high: Float[Array, "*s"], *, fn: Literal["sin", "exp", "tanh"]
) -> Float[Array, "*s"]:
    """the integral of a function from `low` to `high` by three Gauss points"""
    centre = (low + high) / 2
    half = (high - low) / 2
    shift = 0.77459667 * half
    outer = getattr(jnp, fn)(centre - shift) + getattr(jnp, fn)(centre + shift)
    return half / 9 * (5 * outer + 8 * getattr(jnp, fn)(centre))


def cumulative_integral(
    samples: Float[Array, "*b n"], *, step: Annotated[float, Uniform(0.05, 0.5)]
) -> Float[Array, "*b n-1"]:
    """the running integral of `samples`"""
    panels = (samples[..., 1:] + samples[..., :-1]) * (step / 2)
    return jnp.cumsum(panels, axis=-1)


def finite_difference(
    samples: Inexact[Array, "*b n+2"], *, step: Annotated[float, Uniform(0.1, 1.0)], order: Literal["first", "second"]
) -> Inexact[Array, "*b n"]:
    """a central difference along the last axis"""
    left = samples[..., :-2]
    right = samples[..., 2:]
    if order == "first":
        derivative = (right - left) / (2 * step)
    else:
        derivative = (right - 2 * samples[..., 1:-1] + left) / step**2
    return derivative


def one_sided_difference(
    samples: Inexact[Array, "*b n"], *, side: Literal["forward", "backward"]
) -> Inexact[Array, "*b n"]:
    """a one-sided difference along the last axis, periodic at the end"""
    if side == "forward":
        difference = jnp.roll(samples, -1, axis=-1) - samples
    else:
        difference = samples - jnp.roll(samples, 1, axis=-1)
    return difference


def five_point_derivative(
    samples: Inexact[Array, "*b n+4"], *, step: Annotated[float, Uniform(0.2, 1.0)]
) -> Inexact[Array, "*b n"]:
    """the derivative along the last axis by the five-point stencil"""
    near = samples[..., 3:-1] - samples[..., 1:-3]
    far = samples[..., 4:] - samples[..., :-4]
    return (8 * near - far) / (12 * step)


def richardson_extrapolation(
    coarse: Inexact[Array, "*s"], fine: Inexact[Array, "*s"], *, order: Literal[1, 2, 4]
) -> Inexact[Array, "*s"]:
    """the extrapolation of two approximations, the second with half the step"""
    return fine + (fine - coarse) / (2**order - 1)


def aitken_acceleration(x0: Float[Array, "*s"], x1: Float[Array, "*s"], x2: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the limit of a sequence by Aitken's process"""
    first = x1 - x0
    bend = x2 - 2 * x1 + x0
    return x0 - first * first / jnp.where(jnp.abs(bend) < 0.05, 1, bend)


def zeta_partial_sum(s: Float[Array, "*s"], *, kind: Literal["zeta", "eta"]) -> Float[Array, "*s"]:
    """the leading terms of the `kind` function at one plus the magnitude of `s`"""
    powers = jnp.arange(1, 7, dtype=s.dtype) ** -(1 + jnp.abs(s[..., None]))
    if kind == "zeta":
        total = jnp.sum(powers, axis=-1)
    else:
        total = jnp.sum(powers[..., ::2] - powers[..., 1::2], axis=-1)
    return total


def newton_root_step(
    x: Float[Array, "*#s"], target: Float[Array, "*#s"], *, degree: Literal[2, 3]
) -> Float[Array, "*s"]:
    """one Newton step towards a root of `target`"""
    guess = jnp.abs(x) + 0.1
    return ((degree - 1) * guess + jnp.abs(target) / guess ** (degree - 1)) / degree


def halley_cube_root(x: Float[Array, "*s"], guess: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """one Halley step towards the cube root of `x`"""
    cube = (jnp.abs(guess) + 0.1) ** 3
    a = jnp.abs(x)
    return (jnp.abs(guess) + 0.1) * (cube + 2 * a) / (2 * cube + a)
