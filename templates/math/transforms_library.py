"""Signals, transforms, quadrature and interpolation of jax.scipy."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax.scipy import cluster, fft, integrate, ndimage, signal
from jax.scipy.interpolate import RegularGridInterpolator
from jaxtyping import AbstractDtype, Array, Complex, Float, Inexact

from jaxir import Uniform


class Wide(AbstractDtype):
    """Types for which transforms are defined."""

    dtypes = ("float64", "float32")


# Convolution


def whole_convolution(
    x: Inexact[Array, "m"], kernel: Inexact[Array, "n"], *, fn: Literal["convolve", "correlate"]
) -> Inexact[Array, "m+n-1"]:
    """everything of the `fn` of a signal and a kernel"""
    return getattr(signal, fn)(x, kernel, mode="full", method="direct")


def centred_convolution(
    x: Wide[Array, "n+k"],
    kernel: Wide[Array, "k"],
    *,
    fn: Literal["convolve", "correlate"],
    method: Literal["direct", "fft"],
) -> Wide[Array, "n+k"]:
    """the central part of the `fn` of a signal and a kernel"""
    return getattr(signal, fn)(x, kernel, mode="same", method=method)


def valid_convolution(
    x: Wide[Array, "n+k-1"], kernel: Wide[Array, "k"], *, fn: Literal["convolve", "correlate", "fftconvolve"]
) -> Wide[Array, "n"]:
    """the part of the `fn` of a signal and a kernel where they overlap wholly"""
    return getattr(signal, fn)(x, kernel, mode="valid")


def filtered_image(
    image: Float[Array, "m+2 n+2"], kernel: Float[Array, "3 3"], *, fn: Literal["convolve2d", "correlate2d"]
) -> Float[Array, "m+2 n+2"]:
    """the `fn` of an image and a kernel, of the image's size"""
    return getattr(signal, fn)(image, kernel, mode="same")


def blurred_image(
    image: Float[Array, "m+2 n+2"], *, fn: Literal["convolve2d", "correlate2d"], mode: Literal["valid"]
) -> Float[Array, "m n"]:
    """an image blurred by a small kernel, without its border"""
    kernel = jnp.outer(jnp.array([1, 2, 1]), jnp.array([1, 2, 1])).astype(image.dtype) / 16
    return getattr(signal, fn)(image, kernel, mode=mode)


def fast_convolution(x: Wide[Array, "*b m"], kernel: Wide[Array, "*b n"]) -> Wide[Array, "*b m+n-1"]:
    """the convolutions of signals along the last axis by Fourier transforms"""
    return signal.fftconvolve(x, kernel, mode="full", axes=-1)


# Spectra


def without_trend(x: Wide[Array, "*b n+2"], *, kind: Literal["constant", "linear"]) -> Wide[Array, "*b n+2"]:
    """signals without their '`kind`' trend along the last axis"""
    return signal.detrend(x, axis=-1, type=kind)


def piecewise_detrended(x: Wide[Array, "8 *b"], *, knot: Literal[3, 4, 5]) -> Wide[Array, "8 *b"]:
    """signals without their linear trends before and after the sample `knot`"""
    return signal.detrend(x, axis=0, type="linear", bp=knot)


def welch_spectrum(
    x: Wide[Array, "*b 16"], *, window: Literal["hann", "hamming"], scaling: Literal["density", "spectrum"]
) -> Wide[Array, "*b 5"]:
    """the power spectra of signals, averaged over segments"""
    return signal.welch(x, window=window, nperseg=8, scaling=scaling)[1]


def coherence_of_signals(
    x: Wide[Array, "16"], y: Wide[Array, "16"], *, segment: Literal[8], detrend: Literal["constant", "linear"]
) -> Wide[Array, "5"]:
    """the squared cross spectral density of two signals"""
    _, density = signal.csd(x, y, nperseg=segment, detrend=detrend)
    return jnp.abs(density) ** 2


def spectrogram(x: Wide[Array, "16"], *, window: Literal["hann", "boxcar"]) -> Wide[Array, "5 3"]:
    """the magnitudes of a short-time Fourier transform"""
    _, _, frames = signal.stft(x, window=window, nperseg=8, boundary=None)
    return jnp.abs(frames)


def spectral_gate(x: Wide[Array, "16"], *, floor: Annotated[float, Uniform(0.02, 0.2)]) -> Wide[Array, "16"]:
    """a signal whose weak parts were damped in its short-time spectrum"""
    _, _, frames = signal.stft(x, nperseg=8)
    power = jnp.abs(frames) ** 2
    _, cleaned = signal.istft(frames * power / (power + floor), nperseg=8)
    return cleaned[:16]


def cosine_transform_of_rows(
    x: Wide[Array, "*b n+1"], *, fn: Literal["dct", "idct"], norm: Literal["ortho"]
) -> Wide[Array, "*b n+1"]:
    """the `fn` of the last axis"""
    return getattr(fft, fn)(x, axis=-1, norm=norm)


def cosine_transform_of_columns(x: Wide[Array, "n+1 *b"], *, fn: Literal["dct", "idct"]) -> Wide[Array, "n+1 *b"]:
    """the `fn` of the first axis"""
    return getattr(fft, fn)(x, axis=0)


def cosine_transform_of_image(x: Wide[Array, "m+1 n+1"], *, fn: Literal["dctn", "idctn"]) -> Wide[Array, "m+1 n+1"]:
    """the `fn` of an image"""
    return getattr(fft, fn)(x, norm="ortho")


def compressed_block(x: Wide[Array, "4 4"], *, step: Annotated[float, Uniform(0.3, 1.0)]) -> Wide[Array, "4 4"]:
    """a block of an image after a soft threshold on its cosine transform"""
    coefficients = fft.dctn(x, norm="ortho")
    kept = jnp.sign(coefficients) * jnp.maximum(jnp.abs(coefficients) - step, 0)
    return x - fft.idctn(kept, norm="ortho")


# Quadrature, interpolation, clusters


def trapezoid_rule(y: Float[Array, "*b n+1"], *, spacing: Annotated[float, Uniform(0.1, 1.0)]) -> Float[Array, "*b"]:
    """integrals over the last axis by the trapezoidal rule"""
    return integrate.trapezoid(y, dx=spacing, axis=-1)


def trapezoid_rule_on_grid(y: Float[Array, "n+1"], steps: Float[Array, "n+1"]) -> Float[Array, ""]:
    """an integral over an uneven grid by the trapezoidal rule"""
    grid = jnp.cumsum(jnp.abs(steps) + 0.1)
    return integrate.trapezoid(y, grid.astype(y.dtype))


def grid_interpolation(
    values: Wide[Array, "4 5"], points: Wide[Array, "n 2"], *, method: Literal["linear", "nearest"]
) -> Wide[Array, "n"]:
    """values of a grid at points inside of it, by `method` interpolation"""
    axes = (jnp.arange(4, dtype=values.dtype), jnp.arange(5, dtype=values.dtype))
    interpolate = RegularGridInterpolator(axes, values, method=method)
    return interpolate(jnp.clip(jnp.abs(points), 0.05, 2.95)) + jnp.sum(points, axis=-1)


def line_interpolation(
    values: Wide[Array, "8"], x: Wide[Array, "n"], *, fill: Annotated[float, Uniform(-1.0, 1.0)]
) -> Wide[Array, "n"]:
    """values of a line at points, and a constant outside of it"""
    axis = jnp.linspace(-1.0, 1.0, 8, dtype=values.dtype)
    interpolate = RegularGridInterpolator((axis,), values, bounds_error=False, fill_value=fill)
    return interpolate(x[:, None])


def image_at_coordinates(
    image: Wide[Array, "m+2 n+2"],
    rows: Wide[Array, "k"],
    columns: Wide[Array, "k"],
    *,
    order: Literal[0, 1],
    mode: Literal["constant", "nearest", "wrap", "mirror", "reflect"],
) -> Wide[Array, "k"]:
    """an image at coordinates between its pixels, by interpolation of order `order`"""
    weights = jnp.abs(rows - columns) + 0.5
    return weights * ndimage.map_coordinates(image, [2 * rows, 2 * columns], order=order, mode=mode)


def warped_signal(
    x: Wide[Array, "n+2"], shift: Wide[Array, "n+2"], *, mode: Literal["nearest", "wrap", "mirror"]
) -> Wide[Array, "n+2"]:
    """a signal read at shifted times"""
    times = jnp.arange(x.shape[0]).astype(x.dtype) + shift
    return ndimage.map_coordinates(x, [times], order=1, mode=mode)


def nearest_codes(points: Wide[Array, "n d"], codes: Wide[Array, "k d"]) -> Wide[Array, "n"]:
    """the distances of points to the nearest of the codes"""
    return cluster.vq.vq(points, codes)[1]


def quantised_points(
    points: Wide[Array, "n d"], codes: Wide[Array, "k d"], *, commitment: Annotated[float, Uniform(0.1, 0.5)]
) -> Wide[Array, "n d"]:
    """points moved towards the nearest of the codes"""
    nearest, _ = cluster.vq.vq(points, codes)
    return points + commitment * (codes[nearest] - points)


def analytic_phase(x: Complex[Array, "n+1"], kernel: Complex[Array, "k"]) -> Complex[Array, "n+k"]:
    """the convolution of a complex signal with a kernel"""
    return signal.convolve(x, kernel, mode="full", method="fft")
