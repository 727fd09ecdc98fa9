"""Element types: conversions, computing in another type, and reinterpreting bits."""

from typing import Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import (
    Array,
    BFloat16,
    Bool,
    Complex64,
    Float,
    Float16,
    Float32,
    Int,
    Int8,
    Int16,
    Int32,
    Integer,
    Num,
    Real,
    Shaped,
    UInt,
    UInt8,
    UInt16,
    UInt32,
)


def to_single(x: Real[Array, "*s"], bias: Float32[Array, ""]) -> Float32[Array, "*s"]:
    """`x` in single precision plus `bias`"""
    return x.astype(jnp.float32) + bias


def to_brain_float(x: Real[Array, "*s"], scale: BFloat16[Array, ""]) -> BFloat16[Array, "*s"]:
    """`x` as bfloat16, times `scale`"""
    return jnp.astype(x, jnp.bfloat16) * scale


def to_half(x: Real[Array, "*s"], scale: Float16[Array, ""]) -> Float16[Array, "*s"]:
    """`x` in half precision, times `scale`"""
    return lax.convert_element_type(x, jnp.float16) * scale


def to_complex(x: Num[Array, "*s"], phase: Complex64[Array, ""]) -> Complex64[Array, "*s"]:
    """`x` as a complex number, times `phase`"""
    return jnp.asarray(x, dtype=jnp.complex64) * phase


def to_int32(x: Real[Array, "*s"], offset: Int32[Array, ""]) -> Int32[Array, "*s"]:
    """eight times `x` as 32-bit integers, plus `offset`"""
    return lax.convert_element_type(8 * x, jnp.int32) + offset


def to_int16(x: Float[Array, "*s"], offset: Int16[Array, ""]) -> Int16[Array, "*s"]:
    """sixteen times `x` as 16-bit integers, plus `offset`"""
    return jnp.rint(16 * x).astype(jnp.int16) + offset


def to_int8(x: Float[Array, "*s"], offset: Int8[Array, ""]) -> Int8[Array, "*s"]:
    """sixteen times `x` as 8-bit integers, plus `offset`"""
    return jnp.clip(jnp.round(16 * x), -100, 100).astype(jnp.int8) + offset


def to_uint8(x: Float[Array, "*s"], mask: UInt8[Array, ""]) -> UInt8[Array, "*s"]:
    """the magnitude of `x` in sixteenths as bytes, combined with `mask` by exclusive or"""
    return jnp.clip(16 * jnp.abs(x), 0, 255).astype(jnp.uint8) ^ mask


def to_uint16(x: Float[Array, "*s"], offset: UInt16[Array, ""]) -> UInt16[Array, "*s"]:
    """the magnitude of `x` in hundredths as 16-bit words, plus `offset`"""
    return jnp.floor(100 * jnp.abs(x)).astype(jnp.uint16) + offset


def to_uint32(x: Real[Array, "*s"], factor: UInt32[Array, ""]) -> UInt32[Array, "*s"]:
    """the square of `x` as 32-bit words, times `factor`"""
    return lax.convert_element_type(x * x, jnp.uint32) * factor


def to_mask(x: Real[Array, "*s"], flag: Bool[Array, ""]) -> Bool[Array, "*s"]:
    """whether the whole part of `x` is not zero, flipped by `flag`"""
    return jnp.trunc(x).astype(bool) ^ flag


def mask_to_numbers(
    mask: Bool[Array, "*s"], x: Num[Array, "*s"], *, how: Literal["astype", "where", "multiply"]
) -> Num[Array, "*s"]:
    """`x` where `mask` holds and zero elsewhere"""
    if how == "astype":
        result = mask.astype(x.dtype) * x
    elif how == "where":
        result = jnp.where(mask, x, jnp.zeros_like(x))
    else:
        result = jnp.multiply(lax.convert_element_type(mask, x.dtype), x)
    return result


def float_round_trip(
    x: Float[Array, "*s"],
    *,
    to: Literal[
        "bfloat16",
        "float16",
        "float32",
        "float8_e4m3fn",
        "float8_e5m2",
        "float8_e4m3b11fnuz",
        "float8_e4m3fnuz",
        "float8_e5m2fnuz",
    ],
) -> Float[Array, "*s"]:
    """`x` rounded to `to`, plus half of `x`"""
    return x.astype(getattr(jnp, to)).astype(x.dtype) + x / 2


def narrow_integers(
    x: Integer[Array, "*s"],
    y: Integer[Array, "*s"],
    *,
    to: Literal["int8", "int16", "int32", "uint8", "uint16", "uint32", "int4", "uint4"],
) -> Integer[Array, "*s"]:
    """`x` wrapped around to `to`, plus `y`"""
    return lax.convert_element_type(lax.convert_element_type(x, getattr(jnp, to)), x.dtype) + y


def sum_in_other_type(
    x: Real[Array, "*s"],
    y: Real[Array, "*s"],
    *,
    fn: Literal["add", "multiply", "maximum"],
    to: Literal["bfloat16", "float16", "float32"],
) -> Real[Array, "*s"]:
    """the `fn` of `x` and `y` computed in `to`"""
    total = getattr(jnp, fn)(x.astype(getattr(jnp, to)), y.astype(getattr(jnp, to)))
    return total.astype(x.dtype)


def product_in_integers(
    x: Float[Array, "*s"], y: Float[Array, "*s"], *, to: Literal["int8", "int16", "int32", "uint8", "uint16", "uint32"]
) -> Float[Array, "*s"]:
    """the product of the magnitudes of `x` and `y` in eighths, computed in `to`"""
    left, right = jnp.round(8 * jnp.abs(x)), jnp.round(8 * jnp.abs(y))
    product = lax.mul(left.astype(getattr(jnp, to)), right.astype(getattr(jnp, to)))
    return product.astype(x.dtype) / 64


def low_bit_sum(
    x: Float[Array, "*s"], y: Float[Array, "*s"], *, to: Literal["float8_e4m3fn", "float8_e5m2", "float8_e4m3b11fnuz"]
) -> Float[Array, "*s"]:
    """the sum of `x` and `y` in `to`"""
    return (x.astype(getattr(jnp, to)) + y.astype(getattr(jnp, to))).astype(x.dtype)


def bits_of_single(
    x: Float32[Array, "*s"], y: Float32[Array, "*s"], *, to: Literal["int32", "uint32"]
) -> Float32[Array, "*s"]:
    """the number half the way between `x` and `y` in the order of their bits"""
    left = lax.bitcast_convert_type(jnp.abs(x), getattr(jnp, to))
    right = lax.bitcast_convert_type(jnp.abs(y), getattr(jnp, to))
    return lax.bitcast_convert_type((left + right) >> 1, jnp.float32)


def bits_of_half(
    x: Float16[Array, "*s"], *, to: Literal["int16", "uint16"], keep: Literal[3, 5, 7]
) -> Float16[Array, "*s"]:
    """`x` without the lowest `keep` bits of its mantissa"""
    words = lax.bitcast_convert_type(x, getattr(jnp, to))
    return lax.bitcast_convert_type((words >> keep) << keep, jnp.float16)


def bits_of_brain_float(x: BFloat16[Array, "*s"], *, to: Literal["int16", "uint16"]) -> BFloat16[Array, "*s"]:
    """`x` with the lowest bit of its mantissa flipped"""
    words = lax.bitcast_convert_type(x, getattr(jnp, to))
    return lax.bitcast_convert_type(words ^ 1, jnp.bfloat16)


def halves_of_words(x: UInt32[Array, "*s"], *, to: Literal["uint16", "int16"]) -> UInt32[Array, "*s"]:
    """the words of `x` plus 70000 with their 16-bit halves exchanged"""
    halves = lax.bitcast_convert_type(x + 70000, getattr(jnp, to))
    return lax.bitcast_convert_type(jnp.flip(halves, axis=-1), jnp.uint32)


def bytes_of_floats(x: Float32[Array, "*b n"]) -> UInt8[Array, "*b 4*n"]:
    """the bytes of each row of `x`"""
    return x.view(jnp.uint8)


def view_as_other_type(x: Int32[Array, "*b 2*n"], *, to: Literal["float32", "uint32"]) -> Float32[Array, "*b 2*n"]:
    """the bits of `x` moved to the left read as `to`, divided by two"""
    words = (x << 20).view(getattr(jnp, to))
    return words.astype(jnp.float32) / 2


def bits_of_bytes(x: Int8[Array, "*b 2"]) -> Int16[Array, "*b"]:
    """each pair of bytes as one 16-bit number"""
    return lax.bitcast_convert_type(x, jnp.int16)


def signed_as_unsigned(x: Int32[Array, "*s"], y: UInt32[Array, "*s"]) -> UInt32[Array, "*s"]:
    """the bits of `x` as unsigned words, minus `y`"""
    return lax.bitcast_convert_type(x, jnp.uint32) - y


def unsigned_as_signed(x: UInt16[Array, "*s"], y: Int16[Array, "*s"]) -> Int16[Array, "*s"]:
    """the bits of the complement of `x` as signed numbers, times `y`"""
    return lax.bitcast_convert_type(~x, jnp.int16) * y


def byte_as_signed(x: UInt8[Array, "*s"], y: Int8[Array, "*s"]) -> Int8[Array, "*s"]:
    """the bits of `x` as signed numbers, minus `y`"""
    return lax.bitcast_convert_type(x, jnp.int8) - y


def copied(
    x: Shaped[Array, "n *s"], y: Shaped[Array, "n *s"], *, fn: Literal["copy", "array", "asarray"]
) -> Shaped[Array, "2*n *s"]:
    """a copy of `x` followed by `y`"""
    return jnp.concatenate([getattr(jnp, fn)(x), y])


def promoted_sum(x: Int[Array, "*s"], y: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """the sum of integers and floating-point numbers in the type of the latter"""
    return x + y


def promoted_product(x: UInt8[Array, "*s"], y: Int32[Array, "*s"], *, shift: Literal[1, 2, 4]) -> Int32[Array, "*s"]:
    """the product of bytes and 32-bit numbers, moved right by `shift`"""
    return jnp.right_shift(x * y, shift)


def common_type(x: Float16[Array, "*s"], y: BFloat16[Array, "*s"]) -> Float32[Array, "*s"]:
    """the product of numbers of two half precisions in the type that holds both"""
    return x * y


def castable(
    x: Real[Array, "*s"], y: Real[Array, "*s"], *, to: Literal["int32", "float32", "uint8"]
) -> Real[Array, "*s"]:
    """the mean of `x` and `y`, computed in `to` where their type can be cast to it"""
    dtype = getattr(jnp, to) if jnp.can_cast(x.dtype, getattr(jnp, to)) else x.dtype
    return ((x.astype(dtype) + y.astype(dtype)) // 2).astype(x.dtype)


def packed_bits(mask: Bool[Array, "*b 8"], *, bitorder: Literal["big", "little"]) -> UInt8[Array, "*b 1"]:
    """eight flags packed into a byte, the `bitorder` end first"""
    return jnp.packbits(mask, axis=-1, bitorder=bitorder)


def unpacked_bits(x: UInt8[Array, "*b n"], *, bitorder: Literal["big", "little"]) -> UInt8[Array, "*b 8*n"]:
    """the bits of each byte, the `bitorder` end first"""
    return jnp.unpackbits(x, axis=-1, bitorder=bitorder)


def unsigned_difference(x: UInt[Array, "*s"], y: UInt[Array, "*s"]) -> UInt[Array, "*s"]:
    """the distance between two unsigned numbers, without wrapping around"""
    return jnp.where(x > y, x - y, y - x)
