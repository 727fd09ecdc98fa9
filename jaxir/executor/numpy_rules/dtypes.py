"""Element types: which family one belongs to, in what type its arithmetic is done, and conversion as XLA does it.

NumPy has no arithmetic for bfloat16, 8-bit floats and 4-bit integers; ml_dtypes gives them storage and exact
conversion. Operations on them are computed in a wider type and rounded once, which for +, -, *, / and sqrt is the
correctly rounded result (float32 has more than twice their digits).
"""

from __future__ import annotations

import functools
from typing import Any, Final

import ml_dtypes
import numpy as np

from jaxir.executor.numpy_rules.registry import Array

#: A typed PRNG key of the threefry generator: two 32-bit words in one element, so that shape operations just work.
KEY: Final = np.dtype([("words", np.uint32, (2,))])

_NATIVE: Final = {np.dtype(name) for name in ("float32", "float64", "complex64", "complex128", "bool")}


@functools.cache
def kind(dtype: np.dtype[Any]) -> str:
    """`b` bool, `i` signed, `u` unsigned, `f` float, `c` complex, `V` anything else (keys)."""
    name = dtype.name
    for prefix, letter in (
        ("bool", "b"),
        ("int", "i"),
        ("uint", "u"),
        ("float", "f"),
        ("bfloat", "f"),
        ("complex", "c"),
    ):
        if name.startswith(prefix):
            return letter
    return "V"


@functools.cache
def integer_limits(dtype: np.dtype[Any]) -> tuple[int, int]:
    """The lowest and the highest value of an integer type."""
    info = ml_dtypes.iinfo(dtype)  # type: ignore[no-untyped-call]  # ml_dtypes has no types here
    return int(info.min), int(info.max)


@functools.cache
def bits(dtype: np.dtype[Any]) -> int:
    """Width of an element in bits."""
    if kind(dtype) in "iu":
        low, high = integer_limits(dtype)
        return (high - low).bit_length()
    if kind(dtype) == "f":
        return int(ml_dtypes.finfo(dtype).bits)  # type: ignore[no-untyped-call]  # ml_dtypes has no types here
    return dtype.itemsize * 8


@functools.cache
def wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type in which NumPy computes with this one: itself, float32 or a 32-bit integer."""
    letter = kind(dtype)
    if dtype in _NATIVE or letter == "V":
        return dtype
    if letter == "f":
        return np.dtype(np.float32)
    if bits(dtype) < 8:
        return np.dtype(np.int32 if letter == "i" else np.uint32)
    return dtype


@functools.cache
def exact(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type in which functions and sums are computed: 64-bit floats, so that the one rounding at the end is all."""
    letter = kind(dtype)
    if letter == "f":
        return np.dtype(np.float64)
    if letter == "c":
        return np.dtype(np.complex128)
    return wide(dtype)


@functools.cache
def lowest(dtype: np.dtype[Any]) -> Any:
    """The identity of max, in the wide type."""
    letter = kind(dtype)
    if letter == "b":
        return np.False_
    if letter == "f":
        return wide(dtype).type(-np.inf)
    if letter == "c":
        return dtype.type(complex(-np.inf, -np.inf))
    return wide(dtype).type(integer_limits(dtype)[0])


@functools.cache
def highest(dtype: np.dtype[Any]) -> Any:
    """The identity of min, in the wide type."""
    letter = kind(dtype)
    if letter == "b":
        return np.True_
    if letter == "f":
        return wide(dtype).type(np.inf)
    if letter == "c":
        return dtype.type(complex(np.inf, np.inf))
    return wide(dtype).type(integer_limits(dtype)[1])


def to_bits(values: Array) -> Array:
    """The bits of integers or floats as unsigned integers of the same width (of 8 bits for narrower ones)."""
    width = bits(values.dtype)
    if width < 8:
        # These are stored one a byte; the upper bits of the byte mean nothing.
        raw = np.ascontiguousarray(values).view(np.uint8) if values.ndim else values.reshape(1).view(np.uint8)[0]
        return np.asarray(raw & np.uint8((1 << width) - 1))
    return np.asarray(values).view(np.dtype(f"uint{width}"))


def from_bits(raw: Array, dtype: np.dtype[Any]) -> Array:
    """The inverse of `to_bits`."""
    if bits(dtype) < 8 and kind(dtype) in "iu":
        return np.asarray(raw).astype(np.uint8).astype(np.int8).astype(dtype)
    return np.asarray(raw, np.dtype(f"uint{max(8, bits(dtype))}")).view(dtype)


def total_order(values: Array) -> Array:
    """Integers that order floats as IEEE 754's totalOrder does: -nan < -inf < -0 < +0 < inf < nan."""
    raw = to_bits(values)
    signed = raw.view(np.dtype(f"int{raw.dtype.itemsize * 8}"))
    return np.where(signed < 0, signed ^ np.iinfo(signed.dtype).max, signed)


def convert(values: Array, dtype: np.dtype[Any]) -> Array:
    """Convert elements as `stablehlo.convert` does on XLA's CPU.

    Integers wrap; floats become integers by truncation that saturates, NaN becomes 0; complex numbers lose their
    imaginary part; anything but zero is True.
    """
    if values.dtype == dtype:
        return values
    source, target = kind(values.dtype), kind(dtype)
    if target == "b":
        return np.asarray(values.astype(wide(values.dtype)) != 0)
    if source == "c" and target != "c":
        values = values.real
        source = "f"
    if source == "f" and target in "iu":
        truncated = np.trunc(np.where(np.isnan(values), 0.0, values.astype(np.float64)))
        low, high = integer_limits(dtype)
        inside = np.clip(truncated, float(low), float(high))
        # The largest 64-bit integer is no float64: what reaches it must not be cast.
        too_big = truncated >= float(high)
        whole = np.where(too_big, 0.0, inside).astype(np.uint64 if low == 0 else np.int64)
        return np.where(too_big, whole.dtype.type(high), whole).astype(dtype)
    if target in "iu" and bits(dtype) < 8:
        return values.astype(np.int64).astype(np.int8).astype(dtype)
    if target == "c" and source == "b":
        return values.astype(np.float32).astype(dtype)
    if source in "iu" and bits(values.dtype) < 8:
        return values.astype(wide(values.dtype)).astype(dtype)
    return values.astype(dtype)
