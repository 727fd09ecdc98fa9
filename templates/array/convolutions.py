"""Convolutions with strides, paddings, dilations, groups and layouts."""

from typing import Literal

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Num


def convolve_images(
    x: Num[Array, "b c h+2 w+2"], kernel: Num[Array, "f c 3 3"], *, padding: Literal["VALID"]
) -> Num[Array, "b f h w"]:
    """the convolution of images with a kernel of three by three, `padding`"""
    return lax.conv(x, kernel, (1, 1), padding)


def convolve_same(
    x: Num[Array, "b c n"], kernel: Num[Array, "f c 3"], *, padding: Literal["SAME", "SAME_LOWER"]
) -> Num[Array, "b f n"]:
    """the convolution of sequences that keeps their length, `padding`"""
    return lax.conv_general_dilated(x, kernel, (1,), padding)


def convolve_strided(
    x: Float[Array, "b c 2*n"], kernel: Float[Array, "f c 2"], *, precision: Literal["default", "highest"]
) -> Float[Array, "b f n"]:
    """the convolution of sequences with a stride of two and precision `precision`"""
    return lax.conv_general_dilated(x, kernel, (2,), "VALID", precision=precision)


def convolve_dilated(x: Num[Array, "b c n+4"], kernel: Num[Array, "f c 3"]) -> Num[Array, "b f n"]:
    """the convolution with a kernel whose taps are two apart"""
    return lax.conv_general_dilated(x, kernel, (1,), [(0, 0)], rhs_dilation=(2,))


def convolve_cropped(x: Num[Array, "b c n+2"], kernel: Num[Array, "f c 2"]) -> Num[Array, "b f n"]:
    """the convolution of sequences without their first entry"""
    return lax.conv_general_dilated(x, kernel, (1,), [(-1, 0)])


def convolve_groups(x: Float[Array, "b 2*c n+1"], kernel: Float[Array, "2*f c 2"]) -> Float[Array, "b 2*f n"]:
    """the convolution in two groups of features"""
    return lax.conv_general_dilated(x, kernel, (1,), "VALID", feature_group_count=2)


def convolve_each_channel(x: Float[Array, "b c n+2"], kernel: Float[Array, "c 1 3"]) -> Float[Array, "b c n"]:
    """the convolution of each channel with a kernel of its own"""
    return lax.conv_general_dilated(x, kernel, (1,), "VALID", feature_group_count=x.shape[1])


def convolve_layout(
    x: Float[Array, "b h+1 w+1 c"], kernel: Float[Array, "2 2 c f"], *, out: Literal["NHWC"]
) -> Float[Array, "b h w f"]:
    """the convolution of images with their channels last"""
    return lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", out))


def convolve_to_layout(x: Float[Array, "b h+1 w+1 c"], kernel: Float[Array, "f c 2 2"]) -> Float[Array, "b f h w"]:
    """the convolution of images with their channels last to images with their channels first"""
    return lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "OIHW", "NCHW"))


def convolve_sequences_first(x: Float[Array, "n+1 b c"], kernel: Float[Array, "2 c f"]) -> Float[Array, "n b f"]:
    """the convolution of sequences with their time first"""
    return lax.conv_general_dilated(x, kernel, (1,), "VALID", dimension_numbers=("WNC", "WIO", "WNC"))


def convolve_with_padding(
    x: Num[Array, "b c n"], kernel: Num[Array, "f c 3"], *, stride: Literal[1]
) -> Num[Array, "b f n+1"]:
    """the convolution of sequences with two zeros before and one behind them"""
    return lax.conv_with_general_padding(x, kernel, (stride,), [(2, 1)], None, None)


def transposed_convolution(
    x: Float[Array, "b n c"],
    kernel: Float[Array, "2 c f"],
    *,
    padding: Literal["VALID", "SAME"],
    transpose_kernel: Literal[False],
) -> Float[Array, "b 2*n f"]:
    """the transposed convolution with a stride of two, `padding`"""
    return lax.conv_transpose(x, kernel, (2,), padding, transpose_kernel=transpose_kernel)


def local_convolution(x: Float[Array, "b c n+1"], kernel: Float[Array, "f 2*c n"]) -> Float[Array, "b f n"]:
    """the convolution with another kernel of two taps at each position"""
    return lax.conv_general_dilated_local(x, kernel, (1,), "VALID", (2,))


def gradient_of_convolved(
    x: Float[Array, "b 2*c n+2"], kernel: Float[Array, "2*f c 3"], *, dilation: Literal[1, 2]
) -> Float[Array, "b 2*c n+2"]:
    """the gradient of the squared outputs of a grouped convolution of dilation `dilation` with respect to `x`"""

    def total(image):
        out = lax.conv_general_dilated(image, kernel, (1,), "SAME", rhs_dilation=(dilation,), feature_group_count=2)
        return jnp.sum(out * out)

    return jax.grad(total)(x)
