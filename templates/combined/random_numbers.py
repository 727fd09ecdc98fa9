"""Random numbers of jax.random from a raw key of two words: samplers, shuffles, keys of keys.

Shapes of gamma variates stay small: XLA takes for ever over the gradient of one whose shape is 1e30.
"""

from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import random
from jaxtyping import AbstractDtype, Array, Float, Int32, Num, UInt32

from jaxir import Uniform


class Wide(AbstractDtype):
    """Types in which a sampler's tails keep their digits."""

    dtypes = ("float64", "float32")


def noise_like(
    key: UInt32[Array, "2"],
    x: Wide[Array, "*s"],
    *,
    fn: Literal["normal", "uniform", "cauchy", "gumbel", "laplace", "logistic", "exponential", "maxwell"],
) -> Wide[Array, "*s"]:
    """`x` plus noise of the `fn` distribution"""
    return x + getattr(random, fn)(key, x.shape, x.dtype)


def noise_of_given_strength(
    key: UInt32[Array, "2"],
    x: Float[Array, "*s"],
    *,
    fn: Literal["normal", "uniform", "rademacher", "exponential"],
    strength: Annotated[float, Uniform(0.05, 0.5)],
) -> Float[Array, "*s"]:
    """`x` with multiplicative `fn` noise"""
    return x * (1 + strength * getattr(random, fn)(key, x.shape, x.dtype))


def uniform_between(key: UInt32[Array, "2"], low: Wide[Array, "*s"], width: Wide[Array, "*s"]) -> Wide[Array, "*s"]:
    """numbers drawn evenly from intervals that start at `low`"""
    return random.uniform(key, low.shape, low.dtype, minval=low, maxval=low + jnp.abs(width))


def complex_noise(key: UInt32[Array, "2"], x: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """`x` scaled by the magnitude of complex normal numbers"""
    return (x * jnp.abs(random.normal(key, x.shape, jnp.complex64))).astype(x.dtype)


def signed_maxwell(
    key: UInt32[Array, "2"], location: Wide[Array, "*s"], *, scale: Annotated[float, Uniform(0.3, 2.0)]
) -> Wide[Array, "*s"]:
    """double-sided Maxwell noise around `location`"""
    return location + random.double_sided_maxwell(key, 0.0, scale, location.shape, location.dtype)


def sample_of_shape(
    key: UInt32[Array, "2"], a: Wide[Array, "*s"], *, fn: Literal["gamma", "loggamma", "chisquare", "t"]
) -> Wide[Array, "*s"]:
    """a `fn` sample for each positive parameter"""
    return getattr(random, fn)(key, jnp.minimum(jnp.abs(a), 100) + 0.5, dtype=a.dtype)


def sample_of_two_shapes(
    key: UInt32[Array, "2"], a: Wide[Array, "*s"], b: Wide[Array, "*s"], *, fn: Literal["beta", "f"]
) -> Wide[Array, "*s"]:
    """a `fn` sample for each pair of positive parameters"""
    return getattr(random, fn)(key, jnp.minimum(jnp.abs(a), 100) + 1, jnp.minimum(jnp.abs(b), 100) + 1, dtype=a.dtype)


def sample_of_parameter(
    key: UInt32[Array, "2"], a: Wide[Array, "*s"], *, fn: Literal["pareto", "rayleigh", "wald", "lognormal"]
) -> Wide[Array, "*s"]:
    """a `fn` sample for each positive parameter"""
    return getattr(random, fn)(key, jnp.abs(a) + 0.5, dtype=a.dtype)


def weibull_sample(
    key: UInt32[Array, "2"], scale: Wide[Array, "*s"], *, concentration: Annotated[float, Uniform(0.7, 3.0)]
) -> Wide[Array, "*s"]:
    """a Weibull sample for each scale"""
    return random.weibull_min(key, jnp.abs(scale) + 0.1, concentration, scale.shape, scale.dtype)


def triangular_sample(key: UInt32[Array, "2"], peak: Wide[Array, "*s"]) -> Wide[Array, "*s"]:
    """a sample between -1 and 1 for each peak of a triangular distribution"""
    mode = jnp.clip(peak, -0.9, 0.9)
    return random.triangular(key, -jnp.ones_like(mode), mode, jnp.ones_like(mode), dtype=peak.dtype)


def truncated_normal_sample(
    key: UInt32[Array, "2"],
    mean: Wide[Array, "*s"],
    *,
    low: Annotated[float, Uniform(-3.0, -1.0)],
    high: Annotated[float, Uniform(1.0, 3.0)],
) -> Wide[Array, "*s"]:
    """normal noise that is cut off on both sides, around `mean`"""
    return mean + random.truncated_normal(key, low, high, mean.shape, mean.dtype)


def generalised_normal_sample(
    key: UInt32[Array, "2"], x: Wide[Array, "*s"], *, power: Literal[1, 2, 3]
) -> Wide[Array, "*s"]:
    """`x` plus generalised normal noise"""
    return x + random.generalized_normal(key, power, x.shape, x.dtype)


def geometric_sample(key: UInt32[Array, "2"], p: Wide[Array, "n"]) -> Int32[Array, "n"]:
    """a number of trials until success for each probability"""
    return random.geometric(key, jnp.clip(p, 0.1, 0.9), dtype=jnp.int32)


def poisson_sample(key: UInt32[Array, "2"], rate: Wide[Array, "n"], *, scale: Literal[2, 5]) -> Int32[Array, "n"]:
    """a Poisson count for each rate"""
    return random.poisson(key, scale * jnp.abs(rate) + 1, dtype=jnp.int32)


def binomial_sample(key: UInt32[Array, "2"], p: Wide[Array, "n"], *, trials: Literal[5, 10, 20]) -> Wide[Array, "n"]:
    """a binomial count for each probability"""
    return random.binomial(key, trials, jnp.clip(p, 0.2, 0.8), dtype=p.dtype)


def multinomial_sample(
    key: UInt32[Array, "2"], logits: Wide[Array, "n"], *, trials: Literal[10, 20]
) -> Wide[Array, "n"]:
    """counts of categories with the given logits"""
    return random.multinomial(key, trials, jax.nn.softmax(logits), dtype=logits.dtype)


def dirichlet_sample(key: UInt32[Array, "2"], concentration: Wide[Array, "n"]) -> Wide[Array, "n"]:
    """a random probability vector"""
    return random.dirichlet(key, jnp.minimum(jnp.abs(concentration), 100) + 0.5, dtype=concentration.dtype)


def multivariate_normal_sample(
    key: UInt32[Array, "2"], mean: Wide[Array, "n"], factor: Wide[Array, "n n"], *, method: Literal["cholesky"]
) -> Wide[Array, "n"]:
    """a normal vector with a covariance of which `factor` gives a part"""
    covariance = factor @ factor.T + jnp.eye(mean.shape[0], dtype=mean.dtype)
    return random.multivariate_normal(key, mean, covariance, dtype=mean.dtype, method=method)


def dropout_by_bernoulli(
    key: UInt32[Array, "2"],
    x: Float[Array, "*s"],
    *,
    keep: Annotated[float, Uniform(0.4, 0.8)],
    fill: Literal["zero", "mean"],
) -> Float[Array, "*s"]:
    """`x` with random elements replaced and the others scaled up"""
    mask = random.bernoulli(key, keep, x.shape)
    if fill == "zero":
        rest = jnp.zeros_like(x)
    else:
        rest = jnp.broadcast_to(jnp.mean(x), x.shape)
    return jnp.where(mask, x / keep, rest)


def bernoulli_spikes(key: UInt32[Array, "2"], potentials: Wide[Array, "n"]) -> Int32[Array, "n"]:
    """whether each neuron fires, given its membrane potential"""
    return random.bernoulli(key, jax.nn.sigmoid(potentials)).astype(jnp.int32)


def categorical_sample(
    key: UInt32[Array, "2"], logits: Wide[Array, "b n"], *, temperature: Annotated[float, Uniform(0.5, 2.0)]
) -> Int32[Array, "b"]:
    """a token for each row of logits"""
    return random.categorical(key, logits / temperature, axis=-1).astype(jnp.int32)


def top_k_token(key: UInt32[Array, "2"], logits: Wide[Array, "b 8"], *, k: Literal[2, 3, 5]) -> Int32[Array, "b"]:
    """a token for each row, drawn from the largest `k` logits"""
    values, tokens = jax.lax.top_k(logits, k)
    picked = random.categorical(key, values, axis=-1)
    return jnp.take_along_axis(tokens, picked[:, None], axis=-1)[:, 0]


def gumbel_softmax_sample(
    key: UInt32[Array, "2"],
    logits: Wide[Array, "*b n"],
    *,
    temperature: Annotated[float, Uniform(0.3, 2.0)],
    hard: Literal[False, True],
) -> Wide[Array, "*b n"]:
    """a relaxed sample of one-hot vectors"""
    noisy = logits + random.gumbel(key, logits.shape, logits.dtype)
    soft = jax.nn.softmax(noisy / temperature, axis=-1)
    if hard:
        one_hot = jax.nn.one_hot(jnp.argmax(soft, axis=-1), logits.shape[-1], dtype=logits.dtype)
        sample = one_hot + soft - 0.9 * jax.lax.stop_gradient(soft)
    else:
        sample = soft
    return sample


def reparametrised_sample(
    key: UInt32[Array, "2"], mean: Wide[Array, "*b n"], log_variance: Wide[Array, "*b n"]
) -> tuple[Wide[Array, "*b n"], Wide[Array, "*b"]]:
    """a sample of a variational posterior and its divergence from the prior"""
    sample = mean + jnp.exp(0.5 * log_variance) * random.normal(key, mean.shape, mean.dtype)
    divergence = 0.5 * jnp.sum(jnp.exp(log_variance) + mean**2 - 1 - log_variance, axis=-1)
    return sample, divergence


def shuffled_rows(
    key: UInt32[Array, "2"], x: Num[Array, "n *b"], *, independent: Literal[False, True]
) -> Num[Array, "n *b"]:
    """`x` with its first axis shuffled"""
    return random.permutation(key, x, axis=0, independent=independent)


def shuffled_indices(key: UInt32[Array, "2"], x: Num[Array, "n *b"]) -> Num[Array, "n *b"]:
    """`x` in a random order of its rows"""
    order = random.permutation(key, x.shape[0])
    return x[order]


def chosen_row(key: UInt32[Array, "2"], x: Num[Array, "n+1 *b"], *, replace: Literal[False, True]) -> Num[Array, "*b"]:
    """a row of `x` chosen at random"""
    return random.choice(key, x, replace=replace)


def weighted_choice(
    key: UInt32[Array, "2"], x: Float[Array, "n"], weights: Float[Array, "n"], *, replace: Literal[False, True]
) -> Float[Array, "n"]:
    """the elements of `x` drawn with probabilities in proportion to weights"""
    positive = jnp.abs(weights.astype(jnp.float32)) + 0.1
    return random.choice(key, x, x.shape, replace=replace, p=positive / jnp.sum(positive))


def bootstrap_spread(key: UInt32[Array, "2"], x: Float[Array, "n"], *, resamples: Literal[4, 8]) -> Float[Array, ""]:
    """the spread of the mean over bootstrap resamples"""
    picks = random.randint(key, (resamples, x.shape[0]), 0, x.shape[0])
    return jnp.std(jnp.mean(x[picks], axis=-1))


def random_crop(key: UInt32[Array, "2"], image: Num[Array, "n+2 m+2"]) -> Num[Array, "n m"]:
    """a window of an image at a random place"""
    height, width = image.shape[0] - 2, image.shape[1] - 2
    row, column = random.randint(key, (2,), 0, 3)
    return jax.lax.dynamic_slice(image, (row, column), (height, width))


def combined_with_random_bits(
    key: UInt32[Array, "2"], x: UInt32[Array, "*s"], *, operation: Literal["bitwise_xor", "bitwise_and", "bitwise_or"]
) -> UInt32[Array, "*s"]:
    """the `operation` of `x` and random bits"""
    return getattr(jnp, operation)(x, random.bits(key, x.shape, jnp.uint32))


def random_rounding(
    key: UInt32[Array, "2"], x: Float[Array, "*s"], *, step: Literal[0.25, 0.5, 1.0]
) -> Float[Array, "*s"]:
    """`x` rounded up or down to multiples of a step, by chance"""
    scaled = x / step
    lower = jnp.floor(scaled)
    up = random.uniform(key, x.shape, jnp.float32) < (scaled - lower).astype(jnp.float32)
    return step * (lower + up.astype(x.dtype))


def rotated_at_random(key: UInt32[Array, "2"], x: Wide[Array, "*b n"]) -> Wide[Array, "*b n"]:
    """vectors plus their images under a random rotation"""
    return x + x @ random.orthogonal(key, x.shape[-1], dtype=x.dtype)


def point_in_ball(key: UInt32[Array, "2"], centre: Wide[Array, "n"], *, p: Literal[1, 2]) -> Wide[Array, "n"]:
    """a random point of the unit ball around `centre`"""
    return centre + random.ball(key, centre.shape[0], p, dtype=centre.dtype)


def noise_of_several_keys(key: UInt32[Array, "2"], x: Wide[Array, "n"], *, count: Literal[2, 3]) -> Wide[Array, "n"]:
    """`x` plus the sum of noise from several keys that were split off"""
    noise = [random.normal(part, x.shape, x.dtype) for part in random.split(key, count)]
    return x + sum(noise)


def noise_for_each_row(key: UInt32[Array, "2"], x: Wide[Array, "b n"]) -> Wide[Array, "b n"]:
    """`x` plus noise with a key of its own for each row"""
    keys = random.split(key, x.shape[0])
    return jax.vmap(lambda row_key, row: row + random.normal(row_key, row.shape, row.dtype))(keys, x)


def noise_at_step(
    key: UInt32[Array, "2"], step: Int32[Array, ""], x: Wide[Array, "*s"], *, scale: Annotated[float, Uniform(0.1, 1.0)]
) -> Wide[Array, "*s"]:
    """`x` plus noise that depends on the number of a step"""
    step_key = random.fold_in(key, step)
    return x + scale * random.uniform(step_key, x.shape, x.dtype, -1.0, 1.0)


def noise_of_seed(seed: Int32[Array, ""], x: Wide[Array, "*s"], *, fn: Literal["PRNGKey", "key"]) -> Wide[Array, "*s"]:
    """`x` plus noise from a seed"""
    return x + random.normal(getattr(random, fn)(seed), x.shape, x.dtype)


def split_of_typed_key(key: UInt32[Array, "2"], *, index: Literal[0, 1]) -> UInt32[Array, "2"]:
    """one of the two keys that are split off `key`, as raw words"""
    typed = random.wrap_key_data(key)
    return random.key_data(random.split(typed)[index])


def gaussian_walk(
    key: UInt32[Array, "2"], start: Wide[Array, "n"], *, steps: Literal[3, 5], move: Literal["normal", "rademacher"]
) -> tuple[Wide[Array, "n"], UInt32[Array, "2"]]:
    """the end of a random walk and the key that is left"""

    def advance(carry, _):
        position, state = carry
        state, step_key = random.split(state)
        return (position + getattr(random, move)(step_key, start.shape, start.dtype), state), None

    return jax.lax.scan(advance, (start, key), None, length=steps)[0]


def annealed_noise(
    key: UInt32[Array, "2"], x: Wide[Array, "n"], *, decay: Annotated[float, Uniform(0.5, 0.9)]
) -> Wide[Array, "n"]:
    """`x` after steps of decaying noise, with the key folded at each step"""

    def body(step, value):
        noise = random.normal(random.fold_in(key, step), x.shape, x.dtype)
        return value + decay**step * noise

    return jax.lax.fori_loop(0, 4, body, x)


def monte_carlo_mean(
    key: UInt32[Array, "2"],
    centre: Wide[Array, "n"],
    *,
    samples: Literal[8, 16],
    integrand: Literal["square", "tanh", "exp"],
) -> Wide[Array, "n"]:
    """the Monte Carlo mean of a function around `centre`"""
    draws = centre + 0.3 * random.normal(key, (samples, *centre.shape), centre.dtype)
    return jnp.mean(getattr(jnp, integrand)(draws), axis=0)


def metropolis_chain(
    key: UInt32[Array, "2"], start: Wide[Array, ""], *, steps: Literal[4, 8], width: Annotated[float, Uniform(0.3, 1.5)]
) -> Wide[Array, ""]:
    """the mean of a short Metropolis chain over a standard normal distribution"""

    def advance(position, step_key):
        move_key, accept_key = random.split(step_key)
        proposal = position + width * random.normal(move_key, dtype=position.dtype)
        log_ratio = 0.5 * (position**2 - proposal**2)
        accepted = jnp.log(random.uniform(accept_key, dtype=position.dtype, minval=1e-3)) < log_ratio
        following = jnp.where(accepted, proposal, position)
        return following, following

    return jnp.mean(jax.lax.scan(advance, start, random.split(key, steps))[1])
