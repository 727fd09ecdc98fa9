"""The functions of jax.scipy.special, each at points where it is finite."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax.scipy import special
from jaxtyping import AbstractDtype, Array, Complex, Float, Int32

from jaxir import Uniform


class Wide(AbstractDtype):
    """Types with enough digits for a series."""

    dtypes = ("float64", "float32")


def erf_family(x: Float[Array, "*s"], *, fn: Literal["erf", "erfc", "erfcx", "dawsn"]) -> Float[Array, "*s"]:
    """the special function `fn` of `x`"""
    return getattr(special, fn)(x)


def erfinv(y: Float[Array, "*s"], *, limit: Annotated[float, Uniform(0.8, 0.99)]) -> Float[Array, "*s"]:
    """the inverse error function of `y`, limited to an interval around zero"""
    return special.erfinv(jnp.clip(y, -limit, limit))


def gamma_family(
    x: Wide[Array, "*s"], *, fn: Literal["gamma", "gammaln", "loggamma", "digamma", "factorial"]
) -> Wide[Array, "*s"]:
    """the special function `fn` of a positive number"""
    return getattr(special, fn)(jnp.abs(x) + 0.3)


def gamma_with_sign(x: Wide[Array, "*s"], *, shift: Annotated[float, Uniform(-0.45, -0.15)]) -> Wide[Array, "*s"]:
    """the gamma function of a number moved off the poles, by its sign and the logarithm of its magnitude"""
    z = jnp.floor(jnp.clip(x, -2, 3)) + 1 + shift
    return special.gammasgn(z) * jnp.exp(special.gammaln(z)) + x


def gamma_of_a_complex_number(z: Complex[Array, "*s"], *, fn: Literal["gamma", "loggamma"]) -> Complex[Array, "*s"]:
    """the special function `fn` of a complex number, moved to the right half-plane"""
    return getattr(special, fn)(z + 2.5)


def incomplete_gamma_function(
    a: Wide[Array, "*#s"], x: Wide[Array, "*#s"], *, fn: Literal["gammainc", "gammaincc"]
) -> Wide[Array, "*s"]:
    """the regularised incomplete gamma function `fn`"""
    return getattr(special, fn)(jnp.abs(a) + 0.5, jnp.abs(x) + 0.2)


def incomplete_beta_function(
    x: Wide[Array, "*s"], *, a: Annotated[float, Uniform(0.5, 4.0)], b: Annotated[float, Uniform(0.5, 4.0)]
) -> Wide[Array, "*s"]:
    """the regularised incomplete beta function at a number held inside the unit interval"""
    return special.betainc(a, b, jnp.clip(x, 0.05, 0.95))


def beta_function(a: Wide[Array, "*#s"], b: Wide[Array, "*#s"], *, fn: Literal["beta", "betaln"]) -> Wide[Array, "*s"]:
    """the special function `fn` of two positive numbers"""
    return getattr(special, fn)(jnp.abs(a) + 0.3, jnp.abs(b) + 0.3)


def multivariate_gamma(a: Wide[Array, "*s"], *, dimension: Literal[1, 2, 3]) -> Wide[Array, "*s"]:
    """the logarithm of the multivariate gamma function in dimension `dimension`"""
    return special.multigammaln(jnp.abs(a) + dimension, dimension)


def pochhammer(z: Wide[Array, "*#s"], m: Wide[Array, "*#s"]) -> Wide[Array, "*s"]:
    """the rising factorial of two positive numbers"""
    return special.poch(jnp.abs(z) + 0.5, jnp.abs(m) + 0.5)


def combinations(n: Wide[Array, "*s"], k: Wide[Array, "*s"], *, repetition: Literal[False, True]) -> Wide[Array, "*s"]:
    """the binomial coefficient of numbers that need not be whole"""
    chosen = jnp.abs(k)
    return special.comb(jnp.abs(n) + chosen + 1, chosen, repetition=repetition)


def factorial_of_count(n: Int32[Array, "*s"]) -> Float[Array, "*s"]:
    """the factorial of a whole number"""
    return special.factorial(jnp.abs(n) % 8)


def exponential_integral(x: Wide[Array, "*s"], *, fn: Literal["exp1", "expi"]) -> Wide[Array, "*s"]:
    """the exponential integral `fn` of a positive number"""
    return getattr(special, fn)(jnp.abs(x) + 0.1)


def exponential_integral_of_order(x: Wide[Array, "*s"], *, order: Literal[1, 2, 3, 5]) -> Wide[Array, "*s"]:
    """the generalised exponential integral of order `order`"""
    return special.expn(order, jnp.abs(x) + 0.2)


def sine_and_cosine_integrals(x: Wide[Array, "*s"]) -> tuple[Wide[Array, "*s"], Wide[Array, "*s"]]:
    """the sine and the cosine integral of a positive number"""
    return special.sici(jnp.abs(x) + 0.1)


def fresnel_integrals(x: Wide[Array, "*s"], *, scale: Literal[1, 2]) -> tuple[Wide[Array, "*s"], Wide[Array, "*s"]]:
    """both Fresnel integrals of a multiple of `x`"""
    return special.fresnel(scale * x)


def cornu_spiral(t: Wide[Array, "*s"]) -> Wide[Array, "*s"]:
    """the distance of a point of Cornu's spiral from its centre"""
    s, c = special.fresnel(t)
    return jnp.hypot(s - 0.5, c - 0.5)


def modified_bessel(x: Float[Array, "*s"], *, fn: Literal["i0", "i0e", "i1", "i1e"]) -> Float[Array, "*s"]:
    """the modified Bessel function `fn`"""
    return getattr(special, fn)(x)


def bessel_function(z: Wide[Array, "n"], *, order: Literal[1, 2, 3], terms: Literal[10, 15]) -> Wide[Array, "n"]:
    """the Bessel function of the first kind of order `order`, by backward recurrence"""
    return special.bessel_jn(jnp.abs(z) + 0.2, v=order, n_iter=terms)[order]


def jacobi_anger(z: Wide[Array, "n"], angle: Wide[Array, "n"], *, terms: Literal[2, 3]) -> Wide[Array, "n"]:
    """the even part of the Jacobi-Anger expansion, cut off after `terms` terms"""
    j = special.bessel_jn(jnp.abs(z) + 0.2, v=2 * terms, n_iter=20)
    signs = (-1.0) ** jnp.arange(1, terms + 1)
    waves = jnp.cos(2 * jnp.arange(1, terms + 1)[:, None] * angle)
    return j[0] + 2 * jnp.sum(signs[:, None] * j[2::2] * waves, axis=0)


def zeta_function(s: Wide[Array, "*#s"], q: Wide[Array, "*#s"]) -> Wide[Array, "*s"]:
    """the Hurwitz zeta function of numbers in its domain"""
    return special.zeta(jnp.abs(s) + 1.2, jnp.abs(q) + 0.5)


def polygamma_function(x: Wide[Array, "*s"], *, order: Literal[0, 1, 2, 3]) -> Wide[Array, "*s"]:
    """the polygamma function of order `order` at a positive number"""
    return special.polygamma(order, jnp.abs(x) + 0.4)


def dilogarithm(x: Wide[Array, "*s"]) -> Wide[Array, "*s"]:
    """Spence's function of a positive number"""
    return special.spence(jnp.abs(x) + 0.05)


def owen_t(h: Wide[Array, "*#s"], a: Wide[Array, "*#s"]) -> Wide[Array, "*s"]:
    """Owen's T function"""
    return special.owens_t(h, a)


def kummer(
    x: Wide[Array, "*s"], *, a: Annotated[float, Uniform(0.5, 2.0)], b: Annotated[float, Uniform(1.0, 3.0)]
) -> Wide[Array, "*s"]:
    """Kummer's confluent hypergeometric function"""
    return special.hyp1f1(a, b, x)


def kummer_of_parameters(a: Wide[Array, "*s"], x: Wide[Array, "*s"], *, b: Literal[2, 3]) -> Wide[Array, "*s"]:
    """Kummer's function with its first parameter from the half-line above one half"""
    return special.hyp1f1(jnp.abs(a) + 0.5, b, jnp.clip(x, -2, 2))


def gauss_hypergeometric(
    x: Wide[Array, ""],
    *,
    a: Annotated[float, Uniform(0.5, 1.5)],
    b: Annotated[float, Uniform(0.5, 1.5)],
    c: Annotated[float, Uniform(2.0, 3.5)],
) -> Wide[Array, ""]:
    """Gauss's hypergeometric function of a number held inside the unit interval"""
    return special.hyp2f1(a, b, c, jnp.clip(x, -0.7, 0.7))


def faddeeva(z: Complex[Array, "*s"]) -> Complex[Array, "*s"]:
    """the Faddeeva function of a complex number"""
    return special.wofz(z)


def plasma_dispersion(z: Complex[Array, "*s"]) -> Complex[Array, "*s"]:
    """the plasma dispersion function"""
    return 1j * jnp.sqrt(jnp.pi).astype(z.dtype) * special.wofz(z)


def spherical_harmonic(
    theta: Wide[Array, "n"], phi: Wide[Array, "n"], *, degree: Literal[2, 3], order: Literal[1, 2]
) -> Wide[Array, "n"]:
    """the real part of a spherical harmonic"""
    n = jnp.full(theta.shape, degree)
    m = jnp.full(theta.shape, order)
    return jnp.real(special.sph_harm_y(n, m, theta, phi, n_max=degree)).astype(theta.dtype)


def bernoulli_numbers(x: Wide[Array, ""], *, count: Literal[4, 6, 8]) -> Wide[Array, ""]:
    """the power series whose coefficients are the first Bernoulli numbers"""
    coefficients = special.bernoulli(count).astype(x.dtype)
    return jnp.sum(coefficients * (x / 2) ** jnp.arange(count + 1))


def box_cox_transform(
    x: Wide[Array, "*#s"], power: Wide[Array, "*#s"], *, fn: Literal["boxcox", "boxcox1p"]
) -> Wide[Array, "*s"]:
    """the power transform `fn` of positive numbers"""
    return getattr(special, fn)(jnp.abs(x) + 0.1, power)


def logistic_pair(x: Float[Array, "*s"], *, fn: Literal["expit", "log_ndtr", "ndtr"]) -> Float[Array, "*s"]:
    """the special function `fn` of `x` in single precision"""
    return getattr(special, fn)(x.astype(jnp.float32)).astype(x.dtype)


def log_odds(p: Float[Array, "*s"], *, margin: Annotated[float, Uniform(0.02, 0.1)]) -> Float[Array, "*s"]:
    """the log odds of a probability held away from zero and one"""
    return special.logit(jnp.clip(p, margin, 1 - margin))


def normal_deviate(p: Wide[Array, "*s"]) -> Wide[Array, "*s"]:
    """the standard normal deviate with the given cumulative probability"""
    return special.ndtri(jnp.clip(p, 0.02, 0.98))


def relative_entropy_terms(
    p: Float[Array, "*#s"], q: Float[Array, "*#s"], *, fn: Literal["kl_div", "rel_entr"]
) -> Float[Array, "*s"]:
    """the special function `fn` of two positive numbers"""
    return getattr(special, fn)(jnp.abs(p) + 0.1, jnp.abs(q) + 0.1)


def entropy_terms(p: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """minus a positive number times its logarithm"""
    return special.entr(jnp.abs(p) + 0.05)


def product_with_log(
    x: Float[Array, "*#s"], y: Float[Array, "*#s"], *, fn: Literal["xlogy", "xlog1py"]
) -> Float[Array, "*s"]:
    """the special function `fn` of `x` and a positive number"""
    return getattr(special, fn)(x, jnp.abs(y) + 0.1)


def softmax_of_special(
    x: Float[Array, "*b n"], *, fn: Literal["softmax", "log_softmax"], axis: Literal[-1, 0]
) -> Float[Array, "*b n"]:
    """the `fn` of `x` along axis `axis`"""
    return getattr(special, fn)(x, axis=axis)


def log_sum_exp(x: Float[Array, "*b n"], weights: Float[Array, "n"], *, keepdims: Literal[False]) -> Float[Array, "*b"]:
    """the logarithm of a weighted sum of exponentials over the last axis"""
    return special.logsumexp(x, axis=-1, b=jnp.abs(weights) + 0.1, keepdims=keepdims)
