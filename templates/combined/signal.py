"""Signal processing: filters, transforms, smoothing and quantisation."""

from typing import Annotated, Literal

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex64, Float, Float32

from jaxir import Uniform


def _ends(signal, before, after, mode):
    return jnp.pad(signal, [(0, 0)] * (signal.ndim - 1) + [(before, after)], mode=mode)


def fft_filter(
    signal: Float32[Array, "*b n"],
    *,
    cutoff: Annotated[float, Uniform(0.1, 0.4)],
    response: Literal["brick wall", "gaussian", "butterworth", "notch"],
) -> Float32[Array, "*b n"]:
    """the signal filtered in the frequency domain"""
    frequencies = jnp.fft.rfftfreq(signal.shape[-1], dtype=jnp.float32)
    if response == "brick wall":
        gain = (frequencies <= cutoff).astype(jnp.float32)
    elif response == "gaussian":
        gain = jnp.exp(-0.5 * jnp.square(frequencies / cutoff))
    elif response == "butterworth":
        gain = lax.rsqrt(1 + (frequencies / cutoff) ** 4)
    else:
        gain = 1 - jnp.exp(-50 * jnp.square(frequencies - cutoff))
    return jnp.fft.irfft(jnp.fft.rfft(signal, axis=-1) * gain, n=signal.shape[-1], axis=-1)


def fft_convolve(
    signal: Float32[Array, "*b n"],
    kernel: Float32[Array, "k"],
    *,
    mode: Literal["convolve", "correlate", "deconvolve"],
) -> Float32[Array, "*b n"]:
    """the signal and the kernel combined through their Fourier transforms"""
    length = signal.shape[-1] + kernel.shape[0] - 1
    spectrum = jnp.fft.rfft(signal, n=length, axis=-1)
    taps = jnp.fft.rfft(kernel, n=length)
    if mode == "convolve":
        product = spectrum * taps
    elif mode == "correlate":
        product = spectrum * jnp.conj(taps)
    else:
        product = spectrum * jnp.conj(taps) / (jnp.square(jnp.abs(taps)) + 0.1)
    return jnp.fft.irfft(product, n=length, axis=-1)[..., : signal.shape[-1]]


def power_spectrum(
    signal: Float32[Array, "*b n"],
    *,
    window: Literal["hanning", "hamming", "blackman", "bartlett"],
    scale: Literal["power", "decibel", "amplitude", "share"],
) -> Float32[Array, "*b n"]:
    """the power spectrum of a windowed signal"""
    windowed = signal * (getattr(jnp, window)(signal.shape[-1]) + 0.1)
    power = jnp.square(jnp.abs(jnp.fft.fft(windowed, axis=-1)))
    if scale == "power":
        spectrum = power / signal.shape[-1]
    elif scale == "decibel":
        spectrum = 10 * jnp.log10(power + 1e-3)
    elif scale == "amplitude":
        spectrum = jnp.sqrt(power + 1e-6)
    else:
        spectrum = power / (jnp.sum(power, axis=-1, keepdims=True) + 1e-6)
    return spectrum


def analytic_signal(
    signal: Float32[Array, "*b n"], *, output: Literal["signal", "unit phase"]
) -> Complex64[Array, "*b n"]:
    """the analytic signal by a Hilbert transform"""
    length = signal.shape[-1]
    index = jnp.arange(length)
    gain = jnp.where(2 * index == length, 1.0, jnp.where(2 * index < length, 2.0, 0.0)).at[0].set(1.0)
    analytic = jnp.fft.ifft(jnp.fft.fft(signal, axis=-1) * gain, axis=-1)
    if output == "signal":
        result = analytic
    else:
        result = analytic / (jnp.abs(analytic) + 1e-3)
    return result


def spectral_derivative(
    field: Float32[Array, "*b n"],
    *,
    what: Literal["first derivative", "second derivative", "inverse of the Laplacian minus one"],
) -> Float32[Array, "*b n"]:
    """the `what` of a periodic field, by its Fourier transform"""
    wavenumber = 2 * jnp.pi * jnp.fft.rfftfreq(field.shape[-1], d=1 / field.shape[-1], dtype=jnp.float32)
    spectrum = jnp.fft.rfft(field, axis=-1)
    if what == "first derivative":
        changed = 1j * wavenumber * spectrum
    elif what == "second derivative":
        changed = -jnp.square(wavenumber) * spectrum
    else:
        changed = -spectrum / (jnp.square(wavenumber) + 1)
    return jnp.fft.irfft(changed, n=field.shape[-1], axis=-1)


def sliding_average(
    signal: Float[Array, "*b n+2"],
    weights: Float[Array, "3"],
    *,
    form: Literal["slices", "window", "centre"],
) -> Float[Array, "*b n"]:
    """a mixture of each inner sample of a signal with its two neighbours, by three weights"""
    if form == "slices":
        total = jnp.sum(jnp.abs(weights)) + 1e-3
        ahead = weights[0] * signal[..., :-2] + weights[1] * signal[..., 1:-1]
        average = (ahead + weights[2] * signal[..., 2:]) / total
    elif form == "window":
        windows = jnp.stack([signal[..., :-2], signal[..., 1:-1], signal[..., 2:]], axis=-1)
        average = windows @ (jnp.abs(weights) / (jnp.sum(jnp.abs(weights)) + 1e-3))
    else:
        sides = weights[0] * signal[..., :-2] + weights[2] * signal[..., 2:]
        average = 0.5 * sides + 0.5 * weights[1] * jnp.tanh(signal[..., 1:-1])
    return average


def exponential_smoothing(
    signal: Float[Array, "t *s"],
    *,
    alpha: Annotated[float, Uniform(0.1, 0.9)],
    form: Literal["level", "trend", "zero phase", "associative"],
) -> Float[Array, "t *s"]:
    """the exponentially smoothed signal"""
    if form == "level":

        def blend(level, value):
            smooth = level + alpha * (value - level)
            return smooth, smooth

        _, smoothed = lax.scan(blend, signal[0], signal)
    elif form == "trend":

        def follow(carry, value):
            level = alpha * value + (1 - alpha) * (carry[0] + carry[1])
            trend = 0.3 * (level - carry[0]) + 0.7 * carry[1]
            return (level, trend), level

        _, smoothed = lax.scan(follow, (signal[0], jnp.zeros_like(signal[0])), signal)
    elif form == "zero phase":

        def blend(level, value):
            smooth = level + alpha * (value - level)
            return smooth, smooth

        last, ahead = lax.scan(blend, signal[0], signal)
        _, smoothed = lax.scan(blend, last, ahead, reverse=True)
    else:

        def compose(earlier, later):
            return earlier[0] * later[0], earlier[1] * later[0] + later[1]

        start = alpha * signal.at[0].divide(alpha)
        _, smoothed = lax.associative_scan(compose, (jnp.full_like(signal, 1 - alpha), start))
    return smoothed


def autocorrelation(
    signal: Float[Array, "*b n"],
    *,
    form: Literal["circulant", "scan", "toeplitz"],
    centred: Literal[False, True],
) -> Float[Array, "*b n"]:
    """the normalised autocorrelation of a periodic signal at every lag"""
    if centred:
        values = signal - jnp.mean(signal, axis=-1, keepdims=True)
    else:
        values = signal
    length = signal.shape[-1]
    if form == "circulant":
        lags = jnp.stack([jnp.roll(values, -lag, axis=-1) for lag in range(length)], axis=-1)
        correlation = jnp.einsum("...n,...nl->...l", values, lags)
    elif form == "scan":

        def shift(rolled, _):
            return jnp.roll(rolled, -1, axis=-1), jnp.sum(values * rolled, axis=-1)

        _, rows = lax.scan(shift, values, None, length=length)
        correlation = jnp.moveaxis(rows, 0, -1)
    else:
        index = (jnp.arange(length)[:, None] + jnp.arange(length)) % length
        correlation = jnp.einsum("...n,...ln->...l", values, values[..., index])
    return correlation / (jnp.sum(values * values, axis=-1, keepdims=True) + 1e-2)


def savgol_filter(
    signal: Float[Array, "*b n+4"], *, derivative: Literal["smooth", "slope", "curvature"]
) -> Float[Array, "*b n"]:
    """the signal after a Savitzky-Golay filter with five taps"""
    near = [signal[..., :-4], signal[..., 1:-3], signal[..., 2:-2], signal[..., 3:-1], signal[..., 4:]]
    if derivative == "smooth":
        filtered = (17 * near[2] + 12 * (near[1] + near[3]) - 3 * (near[0] + near[4])) / 35
    elif derivative == "slope":
        filtered = (2 * (near[4] - near[0]) + near[3] - near[1]) / 10
    else:
        filtered = (2 * (near[0] + near[4] - near[2]) - near[1] - near[3]) / 7
    return filtered


def median_filter(
    signal: Float[Array, "*b n"],
    *,
    boundary: Literal["edge", "wrap", "constant"],
    form: Literal["sort", "min max", "trimmed"],
) -> Float[Array, "*b n"]:
    """the signal after a median filter over three samples"""
    padded = _ends(signal, 1, 1, boundary)
    before, after = padded[..., :-2], padded[..., 2:]
    if form == "sort":
        filtered = jnp.sort(jnp.stack([before, signal, after]), axis=0)[1]
    elif form == "min max":
        filtered = jnp.maximum(jnp.minimum(before, after), jnp.minimum(signal, jnp.maximum(before, after)))
    else:
        low, high = jnp.minimum(before, after), jnp.maximum(before, after)
        filtered = jnp.clip(signal, low - 0.1, high + 0.1)
    return filtered


def biquad_filter(
    signal: Float[Array, "t *s"],
    feedforward: Float[Array, "3"],
    feedback: Float[Array, "2"],
    *,
    realisation: Literal["direct", "transposed"],
) -> Float[Array, "t *s"]:
    """the signal after a second-order recursive filter"""
    first, second = 0.5 * jnp.tanh(feedback[0]), 0.4 * jnp.tanh(feedback[1])
    quiet = jnp.zeros_like(signal[0])
    if realisation == "direct":

        def step(delays, value):
            inner = value - first * delays[0] - second * delays[1]
            filtered = feedforward[0] * inner + feedforward[1] * delays[0] + feedforward[2] * delays[1]
            return (inner, delays[0]), filtered

    else:

        def step(delays, value):
            filtered = feedforward[0] * value + delays[0]
            later = feedforward[1] * value - first * filtered + delays[1]
            return (later, feedforward[2] * value - second * filtered), filtered

    return lax.scan(step, (quiet, quiet), signal)[1]


def haar_wavelet(
    signal: Float[Array, "*b 2*n"], *, form: Literal["slices", "reshape", "lifting"]
) -> tuple[Float[Array, "*b n"], Float[Array, "*b n"]]:
    """the coarse and detail coefficients of one Haar wavelet level"""
    if form == "slices":
        coarse = (signal[..., 0::2] + signal[..., 1::2]) * 0.5**0.5
        detail = (signal[..., 0::2] - signal[..., 1::2]) * 0.5**0.5
    elif form == "reshape":
        pairs = signal.reshape((*signal.shape[:-1], signal.shape[-1] // 2, 2))
        coarse, detail = jnp.mean(pairs, axis=-1), -0.5 * jnp.diff(pairs, axis=-1)[..., 0]
    else:
        detail = signal[..., 1::2] - signal[..., 0::2]
        coarse = signal[..., 0::2] + 0.5 * detail
    return coarse, detail


def cosine_transform(
    signal: Float[Array, "*b n"], *, kind: Literal["dct", "dst", "hartley"], keep: Literal["all", "low"]
) -> Float[Array, "*b n"]:
    """a trigonometric transform of a signal by its matrix"""
    length = signal.shape[-1]
    index = jnp.arange(length, dtype=jnp.float32)
    if kind == "dct":
        basis = jnp.cos(jnp.pi / length * jnp.outer(index, index + 0.5))
    elif kind == "dst":
        basis = jnp.sin(jnp.pi / (length + 1) * jnp.outer(index + 1, index + 1))
    else:
        phase = 2 * jnp.pi / length * jnp.outer(index, index)
        basis = jnp.cos(phase) + jnp.sin(phase)
    if keep == "all":
        coefficients = signal @ basis.T.astype(signal.dtype)
    else:
        coefficients = jnp.where(index < 0.5 * length + 1, signal @ basis.T.astype(signal.dtype), 0)
    return coefficients


def quantise_dequantise(
    x: Float[Array, "*b n"],
    *,
    scheme: Literal["symmetric", "affine", "per tensor", "stochastic free"],
    levels: Literal[7, 15, 127],
) -> Float[Array, "*b n"]:
    """the values after quantisation to a few levels and back"""
    if scheme == "symmetric":
        scale = jnp.max(jnp.abs(x), axis=-1, keepdims=True) / levels + 1e-3
        restored = jnp.round(x / scale) * scale
    elif scheme == "affine":
        low = jnp.min(x, axis=-1, keepdims=True)
        scale = (jnp.max(x, axis=-1, keepdims=True) - low) / levels + 1e-3
        restored = jnp.clip(jnp.round((x - low) / scale), 0, levels) * scale + low
    elif scheme == "per tensor":
        scale = jnp.max(jnp.abs(x)) / levels + 1e-3
        restored = (jnp.round(x / scale).astype(jnp.int32)).astype(x.dtype) * scale
    else:
        scale = jnp.mean(jnp.abs(x), axis=-1, keepdims=True) + 1e-3
        restored = x + lax.stop_gradient(jnp.sign(x) * scale - x)
    return restored


def compand(
    x: Float[Array, "*s"], *, law: Literal["mu", "a", "expand mu"], strength: Annotated[float, Uniform(5.0, 90.0)]
) -> Float[Array, "*s"]:
    """the audio samples after companding"""
    size = jnp.clip(jnp.abs(x), 0, 1)
    if law == "mu":
        level = jnp.log1p(strength * size) / jnp.log1p(strength)
    elif law == "a":
        linear_part = strength * size
        curved = 1 + jnp.log(jnp.maximum(linear_part, 1))
        level = jnp.where(linear_part < 1, linear_part, curved) / (1 + jnp.log(strength))
    else:
        level = jnp.expm1(size * jnp.log1p(strength)) / strength
    return jnp.sign(x) * level
