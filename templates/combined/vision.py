"""Convolution, pooling and image processing."""

from typing import Annotated, Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Float32

from jaxir import Uniform


def conv1d(
    signal: Float[Array, "b t c"],
    kernel: Float[Array, "k c f"],
    *,
    padding: Literal["same", "causal", "wrap"],
    dilation: Literal[1, 2],
) -> Float[Array, "b t f"]:
    """a one-dimensional convolution that keeps the length"""
    reach = dilation * (kernel.shape[0] - 1)
    if padding == "same":
        padded = jnp.pad(signal, ((0, 0), (reach // 2, reach - reach // 2), (0, 0)))
    elif padding == "causal":
        padded = jnp.pad(signal, ((0, 0), (reach, 0), (0, 0)))
    else:
        padded = jnp.pad(signal, ((0, 0), (reach, 0), (0, 0)), mode="wrap")
    return lax.conv_general_dilated(
        padded,
        kernel,
        window_strides=(1,),
        padding="VALID",
        rhs_dilation=(dilation,),
        dimension_numbers=("NWC", "WIO", "NWC"),
    )


def conv1d_valid(
    signal: Float[Array, "t+k-1 c"],
    kernel: Float[Array, "k c f"],
    bias: Float[Array, "f"],
    *,
    activation: Literal["relu", "tanh", "gelu", "silu"],
    flip: Literal[False, True],
) -> Float[Array, "t f"]:
    """the output of a convolution layer over a sequence without padding"""
    if flip:
        taps = kernel[::-1]
    else:
        taps = kernel
    response = lax.conv_general_dilated(
        signal[None],
        taps,
        window_strides=(1,),
        padding="VALID",
        dimension_numbers=("NWC", "WIO", "NWC"),
    )
    return getattr(jax.nn, activation)(response[0] + bias)


def conv2d(
    image: Float[Array, "c h w"],
    kernel: Float[Array, "f c i j"],
    bias: Float[Array, "f"],
    *,
    layout: Literal["channels first", "channels last"],
    dilation: Literal[1, 2],
    activation: Literal["none", "relu", "tanh", "norm"],
) -> Float[Array, "f h w"]:
    """the output of a two-dimensional convolution layer over an image with padding"""
    if layout == "channels first":
        response = lax.conv_general_dilated(image[None], kernel, (1, 1), "SAME", rhs_dilation=(dilation, dilation))[0]
    else:
        response = lax.conv_general_dilated(
            jnp.moveaxis(image, 0, -1)[None],
            kernel.transpose(2, 3, 1, 0),
            (1, 1),
            "SAME",
            rhs_dilation=(dilation, dilation),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )[0].transpose(2, 0, 1)
    features = response + bias[:, None, None]
    if activation == "none":
        result = features
    elif activation == "relu":
        result = jax.nn.relu(features)
    elif activation == "tanh":
        result = jnp.tanh(features)
    else:
        size = jnp.mean(jnp.square(features), axis=0, keepdims=True)
        result = features * lax.rsqrt(size + 1e-3)
    return result


def strided_conv2d(
    image: Float[Array, "2*h 2*w c"],
    kernel: Float[Array, "3 3 c f"],
    bias: Float[Array, "f"],
    *,
    padding: Literal["SAME", "SAME_LOWER"],
    activation: Literal["relu", "leaky_relu", "gelu"],
) -> Float[Array, "h w f"]:
    """the output of a convolution layer that halves an image"""
    response = lax.conv_general_dilated(
        image[None],
        kernel,
        window_strides=(2, 2),
        padding=padding,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    return getattr(jax.nn, activation)(response[0] + bias)


def conv2d_transpose(
    image: Float[Array, "h w c"],
    kernel: Float[Array, "2 2 c f"],
    *,
    form: Literal["library", "input dilation", "shuffle"],
    activation: Literal["none", "leaky", "softplus"],
) -> Float[Array, "2*h 2*w f"]:
    """a transposed convolution that doubles an image"""
    if form == "library":
        enlarged = lax.conv_transpose(image[None], kernel, strides=(2, 2), padding="SAME")[0]
    elif form == "input dilation":
        enlarged = lax.conv_general_dilated(
            image[None],
            kernel,
            window_strides=(1, 1),
            padding=((1, 1), (1, 1)),
            lhs_dilation=(2, 2),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )[0]
    else:
        enlarged = jnp.einsum("hwc,ijcf->hiwjf", image, kernel).reshape(
            (2 * image.shape[0], 2 * image.shape[1], kernel.shape[3])
        )
    if activation == "none":
        result = enlarged
    elif activation == "leaky":
        result = jnp.where(enlarged > 0, enlarged, 0.1 * enlarged)
    else:
        result = jnp.logaddexp(enlarged, 0)
    return result


def depthwise_conv2d(
    image: Float[Array, "h w c"],
    depthwise: Float[Array, "3 3 1 c"],
    pointwise: Float[Array, "c f"],
    *,
    order: Literal["plain", "relu between", "gate"],
) -> Float[Array, "h w f"]:
    """a depthwise separable convolution of an image"""
    spatial = lax.conv_general_dilated(
        image[None],
        depthwise,
        window_strides=(1, 1),
        padding="SAME",
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        feature_group_count=image.shape[-1],
    )[0]
    if order == "plain":
        features = spatial
    elif order == "relu between":
        features = jax.nn.relu(spatial)
    else:
        features = spatial * jax.nn.sigmoid(image)
    return features @ pointwise


def max_pool(
    images: Float[Array, "*b 2*h 2*w c"], *, form: Literal["window", "blocks", "strided"]
) -> Float[Array, "*b h w c"]:
    """the largest value of each 2 by 2 block of an image"""
    if form == "window":
        window = (1,) * (images.ndim - 3) + (2, 2, 1)
        pooled = lax.reduce_window(images, -jnp.inf, lax.max, window, window, "VALID")
    elif form == "blocks":
        *batch, height, width, channels = images.shape
        blocks = images.reshape((*batch, height // 2, 2, width // 2, 2, channels))
        pooled = jnp.max(blocks, axis=(-4, -2))
    else:
        taller = jnp.maximum(images[..., 0::2, :, :], images[..., 1::2, :, :])
        pooled = jnp.maximum(taller[..., 0::2, :], taller[..., 1::2, :])
    return pooled


def avg_pool(
    images: Float[Array, "*b 2*h 2*w c"], *, form: Literal["window", "blocks", "quadratic mean"]
) -> Float[Array, "*b h w c"]:
    """an average of each 2 by 2 block of an image"""
    if form == "window":
        window = (1,) * (images.ndim - 3) + (2, 2, 1)
        pooled = lax.reduce_window(images, 0.0, lax.add, window, window, "VALID") / 4
    elif form == "blocks":
        *batch, height, width, channels = images.shape
        blocks = images.reshape((*batch, height // 2, 2, width // 2, 2, channels))
        pooled = jnp.mean(blocks, axis=(-4, -2))
    else:
        window = (1,) * (images.ndim - 3) + (2, 2, 1)
        squares = lax.reduce_window(images * images, 0.0, lax.add, window, window, "VALID")
        pooled = 0.5 * jnp.sqrt(squares)
    return pooled


def pool_sequence(
    signal: Float[Array, "*b t c"],
    *,
    size: Literal[2, 3, 4],
    kind: Literal["max", "mean", "range", "log mean exp"],
) -> Float[Array, "*b t c"]:
    """the sliding pooling of a sequence that keeps its length"""
    window = (1,) * (signal.ndim - 2) + (size, 1)
    stay = (1,) * signal.ndim
    if kind == "max":
        pooled = lax.reduce_window(signal, -jnp.inf, lax.max, window, stay, "SAME")
    elif kind == "mean":
        pooled = lax.reduce_window(signal, 0.0, lax.add, window, stay, "SAME") / size
    elif kind == "range":
        pooled = lax.reduce_window(signal, -jnp.inf, lax.max, window, stay, "SAME") - lax.reduce_window(
            signal, jnp.inf, lax.min, window, stay, "SAME"
        )
    else:
        pooled = jnp.log(lax.reduce_window(jnp.exp(signal), 0.0, lax.add, window, stay, "SAME") / size)
    return pooled


def image_blur(
    image: Float[Array, "*b h w"],
    *,
    boundary: Literal["edge", "wrap", "constant"],
    taps: Literal["binomial", "box"],
) -> Float[Array, "*b h w"]:
    """the image blurred by a separable three-tap filter"""
    still = [(0, 0)] * (image.ndim - 2)
    padded = jnp.pad(image, [*still, (1, 1), (1, 1)], mode=boundary)
    if taps == "binomial":
        rows = (padded[..., :-2, :] + 2 * padded[..., 1:-1, :] + padded[..., 2:, :]) / 4
        blurred = (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 4
    else:
        rows = padded[..., :-2, :] + padded[..., 1:-1, :] + padded[..., 2:, :]
        blurred = (rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]) / 9
    return blurred


def sobel_edges(
    image: Float[Array, "h+2 w+2"],
    *,
    measure: Literal["Euclidean strength", "Manhattan strength", "direction"],
    form: Literal["convolution", "differences"],
) -> Float[Array, "h w"]:
    """the `measure` of the edges of an image by Sobel filters, as `form`"""
    if form == "convolution":
        smooth = jnp.array([1, 2, 1], image.dtype)
        slope = jnp.array([-1, 0, 1], image.dtype)
        filters = jnp.stack([jnp.outer(smooth, slope), jnp.outer(slope, smooth)])[:, None]
        horizontal, vertical = lax.conv(image[None, None], filters, (1, 1), "VALID")[0]
    else:
        smooth = image[:-2] + 2 * image[1:-1] + image[2:]
        slope = image[2:] - image[:-2]
        horizontal = smooth[:, 2:] - smooth[:, :-2]
        vertical = slope[:, :-2] + 2 * slope[:, 1:-1] + slope[:, 2:]
    if measure == "Euclidean strength":
        edges = jnp.sqrt(horizontal**2 + vertical**2 + 1e-3)
    elif measure == "Manhattan strength":
        edges = jnp.abs(horizontal) + jnp.abs(vertical)
    else:
        edges = jnp.arctan2(vertical, horizontal)
    return edges


def bilinear_sample(
    image: Float[Array, "h w"],
    rows: Float[Array, "*s"],
    columns: Float[Array, "*s"],
    *,
    form: Literal["gather", "hat"],
) -> Float[Array, "*s"]:
    """the image sampled at fractional positions in the unit square by bilinear interpolation"""
    height, width = image.shape
    y = jnp.clip(rows, 0, 1) * (height - 1)
    x = jnp.clip(columns, 0, 1) * (width - 1)
    if form == "gather":
        top, left = jnp.floor(y).astype(jnp.int32), jnp.floor(x).astype(jnp.int32)
        bottom, right = jnp.minimum(top + 1, height - 1), jnp.minimum(left + 1, width - 1)
        down, across = y - jnp.floor(y), x - jnp.floor(x)
        upper = image[top, left] * (1 - across) + image[top, right] * across
        lower = image[bottom, left] * (1 - across) + image[bottom, right] * across
        sampled = upper * (1 - down) + lower * down
    else:
        down = jnp.maximum(1 - jnp.abs(y[..., None] - jnp.arange(height, dtype=image.dtype)), 0)
        across = jnp.maximum(1 - jnp.abs(x[..., None] - jnp.arange(width, dtype=image.dtype)), 0)
        sampled = jnp.einsum("...h,hw,...w->...", down, image, across)
    return sampled


def rgb_to_luma(
    image: Float[Array, "*b 3"], *, standard: Literal["weights", "linear light", "lightness"]
) -> Float[Array, "*b"]:
    """the brightness of colours"""
    if standard == "weights":
        luma = image @ jnp.array([0.299, 0.587, 0.114], image.dtype)
    elif standard == "linear light":
        toe = image / 12.92
        light = jnp.where(image <= 0.04045, toe, ((jnp.abs(image) + 0.055) / 1.055) ** 2.4)
        luma = light @ jnp.array([0.2126, 0.7152, 0.0722], image.dtype)
    else:
        luma = 0.5 * (jnp.max(image, axis=-1) + jnp.min(image, axis=-1))
    return luma


def rgb_to_hsv(image: Float[Array, "*b 3"]) -> Float[Array, "*b 3"]:
    """the hue, saturation and value of colours"""
    red, green, blue = image[..., 0], image[..., 1], image[..., 2]
    value = jnp.max(image, axis=-1)
    chroma = value - jnp.min(image, axis=-1)
    safe = jnp.where(chroma > 0, chroma, 1)
    sector = jnp.select(
        [value == red, value == green],
        [jnp.mod((green - blue) / safe, 6), (blue - red) / safe + 2],
        (red - green) / safe + 4,
    )
    saturation = jnp.where(value > 0, chroma / jnp.where(value > 0, value, 1), 0)
    return jnp.stack([sector / 6, saturation, value], axis=-1)


def adjust_colours(
    image: Float32[Array, "*b 3"],
    saturation: Float32[Array, ""],
    *,
    space: Literal["ycbcr", "grey mix"],
    gamma: Annotated[float, Uniform(0.5, 2.2)],
) -> Float32[Array, "*b 3"]:
    """colours with changed saturation and gamma"""
    if space == "ycbcr":
        matrix = jnp.array([[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]])
        inverse = jnp.array([[1.0, 0.0, 1.402], [1.0, -0.3441, -0.7141], [1.0, 1.772, 0.0]])
        gains = jnp.stack([jnp.ones_like(saturation), saturation, saturation])
        adjusted = (image @ matrix.T * gains) @ inverse.T
    else:
        grey = jnp.mean(image, axis=-1, keepdims=True)
        adjusted = grey + saturation * (image - grey)
    return jnp.maximum(adjusted, 1e-3) ** gamma
