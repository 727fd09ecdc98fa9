"""Operations on bits: logic, shifts, counts and bitcasts."""

from __future__ import annotations

import numpy as np

from jaxir.executor.numpy_rules.dtypes import KEY, bits, from_bits, kind, to_bits
from jaxir.executor.numpy_rules.elementwise import in_wide
from jaxir.executor.numpy_rules.registry import Array, Call, add_rule, rule

add_rule("and", in_wide(np.bitwise_and))
add_rule("or", in_wide(np.bitwise_or))
add_rule("xor", in_wide(np.bitwise_xor))
add_rule("not", in_wide(np.invert))


@rule("shift_left", "shift_right_logical")
def _shift(call: Call, x: Array, count: Array) -> Array:
    """Counts are unsigned; shifting by the width or more leaves nothing."""
    width = bits(x.dtype)
    raw, by = to_bits(x), to_bits(count)
    shift = np.left_shift if call.name == "shift_left" else np.right_shift
    shifted = shift(raw, np.minimum(by, raw.dtype.type(width - 1)))
    return from_bits(np.where(by < width, shifted, raw.dtype.type(0)), x.dtype)


@rule("shift_right_arithmetic")
def _shift_right_arithmetic(call: Call, x: Array, count: Array) -> Array:
    """Shifting by the width or more leaves the sign in every bit, of unsigned numbers too."""
    width = bits(x.dtype)
    by = np.minimum(to_bits(count), width - 1).astype(np.int64)
    raw = to_bits(x).astype(np.uint64)
    # The sign bit is moved to the top of 64 bits, so that one shift of int64 does for every width.
    top = (raw << np.uint64(64 - width)).view(np.int64)
    return from_bits(((top >> by) >> (64 - width)).astype(np.uint64).astype(to_bits(x).dtype), x.dtype)


@rule("population_count")
def _population_count(call: Call, x: Array) -> Array:
    return np.bitwise_count(to_bits(x)).astype(x.dtype)


@rule("clz")
def _clz(call: Call, x: Array) -> Array:
    raw = to_bits(x).astype(np.uint64)
    high, low = (raw >> np.uint64(32)).astype(np.float64), (raw & np.uint64(0xFFFFFFFF)).astype(np.float64)
    length = np.where(high > 0, np.frexp(high)[1] + 32, np.frexp(low)[1])
    return (bits(x.dtype) - length).astype(np.int32).astype(x.dtype)


@rule("bitcast_convert_type")
def _bitcast(call: Call, x: Array) -> Array:
    """Between widths, the least significant part comes first along a new (or the vanishing) last axis."""
    dtype = call.dtype
    old, new = bits(x.dtype), bits(dtype)
    if kind(dtype) == "V" or kind(x.dtype) == "V":
        return x.view(dtype)
    if min(old, new) >= 8:
        whole = np.ascontiguousarray(x)
        if new < old:
            return whole.reshape((*x.shape, 1)).view(dtype)
        result = whole.view(dtype)
        return result[..., 0] if new > old else result.reshape(x.shape)
    raw = to_bits(x).astype(np.uint64)
    if new < old:
        offsets = np.arange(old // new, dtype=np.uint64) * np.uint64(new)
        parts = (raw[..., None] >> offsets) & np.uint64((1 << new) - 1)
        return from_bits(parts.astype(np.uint8), dtype)
    if new > old:
        offsets = np.arange(new // old, dtype=np.uint64) * np.uint64(old)
        return from_bits(np.bitwise_or.reduce(raw << offsets, axis=-1).astype(f"uint{new}"), dtype)
    return from_bits(raw.astype(np.uint8), dtype)


@rule("random_unwrap")
def _random_unwrap(call: Call, keys: Array) -> Array:
    return keys["words"]


@rule("random_wrap")
def _random_wrap(call: Call, words: Array) -> Array:
    result = np.empty(words.shape[:-1], KEY)
    result["words"] = words
    return result
