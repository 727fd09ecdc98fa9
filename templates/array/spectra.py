"""Discrete Fourier transforms of one and several axes."""

from typing import Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Complex64, Float32, Shaped


def fourier_pair(
    z: Complex64[Array, "*b n"], *, fn: Literal["fft", "ifft"], norm: Literal["backward", "ortho", "forward"]
) -> Complex64[Array, "*b n"]:
    """the `fn` of each row with `norm` scaling"""
    return getattr(jnp.fft, fn)(z, norm=norm)


def fourier_of_images(z: Complex64[Array, "*b m n"], *, fn: Literal["fft2", "ifft2"]) -> Complex64[Array, "*b m n"]:
    """the `fn` of the last two axes"""
    return getattr(jnp.fft, fn)(z)


def fourier_of_axes(
    z: Complex64[Array, "m n k"], *, fn: Literal["fftn", "ifftn"], axes: Literal["all", "first", "outer"]
) -> Complex64[Array, "m n k"]:
    """the `fn` over `axes` axes"""
    if axes == "all":
        result = getattr(jnp.fft, fn)(z)
    elif axes == "first":
        result = getattr(jnp.fft, fn)(z, axes=(0, 1))
    else:
        result = getattr(jnp.fft, fn)(z, axes=(0, 2))
    return result


def real_fourier(x: Float32[Array, "*b 2*n"], *, fn: Literal["rfft", "ihfft"]) -> Complex64[Array, "*b n+1"]:
    """the `fn` of real rows"""
    return getattr(jnp.fft, fn)(x)


def real_fourier_of_axes(x: Float32[Array, "m 2*n"], *, fn: Literal["rfft2", "rfftn"]) -> Complex64[Array, "m n+1"]:
    """the `fn` of a real image"""
    return getattr(jnp.fft, fn)(x)


def real_from_spectrum(z: Complex64[Array, "*b n+1"], *, fn: Literal["irfft", "hfft"]) -> Float32[Array, "*b 2*n"]:
    """the `fn` of each row"""
    return getattr(jnp.fft, fn)(z)


def image_from_spectrum(z: Complex64[Array, "m n+1"], *, fn: Literal["irfft2", "irfftn"]) -> Float32[Array, "m 2*n"]:
    """the `fn` of a half spectrum"""
    return getattr(jnp.fft, fn)(z)


def lax_fourier(z: Complex64[Array, "*b n"], *, kind: Literal["FFT", "IFFT"]) -> Complex64[Array, "*b n"]:
    """the transform `kind` of each row"""
    return lax.fft(z, kind, (z.shape[-1],))


def shifted_spectrum(
    z: Shaped[Array, "m n"], *, fn: Literal["fftshift", "ifftshift"], axes: Literal[0, 1]
) -> Shaped[Array, "m n"]:
    """`z` with its halves along axis `axes` exchanged by `fn`"""
    return getattr(jnp.fft, fn)(z, axes=axes)


def spectrum_slope(z: Complex[Array, "n"]) -> Complex[Array, "n"]:
    """the spectrum of the derivative of a signal with the spectrum `z`"""
    frequencies = jnp.fft.fftfreq(z.shape[-1], d=0.5)
    return (2j * jnp.pi * frequencies).astype(z.dtype) * z


def half_spectrum_filter(z: Complex[Array, "n+1"], *, order: Literal[1, 2]) -> Complex[Array, "n+1"]:
    """the half spectrum `z` behind a low pass of order `order`"""
    frequencies = jnp.fft.rfftfreq(2 * z.shape[-1] - 2)
    return z / (1 + (4 * frequencies) ** (2 * order)).astype(z.dtype)


def padded_transform(x: Float32[Array, "n"], *, length: Literal[8, 12]) -> Complex64[Array, "5"]:
    """the first five frequencies of `x`, cut or filled with zeros to `length` entries"""
    return jnp.fft.rfft(x, n=length)[:5]
