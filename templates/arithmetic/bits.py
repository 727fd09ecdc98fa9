"""Bits and truth values: shifts, masks, codes, hashes, bit fields, logical gates."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float32, Int32, Integer, Num, UInt, UInt8, UInt16, UInt32

from jaxir import Uniform


def bitwise(
    x: Integer[Array, "*#s"], y: Integer[Array, "*#s"], *, fn: Literal["bitwise_and", "bitwise_or", "bitwise_xor"]
) -> Integer[Array, "*s"]:
    """the bitwise combination of `x` and `y`"""
    return getattr(jnp, fn)(x, y)


def bitwise_complement(x: Integer[Array, "*s"]) -> Integer[Array, "*s"]:
    """the bitwise complement of `x`"""
    return ~x


def bitwise_multiplexer(
    x: Integer[Array, "*s"], y: Integer[Array, "*s"], mask: Integer[Array, "*s"], *, form: Literal["xor", "and_or"]
) -> Integer[Array, "*s"]:
    """the bits of `x` where `mask` is clear and those of `y` where it is set"""
    if form == "xor":
        merged = x ^ ((x ^ y) & mask)
    else:
        merged = (x & ~mask) | (y & mask)
    return merged


def shift_bits(
    x: Integer[Array, "*s"], *, amount: Annotated[int, Uniform(1, 2)], fn: Literal["left_shift", "right_shift"]
) -> Integer[Array, "*s"]:
    """`x` shifted by a fixed number of bits"""
    return getattr(jnp, fn)(x, amount)


def shift_by(
    x: Integer[Array, "*#s"],
    amount: Integer[Array, "*#s"],
    *,
    fn: Literal["shift_left", "shift_right_logical", "shift_right_arithmetic"],
) -> Integer[Array, "*s"]:
    """`x` shifted by the last two bits of `amount`"""
    value, places = jnp.broadcast_arrays(x, amount & 3)
    return getattr(lax, fn)(value, places)


def rotate_bits(
    x: UInt[Array, "*s"], *, amount: Annotated[int, Uniform(1, 7)], direction: Literal["left", "right"]
) -> UInt[Array, "*s"]:
    """the bits of `x` rotated"""
    rest = jnp.iinfo(x.dtype).bits - amount
    if direction == "left":
        rotated = (x << amount) | (x >> rest)
    else:
        rotated = (x >> amount) | (x << rest)
    return rotated


def count_bits(x: Integer[Array, "*s"], *, fn: Literal["population_count", "clz"]) -> Integer[Array, "*s"]:
    """the bits of each entry of `x` counted by `fn`"""
    return getattr(lax, fn)(x)


def hamming_distance(x: Integer[Array, "*#s"], y: Integer[Array, "*#s"]) -> Integer[Array, "*s"]:
    """the number of bits in which `x` and `y` differ"""
    return jnp.bitwise_count(x ^ y).astype(x.dtype)


def bit_parity(x: Integer[Array, "*s"], *, form: Literal["count", "fold"]) -> Integer[Array, "*s"]:
    """the parity of the lowest seven bits of `x`"""
    if form == "count":
        parity = lax.population_count(x & 127) & 1
    else:
        folded = x & 127
        folded = folded ^ (folded >> 4)
        folded = folded ^ (folded >> 2)
        parity = (folded ^ (folded >> 1)) & 1
    return parity


def bit_length(x: Integer[Array, "*s"]) -> Integer[Array, "*s"]:
    """the number of bits that `x` needs"""
    return jnp.iinfo(x.dtype).bits - lax.clz(x)


def trailing_zeros(x: Integer[Array, "*s"]) -> Integer[Array, "*s"]:
    """the number of trailing zero bits of `x`"""
    return lax.population_count(~x & (x - 1))


def lowest_set_bit(x: Integer[Array, "*s"]) -> Integer[Array, "*s"]:
    """the lowest set bit of `x`"""
    return x & -x


def is_power_of_two(x: Integer[Array, "*s"]) -> Bool[Array, "*s"]:
    """whether `x` is a power of two"""
    return (x > 0) & (x & (x - 1) == 0)


def next_power_of_two(x: UInt[Array, "*s"]) -> UInt[Array, "*s"]:
    """the smallest power of two above `x`, for values below 256"""
    smeared = x | (x >> 1)
    smeared = smeared | (smeared >> 2)
    smeared = smeared | (smeared >> 4)
    return smeared + 1


def gray_code(x: Integer[Array, "*s"], *, direction: Literal["encoded", "decoded"]) -> Integer[Array, "*s"]:
    """`x` `direction` by the reflected Gray code"""
    if direction == "encoded":
        result = x ^ (x >> 1)
    else:
        folded = x ^ (x >> 4)
        folded = folded ^ (folded >> 2)
        result = folded ^ (folded >> 1)
    return result


def reverse_bits(x: UInt8[Array, "*s"]) -> UInt8[Array, "*s"]:
    """the bits of a byte in reverse order"""
    nibbles = (x >> 4) | (x << 4)
    pairs = ((nibbles >> 2) & 0x33) | ((nibbles & 0x33) << 2)
    return ((pairs >> 1) & 0x55) | ((pairs & 0x55) << 1)


def swap_bytes(x: UInt32[Array, "*s"]) -> UInt32[Array, "*s"]:
    """the bytes of a 32-bit word in reverse order"""
    outer = (x << 24) | (x >> 24)
    inner = ((x << 8) & 0xFF0000) | ((x >> 8) & 0xFF00)
    return outer | inner


def split_bytes(x: UInt16[Array, "*s"]) -> tuple[UInt8[Array, "*s"], UInt8[Array, "*s"]]:
    """the low and the high byte of a 16-bit word, the low one incremented"""
    low = (x & 0xFF).astype(jnp.uint8)
    high = (x >> 8).astype(jnp.uint8)
    return low + 1, high ^ low


def interleave_bits(x: UInt32[Array, "*s"], y: UInt32[Array, "*s"]) -> UInt32[Array, "*s"]:
    """the Morton code of two bytes"""

    def spread(value):
        value = (value | (value << 4)) & 0x0F0F
        value = (value | (value << 2)) & 0x3333
        return (value | (value << 1)) & 0x5555

    return spread(x & 0xFF) | (spread(y & 0xFF) << 1)


def extract_bit_field(
    word: Integer[Array, "*s"], *, start: Annotated[int, Uniform(0, 1)], width: Annotated[int, Uniform(2, 4)]
) -> Integer[Array, "*s"]:
    """a field of bits of `word`"""
    mask = (1 << width) - 1
    return (word >> start) & mask


def insert_bit_field(
    word: Integer[Array, "*s"], field: Integer[Array, "*s"], *, start: Annotated[int, Uniform(1, 4)]
) -> Integer[Array, "*s"]:
    """`word` with two of its bits replaced by `field`"""
    mask = 3 << start
    return (word & ~mask) | ((field << start) & mask)


def update_flag(
    flags: Integer[Array, "*s"], position: Integer[Array, ""], *, action: Literal["set", "clear", "toggle"]
) -> Integer[Array, "*s"]:
    """`flags` with one flag changed"""
    bit = jnp.ones_like(position) << (position % 4)
    if action == "set":
        updated = flags | bit
    elif action == "clear":
        updated = flags & ~bit
    else:
        updated = flags ^ bit
    return updated


def pack_rgb(red: UInt32[Array, "*s"], green: UInt32[Array, "*s"], blue: UInt32[Array, "*s"]) -> UInt32[Array, "*s"]:
    """three colour bytes packed into one word"""
    return ((red & 0xFF) << 16) | ((green & 0xFF) << 8) | (blue & 0xFF)


def unpack_rgb(word: UInt32[Array, "*s"]) -> UInt32[Array, "*s 3"]:
    """the channels of a word of ten, three and three bits"""
    return jnp.stack([word >> 6, (word >> 3) & 7, word & 7], axis=-1)


def lcg_step(state: UInt32[Array, "*s"], *, increment: Literal[1013904223, 1, 12345]) -> UInt32[Array, "*s"]:
    """one step of a linear congruential generator"""
    return state * jnp.uint32(1664525) + jnp.uint32(increment)


def xorshift_step(state: UInt32[Array, "*s"], *, order: Literal["left_first", "right_first"]) -> UInt32[Array, "*s"]:
    """one step of Marsaglia's xorshift generator"""
    if order == "left_first":
        mixed = state ^ (state << 13)
        mixed = mixed ^ (mixed >> 17)
        scrambled = mixed ^ (mixed << 5)
    else:
        mixed = state ^ (state >> 7)
        scrambled = mixed ^ (mixed << 9)
    return scrambled


def mix_hash(key: UInt32[Array, "*s"], seed: UInt32[Array, ""]) -> UInt32[Array, "*s"]:
    """the MurmurHash3 finaliser of `key`"""
    h = key ^ seed
    h = (h ^ (h >> 16)) * jnp.uint32(0x85EBCA6B)
    h = (h ^ (h >> 13)) * jnp.uint32(0xC2B2AE35)
    return h ^ (h >> 16)


def combine_hashes(seed: UInt32[Array, "*#s"], value: UInt32[Array, "*#s"]) -> UInt32[Array, "*s"]:
    """a hash of two words"""
    return seed ^ (value + jnp.uint32(0x9E3779B9) + (seed << 6) + (seed >> 2))


def uniform_from_bits(bits: UInt32[Array, "*s"]) -> Float32[Array, "*s"]:
    """a float in [0, 1) with the low bits of `bits` at the top of its mantissa"""
    mantissa = (bits << 15) & jnp.uint32(0x7FFFFF)
    pattern = mantissa | jnp.uint32(0x3F800000)
    return lax.bitcast_convert_type(pattern, jnp.float32) - 1


def fast_inverse_sqrt(x: Float32[Array, "*s"], *, steps: Literal[1, 2]) -> Float32[Array, "*s"]:
    """the reciprocal square root of one plus the magnitude of `x`, from the bits of a float"""
    value = 1 + jnp.abs(x)
    pattern = 0x5F3759DF - (lax.bitcast_convert_type(value, jnp.int32) >> 1)
    guess = lax.bitcast_convert_type(pattern, jnp.float32)
    once = guess * (1.5 - 0.5 * value * guess * guess)
    if steps == 1:
        root = once
    else:
        root = once * (1.5 - 0.5 * value * once * once)
    return root


def negated_gate(
    p: Bool[Array, "*#s"], q: Bool[Array, "*#s"], *, fn: Literal["logical_and", "logical_or", "logical_xor"]
) -> Bool[Array, "*s"]:
    """the negation of a logical gate of two truth values"""
    return ~getattr(jnp, fn)(p, q)


def implies(p: Bool[Array, "*#s"], q: Bool[Array, "*#s"]) -> Bool[Array, "*s"]:
    """whether `p` implies `q`"""
    return ~p | q


def full_adder(
    a: Bool[Array, "*#s"], b: Bool[Array, "*#s"], carry: Bool[Array, "*#s"]
) -> tuple[Bool[Array, "*s"], Bool[Array, "*s"]]:
    """the sum bit and the carry bit of three bits"""
    half = a ^ b
    return half ^ carry, (a & b) | (half & carry)


def majority_vote(a: Bool[Array, "*#s"], b: Bool[Array, "*#s"], c: Bool[Array, "*#s"]) -> Bool[Array, "*s"]:
    """the majority of three truth values"""
    return (a & b) | (b & c) | (a & c)


def count_votes(a: Bool[Array, "*s"], b: Bool[Array, "*s"], c: Bool[Array, "*s"]) -> Int32[Array, "*s"]:
    """the number of true values among three"""
    return a.astype(jnp.int32) + b.astype(jnp.int32) + c.astype(jnp.int32)


def bits_by_name(
    x: Integer[Array, "*s"], y: Integer[Array, "*s"], *, fn: Literal["bitwise_invert", "bitwise_not", "invert"]
) -> Integer[Array, "*s"]:
    """`y` combined with the `fn` of `x` by exclusive or"""
    return jnp.bitwise_xor(getattr(jnp, fn)(x), y)


def shift_by_name(
    x: Integer[Array, "*s"],
    count: Integer[Array, "*s"],
    *,
    fn: Literal["bitwise_left_shift", "bitwise_right_shift", "left_shift", "right_shift"],
) -> Integer[Array, "*s"]:
    """the `fn` of `x` by the lowest two bits of `count`, plus `count`"""
    return getattr(jnp, fn)(x, jnp.bitwise_and(count, 3)) + count


def lax_bits(
    x: Integer[Array, "*s"],
    y: Integer[Array, "*s"],
    *,
    fn: Literal[
        "bitwise_and", "bitwise_or", "bitwise_xor", "shift_left", "shift_right_arithmetic", "shift_right_logical"
    ],
) -> Integer[Array, "*s"]:
    """the `fn` of the complement of `x` and of the lowest bits of `y`"""
    return getattr(lax, fn)(lax.bitwise_not(x), y & 7)


def lax_count(
    x: Integer[Array, "*s"], y: Integer[Array, "*s"], *, fn: Literal["population_count", "clz"]
) -> Integer[Array, "*s"]:
    """the `fn` of `x`, minus `y`"""
    return lax.sub(getattr(lax, fn)(x), y)


def mask_algebra(
    a: Bool[Array, "*s"],
    b: Bool[Array, "*s"],
    x: Num[Array, "*s"],
    *,
    fn: Literal["bitwise_and", "bitwise_or", "bitwise_xor"],
) -> Num[Array, "*s"]:
    """`x` where the `fn` of `a` and of the complement of `b` holds, and its negative elsewhere"""
    return jnp.where(getattr(lax, fn)(a, lax.bitwise_not(b)), x, -x)
