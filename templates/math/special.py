"""Special functions and densities: error functions, gamma, Bessel, zeta, and the laws of probability."""

from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy import special
from jaxtyping import Array, Float, Float32, Int32

from jaxir import Uniform


def error_function(x: Float[Array, "*s"], *, fn: Literal["erf", "erfc"]) -> Float[Array, "*s"]:
    """an error function of `x`"""
    return getattr(lax, fn)(x)


def inverse_error_function(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the inverse error function of `x`, limited to the open unit interval"""
    return lax.erf_inv(jnp.clip(x, -0.98, 0.98))


def scaled_erfc(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the scaled complementary error function of the magnitude of `x`"""
    a = jnp.abs(x)
    return jnp.exp(a * a) * lax.erfc(a)


def log_gamma(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the logarithm of the gamma function of a positive number"""
    return lax.lgamma(jnp.abs(x) + 0.1)


def digamma(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the digamma function of a positive number"""
    return lax.digamma(jnp.abs(x) + 0.1)


def polygamma(x: Float[Array, "*s"], *, order: Literal[1, 2]) -> Float[Array, "*s"]:
    """a derivative of the digamma function"""
    return special.polygamma(order, jnp.abs(x) + 0.5)


def gamma_reflection(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the product of the gamma function at `x` and at one minus `x`"""
    return jnp.pi / jnp.maximum(jnp.sin(jnp.pi * jnp.clip(x, 0.05, 0.95)), 0.01)


def stirling(n: Float[Array, "*s"], *, terms: Literal[1, 2, 3]) -> Float[Array, "*s"]:
    """Stirling's approximation of the logarithm of a factorial"""
    m = jnp.abs(n) + 1
    base = m * jnp.log(m) - m + 0.5 * jnp.log(2 * jnp.pi * m)
    if terms == 1:
        value = base
    elif terms == 2:
        value = base + 1 / (12 * m)
    else:
        value = base + 1 / (12 * m) - 1 / (360 * m**3)
    return value


def log_beta(a: Float[Array, "*#s"], b: Float[Array, "*#s"]) -> Float[Array, "*s"]:
    """the logarithm of the beta function"""
    p = jnp.abs(a) + 0.1
    q = jnp.abs(b) + 0.1
    return lax.lgamma(p) + lax.lgamma(q) - lax.lgamma(p + q)


def log_binomial(n: Float[Array, "*s"], k: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the logarithm of a binomial coefficient"""
    low = jnp.abs(k)
    high = jnp.abs(n) + low
    return lax.lgamma(high + 1) - lax.lgamma(low + 1) - lax.lgamma(high - low + 1)


def incomplete_gamma(
    a: Float[Array, "*s"], x: Float[Array, "*s"], *, fn: Literal["igamma", "igammac"]
) -> Float[Array, "*s"]:
    """a regularised incomplete gamma function"""
    return getattr(lax, fn)(jnp.abs(a) + 0.5, jnp.abs(x) + 0.1)


def incomplete_beta(a: Float[Array, "*s"], b: Float[Array, "*s"], x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the regularised incomplete beta function"""
    alpha = jnp.abs(lax.stop_gradient(a)) + 0.5
    beta = jnp.abs(lax.stop_gradient(b)) + 0.5
    return lax.betainc(alpha, beta, jnp.clip(jnp.abs(x) / 2, 0.05, 0.95))


def zeta(s: Float[Array, "*s"], q: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the Hurwitz zeta function of two numbers moved into its domain"""
    order = jnp.abs(lax.stop_gradient(s)) + 1.5
    return lax.zeta(order, jnp.abs(lax.stop_gradient(q)) + 0.5)


def bessel_scaled(x: Float[Array, "*s"], *, fn: Literal["bessel_i0e", "bessel_i1e"]) -> Float[Array, "*s"]:
    """an exponentially scaled Bessel function of `x`"""
    return getattr(lax, fn)(x)


def bessel_i0_series(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the leading terms of the series of the Bessel function I0"""
    t = jnp.square(x / 2)
    return 1 + t * (1 + t / 4 * (1 + t / 9 * (1 + t / 16)))


def bessel_j_asymptotic(x: Float[Array, "*s"], *, order: Literal[0, 1]) -> Float[Array, "*s"]:
    """the asymptotic form of a Bessel function of the first kind"""
    r = jnp.abs(x) + 1
    return jnp.sqrt(2 / (jnp.pi * r)) * jnp.cos(r - order * jnp.pi / 2 - jnp.pi / 4)


def spherical_bessel(x: Float[Array, "*s"], *, order: Literal[0, 1, 2]) -> Float[Array, "*s"]:
    """a spherical Bessel function of `x` moved away from zero"""
    r = jnp.abs(x) + 0.5
    if order == 0:
        value = jnp.sin(r) / r
    elif order == 1:
        value = jnp.sin(r) / r**2 - jnp.cos(r) / r
    else:
        value = (3 / r**2 - 1) * jnp.sin(r) / r - 3 * jnp.cos(r) / r**2
    return value


def fresnel_integrand(t: Float[Array, "*s"], *, fn: Literal["sin", "cos"]) -> Float[Array, "*s"]:
    """the integrand of a Fresnel integral"""
    return getattr(jnp, fn)(jnp.pi / 2 * jnp.square(t))


def dawson_approximation(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """a rational approximation of Dawson's function"""
    t = x * x
    top = 1 + t * (0.1049934947 + t * 0.0424060604)
    bottom = 1 + t * (0.7715471019 + t * (0.2909738639 + t * 0.0848121208))
    return x * top / bottom


def spence_series(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the leading terms of the dilogarithm of half of `x`"""
    z = jnp.clip(x / 2, -0.9, 0.9)
    return z + z**2 / 4 + z**3 / 9 + z**4 / 16 + z**5 / 25


def lambert_w(x: Float32[Array, "*s"], *, steps: Literal[1, 2]) -> Float32[Array, "*s"]:
    """Lambert's W of a positive number by Halley's method"""
    a = jnp.abs(x)

    def refine(w):
        excess = w * jnp.exp(w) - a
        return w - excess / (jnp.exp(w) * (w + 1) - (w + 2) * excess / (2 * w + 2))

    start = jnp.log1p(a)
    if steps == 1:
        w = refine(start)
    else:
        w = refine(refine(start))
    return w


def elliptic_k(m: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the complete elliptic integral of the first kind by three steps of the AGM"""
    a = jnp.ones_like(m)
    b = jnp.sqrt(1 - jnp.clip(jnp.abs(m) / 2, 0, 0.9))
    for _ in range(3):
        a, b = (a + b) / 2, jnp.sqrt(a * b)
    return jnp.pi / (a + b)


def elliptic_perimeter(a: Float[Array, "*s"], b: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """Ramanujan's approximation of the perimeter of an ellipse"""
    total = jnp.abs(a) + jnp.abs(b) + 1e-3
    h = jnp.square((jnp.abs(a) - jnp.abs(b)) / total)
    return jnp.pi * total * (1 + 3 * h / (10 + jnp.sqrt(4 - 3 * h)))


def normal_density(
    x: Float[Array, "*#s"],
    mean: Float[Array, "*#s"],
    scale: Float[Array, ""],
    *,
    form: Literal["density", "log-density"],
) -> Float[Array, "*s"]:
    """the `form` of a normal distribution"""
    sigma = jnp.abs(scale) + 0.1
    z = (x - mean) / sigma
    if form == "density":
        value = jnp.exp(-0.5 * z * z) / (sigma * jnp.sqrt(2 * jnp.pi))
    else:
        value = -0.5 * z * z - jnp.log(sigma) - 0.9189385
    return value


def normal_cdf(x: Float[Array, "*s"], *, form: Literal["erf", "erfc"]) -> Float[Array, "*s"]:
    """the cumulative probability of the standard normal distribution"""
    if form == "erf":
        value = 0.5 * (1 + lax.erf(0.70710678 * x))
    else:
        value = 0.5 * lax.erfc(-0.70710678 * x)
    return value


def normal_tail(x: Float32[Array, "*s"], *, fn: Literal["ndtr", "log_ndtr"]) -> Float32[Array, "*s"]:
    """the upper tail of a normal distribution by `fn`"""
    return getattr(special, fn)(-x)


def normal_quantile(p: Float32[Array, "*s"], *, form: Literal["erf_inv", "library"]) -> Float32[Array, "*s"]:
    """the quantile of the standard normal distribution"""
    q = jnp.clip(p, 0.02, 0.98)
    if form == "erf_inv":
        value = 1.41421356 * lax.erf_inv(2 * q - 1)
    else:
        value = special.ndtri(q)
    return value


def mills_ratio(x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the ratio of the normal density to its upper tail"""
    z = jnp.clip(x, -3, 3)
    density = jnp.exp(-z * z / 2) * 0.39894228
    return density / (0.5 * lax.erfc(z * 0.70710678))


def laplace_density(
    x: Float[Array, "*#s"], location: Float[Array, "*#s"], *, scale: Annotated[float, Uniform(0.3, 2.0)]
) -> Float[Array, "*s"]:
    """the density of a Laplace distribution"""
    return jnp.exp(-jnp.abs(x - location) / scale) / (2 * scale)


def cauchy_density(
    x: Float[Array, "*#s"], location: Float[Array, "*#s"], *, form: Literal["density", "cumulative", "log"]
) -> Float[Array, "*s"]:
    """a function of the Cauchy distribution around `location`"""
    z = x - location
    if form == "density":
        value = 1 / (jnp.pi * (1 + z * z))
    elif form == "cumulative":
        value = 0.5 + jnp.arctan(z) / jnp.pi
    else:
        value = -jnp.log(jnp.pi) - jnp.log1p(z * z)
    return value


def logistic_density(
    x: Float[Array, "*s"], *, form: Literal["logistic", "hyperbolic", "exponential"]
) -> Float[Array, "*s"]:
    """the density of the logistic distribution"""
    if form == "logistic":
        p = lax.logistic(x)
        density = p * (1 - p)
    elif form == "hyperbolic":
        density = 0.25 / jnp.square(jnp.cosh(x / 2))
    else:
        decay = jnp.exp(-jnp.abs(x))
        density = decay / jnp.square(1 + decay)
    return density


def student_t_log_density(x: Float[Array, "*s"], freedom: Float[Array, ""]) -> Float[Array, "*s"]:
    """the logarithm of Student's density, up to a constant in `x`"""
    nu = jnp.abs(freedom) + 1
    constant = lax.lgamma((nu + 1) / 2) - lax.lgamma(nu / 2) - 0.5 * jnp.log(jnp.pi * nu)
    return constant - (nu + 1) / 2 * jnp.log1p(x * x / nu)


def gamma_log_density(
    x: Float[Array, "*#s"], shape: Float[Array, "*#s"], *, rate: Annotated[float, Uniform(0.5, 3.0)]
) -> Float[Array, "*s"]:
    """the logarithm of a gamma density"""
    value = jnp.abs(x) + 0.05
    alpha = jnp.abs(shape) + 0.5
    return alpha * jnp.log(rate) + (alpha - 1) * jnp.log(value) - rate * value - lax.lgamma(alpha)


def beta_log_density(p: Float[Array, "*s"], a: Float[Array, ""], b: Float[Array, ""]) -> Float[Array, "*s"]:
    """the logarithm of a beta density"""
    q = jnp.clip(p, 0.02, 0.98)
    alpha = jnp.abs(a) + 0.5
    beta = jnp.abs(b) + 0.5
    normaliser = lax.lgamma(alpha) + lax.lgamma(beta) - lax.lgamma(alpha + beta)
    return (alpha - 1) * jnp.log(q) + (beta - 1) * jnp.log1p(-q) - normaliser


def poisson_log_mass(count: Int32[Array, "*s"], rate: Float32[Array, "*s"]) -> Float32[Array, "*s"]:
    """the logarithm of a Poisson probability"""
    k = jnp.abs(count).astype(jnp.float32)
    intensity = jnp.abs(rate) + 0.01
    return k * jnp.log(intensity) - intensity - lax.lgamma(k + 1)


def binomial_log_mass(
    successes: Int32[Array, "*s"], p: Float32[Array, "*s"], *, trials: Annotated[int, Uniform(10, 20)]
) -> Float32[Array, "*s"]:
    """the logarithm of a binomial probability"""
    k = jnp.clip(successes, 0, trials).astype(jnp.float32)
    q = jnp.clip(p, 0.02, 0.98)
    choices = lax.lgamma(trials + 1.0) - lax.lgamma(k + 1) - lax.lgamma(trials - k + 1)
    return choices + k * jnp.log(q) + (trials - k) * jnp.log1p(-q)


def extreme_value_density(
    x: Float[Array, "*s"], *, form: Literal["gumbel", "weibull", "rayleigh"]
) -> Float[Array, "*s"]:
    """the density of an extreme value distribution"""
    a = jnp.abs(x) + 0.01
    if form == "gumbel":
        density = jnp.exp(-(x + jnp.exp(-x)))
    elif form == "weibull":
        density = 1.5 * jnp.sqrt(a) * jnp.exp(-(a**1.5))
    else:
        density = a * jnp.exp(-a * a / 2)
    return density


def lognormal_density(x: Float[Array, "*s"], *, sigma: Annotated[float, Uniform(0.3, 1.5)]) -> Float[Array, "*s"]:
    """the density of a lognormal distribution"""
    a = jnp.abs(x) + 0.05
    z = jnp.log(a) / sigma
    return jnp.exp(-z * z / 2) / (a * sigma * jnp.sqrt(2 * jnp.pi))


def von_mises_density(
    angle: Float[Array, "*s"], *, concentration: Annotated[float, Uniform(0.3, 4.0)]
) -> Float[Array, "*s"]:
    """the density of a von Mises distribution"""
    kappa = jnp.full_like(angle, concentration)
    return jnp.exp(kappa * (jnp.cos(angle) - 1)) / (2 * jnp.pi * lax.bessel_i0e(kappa))


def gaussian_mixture(
    x: Float[Array, "*s"], means: Float[Array, "2"], *, weight: Annotated[float, Uniform(0.2, 0.8)]
) -> Float[Array, "*s"]:
    """the density of a mixture of two normal distributions of unit variance"""
    first = jnp.exp(-0.5 * jnp.square(x - means[0]))
    second = jnp.exp(-0.5 * jnp.square(x - means[1]))
    return 0.39894228 * (weight * first + (1 - weight) * second)


def voigt_profile(
    x: Float[Array, "*s"], *, mixing: Annotated[float, Uniform(0.1, 0.9)], width: Annotated[float, Uniform(0.5, 2.0)]
) -> Float[Array, "*s"]:
    """a spectral line between Gaussian and Lorentzian shape"""
    z = jnp.square(x / width)
    lorentzian = 1 / (1 + z)
    gaussian = jnp.exp2(-z)
    return mixing * lorentzian + (1 - mixing) * gaussian


def binary_entropy(p: Float[Array, "*s"], *, unit: Literal["bits", "nats"]) -> Float[Array, "*s"]:
    """the entropy of a coin that shows heads with probability `p`"""
    q = jnp.clip(p, 0.01, 0.99)
    if unit == "bits":
        entropy = -q * jnp.log2(q) - (1 - q) * jnp.log2(1 - q)
    else:
        entropy = -special.xlogy(q, q) - special.xlog1py(1 - q, -q)
    return entropy


def entropy_of_weights(weights: Float[Array, "*b n"], *, form: Literal["entr", "log"]) -> Float[Array, "*b"]:
    """the entropy of the distribution given by the unnormalised weights `weights`"""
    positive = jnp.abs(weights) + 1e-3
    p = positive / jnp.sum(positive, axis=-1, keepdims=True)
    if form == "entr":
        entropy = jnp.sum(special.entr(p), axis=-1)
    else:
        entropy = -jnp.sum(p * jnp.log(p), axis=-1)
    return entropy


def renyi_entropy(weights: Float[Array, "*b n"], *, order: Literal[2, 3]) -> Float[Array, "*b"]:
    """the Renyi entropy of the distribution given by the unnormalised weights `weights`"""
    positive = jnp.abs(weights) + 1e-3
    p = positive / jnp.sum(positive, axis=-1, keepdims=True)
    return jnp.log(jnp.sum(p**order, axis=-1)) / (1 - order)


def european_call(
    spot: Float32[Array, "*#s"], strike: Float32[Array, "*#s"], *, volatility: Annotated[float, Uniform(0.1, 0.6)]
) -> Float32[Array, "*s"]:
    """the Black-Scholes price of a call that expires in a year, without interest"""
    s = jnp.abs(spot) + 0.1
    k = jnp.abs(strike) + 0.1
    d1 = jnp.log(s / k) / volatility + volatility / 2
    return s * special.ndtr(d1) - k * special.ndtr(d1 - volatility)


def planck_radiance(wavelength: Float[Array, "*s"], temperature: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """Planck's law in reduced units"""
    lam = jnp.abs(wavelength) + 0.5
    t = jnp.abs(temperature) + 0.5
    return 1 / (lam**5 * jnp.expm1(1 / (lam * t)))


def gaussian_bump(
    x: Float[Array, "*#s"], centre: Float[Array, "*#s"], *, width: Annotated[float, Uniform(0.3, 2.0)]
) -> Float[Array, "*s"]:
    """a Gaussian around `centre`"""
    return jnp.exp(-jnp.square((x - centre) / width))


def slope_of_special_function(
    x: Float[Array, "*s"], *, fn: Literal["erf", "lgamma", "bessel_i0e"]
) -> Float[Array, "*s"]:
    """the derivative of a special function at one plus the square of `x`"""
    return jax.grad(lambda v: jnp.sum(getattr(lax, fn)(v)))(1 + x * x)
