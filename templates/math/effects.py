"""Random bits of the platform's own generators: raw state in, and draws whose value no result shows."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Float32, Int32, Integer, UInt32

from jaxir import Uniform


def raw_bits(
    state: UInt32[Array, "4"], x: Integer[Array, "*s"], *, algorithm: Literal["PHILOX", "THREE_FRY", "DEFAULT"]
) -> UInt32[Array, "*s"]:
    """the bits of `x` masked with the `algorithm` stream of a raw state"""
    _, bits = lax.rng_bit_generator(state, x.shape, algorithm=getattr(lax.RandomAlgorithm, f"RNG_{algorithm}"))
    return bits ^ x.astype(jnp.uint32)


def next_state(
    state: UInt32[Array, "4"], *, count: Literal[2, 3, 5, 8, 16], algorithm: Literal["PHILOX", "THREE_FRY"]
) -> UInt32[Array, "4"]:
    """the raw state after `count` words of the `algorithm` stream"""
    after, bits = lax.rng_bit_generator(state, (count,), algorithm=getattr(lax.RandomAlgorithm, f"RNG_{algorithm}"))
    return after ^ (bits[0] & 1)


def uniform_from_stream(
    state: UInt32[Array, "4"],
    low: Float32[Array, "*s"],
    width: Float32[Array, "*s"],
    *,
    algorithm: Literal["PHILOX", "THREE_FRY", "DEFAULT"],
) -> Float32[Array, "*s"]:
    """uniform numbers of the given `width` above `low`, from the upper bits of a `algorithm` stream"""
    _, bits = lax.rng_bit_generator(state, low.shape, algorithm=getattr(lax.RandomAlgorithm, f"RNG_{algorithm}"))
    unit = (bits >> 8).astype(jnp.float32) * 2.0**-24
    return low + width * unit


def dropout_from_bits(
    state: UInt32[Array, "4"],
    x: Float[Array, "*s"],
    *,
    rate: Annotated[float, Uniform(0.1, 0.6)],
    width: Literal["uint8", "uint16", "uint32"],
) -> Float[Array, "*s"]:
    """dropout at rate `rate` by `width` words of a raw random state"""
    _, words = lax.rng_bit_generator(state, x.shape, dtype=getattr(jnp, width))
    limit = int(rate * (jnp.iinfo(words.dtype).max + 1))
    keep = words >= jnp.asarray(limit, words.dtype)
    return jnp.where(keep, x / (1 - rate), 0)


def stochastic_rounding(
    state: UInt32[Array, "4"], x: Float32[Array, "*s"], *, algorithm: Literal["PHILOX", "THREE_FRY"]
) -> Float32[Array, "*s"]:
    """the numbers rounded to eighths at random, up as often as their remainder asks"""
    _, bits = lax.rng_bit_generator(state, x.shape, algorithm=getattr(lax.RandomAlgorithm, f"RNG_{algorithm}"))
    chance = (bits >> 9).astype(jnp.float32) * 2.0**-23
    return jnp.floor(8 * x + chance) / 8


def additive_shares(
    x: Int32[Array, "*s"], y: Int32[Array, "*s"], *, bound: Literal[50, 1000, 1048576]
) -> Int32[Array, "*s"]:
    """the sum of two secrets, each split into a random share and the rest, added party by party"""
    low, high = jnp.asarray(0, x.dtype), jnp.asarray(bound, x.dtype)
    first = lax.rng_uniform(low, high, x.shape)
    second = lax.rng_uniform(low, high, y.shape)
    left = first + second
    right = (x - first) + (y - second)
    return left + right


def blinded_product(
    x: UInt32[Array, "*s"], y: UInt32[Array, "*s"], *, bound: Literal[16, 64, 100]
) -> UInt32[Array, "*s"]:
    """the product of `x` and `y`, where `x` is hidden by a random number while it is multiplied"""
    blind = lax.rng_uniform(jnp.asarray(1, x.dtype), jnp.asarray(bound, x.dtype), x.shape)
    return (x + blind) * y - blind * y


def random_order_rank(x: Float[Array, "n"]) -> Float[Array, "n"]:
    """the numbers sorted after a random shuffle, which their order does not show"""
    noise = lax.rng_uniform(jnp.zeros((), x.dtype), jnp.ones((), x.dtype), x.shape)
    _, shuffled = lax.sort((noise, x), num_keys=1)
    return jnp.sort(shuffled)


def random_probe_trace(diagonal: Float[Array, "n"], x: Float[Array, "n"]) -> Float[Array, ""]:
    """the trace of a diagonal matrix by one probe with random signs, which is exact for it, times the mean of `x`"""
    draws = lax.rng_uniform(jnp.zeros((), x.dtype), jnp.ones((), x.dtype), x.shape)
    signs = jnp.where(draws < 0.5, jnp.asarray(-1, x.dtype), jnp.asarray(1, x.dtype))
    return jnp.dot(signs, diagonal * signs) * jnp.mean(x)


def random_pivot_median(x: Float[Array, "n"], *, rank: Literal["middle", "lowest", "highest"]) -> Float[Array, ""]:
    """the `rank` number by counting, where a random pivot decides from which side the count runs"""
    pivot = lax.rng_uniform(jnp.zeros((), x.dtype), jnp.ones((), x.dtype), ())
    below = jnp.sum(x[:, None] > x[None, :], axis=1) + jnp.sum(jnp.tril(x[:, None] == x[None, :], -1), axis=1)
    if rank == "middle":
        wanted = x.shape[0] // 2
    elif rank == "lowest":
        wanted = 0
    else:
        wanted = x.shape[0] - 1
    forward = jnp.sum(jnp.where(below == wanted, x, 0))
    backward = jnp.sum(jnp.where(below[::-1] == wanted, x[::-1], 0))
    return lax.select(pivot < 0.5, forward, backward)
