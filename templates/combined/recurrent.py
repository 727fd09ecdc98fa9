"""Recurrent networks over a sequence, by scan."""

from collections.abc import Callable
from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from jaxir import Uniform


def rnn_scan(
    inputs: Float[Array, "t *b m"],
    hidden: Float[Array, "*b n"],
    input_weights: Float[Array, "m n"],
    hidden_weights: Float[Array, "n n"],
    bias: Float[Array, "n"],
    *,
    activation: Callable[[Float[Array, "*b n"]], Float[Array, "*b n"]],
    reverse: Literal[False, True],
) -> tuple[Float[Array, "t *b n"], Float[Array, "*b n"]]:
    """the states of a simple recurrent network over a sequence, and the last one"""

    def step(state, frame):
        new_state = activation(frame @ input_weights + state @ hidden_weights + bias)
        return new_state, new_state

    last, states = lax.scan(step, hidden, inputs, reverse=reverse)
    return states, last


def gru_scan(
    inputs: Float[Array, "t *b m"],
    hidden: Float[Array, "*b n"],
    input_weights: Float[Array, "m 3*n"],
    hidden_weights: Float[Array, "n 3*n"],
    bias: Float[Array, "3*n"],
    *,
    variant: Literal["reset after", "coupled"],
    reverse: Literal[False, True],
) -> Float[Array, "t *b n"]:
    """the hidden states of a gated recurrent unit over a sequence"""
    projected = inputs @ input_weights + bias
    if variant == "reset after":

        def step(state, frame):
            update_in, reset_in, candidate_in = jnp.split(frame, 3, axis=-1)
            update_h, reset_h, candidate_h = jnp.split(state @ hidden_weights, 3, axis=-1)
            update = jax.nn.sigmoid(update_in + update_h)
            reset = jax.nn.sigmoid(reset_in + reset_h)
            candidate = jnp.tanh(candidate_in + reset * candidate_h)
            new_state = update * state + (1 - update) * candidate
            return new_state, new_state

    else:

        def step(state, frame):
            update_in, reset_in, candidate_in = jnp.split(frame + state @ hidden_weights, 3, axis=-1)
            update = jax.nn.sigmoid(update_in)
            candidate = jnp.tanh(candidate_in * jax.nn.sigmoid(reset_in))
            new_state = state + update * (candidate - state)
            return new_state, new_state

    return lax.scan(step, hidden, projected, reverse=reverse)[1]


def lstm_scan(
    inputs: Float[Array, "t *b m"],
    hidden: Float[Array, "*b n"],
    cell: Float[Array, "*b n"],
    input_weights: Float[Array, "m 4*n"],
    hidden_weights: Float[Array, "n 4*n"],
    bias: Float[Array, "4*n"],
    *,
    forget_bias: Annotated[float, Uniform(0.0, 1.0)],
    reverse: Literal[False, True],
) -> tuple[Float[Array, "t *b n"], Float[Array, "*b n"]]:
    """the hidden states of a long short-term memory over a sequence, and its last cell"""

    def step(carry, frame):
        state, memory = carry
        gates = frame @ input_weights + state @ hidden_weights + bias
        forget, write, candidate, read = jnp.split(gates, 4, axis=-1)
        kept = jax.nn.sigmoid(forget + forget_bias) * memory
        new_memory = kept + jax.nn.sigmoid(write) * jnp.tanh(candidate)
        new_state = jax.nn.sigmoid(read) * jnp.tanh(new_memory)
        return (new_state, new_memory), new_state

    (_, last_cell), states = lax.scan(step, (hidden, cell), inputs, reverse=reverse)
    return states, last_cell


def minimal_gated_unit(
    inputs: Float[Array, "t m"],
    hidden: Float[Array, "n"],
    gate_weights: Float[Array, "m+n n"],
    candidate_weights: Float[Array, "m+n n"],
    *,
    squash: Literal["tanh", "soft_sign", "relu"],
) -> Float[Array, "t n"]:
    """the hidden states of a minimal gated unit over a sequence"""

    def step(state, frame):
        gate = jax.nn.sigmoid(jnp.concatenate([frame, state]) @ gate_weights)
        mixed = jnp.concatenate([frame, gate * state]) @ candidate_weights
        new_state = (1 - gate) * state + gate * getattr(jax.nn, squash)(mixed)
        return new_state, new_state

    return lax.scan(step, hidden, inputs)[1]


def linear_recurrence(
    decays: Float[Array, "t *s"],
    inputs: Float[Array, "t *s"],
    *,
    method: Literal["associative", "scan", "loop"],
) -> Float[Array, "t *s"]:
    """the states of a linear recurrence with a decay of its own at each step"""
    if method == "associative":

        def combine(earlier, later):
            return earlier[0] * later[0], earlier[1] * later[0] + later[1]

        _, states = lax.associative_scan(combine, (decays, inputs))
    elif method == "scan":

        def advance(state, row):
            new_state = row[0] * state + row[1]
            return new_state, new_state

        _, states = lax.scan(advance, jnp.zeros_like(inputs[0]), (decays, inputs))
    else:

        def write(index, rows):
            return rows.at[index].add(decays[index] * rows[index - 1])

        states = lax.fori_loop(1, inputs.shape[0], write, inputs)
    return states


def selective_state_space(
    inputs: Float[Array, "t d"],
    rates: Float[Array, "d n"],
    step_sizes: Float[Array, "t d"],
    input_map: Float[Array, "t n"],
    output_map: Float[Array, "t n"],
    *,
    discretisation: Literal["euler", "zero order hold"],
) -> Float[Array, "t d"]:
    """the outputs of a selective state space model over a sequence"""

    def step(state, row):
        frame, size, write, read = row
        exponent = -size[:, None] * jnp.abs(rates)
        if discretisation == "euler":
            kept = (1 + exponent) * state
        else:
            kept = jnp.exp(exponent) * state
        new_state = kept + (size * frame)[:, None] * write
        return new_state, new_state @ read

    rows = (inputs, jax.nn.softplus(step_sizes), input_map, output_map)
    return lax.scan(step, jnp.zeros_like(rates), rows)[1]


def bidirectional_rnn(
    inputs: Float[Array, "t m"],
    forward_weights: Float[Array, "m+n n"],
    backward_weights: Float[Array, "m+n n"],
    *,
    merge: Literal["add", "multiply", "maximum"],
) -> Float[Array, "t n"]:
    """the merged states of two recurrent networks that read a sequence in both directions"""
    start = jnp.zeros((forward_weights.shape[1],), inputs.dtype)

    def ahead(state, frame):
        new_state = jnp.tanh(jnp.concatenate([frame, state]) @ forward_weights)
        return new_state, new_state

    def back(state, frame):
        new_state = jnp.tanh(jnp.concatenate([frame, state]) @ backward_weights)
        return new_state, new_state

    _, past = lax.scan(ahead, start, inputs)
    _, future = lax.scan(back, start, inputs, reverse=True)
    return getattr(jnp, merge)(past, future)


def spiking_neurons(
    currents: Float[Array, "t *s"],
    *,
    leak: Annotated[float, Uniform(0.5, 0.95)],
    threshold: Annotated[float, Uniform(0.5, 1.0)],
    reset: Literal["zero", "subtract"],
) -> tuple[Float[Array, "t *s"], Float[Array, "*s"]]:
    """the traces of leaky integrate-and-fire neurons before reset, and their spike counts"""

    def step(carry, current):
        potential, count = carry
        charged = leak * potential + current
        spike = (charged >= threshold).astype(current.dtype)
        if reset == "zero":
            rested = charged * (1 - spike)
        else:
            rested = charged - threshold * spike
        return (rested, count + spike), charged

    quiet = jnp.zeros_like(currents[0])
    (_, counts), traces = lax.scan(step, (quiet, quiet), currents)
    return traces, counts


def hopfield_update(
    state: Float[Array, "*b n"],
    patterns: Float[Array, "k n"],
    *,
    sharpness: Annotated[float, Uniform(0.5, 4.0)],
    memory: Literal["modern", "hebbian", "polynomial"],
) -> Float[Array, "*b n"]:
    """the state after one retrieval step of a Hopfield memory"""
    overlaps = state @ patterns.T
    if memory == "modern":
        recalled = jax.nn.softmax(sharpness * overlaps, axis=-1) @ patterns
    elif memory == "hebbian":
        recalled = jnp.tanh(sharpness * (overlaps @ patterns) / patterns.shape[0])
    else:
        recalled = jnp.tanh(sharpness * (overlaps * jnp.abs(overlaps)) @ patterns / patterns.shape[1])
    return recalled
