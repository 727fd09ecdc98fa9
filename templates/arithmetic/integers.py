"""Whole numbers: division, modular, saturating and fixed-point arithmetic, number patterns, calendars."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float32, Int, Int8, Int32, Integer, UInt, UInt8, UInt32

from jaxir import Uniform


def luma(rgb: UInt8[Array, "*s 3"]) -> UInt8[Array, "*s"]:
    """the brightness of a pixel in eight-bit fixed point"""
    red, green, blue = jnp.moveaxis(rgb.astype(jnp.uint32), -1, 0)
    weighted = 77 * red + 150 * green + 29 * blue
    return (weighted >> 8).astype(jnp.uint8)


def alpha_blend(
    foreground: UInt8[Array, "*s"], background: UInt8[Array, "*s"], *, alpha: Annotated[int, Uniform(20, 235)]
) -> UInt8[Array, "*s"]:
    """the blend of two pixels in eight-bit arithmetic"""
    front = foreground.astype(jnp.uint16)
    back = background.astype(jnp.uint16)
    blended = (alpha * front + (255 - alpha) * back + 127) // 255
    return blended.astype(jnp.uint8)


def average_without_overflow(
    x: Integer[Array, "*s"], y: Integer[Array, "*s"], *, rounding: Literal["down", "up"]
) -> Integer[Array, "*s"]:
    """the mean of `x` and `y` as an integer, free of overflow"""
    half_difference = (x ^ y) >> 1
    if rounding == "down":
        mean = (x & y) + half_difference
    else:
        mean = (x | y) - half_difference
    return mean


def saturating_add(x: Integer[Array, "*s"], y: Integer[Array, "*s"]) -> Integer[Array, "*s"]:
    """the sum of `x` and `y`, held at the ends of the type's range"""
    highest = jnp.full_like(x, jnp.iinfo(x.dtype).max)
    lowest = jnp.full_like(x, jnp.iinfo(x.dtype).min)
    too_high = (y > 0) & (x > highest - jnp.maximum(y, 0))
    too_low = (y < 0) & (x < lowest - jnp.minimum(y, 0))
    return jnp.where(too_high, highest, jnp.where(too_low, lowest, x + y))


def saturating_sub(x: UInt[Array, "*#s"], y: UInt[Array, "*#s"], *, form: Literal["where", "max"]) -> UInt[Array, "*s"]:
    """the difference of `x` and `y`, zero where it would be negative"""
    if form == "where":
        difference = jnp.where(x > y, x - y, 0)
    else:
        difference = jnp.maximum(x, y) - y
    return difference


def saturating_mul(x: Int8[Array, "*s"], y: Int8[Array, "*s"]) -> Int8[Array, "*s"]:
    """the product of two bytes, held at the ends of their range"""
    wide = x.astype(jnp.int16) * y.astype(jnp.int16)
    return jnp.clip(wide, -128, 127).astype(jnp.int8)


def multiply_high(x: UInt32[Array, "*s"], y: UInt32[Array, "*s"]) -> tuple[UInt32[Array, "*s"], UInt32[Array, "*s"]]:
    """the low word of a product and the sum of its cross terms"""
    x_low, x_high = x & 0xFFFF, x >> 16
    y_low, y_high = y & 0xFFFF, y >> 16
    cross = x_low * y_high + x_high * y_low + ((x_low * y_low) >> 2)
    return x * y, cross


def absolute_difference(x: UInt[Array, "*#s"], y: UInt[Array, "*#s"]) -> UInt[Array, "*s"]:
    """the distance of two unsigned numbers"""
    return jnp.maximum(x, y) - jnp.minimum(x, y)


def truncated_divide(dividend: Integer[Array, "*s"], divisor: Integer[Array, "*s"]) -> Integer[Array, "*s"]:
    """the quotient rounded towards zero, with divisors of at least one"""
    return lax.div(dividend, jnp.maximum(divisor, 1))


def ceil_divide(
    dividend: Int[Array, "*#s"], divisor: Int[Array, "*#s"], *, form: Literal["negate", "offset"]
) -> Int[Array, "*s"]:
    """the quotient rounded up, with divisors of at least one"""
    safe_divisor = jnp.maximum(divisor, 1)
    if form == "negate":
        quotient = -(-dividend // safe_divisor)
    else:
        quotient = (dividend + safe_divisor - 1) // safe_divisor
    return quotient


def align_up(offset: Integer[Array, "*s"], *, alignment: Literal[2, 4, 8]) -> Integer[Array, "*s"]:
    """the next multiple of a power of two at or above `offset`"""
    return (offset + (alignment - 1)) & -alignment


def round_up_to_multiple(x: Integer[Array, "*s"], multiple: Integer[Array, ""]) -> Integer[Array, "*s"]:
    """the next multiple of `multiple` at or above `x`"""
    step = jnp.maximum(multiple, 1)
    excess = x % step
    return jnp.where(excess == 0, x, x + step - excess)


def modular_arithmetic(
    x: Int32[Array, "*s"],
    y: Int32[Array, "*s"],
    modulus: Int32[Array, ""],
    *,
    operation: Literal["sum", "difference", "product"],
) -> Int32[Array, "*s"]:
    """the `operation` of `x` and `y` modulo `modulus`, which is raised to at least two"""
    m = jnp.maximum(modulus, 2)
    if operation == "sum":
        result = (x % m + y % m) % m
    elif operation == "difference":
        result = (x % m - y % m + m) % m
    else:
        result = (x % m) * (y % m) % m
    return result


def modular_power(
    base: Int32[Array, "*s"], *, exponent: Literal[3, 5, 6], modulus: Literal[7, 97, 251, 1009]
) -> Int32[Array, "*s"]:
    """a power of `base` in modular arithmetic"""
    residue = base % modulus
    squared = residue * residue % modulus
    if exponent == 3:
        result = squared * residue % modulus
    elif exponent == 5:
        result = squared * squared % modulus * residue % modulus
    else:
        result = squared * squared % modulus * squared % modulus
    return result


def common_multiple(
    x: Integer[Array, "*s"], y: Integer[Array, "*s"], *, fn: Literal["gcd", "lcm"]
) -> Integer[Array, "*s"]:
    """the `fn` of `x` and `y`, both raised to at least one"""
    return getattr(jnp, fn)(jnp.maximum(x, 1), jnp.maximum(y, 1))


def binary_gcd_step(
    x: Integer[Array, "*s"], y: Integer[Array, "*s"]
) -> tuple[Integer[Array, "*s"], Integer[Array, "*s"]]:
    """one step of Euclid's algorithm"""
    larger = jnp.maximum(x, y)
    smaller = jnp.minimum(x, y)
    rest = larger % jnp.where(smaller == 0, 1, smaller)
    return smaller, jnp.where(smaller == 0, larger, rest)


def collatz_step(n: Integer[Array, "*s"], *, form: Literal["full", "shortcut"]) -> Integer[Array, "*s"]:
    """the next term of the Collatz sequence"""
    if form == "full":
        odd_step = 3 * n + 1
    else:
        odd_step = (3 * n + 1) >> 1
    return jnp.where(n & 1 == 1, odd_step, n >> 1)


def polygonal_number(n: Integer[Array, "*s"], *, sides: Literal[3, 5, 6, 8]) -> Integer[Array, "*s"]:
    """the `n`-th polygonal number"""
    return ((sides - 2) * n * (n - 1) >> 1) + n


def cantor_pair(x: Integer[Array, "*s"], y: Integer[Array, "*s"]) -> Integer[Array, "*s"]:
    """the Cantor pairing of two whole numbers"""
    diagonal = x + y
    return (diagonal * (diagonal + 1) >> 1) + y


def integer_sqrt(n: Int32[Array, "*s"]) -> Int32[Array, "*s"]:
    """the square root of `n` rounded down"""
    magnitude = jnp.abs(n)
    guess = jnp.sqrt(magnitude.astype(jnp.float32)).astype(jnp.int32)
    guess = jnp.where(guess * guess > magnitude, guess - 1, guess)
    return jnp.where((guess + 1) * (guess + 1) <= magnitude, guess + 1, guess)


def sum_of_digits(n: Integer[Array, "*s"], *, base: Literal[3, 8, 10]) -> Integer[Array, "*s"]:
    """the sum of the last three digits of `n`"""
    ones = n % base
    tens = n // base % base
    hundreds = n // base**2 % base
    return ones + tens + hundreds


def grid_distance(
    x: Integer[Array, "*s 2"], y: Integer[Array, "*s 2"], *, metric: Literal["manhattan", "chebyshev"]
) -> Integer[Array, "*s"]:
    """the distance of two cells of a grid"""
    rows = jnp.abs(x[..., 0] - y[..., 0])
    columns = jnp.abs(x[..., 1] - y[..., 1])
    if metric == "manhattan":
        distance = rows + columns
    else:
        distance = jnp.maximum(rows, columns)
    return distance


def flat_index(
    row: Integer[Array, "*#s"], column: Integer[Array, "*#s"], *, width: Annotated[int, Uniform(3, 9)]
) -> Integer[Array, "*s"]:
    """the position of a cell in a row-major buffer, columns wrapped around"""
    return row * width + column % width


def fixed_point_multiply(
    x: Int32[Array, "*s"],
    y: Int32[Array, "*s"],
    *,
    fraction_bits: Annotated[int, Uniform(1, 3)],
    rounding: Literal["down", "nearest"],
) -> Int32[Array, "*s"]:
    """the product of two fixed-point numbers"""
    product = x * y
    if rounding == "down":
        result = product >> fraction_bits
    else:
        result = (product + (1 << (fraction_bits - 1))) >> fraction_bits
    return result


def to_fixed_point(x: Float32[Array, "*s"], *, fraction_bits: Annotated[int, Uniform(4, 12)]) -> Int32[Array, "*s"]:
    """the fixed-point representation of `x`"""
    return jnp.round(x * 2**fraction_bits).astype(jnp.int32)


def from_fixed_point(
    raw: Integer[Array, "*s"], *, fraction_bits: Annotated[int, Uniform(1, 8)]
) -> Float32[Array, "*s"]:
    """the real value of a fixed-point number"""
    return raw.astype(jnp.float32) / 2**fraction_bits


def quantize_to_int8(
    x: Float32[Array, "*s"],
    *,
    scale: Annotated[float, Uniform(0.01, 0.05)],
    zero_point: Annotated[int, Uniform(-20, 20)],
) -> Int8[Array, "*s"]:
    """the affine eight-bit quantisation of `x`"""
    levels = jnp.round(x / scale) + zero_point
    return jnp.clip(levels, -128, 127).astype(jnp.int8)


def dequantize(
    q: Integer[Array, "*b n"], scale: Float32[Array, "#n"], *, zero_point: Annotated[int, Uniform(-8, 8)]
) -> Float32[Array, "*b n"]:
    """the real values behind the quantised values `q`, with the channel scales `scale`"""
    return (q.astype(jnp.int32) - zero_point).astype(jnp.float32) * scale


def requantize(
    accumulator: Int32[Array, "*s"], multiplier: Int32[Array, ""], *, shift: Literal[1, 2, 3]
) -> Int8[Array, "*s"]:
    """an accumulator rescaled to eight bits"""
    scaled = accumulator * multiplier
    rounded = (scaled + (1 << (shift - 1))) >> shift
    return jnp.clip(rounded, -128, 127).astype(jnp.int8)


def is_leap_year(year: Integer[Array, "*s"]) -> Bool[Array, "*s"]:
    """whether `year` is a leap year, by the Julian rule with an exception every 100 years"""
    return (year % 4 == 0) & (year % 100 != 0)


def day_of_week(day: Int32[Array, "*s"], month: Int32[Array, "*s"], year: Int32[Array, "*s"]) -> Int32[Array, "*s"]:
    """the day of the week by Zeller's congruence, Saturday being zero"""
    shifted = month <= 2
    m = jnp.where(shifted, month + 12, month)
    y = jnp.where(shifted, year - 1, year)
    century, year_of_century = y // 100, y % 100
    years = year_of_century + year_of_century // 4 + century // 4 + 5 * century
    return (day + 13 * (m + 1) // 5 + years) % 7


def clock_time(seconds: Int32[Array, "*s"], *, offset: Annotated[int, Uniform(10, 7200)]) -> Int32[Array, "*s 3"]:
    """the hours, minutes and seconds of a time of day"""
    total = 997 * seconds + offset
    return jnp.stack([total // 3600 % 24, total // 60 % 60, total % 60], axis=-1)
