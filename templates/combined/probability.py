"""Filters, hidden Markov models, Monte Carlo steps and other probabilistic inference."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Float32, Int

from jaxir import Uniform


def _normalise(weights):
    return weights / (jnp.sum(weights, axis=-1, keepdims=True) + 1e-3)


def kalman_predict(
    mean: Float[Array, "*b n"],
    covariance: Float[Array, "*b n n"],
    transition: Float[Array, "n n"],
    noise: Float[Array, "n"],
    *,
    form: Literal["products", "einsum"],
) -> tuple[Float[Array, "*b n"], Float[Array, "*b n n"]]:
    """the mean and covariance after the prediction step of a Kalman filter"""
    predicted_mean = mean @ transition.T
    if form == "products":
        spread = transition @ covariance @ transition.T
    else:
        spread = jnp.einsum("ij,...jk,lk->...il", transition, covariance, transition)
    return predicted_mean, spread + jnp.diag(noise)


def kalman_update(
    mean: Float32[Array, "n"],
    covariance: Float32[Array, "n n"],
    observation: Float32[Array, "m"],
    sensor: Float32[Array, "m n"],
    noise: Float32[Array, "m"],
    *,
    form: Literal["standard", "joseph"],
) -> tuple[Float32[Array, "n"], Float32[Array, "n n"]]:
    """the mean and covariance after the measurement update of a Kalman filter"""
    symmetric = 0.5 * (covariance + covariance.T)
    innovation_covariance = sensor @ symmetric @ sensor.T + jnp.diag(1 + noise**2)
    gain = jnp.linalg.solve(innovation_covariance, sensor @ symmetric).T
    kept = jnp.eye(mean.shape[0]) - gain @ sensor
    if form == "standard":
        new_covariance = kept @ symmetric
    else:
        new_covariance = kept @ symmetric @ kept.T + gain @ jnp.diag(1 + noise**2) @ gain.T
    return mean + gain @ (observation - sensor @ mean), new_covariance


def kalman_scalar_update(
    mean: Float[Array, "n"],
    covariance: Float[Array, "n n"],
    observations: Float[Array, "t"],
    sensors: Float[Array, "t n"],
    *,
    noise: Annotated[float, Uniform(0.5, 2.0)],
    inflation: Literal["none", "fading"],
) -> tuple[Float[Array, "n"], Float[Array, "n n"]]:
    """the mean and the covariance after scalar measurements, one at a time"""

    def absorb(belief, measured):
        centre, spread = belief
        value, sensor = measured
        shadow = spread @ sensor
        gain = shadow / (jnp.abs(sensor @ shadow) + noise)
        reduced = spread - jnp.outer(gain, shadow)
        if inflation == "none":
            new_spread = reduced
        else:
            new_spread = 1.05 * reduced
        return (centre + gain * (value - sensor @ centre), new_spread), None

    return lax.scan(absorb, (mean, covariance), (observations, sensors))[0]


def kalman_filter_1d(
    observations: Float[Array, "t *s"],
    initial: Float[Array, "*s"],
    *,
    drift: Annotated[float, Uniform(0.7, 1.1)],
    process_noise: Annotated[float, Uniform(0.05, 0.5)],
    output: Literal["means", "innovations", "variances"],
) -> Float[Array, "t *s"]:
    """one output of a scalar Kalman filter at each observation"""

    def advance(belief, value):
        prior_mean = drift * belief[0]
        prior_variance = drift**2 * belief[1] + process_noise
        gain = prior_variance / (prior_variance + 1)
        posterior_mean = prior_mean + gain * (value - prior_mean)
        posterior_variance = (1 - gain) * prior_variance
        if output == "means":
            emitted = posterior_mean
        elif output == "innovations":
            emitted = value - prior_mean
        else:
            emitted = posterior_variance + 0.1 * posterior_mean**2
        return (posterior_mean, posterior_variance), emitted

    return lax.scan(advance, (initial, jnp.ones_like(initial)), observations)[1]


def markov_step(
    distribution: Float[Array, "*b n"],
    transition_logits: Float[Array, "n n"],
    *,
    steps: Literal[1, 3, 6],
    chain: Literal["forward", "lazy", "reversed"],
) -> Float[Array, "*b n"]:
    """the distribution of a Markov chain after a number of steps"""
    transition = jax.nn.softmax(transition_logits, axis=-1)
    if chain == "forward":
        moved = lax.fori_loop(0, steps, lambda _, p: p @ transition, distribution)
    elif chain == "lazy":
        moved = lax.fori_loop(0, steps, lambda _, p: 0.5 * (p + p @ transition), distribution)
    else:
        moved = lax.fori_loop(0, steps, lambda _, p: _normalise(p @ transition.T), distribution)
    return moved


def stationary_distribution(
    rates: Float[Array, "n n"],
    *,
    steps: Literal[3, 5, 8],
    method: Literal["power", "squaring", "uniformised"],
) -> Float[Array, "n"]:
    """an approximate stationary distribution of a Markov chain, reached from the uniform one"""
    transition = _normalise(jnp.abs(rates) + 1e-2)
    start = jnp.full((rates.shape[0],), 1 / rates.shape[0], rates.dtype)
    if method == "power":
        stationary = lax.fori_loop(0, steps, lambda _, p: p @ transition, start)
    elif method == "squaring":
        stationary = start @ lax.fori_loop(0, 4, lambda _, power: _normalise(power @ power), transition)
    else:
        generator = transition - jnp.eye(rates.shape[0], dtype=rates.dtype)
        stationary = lax.fori_loop(0, steps, lambda _, p: p + 0.7 * (p @ generator), start)
    return stationary


def hmm_forward(
    initial: Float[Array, "n"],
    transition: Float[Array, "n n"],
    likelihoods: Float[Array, "t n"],
    *,
    domain: Literal["scaled", "log"],
) -> tuple[Float[Array, ""], Float[Array, "t n"]]:
    """the log-evidence of a hidden Markov model and its filtered beliefs by the forward algorithm"""
    if domain == "scaled":
        moves = _normalise(jnp.abs(transition) + 1e-2)

        def advance(belief, likelihood):
            joint = (belief @ moves) * jnp.abs(likelihood) + 1e-3
            evidence = jnp.sum(joint)
            return joint / evidence, (jnp.log(evidence), joint / evidence)

        _, (log_evidence, beliefs) = lax.scan(advance, _normalise(jnp.abs(initial) + 1e-2), likelihoods)
        total = jnp.sum(log_evidence)
    else:
        moves = jax.nn.log_softmax(transition, axis=-1)

        def advance(message, log_likelihood):
            arrived = jax.nn.logsumexp(message[:, None] + moves, axis=0) + log_likelihood
            return arrived, arrived

        last, messages = lax.scan(advance, jax.nn.log_softmax(initial), likelihoods)
        total, beliefs = jax.nn.logsumexp(last), jax.nn.softmax(messages, axis=-1)
    return total, beliefs


def hmm_smoother(
    transition_logits: Float[Array, "n n"],
    emission_logits: Float[Array, "t n"],
    *,
    direction: Literal["both", "backward"],
) -> Float[Array, "t n"]:
    """the posterior state probabilities of a hidden Markov model by messages along the sequence"""
    moves = jax.nn.log_softmax(transition_logits, axis=-1)
    start = jnp.zeros_like(emission_logits[0])

    def back(message, evidence):
        return jax.nn.logsumexp(moves + (evidence + message), axis=1), message

    _, backward = lax.scan(back, start, emission_logits, reverse=True)
    if direction == "both":

        def ahead(message, evidence):
            arrived = jax.nn.logsumexp(message[:, None] + moves, axis=0) + evidence
            return arrived, arrived

        _, forward = lax.scan(ahead, start, emission_logits)
        log_posterior = forward + backward
    else:
        log_posterior = emission_logits + backward
    return jax.nn.softmax(log_posterior, axis=-1)


def belief_update(
    belief: Float[Array, "*b n"],
    transition: Float[Array, "a n n"],
    observation_model: Float[Array, "n o"],
    action: Int[Array, ""],
    observation: Int[Array, ""],
    *,
    form: Literal["index", "one hot"],
) -> Float[Array, "*b n"]:
    """the belief of a partially observed Markov decision process after an action and an observation"""
    if form == "index":
        moves = transition[action % transition.shape[0]]
        likelihood = observation_model[:, observation % observation_model.shape[1]]
    else:
        chosen = jax.nn.one_hot(action % transition.shape[0], transition.shape[0], dtype=belief.dtype)
        seen = jax.nn.one_hot(observation % observation_model.shape[1], observation_model.shape[1], dtype=belief.dtype)
        moves = jnp.einsum("a,anm->nm", chosen, transition)
        likelihood = observation_model @ seen
    joint = jnp.abs(belief @ moves * likelihood)
    return joint / (jnp.sum(joint, axis=-1, keepdims=True) + 1e-3)


def metropolis_step(
    state: Float[Array, "n d"],
    proposal: Float[Array, "n d"],
    uniforms: Float[Array, "n"],
    *,
    log_density: Callable[[Float[Array, "d"]], Float[Array, ""]],
    rule: Literal["metropolis", "barker"],
) -> tuple[Float[Array, "n d"], Float[Array, ""]]:
    """the walkers after the `rule` rule accepts or refuses proposals for `log_density`, and the acceptance rate"""
    gain = jax.vmap(log_density)(proposal) - jax.vmap(log_density)(state)
    if rule == "metropolis":
        probability = jnp.exp(jnp.minimum(gain, 0))
    else:
        probability = jax.nn.sigmoid(gain)
    accepted = uniforms < probability
    return jnp.where(accepted[:, None], proposal, state), jnp.mean(probability)


def langevin_step(
    state: Float[Array, "n"],
    noise: Float[Array, "n"],
    *,
    log_density: Callable[[Float[Array, "n"]], Float[Array, ""]],
    step_size: Annotated[float, Uniform(0.01, 0.2)],
    preconditioner: Literal["none", "gradient"],
) -> Float[Array, "n"]:
    """the state after one Langevin step up the log-density `log_density` with given noise"""
    score = jax.grad(log_density)(state)
    if preconditioner == "none":
        moved = state + step_size * score + (2 * step_size) ** 0.5 * noise
    else:
        scale = lax.rsqrt(jnp.square(score) + 0.1)
        moved = state + step_size * scale * score + jnp.sqrt(2 * step_size * scale) * noise
    return moved


def mixture_log_density(
    points: Float[Array, "*b d"],
    logits: Float[Array, "k"],
    means: Float[Array, "k d"],
    log_scales: Float[Array, "k d"],
    *,
    output: Literal["density", "surprise", "best"],
) -> Float[Array, "*b"]:
    """a log-density score of points under a mixture of diagonal gaussians"""
    standard = (points[..., None, :] - means) * jnp.exp(-log_scales)
    log_each = -0.5 * jnp.sum(jnp.square(standard), axis=-1) - jnp.sum(log_scales, axis=-1)
    joint = jax.nn.log_softmax(logits) + log_each - 0.9189385 * means.shape[-1]
    if output == "density":
        result = jax.nn.logsumexp(joint, axis=-1)
    elif output == "surprise":
        result = -jax.nn.logsumexp(joint, axis=-1) / points.shape[-1]
    else:
        result = jnp.max(joint, axis=-1)
    return result


def em_step(
    points: Float[Array, "m"],
    means: Float[Array, "k"],
    weights: Float[Array, "k"],
    *,
    scale: Annotated[float, Uniform(0.3, 1.0)],
    kernel: Literal["gaussian", "laplace", "cauchy"],
) -> tuple[Float[Array, "k"], Float[Array, "k"]]:
    """the means and weights of a one-dimensional mixture after one expectation-maximisation step"""
    gaps = (points[:, None] - means) / scale
    if kernel == "gaussian":
        likelihood = jnp.exp(-0.5 * jnp.square(gaps))
    elif kernel == "laplace":
        likelihood = jnp.exp(-jnp.abs(gaps))
    else:
        likelihood = 1 / (1 + jnp.square(gaps))
    shares = _normalise(likelihood * jnp.abs(weights))
    counts = jnp.sum(shares, axis=0)
    return points @ shares / (counts + 1e-3), counts / points.shape[0]


def importance_resample(
    particles: Float[Array, "n d"],
    log_weights: Float[Array, "n"],
    offset: Float[Array, ""],
    *,
    scheme: Literal["systematic", "soft"],
) -> tuple[Float[Array, "n d"], Float[Array, ""]]:
    """the particles resampled by their weights with one given uniform number, and the effective count"""
    weights = jax.nn.softmax(log_weights)
    count = weights.shape[0]
    places = (jnp.arange(count, dtype=weights.dtype) + jnp.mod(offset, 1)) / count
    cumulative = jnp.cumsum(weights)
    if scheme == "systematic":
        ancestors = jnp.minimum(jnp.sum(cumulative < places[:, None], axis=-1), count - 1)
        resampled = particles[ancestors]
    else:
        resampled = jax.nn.softmax(-10 * jnp.abs(places[:, None] - cumulative), axis=-1) @ particles
    return resampled, 1 / jnp.sum(jnp.square(weights))
