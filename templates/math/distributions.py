"""The distributions of jax.scipy.stats: densities, masses, cumulative functions and quantiles, and statistics."""

from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax.scipy import stats
from jaxtyping import AbstractDtype, Array, Float, Int32

from jaxir import Uniform


class Wide(AbstractDtype):
    """Types with enough digits for the tails of a distribution."""

    dtypes = ("float64", "float32")


def normal_law(
    x: Float[Array, "*#s"], mean: Float[Array, "*#s"], *, fn: Literal["pdf", "logpdf"]
) -> Float[Array, "*s"]:
    """the `fn` of a normal distribution of unit variance around `mean`"""
    return getattr(stats.norm, fn)(x, mean)


def normal_law_tail(
    x: Wide[Array, "*s"], log_scale: Wide[Array, ""], *, fn: Literal["cdf", "logcdf", "sf", "logsf"]
) -> Wide[Array, "*s"]:
    """the `fn` of a centred normal distribution whose scale is given by its logarithm"""
    return getattr(stats.norm, fn)(x, scale=jnp.exp(log_scale))


def normal_law_quantile(
    q: Wide[Array, "*s"],
    mean: Wide[Array, "*s"],
    *,
    fn: Literal["ppf", "isf"],
    scale: Annotated[float, Uniform(0.3, 3)],
) -> Wide[Array, "*s"]:
    """the `fn` of a normal distribution at a probability held away from zero and one"""
    return getattr(stats.norm, fn)(jnp.clip(q, 0.02, 0.98), mean, scale)


def cauchy_law(
    x: Float[Array, "*s"],
    location: Float[Array, "*s"],
    *,
    fn: Literal["pdf", "logpdf", "cdf", "logcdf", "sf", "logsf"],
    scale: Annotated[float, Uniform(0.3, 3.0)],
) -> Float[Array, "*s"]:
    """the `fn` of a Cauchy distribution around `location`"""
    return getattr(stats.cauchy, fn)(x, location, scale)


def cauchy_law_quantile(
    q: Wide[Array, "*s"], scale: Wide[Array, "*s"], *, fn: Literal["ppf", "isf"]
) -> Wide[Array, "*s"]:
    """the `fn` of a Cauchy distribution at the probability `q`, held away from zero and one"""
    return getattr(stats.cauchy, fn)(jnp.clip(q, 0.05, 0.95), scale=jnp.abs(scale) + 0.1)


def exponential_law(
    x: Float[Array, "*#s"], scale: Float[Array, "*#s"], *, fn: Literal["pdf", "logpdf", "cdf", "logcdf", "sf", "logsf"]
) -> Float[Array, "*s"]:
    """the `fn` of an exponential distribution"""
    return getattr(stats.expon, fn)(jnp.abs(x) + 0.05, scale=jnp.abs(scale) + 0.2)


def exponential_law_quantile(q: Wide[Array, "*s"], *, scale: Annotated[float, Uniform(0.3, 3.0)]) -> Wide[Array, "*s"]:
    """the quantile of an exponential distribution"""
    return stats.expon.ppf(jnp.clip(q, 0.02, 0.98), scale=scale)


def gamma_law(
    x: Wide[Array, "*#s"], shape: Wide[Array, "*#s"], *, fn: Literal["pdf", "logpdf", "cdf", "logcdf", "sf", "logsf"]
) -> Wide[Array, "*s"]:
    """the `fn` of a gamma distribution with the positive shape made of `shape`"""
    return getattr(stats.gamma, fn)(jnp.abs(x) + 0.1, jnp.abs(shape) + 0.5)


def chi_squared_law(
    x: Wide[Array, "*s"],
    *,
    freedom: Literal[1, 2, 3, 5, 8],
    fn: Literal["pdf", "logpdf", "cdf", "logcdf", "sf", "logsf"],
) -> Wide[Array, "*s"]:
    """the `fn` of a chi-squared distribution with `freedom` degrees of freedom"""
    return getattr(stats.chi2, fn)(jnp.square(x) + 0.1, freedom)


def beta_law(
    p: Wide[Array, "*s"],
    a: Wide[Array, ""],
    b: Wide[Array, ""],
    *,
    fn: Literal["pdf", "logpdf", "cdf", "logcdf", "sf", "logsf"],
) -> Wide[Array, "*s"]:
    """the `fn` of a beta distribution at probabilities held away from zero and one"""
    return getattr(stats.beta, fn)(jnp.clip(p, 0.05, 0.95), jnp.abs(a) + 0.5, jnp.abs(b) + 0.5)


def gumbel_law(
    x: Float[Array, "*s"],
    location: Float[Array, ""],
    *,
    law: Literal["gumbel_l", "gumbel_r"],
    fn: Literal["pdf", "logpdf", "cdf", "sf"],
) -> Float[Array, "*s"]:
    """the `fn` of the `law` distribution"""
    return getattr(getattr(stats, law), fn)(x, location)


def gumbel_law_tail(
    x: Wide[Array, "*#s"],
    location: Wide[Array, "*#s"],
    *,
    law: Literal["gumbel_l", "gumbel_r"],
    fn: Literal["logcdf", "logsf"],
) -> Wide[Array, "*s"]:
    """the logarithmic `fn` of the `law` distribution"""
    return getattr(getattr(stats, law), fn)(x, location)


def gumbel_law_quantile(
    q: Wide[Array, "*s"], *, law: Literal["gumbel_l", "gumbel_r"], scale: Annotated[float, Uniform(0.3, 3.0)]
) -> Wide[Array, "*s"]:
    """the quantile of the `law` distribution"""
    return getattr(stats, law).ppf(jnp.clip(q, 0.05, 0.95), scale=scale)


def laplace_law(
    x: Float[Array, "*#s"], location: Float[Array, "*#s"], *, fn: Literal["pdf", "logpdf", "cdf"]
) -> Float[Array, "*s"]:
    """the `fn` of a Laplace distribution around `location`"""
    return getattr(stats.laplace, fn)(x, location)


def logistic_law(
    x: Float[Array, "*s"], scale: Float[Array, ""], *, fn: Literal["pdf", "logpdf", "cdf", "sf"]
) -> Float[Array, "*s"]:
    """the `fn` of a logistic distribution"""
    return getattr(stats.logistic, fn)(x, scale=jnp.abs(scale) + 0.3)


def logistic_law_quantile(
    q: Wide[Array, "*s"], location: Wide[Array, "*s"], *, fn: Literal["ppf", "isf"]
) -> Wide[Array, "*s"]:
    """the `fn` of a logistic distribution around `location`"""
    return getattr(stats.logistic, fn)(jnp.clip(q, 0.05, 0.95), location)


def pareto_law(
    x: Wide[Array, "*s"],
    exponent: Wide[Array, "*s"],
    *,
    fn: Literal["pdf", "logpdf", "cdf", "logcdf", "sf", "logsf"],
) -> Wide[Array, "*s"]:
    """the `fn` of a Pareto distribution"""
    return getattr(stats.pareto, fn)(jnp.abs(x) + 1.1, jnp.abs(exponent) + 0.5)


def pareto_law_quantile(q: Wide[Array, "*s"], *, exponent: Annotated[float, Uniform(0.7, 3.0)]) -> Wide[Array, "*s"]:
    """the quantile of a Pareto distribution"""
    return stats.pareto.ppf(jnp.clip(q, 0.02, 0.95), exponent)


def student_law(
    x: Wide[Array, "*#s"], freedom: Wide[Array, "*#s"], *, fn: Literal["pdf", "logpdf"]
) -> Wide[Array, "*s"]:
    """the `fn` of Student's distribution"""
    return getattr(stats.t, fn)(x, jnp.abs(freedom) + 1)


def truncated_normal_law(
    x: Wide[Array, "*s"],
    *,
    low: Annotated[float, Uniform(-3.0, -1.0)],
    high: Annotated[float, Uniform(1.0, 3.0)],
    fn: Literal["pdf", "logpdf", "cdf", "logcdf", "sf", "logsf"],
) -> Wide[Array, "*s"]:
    """the `fn` of a normal distribution that is cut off on both sides"""
    return getattr(stats.truncnorm, fn)(jnp.clip(x, -0.9, 0.9), low, high)


def uniform_law(
    x: Float[Array, "*s"], *, start: Annotated[float, Uniform(-2.5, -1.5)], width: Annotated[float, Uniform(3.0, 5.0)]
) -> Float[Array, "*s"]:
    """the cumulative probability of a uniform distribution"""
    return stats.uniform.cdf(x, start, width)


def uniform_law_of_width(x: Float[Array, "*b n"], width: Float[Array, "*b n"]) -> Float[Array, "*b n"]:
    """the density of a uniform distribution around zero"""
    half = jnp.abs(width) + 0.3
    return stats.uniform.pdf(x, -half, 2 * half)


def uniform_proposal_log_weight(x: Float[Array, "*s"], reach: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the log weight of draws from a uniform distribution towards a normal one"""
    half = jnp.abs(reach) + 0.5
    draws = jnp.clip(x, -half, half)
    return stats.norm.logpdf(draws) - stats.uniform.logpdf(draws, -half, 2 * half)


def uniform_law_quantile(
    q: Float[Array, "*#s"], low: Float[Array, "*#s"], *, width: Literal[1, 2, 5]
) -> Float[Array, "*s"]:
    """the quantile of a uniform distribution that begins at `low`"""
    return stats.uniform.ppf(jnp.clip(q, 0, 1), low, width)


def von_mises_law(
    angle: Wide[Array, "*#s"], concentration: Wide[Array, "*#s"], *, fn: Literal["pdf", "logpdf"]
) -> Wide[Array, "*s"]:
    """the `fn` of a von Mises distribution"""
    return getattr(stats.vonmises, fn)(angle, jnp.abs(concentration) + 0.1)


def wrapped_cauchy_law(
    angle: Wide[Array, "*s"], *, fn: Literal["pdf", "logpdf"], concentration: Annotated[float, Uniform(0.2, 0.8)]
) -> Wide[Array, "*s"]:
    """the `fn` of a Cauchy distribution wrapped around the circle"""
    return getattr(stats.wrapcauchy, fn)(jnp.mod(angle, 2 * jnp.pi), concentration)


def generalised_normal_law(
    x: Wide[Array, "*s"], *, fn: Literal["pdf", "logpdf", "cdf"], shape: Annotated[float, Uniform(0.8, 3.0)]
) -> Wide[Array, "*s"]:
    """the `fn` of a generalised normal distribution"""
    return getattr(stats.gennorm, fn)(x, shape)


def bernoulli_law(
    k: Int32[Array, "*b n"], p: Wide[Array, "*b n"], *, fn: Literal["pmf", "logpmf", "cdf"]
) -> Wide[Array, "*b n"]:
    """the `fn` of a coin that shows one with probability `p`"""
    chance = jnp.clip(p, 0.05, 0.95)
    return getattr(stats.bernoulli, fn)(jnp.abs(k) % 2, chance)


def bernoulli_law_quantile(q: Wide[Array, "*b n"], p: Wide[Array, "*b n"]) -> Wide[Array, "*b n"]:
    """the quantile of a coin that shows one with probability `p`"""
    return stats.bernoulli.ppf(jnp.clip(q, 0.05, 0.95), jnp.clip(p, 0.05, 0.95)).astype(p.dtype)


def binomial_law(
    k: Int32[Array, "*s"], p: Wide[Array, "*s"], *, trials: Literal[10, 12, 20], fn: Literal["pmf", "logpmf"]
) -> Wide[Array, "*s"]:
    """the `fn` of a binomial distribution of `trials` trials"""
    return getattr(stats.binom, fn)(jnp.abs(k), trials, jnp.clip(p, 0.05, 0.95))


def beta_binomial_law(
    k: Int32[Array, "*s"],
    a: Wide[Array, "*s"],
    b: Wide[Array, "*s"],
    *,
    trials: Literal[10, 12],
    fn: Literal["pmf", "logpmf"],
) -> Wide[Array, "*s"]:
    """the `fn` of a binomial distribution whose probability follows a beta distribution"""
    return getattr(stats.betabinom, fn)(jnp.abs(k), trials, jnp.abs(a) + 0.5, jnp.abs(b) + 0.5)


def negative_binomial_law(
    k: Int32[Array, "*s"], p: Wide[Array, "*s"], *, successes: Literal[1, 3, 5], fn: Literal["pmf", "logpmf"]
) -> Wide[Array, "*s"]:
    """the `fn` of the number of failures before `successes` successes"""
    return getattr(stats.nbinom, fn)(jnp.abs(k), successes, jnp.clip(p, 0.05, 0.95))


def geometric_law(k: Int32[Array, "*s"], p: Wide[Array, "*s"], *, fn: Literal["pmf", "logpmf"]) -> Wide[Array, "*s"]:
    """the `fn` of the number of trials until the first success"""
    return getattr(stats.geom, fn)(jnp.abs(k) + 1, jnp.clip(p, 0.05, 0.95))


def poisson_law(
    k: Int32[Array, "*s"], rate: Wide[Array, "*s"], *, fn: Literal["pmf", "logpmf", "cdf"]
) -> Wide[Array, "*s"]:
    """the `fn` of a Poisson distribution"""
    return getattr(stats.poisson, fn)(jnp.abs(k), jnp.abs(rate) + 0.2)


def poisson_entropy(rate: Wide[Array, "n"], *, largest: Literal[2, 4]) -> Wide[Array, "n"]:
    """the entropy of Poisson distributions"""
    return stats.poisson.entropy(jnp.clip(jnp.abs(rate), 0.2, largest))


def dirichlet_law(
    logits: Wide[Array, "n"], concentration: Wide[Array, "n"], *, fn: Literal["pdf", "logpdf"]
) -> Wide[Array, ""]:
    """the `fn` of a Dirichlet distribution at the probabilities with the given logits"""
    return getattr(stats.dirichlet, fn)(jax.nn.softmax(logits), jnp.abs(concentration) + 0.5)


def multinomial_law(
    counts: Int32[Array, "n"], logits: Wide[Array, "n"], *, fn: Literal["pmf", "logpmf"]
) -> Wide[Array, ""]:
    """the `fn` of a multinomial distribution at counts of its categories"""
    k = jnp.abs(counts) % 4
    return getattr(stats.multinomial, fn)(k, jnp.sum(k), jax.nn.softmax(logits))


def multivariate_normal_law(
    x: Wide[Array, "*b n"], mean: Wide[Array, "n"], factor: Wide[Array, "n n"], *, fn: Literal["pdf", "logpdf"]
) -> Wide[Array, "*b"]:
    """the `fn` of a multivariate normal distribution with the covariance that `factor` gives"""
    covariance = factor @ factor.T + jnp.eye(mean.shape[0], dtype=mean.dtype)
    return getattr(stats.multivariate_normal, fn)(x, mean, covariance)


def ranks_with_ties(
    x: Float[Array, "*b n"], *, method: Literal["average", "min", "max", "dense", "ordinal"]
) -> Float[Array, "*b n"]:
    """the ranks of the numbers along the last axis, ties by the rule '`method`'"""
    return stats.rankdata(x, method=method, axis=-1).astype(x.dtype)


def standard_error(x: Float[Array, "*b n"], *, ddof: Literal[0, 1]) -> Float[Array, "*b"]:
    """the standard error of the mean over the last axis, to which the first entry plus one was appended"""
    return stats.sem(jnp.concatenate([x, x[..., :1] + 1], axis=-1), axis=-1, ddof=ddof)


def mode_along_axis(x: Int32[Array, "n *b"], *, keepdims: Literal[False]) -> Int32[Array, "*b"]:
    """the most frequent remainder of `x` by four along the first axis"""
    return stats.mode(x % 4, axis=0, keepdims=keepdims).mode


def frequency_of_mode(x: Int32[Array, "*b n"]) -> Float[Array, "*b"]:
    """the share of the most frequent number along the last axis"""
    return stats.mode(x, axis=-1).count / jnp.asarray(x.shape[-1], jnp.float32)
