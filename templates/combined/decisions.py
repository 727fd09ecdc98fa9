"""Decision making: value functions, returns, policies and sampling from logits."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from jaxir import Uniform


def value_iteration(
    rewards: Float[Array, "n a"],
    transition_logits: Float[Array, "a n n"],
    *,
    discount: Annotated[float, Uniform(0.5, 0.95)],
    sweeps: Literal[2, 4, 8],
    backup: Literal["max", "soft", "mean"],
) -> tuple[Float[Array, "n"], Int[Array, "n"]]:
    """the state values and greedy actions of a Markov decision process after `sweeps` backups"""
    transition = jax.nn.softmax(transition_logits, axis=-1)

    def action_values(values):
        return rewards + discount * jnp.einsum("anm,m->na", transition, values)

    def improve(_, values):
        if backup == "max":
            improved = jnp.max(action_values(values), axis=-1)
        elif backup == "soft":
            improved = jax.nn.logsumexp(action_values(values), axis=-1)
        else:
            improved = jnp.mean(action_values(values), axis=-1)
        return improved

    best = lax.fori_loop(0, sweeps, improve, jnp.zeros_like(rewards[:, 0]))
    return best, jnp.argmax(action_values(best), axis=-1)


def policy_evaluation(
    policy_logits: Float[Array, "n a"],
    rewards: Float[Array, "n a"],
    transition: Float[Array, "n a n"],
    *,
    discount: Annotated[float, Uniform(0.5, 0.95)],
    sweeps: Literal[2, 4, 8],
) -> Float[Array, "n"]:
    """the state values of a stochastic policy after `sweeps` Bellman backups"""
    policy = jax.nn.softmax(policy_logits, axis=-1)
    moves = transition / (jnp.sum(transition, axis=-1, keepdims=True) + 1e-2)
    chain = jnp.einsum("na,nam->nm", policy, moves)
    expected = jnp.sum(policy * rewards, axis=-1)
    return lax.fori_loop(0, sweeps, lambda _, values: expected + discount * chain @ values, expected)


def discounted_returns(
    rewards: Float[Array, "t *s"],
    bootstrap: Float[Array, "*s"],
    *,
    discount: Annotated[float, Uniform(0.5, 0.99)],
    method: Literal["scan", "triangle", "associative"],
) -> Float[Array, "t *s"]:
    """the discounted sums of future rewards"""
    if method == "scan":

        def collect(future, reward):
            total = reward + discount * future
            return total, total

        _, returns = lax.scan(collect, bootstrap, rewards, reverse=True)
    elif method == "triangle":
        steps = jnp.arange(rewards.shape[0])
        lags = (steps - steps[:, None]).astype(rewards.dtype)
        weights = jnp.where(lags >= 0, discount ** jnp.abs(lags), 0)
        tail = jnp.expand_dims(discount * weights[:, -1], tuple(range(1, rewards.ndim)))
        returns = jnp.tensordot(weights, rewards, axes=1) + tail * bootstrap
    else:

        def combine(later, earlier):
            return earlier[0] * later[0], earlier[1] + earlier[0] * later[1]

        last = rewards.at[-1].add(discount * bootstrap)
        _, returns = lax.associative_scan(combine, (jnp.full_like(last, discount), last), reverse=True)
    return returns


def generalised_advantages(
    rewards: Float[Array, "t *s"],
    values: Float[Array, "t+1 *s"],
    continues: Bool[Array, "t *s"],
    *,
    discount: Annotated[float, Uniform(0.8, 0.99)],
    trace_decay: Annotated[float, Uniform(0.8, 0.99)],
    standardise: Literal[False, True],
) -> tuple[Float[Array, "t *s"], Float[Array, "t *s"]]:
    """the generalised advantage estimates and value targets of a trajectory"""
    alive = continues.astype(rewards.dtype)
    errors = rewards + discount * alive * values[1:] - values[:-1]

    def collect(future, row):
        advantage = row[0] + discount * trace_decay * row[1] * future
        return advantage, advantage

    _, advantages = lax.scan(collect, jnp.zeros_like(values[0]), (errors, alive), reverse=True)
    if standardise:
        scaled = (advantages - jnp.mean(advantages)) / (jnp.std(advantages) + 1e-2)
    else:
        scaled = advantages
    return scaled, advantages + values[:-1]


def policy_gradient_loss(
    logits: Float[Array, "*b a"],
    old_log_probabilities: Float[Array, "*b"],
    advantages: Float[Array, "*b"],
    actions: Int[Array, "*b"],
    *,
    objective: Literal["reinforce", "clipped", "penalised"],
    entropy: Annotated[float, Uniform(0.0, 0.1)],
) -> Float[Array, ""]:
    """the policy gradient loss of chosen actions with an entropy bonus"""
    log_policy = jax.nn.log_softmax(logits, axis=-1)
    chosen = jax.nn.one_hot(actions.astype(jnp.int32) % logits.shape[-1], logits.shape[-1], dtype=logits.dtype)
    ratio = jnp.exp(jnp.clip(jnp.sum(log_policy * chosen, axis=-1) - old_log_probabilities, -2, 2))
    if objective == "reinforce":
        gain = ratio * advantages
    elif objective == "clipped":
        gain = jnp.minimum(ratio * advantages, jnp.clip(ratio, 0.8, 1.2) * advantages)
    else:
        gain = ratio * advantages - 0.5 * jnp.square(ratio - 1)
    bonus = -jnp.sum(jnp.exp(log_policy) * log_policy, axis=-1)
    return -jnp.mean(gain + entropy * bonus)


def q_learning_update(
    q_table: Float[Array, "n a"],
    state: Int[Array, ""],
    action: Int[Array, ""],
    next_state: Int[Array, ""],
    reward: Float[Array, ""],
    *,
    learning_rate: Annotated[float, Uniform(0.05, 0.5)],
    target: Literal["max", "mean", "soft"],
) -> Float[Array, "n a"]:
    """the table of action values after one temporal-difference update"""
    row, column = state % q_table.shape[0], action % q_table.shape[1]
    following = q_table[next_state % q_table.shape[0]]
    if target == "max":
        future = jnp.max(following)
    elif target == "mean":
        future = jnp.mean(following)
    else:
        future = jax.nn.logsumexp(following)
    error = reward + 0.9 * future - q_table[row, column]
    return q_table.at[row, column].add(learning_rate * error)


def double_q_target(
    online_values: Float[Array, "*b a"],
    target_values: Float[Array, "*b a"],
    rewards: Float[Array, "*b"],
    done: Bool[Array, "*b"],
    *,
    discount: Annotated[float, Uniform(0.8, 0.99)],
    choice: Literal["argmax", "where", "soft"],
) -> Float[Array, "*b"]:
    """the double Q-learning targets, chosen by one network and valued by the other"""
    if choice == "argmax":
        best = jnp.argmax(online_values, axis=-1)[..., None]
        future = jnp.take_along_axis(target_values, best, axis=-1)[..., 0]
    elif choice == "where":
        best = online_values == jnp.max(online_values, axis=-1, keepdims=True)
        future = jnp.max(jnp.where(best, target_values, -1e4), axis=-1)
    else:
        best = jax.nn.softmax(4 * online_values, axis=-1)
        future = jnp.sum(best * target_values, axis=-1)
    return rewards + discount * jnp.where(done, 0, future)


def sampling_mask(
    logits: Float[Array, "*b n"],
    *,
    rule: Literal["top k", "nucleus", "minimum share", "typical"],
    threshold: Annotated[float, Uniform(0.3, 0.9)],
) -> Float[Array, "*b n"]:
    """the probabilities of a language model cut to its likely tokens"""
    probabilities = jax.nn.softmax(logits, axis=-1)
    if rule == "top k":
        order = jnp.sum(logits[..., None, :] > logits[..., :, None], axis=-1)
        kept = order < (logits.shape[-1] + 1) // 2
    elif rule == "nucleus":
        heavier = probabilities[..., None, :] > probabilities[..., :, None]
        before = jnp.sum(jnp.where(heavier, probabilities[..., None, :], 0), axis=-1)
        kept = before < threshold
    elif rule == "minimum share":
        kept = probabilities >= threshold * jnp.max(probabilities, axis=-1, keepdims=True)
    else:
        surprise = -jax.nn.log_softmax(logits, axis=-1)
        typical = jnp.sum(probabilities * surprise, axis=-1, keepdims=True)
        kept = jnp.abs(surprise - typical) <= threshold
    filtered = jnp.where(kept, probabilities, 0)
    return filtered / (jnp.sum(filtered, axis=-1, keepdims=True) + 1e-3)


def top_k_filter(
    logits: Float[Array, "*b n+1"], *, form: Literal["top k", "sort"], fill: Literal["low", "minimum"]
) -> Float[Array, "*b n+1"]:
    """the logits with all but the two largest of each row lowered"""
    if form == "top k":
        cutoff = lax.top_k(logits, 2)[0][..., -1:]
    else:
        cutoff = jnp.sort(logits, axis=-1)[..., -2:-1]
    if fill == "low":
        filtered = jnp.where(logits >= cutoff, logits, cutoff - 10)
    else:
        filtered = jnp.where(logits < cutoff, jnp.min(logits, axis=-1, keepdims=True), logits)
    return filtered


def gumbel_softmax(
    logits: Float[Array, "*b n"],
    uniforms: Float[Array, "*b n"],
    *,
    temperature: Annotated[float, Uniform(0.3, 2.0)],
    hard: Literal[False, True],
) -> Float[Array, "*b n"]:
    """a relaxed categorical sample from the logits and given uniform numbers"""
    noise = -jnp.log(-jnp.log(jnp.clip(uniforms, 1e-3, 0.999)) + 1e-3)
    soft = jax.nn.softmax((logits + noise) / temperature, axis=-1)
    if hard:
        top = (soft == jnp.max(soft, axis=-1, keepdims=True)).astype(soft.dtype)
        sample = soft + lax.stop_gradient(top - soft)
    else:
        sample = soft
    return sample


def bandit_scores(
    rewards: Float[Array, "*b a"],
    pulls: Float[Array, "*b a"],
    *,
    rule: Literal["upper confidence", "boltzmann", "optimistic"],
    exploration: Annotated[float, Uniform(0.2, 2.0)],
) -> Float[Array, "*b a"]:
    """the scores of the arms of a bandit"""
    counts = jnp.abs(pulls) + 1
    means = rewards / counts
    if rule == "upper confidence":
        horizon = jnp.log(1 + jnp.sum(counts, axis=-1, keepdims=True))
        scores = means + exploration * jnp.sqrt(horizon / counts)
    elif rule == "boltzmann":
        scores = jax.nn.softmax(means / exploration, axis=-1)
    else:
        scores = means + exploration * lax.rsqrt(counts)
    return scores


def rollout_return(
    state: Float[Array, "n"],
    controls: Float[Array, "t n"],
    *,
    dynamics: Callable[[Float[Array, "n"], Float[Array, "n"]], Float[Array, "n"]],
    reward: Callable[[Float[Array, "n"]], Float[Array, ""]],
    discount: Annotated[float, Uniform(0.5, 0.99)],
) -> Float[Array, ""]:
    """the discounted sum of `reward` along a rollout of `dynamics` under given controls"""

    def advance(carry, control):
        place, weight = carry
        moved = dynamics(place, control)
        return (moved, discount * weight), weight * reward(moved)

    _, rewards = lax.scan(advance, (state, jnp.ones((), state.dtype)), controls)
    return jnp.sum(rewards)
