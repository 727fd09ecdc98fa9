"""Attribute values of StableHLO and CHLO ops as a small vocabulary, read from one printed line of an op.

Sizes would make every value a new one, so they are classed: strides and dilations are `1` or `>1`, paddings `0`, `+`,
`-` or `+-`, lists of dimensions their length. What is a word, a flag or an algorithm stands as it is printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Read = Callable[[str], str]

_INTEGER = re.compile(r"-?\d+")
_MANY = 4  # longer lists of dimensions are one value
_LAYOUT = re.compile(r"\bdim_numbers = (\[[^\]]*\]x\[[^\]]*\]->\[[^\]]*\])")
_DATA_TYPES = re.compile(r"\b(?:lhs_precision_type|rhs_precision_type|accumulation_type) = (\w+)")
_OPERATIONS = re.compile(r"\bnum_primitive_operations = (\d+)")
_PRECISION = re.compile(r"\b(?:DEFAULT|HIGHEST|HIGH)\b")
_COMPARE = re.compile(r"\b(EQ|NE|GE|GT|LE|LT)\b(?:[^:]*,\s*(FLOAT|TOTALORDER|SIGNED|UNSIGNED)\b)?")
_SLICED = re.compile(r"\[([^\]]*)\]")
_APPLIES = re.compile(r"\bapplies (?:stablehlo\.)?([\w.]+)")
_ACCURACY = re.compile(r"result_accuracy_mode<(\w+)>")
# A name and its value: brackets (pairs of them for dot_general), `array<...>`, `dense<...>`, `#dialect<...>`, a word.
# `dimension_numbers = #stablehlo.gather<offset_dims = [0]>` is none: it holds names with values itself.
_NAMED = re.compile(
    r"\b(\w+) = +(\[(?:[^\[\]]|\[[^\[\]]*\])*\](?: x \[[^\]]*\])?|(?:array|dense)<[^>]*>|#[\w.]+<[^<>=]*>|[\w.+-]+)"
)


def _word(value: str) -> str:
    return value.rpartition(" ")[2].rstrip(">") if value.startswith("#") else value


def _more(value: str) -> str:
    """Strides, dilations, counts of groups."""
    numbers = _numbers(value)
    return "1" if all(number == 1 for number in numbers) else ">1"


def _sign(value: str) -> str:
    """Paddings."""
    numbers = _numbers(value)
    signs = ("+" if any(number > 0 for number in numbers) else "") + ("-" if any(n < 0 for n in numbers) else "")
    return signs or "0"


def _length(value: str) -> str:
    """Lists of dimensions; of the two lists of `dot_general` the first."""
    count = len(_numbers(value.partition(" x ")[0]))
    return str(count) if count < _MANY else f">={_MANY}"


def _letter(value: str) -> str:
    """LAPACK's options are the codes of letters."""
    return chr(int(value)) if value.isdigit() and 64 < int(value) < 91 else value


def _numbers(value: str) -> list[int]:
    """The integers of `[1, 2]`, `array<i64: 1, 2>`, `dense<[[0, 1]]>`; not the width in `i64`."""
    return [int(number) for number in _INTEGER.findall(value.replace("array<i64", ""))]


_WINDOW: dict[str, Read] = {
    "padding": _sign, "window_dilations": _more, "base_dilations": _more, "window_strides": _more,
}  # fmt: skip
_GATHER: dict[str, Read] = {
    "indices_are_sorted": _word, "offset_dims": _length, "collapsed_slice_dims": _length,
    "operand_batching_dims": _length, "start_index_map": _length,
}  # fmt: skip
_CONVOLUTION: dict[str, Read] = {
    "stride": _more, "pad": _sign, "lhs_dilate": _more, "rhs_dilate": _more, "reverse": _word,
    "batch_group_count": _more, "feature_group_count": _more,
}  # fmt: skip
_LAPACK = "diag side trans trans_x transpose uplo mode compq compq_mode sort compute_left compute_right left right"
#: op -> attribute -> how its printed value is classed.
ATTRIBUTES: dict[str, dict[str, Read]] = {
    "stablehlo.all_gather": {"all_gather_dim": _word, "use_global_device_ids": _word},
    "stablehlo.all_reduce": {"use_global_device_ids": _word},
    "stablehlo.all_to_all": {"split_dimension": _word, "concat_dimension": _word},
    "stablehlo.cholesky": {"lower": _word},
    "stablehlo.compare": {},
    "stablehlo.concatenate": {"dim": _word},
    "stablehlo.convolution": _CONVOLUTION,
    "stablehlo.custom_call": {
        "has_side_effect": _word, "api_version": _word, "aggregate_to_topk": _word,
        **dict.fromkeys(_LAPACK.split(), _letter),
    },
    "stablehlo.dot_general": {"batching_dims": _length, "contracting_dims": _length},
    "stablehlo.dynamic_conv": _CONVOLUTION,
    "stablehlo.dynamic_gather": _GATHER,
    "stablehlo.dynamic_iota": {"dim": _word},
    "stablehlo.fft": {"type": _word, "length": _length},
    "stablehlo.gather": _GATHER,
    "stablehlo.get_dimension_size": {"dim": _word},
    "stablehlo.iota": {"dim": _word},
    "stablehlo.pad": {"low": _sign, "high": _sign, "interior": _sign},
    "stablehlo.reduce": {"dimensions": _length},
    "stablehlo.reduce_precision": {"format": _word},
    "stablehlo.reduce_scatter": {"scatter_dimension": _word, "use_global_device_ids": _word},
    "stablehlo.reduce_window": _WINDOW,
    "stablehlo.reverse": {"dims": _length},
    "stablehlo.rng": {"distribution": _word},
    "stablehlo.rng_bit_generator": {"algorithm": _word},
    "stablehlo.scatter": {
        "indices_are_sorted": _word, "unique_indices": _word, "update_window_dims": _length,
        "inserted_window_dims": _length, "input_batching_dims": _length, "scatter_dims_to_operand_dims": _length,
    },
    "stablehlo.select_and_scatter": _WINDOW,
    "stablehlo.slice": {},
    "stablehlo.sort": {"dimension": _word, "is_stable": _word},
    "stablehlo.triangular_solve": {
        "left_side": _word, "lower": _word, "transpose_a": _word, "unit_diagonal": _word,
    },
    "chlo.ragged_dot": {"lhs_ragged_dimensions": _length, "rhs_group_dimensions": _length},
}  # fmt: skip


def attributes(op: str, line: str) -> Iterator[tuple[str, str]]:
    """(attribute, value) pairs of an op of `ATTRIBUTES`, or of any op that is printed with `result_accuracy`.

    Args:
        op: name with its dialect.
        line: what is printed after the name, up to the end of the line.
    """
    if op == "stablehlo.compare":
        if match := _COMPARE.search(line):
            yield "comparison_direction", match[1]
            if match[2]:
                yield "compare_type", match[2]
        return
    if "result_accuracy" in line and (match := _ACCURACY.search(line)):
        yield "result_accuracy", match[1]
    known = ATTRIBUTES.get(op)
    if known is None:
        return
    if op == "stablehlo.slice":
        if match := _SLICED.search(line):
            strides = [part.split(":")[2] for part in match[1].split(",") if part.count(":") == 2]
            yield "strides", _more(" ".join(strides))
        return
    if op == "stablehlo.reduce":
        if match := _APPLIES.search(line):
            yield "reducer", match[1]
        _, found, dims = line.partition("dimensions = [")
        if found:
            yield "dimensions", _length(dims.partition("]")[0])
        return
    if op in ("stablehlo.dot_general", "stablehlo.convolution", "stablehlo.dynamic_conv", "chlo.ragged_dot"):
        for precision in set(_PRECISION.findall(line)):
            yield "precision", precision
        if "algorithm = <" in line:
            yield (
                "algorithm",
                "_".join(_DATA_TYPES.findall(line))
                + "".join(f"_X{count}" for count in _OPERATIONS.findall(line) if count != "1"),
            )
        if match := _LAYOUT.search(line):
            yield "dim_numbers", match[1]
    for name, value in _NAMED.findall(line):
        if read := known.get(name):
            yield name, read(value)
