"""Bits, element types, complex numbers and Fourier transforms."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Complex, Complex64, Float, Float32, Int, Int8, Int32, Real, UInt8, UInt32

from jaxir import Uniform


def float_exponent(x: Float32[Array, "*s"]) -> Int32[Array, "*s"]:
    """the binary exponent of each number, read from its bits"""
    bits = lax.bitcast_convert_type(x, jnp.int32)
    field = jnp.right_shift(bits, 23) & 0xFF
    return field - 127


def mantissa_bits(x: Float32[Array, "*s"], *, keep: Literal[4, 8, 16]) -> Float32[Array, "*s"]:
    """each number with all but the first `keep` bits of its mantissa cleared"""
    bits = lax.bitcast_convert_type(x, jnp.uint32)
    cleared = jnp.left_shift(jnp.right_shift(bits, 23 - keep), 23 - keep)
    return lax.bitcast_convert_type(cleared, jnp.float32)


def word_bytes(words: UInt32[Array, "*s"], key: UInt32[Array, "*#s"]) -> UInt8[Array, "*s 4"]:
    """the four bytes of each word after an exclusive or with `key`"""
    return lax.bitcast_convert_type(words ^ key, jnp.uint8)


def pack_mask(mask: Bool[Array, "*s 8"], *, bitorder: Literal["big", "little"]) -> UInt8[Array, "*s"]:
    """eight flags packed into each byte in `bitorder`-endian bit order"""
    packed = jnp.packbits(mask, axis=-1, bitorder=bitorder)
    return jnp.squeeze(packed, axis=-1)


def unpack_byte(codes: UInt8[Array, "*s"], *, bitorder: Literal["big", "little"]) -> UInt8[Array, "*s 8"]:
    """the eight bits of each byte in `bitorder`-endian bit order"""
    return jnp.unpackbits(codes[..., None], axis=-1, bitorder=bitorder)


def round_precision(
    x: Float[Array, "*s"], scale: Float[Array, "*#s"], *, mantissa: Literal[2, 3, 5]
) -> Float[Array, "*s"]:
    """`x` over `scale` rounded to `mantissa` bits of precision, and scaled back"""
    width = jnp.abs(scale) + 0.1
    return lax.reduce_precision(x / width, exponent_bits=5, mantissa_bits=mantissa) * width


def quantize_rows(x: Float[Array, "*b n"]) -> tuple[Int8[Array, "*b n"], Float[Array, "*b 1"]]:
    """each row as eight-bit integers and the step between them"""
    step = jnp.max(jnp.abs(x), axis=-1, keepdims=True) / 127 + 1e-3
    codes = jnp.clip(jnp.round(x / step), -127, 127)
    return codes.astype(jnp.int8), step


def dequantize_rows(
    codes: Int8[Array, "*b n"], step: Float32[Array, "*b"], *, zero_point: Annotated[int, Uniform(0, 3)]
) -> Float32[Array, "*b n"]:
    """the numbers that the eight-bit codes `codes` stand for at the step sizes `step`"""
    offsets = codes.astype(jnp.int32) - zero_point
    return offsets.astype(jnp.float32) * step[..., None]


def quantized_matmul(
    a: Int8[Array, "*b m k"], b: Int8[Array, "k n"], step: Float32[Array, "n"]
) -> Float32[Array, "*b m n"]:
    """the matrix product of eight-bit integers, summed in 32 bits and scaled by `step`"""
    sums = jnp.matmul(a, b, preferred_element_type=jnp.int32)
    return sums.astype(jnp.float32) * step


def mixed_precision_dot(a: Float32[Array, "*b m k"], b: Float32[Array, "*b k n"]) -> Float32[Array, "*b m n"]:
    """the matrix product of `a` and `b` in bfloat16 with sums in float32"""
    left, right = a.astype(jnp.bfloat16), b.astype(jnp.bfloat16)
    return jnp.matmul(left, right, preferred_element_type=jnp.float32)


def threshold_bits(x: Real[Array, "*b n"], y: Real[Array, "*#b n"]) -> Int[Array, "*b"]:
    """the positions where `x` is below `y` as the bits of one integer"""
    places = jnp.left_shift(1, jnp.arange(x.shape[-1]))
    return jnp.sum(jnp.where(x < y, places, 0), axis=-1)


def polar_to_complex(radius: Float32[Array, "*s"], angle: Float32[Array, "*#s"]) -> Complex64[Array, "*s"]:
    """the complex number with the radius `radius` and the angle `angle`"""
    return lax.complex(radius * jnp.cos(angle), radius * jnp.sin(angle))


def magnitude_and_phase(z: Complex[Array, "*s"]) -> tuple[Float32[Array, "*s"], Float32[Array, "*s"]]:
    """the magnitude and the phase of `z`"""
    size = jnp.sqrt(jnp.square(z.real) + jnp.square(z.imag) + 1e-9)
    return size, jnp.arctan2(z.imag, z.real)


def complex_part(
    z: Complex64[Array, "*s"], w: Complex64[Array, "*#s"], *, part: Literal["real", "imag", "abs"]
) -> Float32[Array, "*s"]:
    """the result of `part` on `z` times the conjugate of `w`"""
    return getattr(jnp, part)(z * jnp.conj(w))


def hermitian_part(
    a: Complex64[Array, "*b n n"], *, part: Literal["Hermitian", "skew-Hermitian"]
) -> Complex64[Array, "*b n n"]:
    """the `part` part of each matrix"""
    adjoint = jnp.conj(jnp.swapaxes(a, -1, -2))
    if part == "Hermitian":
        twice = a + adjoint
    else:
        twice = a - adjoint
    return twice / 2


def complex_matmul(
    a: Float32[Array, "*b m k"], b: Float32[Array, "*b m k"], z: Complex64[Array, "*b k n"]
) -> Complex64[Array, "*b m n"]:
    """the product of the complex matrix of real part `a` and imaginary part `b` with `z`"""
    return jnp.matmul(lax.complex(a, b), z)


def fourier_transform(z: Complex64[Array, "*b n"], *, fn: Literal["fft", "ifft"]) -> Complex64[Array, "*b n"]:
    """the `fn` of `z` along the last axis"""
    return getattr(jnp.fft, fn)(z, axis=-1)


def frequency_power(x: Float32[Array, "*b n"], *, window: Literal["none", "hann"]) -> Float32[Array, "*b n//2+1"]:
    """the power of each frequency along the last axis"""
    if window == "hann":
        tapered = x * jnp.hanning(x.shape[-1] + 2)[1:-1]
    else:
        tapered = x
    spectrum = jnp.fft.rfft(tapered, axis=-1)
    return jnp.square(spectrum.real) + jnp.square(spectrum.imag)


def fourier_slope(x: Float32[Array, "*b 2*n+2"]) -> Float32[Array, "*b 2*n+2"]:
    """the derivative of a periodic signal along the last axis, by its Fourier series"""
    size = x.shape[-1]
    waves = 2 * jnp.pi * jnp.fft.rfftfreq(size)
    spectrum = jnp.fft.rfft(x, axis=-1) * lax.complex(jnp.zeros_like(waves), waves)
    return jnp.fft.irfft(spectrum, size, axis=-1)


def circular_correlation(x: Float32[Array, "*b n"], y: Float32[Array, "n"]) -> Float32[Array, "*b n"]:
    """the circular cross-correlation of each row of `x` with `y`, by Fourier transforms"""
    product = jnp.fft.fft(x, axis=-1) * jnp.conj(jnp.fft.fft(y))
    return jnp.fft.ifft(product, axis=-1).real


def image_spectrum(image: Float32[Array, "*b m n"], *, centered: Literal[False, True]) -> Float32[Array, "*b m n"]:
    """the magnitude of the two-dimensional Fourier transform"""
    spectrum = jnp.fft.fft2(image, axes=(-2, -1))
    power = jnp.square(spectrum.real) + jnp.square(spectrum.imag)
    if centered:
        placed = jnp.fft.fftshift(power, axes=(-2, -1))
    else:
        placed = power
    return jnp.sqrt(placed + 1e-6)
