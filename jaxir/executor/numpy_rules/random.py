"""The counter-based generator Threefry-2x32 and the typed keys made of it.

Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011): 20 rounds of add, rotate and xor, with a key
injection after every fourth. JAX counts positions in row-major order, as two 32-bit words.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np

from jaxir.executor.numpy_rules.dtypes import KEY
from jaxir.executor.numpy_rules.registry import Array, Call, rule

_ROTATIONS: Final = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY: Final = np.uint32(0x1BD11BDA)


def threefry(first: Array, second: Array, high: Array, low: Array) -> tuple[Array, Array]:
    """The two words of the hash of a counter (high, low) under a key (first, second); all are uint32."""
    keys = (first, second, first ^ second ^ _PARITY)
    left, right = high + keys[0], low + keys[1]
    for group in range(5):
        for amount in _ROTATIONS[group % 2]:
            left = left + right
            right = (right << np.uint32(amount)) | (right >> np.uint32(32 - amount))
            right = left ^ right
        left = left + keys[(group + 1) % 3]
        right = right + keys[(group + 2) % 3] + np.uint32(group + 1)
    return left, right


def _counters(shape: tuple[int, ...]) -> tuple[Array, Array]:
    positions = np.arange(math.prod(shape), dtype=np.uint64).reshape(shape)
    return (positions >> np.uint64(32)).astype(np.uint32), positions.astype(np.uint32)


def _words(keys: Array, rank: int) -> tuple[Array, Array]:
    """Both words of keys, with `rank` new axes behind those of the keys."""
    words = keys["words"].reshape((*keys.shape, *(1,) * rank, 2))
    return words[..., 0], words[..., 1]


def _seeded(seed: Array) -> tuple[Array, Array]:
    wide = seed.astype(np.uint64)
    if seed.dtype.itemsize < 8:
        return np.zeros(seed.shape, np.uint32), seed.astype(np.uint32)
    return (wide >> np.uint64(32)).astype(np.uint32), wide.astype(np.uint32)


def _keys(words: tuple[Any, Any]) -> Array:
    first, second = np.broadcast_arrays(*words)
    result = np.empty(first.shape, KEY)
    result["words"][..., 0], result["words"][..., 1] = first, second
    return result


@rule("threefry2x32")
def _threefry2x32(call: Call, *operands: Array) -> list[Array]:
    return list(threefry(*operands))


@rule("random_seed")
def _random_seed(call: Call, seed: Array) -> Array:
    return _keys(_seeded(seed))


@rule("random_split")
def _random_split(call: Call, keys: Array) -> Array:
    shape = tuple(call.params["shape"])
    return _keys(threefry(*_words(keys, len(shape)), *_counters(shape)))


@rule("random_fold_in")
def _random_fold_in(call: Call, keys: Array, data: Array) -> Array:
    return _keys(threefry(*_words(keys, 0), *_seeded(data)))


@rule("random_bits")
def _random_bits(call: Call, keys: Array) -> Array:
    shape = tuple(call.params["shape"])
    left, right = threefry(*_words(keys, len(shape)), *_counters(shape))
    if call.params["bit_width"] == 64:
        return (left.astype(np.uint64) << np.uint64(32)) | right.astype(np.uint64)
    return (left ^ right).astype(call.dtype)


@rule("iota_2x32_shape")
def _iota_2x32_shape(call: Call) -> list[Array]:
    return list(_counters(tuple(call.params["shape"])))
