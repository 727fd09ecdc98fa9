"""The bit generators of XLA: Philox-4x32 and Threefry-2x32 over a counter that goes on from call to call.

Both are of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). Which word becomes which element is
XLA's choice (`xla/hlo/builder/lib/prng.cc`): Philox's four words one after the other; Threefry's two words side by side
along the first even axis (or the longest).
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from jaxir.executor.numpy_rules.random import threefry
from jaxir.executor.numpy_rules.registry import Array, Call, rule

_ROUNDS: Final = 10
#: Multipliers of the first and the third word; what the two words of the key grow by after each round.
_MULTIPLIERS: Final = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL: Final = (np.uint32(0x9E3779B9), np.uint32(0xBB67AE85))


def _words(values: Any) -> tuple[Array, Array]:
    """Low and high half of 64-bit numbers."""
    wide = np.asarray(values, np.uint64)
    return wide.astype(np.uint32), (wide >> np.uint64(32)).astype(np.uint32)


def _joined(low: Array, high: Array) -> Array:
    return low.astype(np.uint64) | high.astype(np.uint64) << np.uint64(32)


def _philox(counter: tuple[Array, Array, Array, Array], key: tuple[Any, Any]) -> tuple[Array, Array, Array, Array]:
    """Four words for each counter of four words, the lowest first."""
    for _ in range(_ROUNDS):
        first_low, first_high = _words(counter[0].astype(np.uint64) * _MULTIPLIERS[0])
        third_low, third_high = _words(counter[2].astype(np.uint64) * _MULTIPLIERS[1])
        counter = third_high ^ counter[1] ^ key[0], third_low, first_high ^ counter[3] ^ key[1], first_low
        key = key[0] + _WEYL[0], key[1] + _WEYL[1]
    return counter


def _from_philox(state: Array, shape: tuple[int, ...], bits: int) -> tuple[Array, Array]:
    # The counter has 128 bits: two words of the state, or in a state of two words the second one and then the key.
    low, high = (state[1], state[2]) if len(state) > 2 else (state[1], state[0])
    size = math.prod(shape)
    blocks = -(-size * (2 if bits == 64 else 1) // 4)
    lows = low + np.arange(blocks, dtype=np.uint64)
    highs = high + (lows < low).astype(np.uint64)
    words = _philox((*_words(lows), *_words(highs)), _words(state[0]))
    numbers = [_joined(words[0], words[1]), _joined(words[2], words[3])] if bits == 64 else words
    after = low + np.uint64(blocks)
    moved = np.array([state[0], after, high + np.uint64(after < low)], np.uint64)[: len(state)]
    return moved, np.stack(numbers, axis=-1).reshape(-1)[:size].reshape(shape)


def _from_threefry(state: Array, shape: tuple[int, ...], bits: int) -> tuple[Array, Array]:
    def hashed(dims: tuple[int, ...]) -> tuple[Array, Array]:
        counters = state[1] + np.arange(math.prod(dims), dtype=np.uint64).reshape(dims)
        low, high = _words(counters)
        return threefry(*_words(state[0]), low, high)

    if bits == 64:
        numbers = _joined(*hashed(shape))
        return np.array([state[0], state[1] + np.uint64(numbers.size)], np.uint64), numbers
    if not shape:
        return np.array([state[0], state[1] + np.uint64(1)], np.uint64), hashed((1,))[0].reshape(())
    even = (axis for axis, size in enumerate(shape) if size % 2 == 0)
    axis = next(even, shape.index(max(shape)))
    half = (*shape[:axis], -(-shape[axis] // 2), *shape[axis + 1 :])
    pairs = np.stack(hashed(half), axis=axis + 1)
    numbers = pairs.reshape((*shape[:axis], 2 * half[axis], *shape[axis + 1 :]))
    kept = tuple(slice(size) for size in shape)
    return np.array([state[0], state[1] + np.uint64(math.prod(half))], np.uint64), numbers[kept]


def generate(algorithm: str, state: Array, shape: tuple[int, ...], dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """The state after a call, and its numbers.

    Args:
        algorithm: `THREE_FRY`, `PHILOX`, or `DEFAULT`, which is Philox on a CPU.
        state: 2 words of 64 bits, for Philox 2 or 3: the key and the counter.
        shape: of the numbers.
        dtype: an unsigned type; those below 32 bits are the low bits of 32.
    """
    make = _from_threefry if algorithm == "THREE_FRY" else _from_philox
    with np.errstate(over="ignore"):
        moved, numbers = make(state, shape, 64 if dtype.itemsize == 8 else 32)
    return moved, numbers.astype(dtype)


@rule("rng_bit_generator")
def _rng_bit_generator(call: Call, key: Array) -> list[Array]:
    """The key is the state, in words of 32 or of 64 bits."""
    out = call.outs[1]
    algorithm = call.params["algorithm"].name.removeprefix("RNG_")
    drawn = out.dtype if out.dtype.kind == "u" else np.dtype(np.uint32)
    moved, numbers = generate(algorithm, np.ascontiguousarray(key).view(np.uint64), out.shape, drawn)
    return [moved.view(key.dtype), numbers.astype(out.dtype)]
