"""Dynamic programming, graphs, transport, and semiring algebra."""

from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int, Int32

from jaxir import Uniform


def _soft_minimum(left, right):
    return -jnp.logaddexp(-left, -right)


def tropical_matmul(
    left: Float[Array, "*b m k"],
    right: Float[Array, "*b k n"],
    *,
    semiring: Literal["max plus", "min plus", "max times", "log sum exp", "bottleneck"],
) -> Float[Array, "*b m n"]:
    """the matrix product in a semiring other than plus and times"""
    rows, columns = left[..., :, :, None], right[..., None, :, :]
    if semiring == "max plus":
        product = jnp.max(rows + columns, axis=-2)
    elif semiring == "min plus":
        product = jnp.min(rows + columns, axis=-2)
    elif semiring == "max times":
        product = jnp.max(rows * columns, axis=-2)
    elif semiring == "log sum exp":
        product = jax.nn.logsumexp(rows + columns, axis=-2)
    else:
        product = jnp.max(jnp.minimum(rows, columns), axis=-2)
    return product


def shortest_paths(
    weights: Float[Array, "n n"],
    *,
    method: Literal["floyd", "squaring", "widest"],
    loops: Literal["free", "kept"],
) -> Float[Array, "n n"]:
    """the values of the best paths between all pairs of nodes of a graph"""
    if loops == "free":
        lengths = jnp.where(jnp.eye(weights.shape[0], dtype=bool), 0, jnp.abs(weights))
    else:
        lengths = jnp.abs(weights)
    if method == "floyd":

        def through(node, best):
            return jnp.minimum(best, best[:, node, None] + best[node])

        paths = lax.fori_loop(0, weights.shape[0], through, lengths)
    elif method == "squaring":

        def double(_, best):
            return jnp.minimum(best, jnp.min(best[:, :, None] + best[None], axis=1))

        paths = lax.fori_loop(0, 3, double, lengths)
    else:

        def widen(node, best):
            return jnp.maximum(best, jnp.minimum(best[:, node, None], best[node]))

        paths = lax.fori_loop(0, weights.shape[0], widen, lengths)
    return paths


def bellman_ford(
    weights: Float[Array, "n n"],
    start: Float[Array, "n"],
    *,
    rounds: Literal[2, 4, 8],
    relaxation: Literal["hard", "soft"],
) -> Float[Array, "n"]:
    """the distances after `rounds` rounds of Bellman-Ford relaxation"""
    if relaxation == "hard":

        def relax(_, distances):
            return jnp.minimum(distances, jnp.min(distances[:, None] + weights, axis=0))

    else:

        def relax(_, distances):
            return _soft_minimum(distances, -jax.nn.logsumexp(-(distances[:, None] + weights), axis=0))

    return lax.fori_loop(0, rounds, relax, start)


def page_rank(
    links: Float[Array, "n n"],
    *,
    damping: Annotated[float, Uniform(0.6, 0.95)],
    steps: Literal[2, 4, 8],
    variant: Literal["page rank", "katz", "hits"],
) -> Float[Array, "n"]:
    """the importance of the nodes of a graph after `steps` iterations"""
    adjacency = jnp.abs(links)
    uniform = jnp.full((links.shape[0],), 1 / links.shape[0], links.dtype)
    if variant == "page rank":
        moves = adjacency / (jnp.sum(adjacency, axis=1, keepdims=True) + 1e-3)
        rank = lax.fori_loop(
            0, steps, lambda _, share: damping * share @ moves + (1 - damping) / links.shape[0], uniform
        )
    elif variant == "katz":
        shrunk = damping * adjacency / (jnp.max(jnp.sum(adjacency, axis=1)) + 1e-2)
        rank = lax.fori_loop(0, steps, lambda _, score: score @ shrunk + 1, uniform)
    else:

        def exchange(_, authority):
            score = (adjacency @ authority) @ adjacency
            return damping * score / (jnp.sum(score) + 1e-3) + (1 - damping) * authority

        rank = lax.fori_loop(0, steps, exchange, uniform)
    return rank


def graph_convolution(
    features: Float[Array, "n d"],
    adjacency: Float[Array, "n n"],
    weights: Float[Array, "d f"],
    *,
    normalisation: Literal["symmetric", "row", "attention", "max"],
    activation: Literal["relu", "elu", "tanh"],
) -> Float[Array, "n f"]:
    """the output of a graph convolution layer over the nodes"""
    messages = features @ weights
    if normalisation == "symmetric":
        edges = jnp.abs(adjacency)
        scale = lax.rsqrt(jnp.sum(edges, axis=1) + 1)
        gathered = scale[:, None] * (edges @ (scale[:, None] * messages) + scale[:, None] * messages)
    elif normalisation == "row":
        edges = jnp.abs(adjacency)
        gathered = edges @ messages / (jnp.sum(edges, axis=1, keepdims=True) + 1e-2)
    elif normalisation == "attention":
        gathered = jax.nn.softmax(adjacency + messages @ messages.T, axis=1) @ messages
    else:
        gathered = jnp.max(adjacency[:, :, None] * messages, axis=1)
    return getattr(jax.nn, activation)(gathered)


def message_passing(
    nodes: Float[Array, "n d"],
    senders: Int[Array, "e"],
    receivers: Int[Array, "e"],
    edge_weights: Float[Array, "e"],
    *,
    aggregate: Literal["sum", "max", "mean"],
) -> Float[Array, "n d"]:
    """the nodes after one round of messages along the edges of a graph"""
    sources = senders.astype(jnp.int32) % nodes.shape[0]
    targets = receivers.astype(jnp.int32) % nodes.shape[0]
    messages = nodes[sources] * edge_weights[:, None]
    if aggregate == "sum":
        received = jax.ops.segment_sum(messages, targets, num_segments=nodes.shape[0])
    elif aggregate == "max":
        received = jnp.zeros_like(nodes).at[targets].max(messages)
    else:
        counts = jnp.zeros((nodes.shape[0], 1), nodes.dtype).at[targets].add(1)
        received = jnp.zeros_like(nodes).at[targets].add(messages) / jnp.maximum(counts, 1)
    return nodes + received


def sinkhorn(
    cost: Float[Array, "m n"],
    row_mass: Float[Array, "m"],
    column_mass: Float[Array, "n"],
    *,
    blur: Annotated[float, Uniform(0.3, 2.0)],
    steps: Literal[2, 4, 8],
    domain: Literal["kernel", "log"],
) -> Float[Array, "m n"]:
    """the entropic transport plan between two mass distributions after `steps` iterations"""
    rows, columns = jnp.abs(row_mass) + 1e-2, jnp.abs(column_mass) + 1e-2
    if domain == "kernel":
        kernel = jnp.exp(-cost / blur)

        def rescale(_, scale):
            return rows / (kernel @ (columns / (scale @ kernel + 1e-3)) + 1e-3)

        row_scale = lax.fori_loop(0, steps, rescale, jnp.ones_like(rows))
        plan = row_scale[:, None] * kernel * (columns / (row_scale @ kernel + 1e-3))
    else:

        def balance(_, potentials):
            left = jnp.log(rows) - jax.nn.logsumexp(potentials[1] - cost / blur, axis=1)
            right = jnp.log(columns) - jax.nn.logsumexp(left[:, None] - cost / blur, axis=0)
            return left, right

        left, right = lax.fori_loop(0, steps, balance, (jnp.zeros_like(rows), jnp.zeros_like(columns)))
        plan = jnp.exp(left[:, None] + right - cost / blur)
    return plan


def edit_distance(
    source: Int[Array, "m"],
    target: Int[Array, "n"],
    *,
    costs: Literal["levenshtein", "substitution two", "longest common"],
) -> Int32[Array, ""]:
    """the edit distance of two token sequences by dynamic programming"""
    columns = jnp.arange(target.shape[0] + 1, dtype=jnp.int32)

    def next_row(row, token):
        if costs == "levenshtein":
            changed = row[:-1] + (target != token)
        elif costs == "substitution two":
            changed = row[:-1] + 2 * (target != token)
        else:
            changed = jnp.where(target == token, row[:-1], row[1:] + 1)
        best = jnp.concatenate([row[:1] + 1, jnp.minimum(row[1:] + 1, changed)])
        return columns + lax.cummin(best - columns), None

    return lax.scan(next_row, columns, source)[0][-1]


def time_warping(
    left: Float[Array, "m *s"],
    right: Float[Array, "n *s"],
    *,
    path: Literal["hard", "soft"],
    local_cost: Literal["absolute", "squared"],
) -> Float[Array, ""]:
    """the dynamic time warping distance of two sequences"""
    gaps = left[:, None] - right
    axes = tuple(range(2, gaps.ndim))
    if local_cost == "absolute":
        cost = jnp.sum(jnp.abs(gaps), axis=axes)
    else:
        cost = jnp.sum(jnp.square(gaps), axis=axes)
    if path == "hard":
        combine = jnp.minimum
    else:
        combine = _soft_minimum

    def next_row(above, row):
        def next_cell(beside, cell):
            total = cell[0] + combine(cell[1], beside)
            return total, total

        first = row[0] + above[0]
        _, rest = lax.scan(next_cell, first, (row[1:], combine(above[1:], above[:-1])))
        return jnp.concatenate([first[None], rest]), None

    return lax.scan(next_row, jnp.cumsum(cost[0]), cost[1:])[0][-1]


def viterbi(
    initial: Float[Array, "n"],
    transition: Float[Array, "n n"],
    emissions: Float[Array, "t n"],
    *,
    scores: Literal["given", "log softmax"],
) -> tuple[Float[Array, ""], Int[Array, "t"]]:
    """the score and states of the best path through a hidden Markov model"""
    if scores == "given":
        moves = transition
    else:
        moves = jax.nn.log_softmax(transition, axis=-1)

    def advance(best, emission):
        candidates = best[:, None] + moves
        return jnp.max(candidates, axis=0) + emission, jnp.argmax(candidates, axis=0)

    def follow(state, pointers):
        return pointers[state], state

    final, pointers = lax.scan(advance, initial, emissions)
    _, states = lax.scan(follow, jnp.argmax(final), pointers, reverse=True)
    return jnp.max(final), states


def chain_partition(
    unary: Float[Array, "t n"],
    pairwise: Float[Array, "n n"],
    *,
    paths: Literal["all paths", "all paths from a step earlier", "the best path"],
) -> Float[Array, ""]:
    """the log score of a linear-chain random field over `paths`"""
    if paths == "all paths":

        def advance(message, row):
            return jax.nn.logsumexp(message[:, None] + pairwise, axis=0) + row, None

        total = jax.nn.logsumexp(lax.scan(advance, unary[0], unary[1:])[0])
    elif paths == "all paths from a step earlier":

        def multiply(left, right):
            return jax.nn.logsumexp(left[..., :, :, None] + right[..., None, :, :], axis=-2)

        factors = lax.associative_scan(multiply, pairwise + unary[:, None, :])
        total = jax.nn.logsumexp(factors[-1])
    else:

        def advance(message, row):
            return jnp.max(message[:, None] + pairwise, axis=0) + row, None

        total = jnp.max(lax.scan(advance, unary[0], unary[1:])[0])
    return total


def knapsack(
    values: Float[Array, "m"],
    weights: Int[Array, "m"],
    *,
    repeat: Literal["each once", "twice"],
) -> Float[Array, "9"]:
    """the best values of a knapsack for each capacity up to eight"""
    capacities = jnp.arange(9)

    def fill(best, weight, value):
        remaining = capacities - weight
        return jnp.maximum(best, jnp.where(remaining >= 0, best[jnp.maximum(remaining, 0)] + value, 0))

    def consider(best, item):
        weight, value = item
        if repeat == "each once":
            filled = fill(best, weight, value)
        else:
            filled = fill(fill(best, weight, value), weight, value)
        return filled, None

    sizes = weights.astype(jnp.int32) % 4 + 1
    return lax.scan(consider, jnp.zeros((9,), values.dtype), (sizes, jnp.abs(values)))[0]
