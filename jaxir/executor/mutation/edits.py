"""Small changes of one StableHLO op that leave the module valid and should change what it computes.

`edits_of(op)` lists them for one op of a parsed module; applying one changes the module in place. The result may not
verify (a dim that does not fit), so whoever applies an edit asks the verifier.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from jaxlib.mlir import ir

from jaxir.executor.mutation.invisible import (
    DENSE,
    constant_is_invisible,
    counts_from_the_end,
    is_selected_against,
    is_symmetric,
    literal,
    number_of,
    sign_is_invisible,
    splat,
)

#: An op to another one of the same operand and result types. Both ways where the pair stands twice.
SWAPS: Final = {
    "stablehlo.add": "stablehlo.subtract",
    "stablehlo.subtract": "stablehlo.add",
    "stablehlo.multiply": "stablehlo.add",
    "stablehlo.divide": "stablehlo.multiply",
    "stablehlo.remainder": "stablehlo.multiply",
    "stablehlo.power": "stablehlo.multiply",
    "stablehlo.atan2": "stablehlo.subtract",
    "stablehlo.maximum": "stablehlo.minimum",
    "stablehlo.minimum": "stablehlo.maximum",
    "stablehlo.and": "stablehlo.or",
    "stablehlo.or": "stablehlo.and",
    "stablehlo.xor": "stablehlo.or",
    "stablehlo.shift_left": "stablehlo.shift_right_logical",
    "stablehlo.shift_right_logical": "stablehlo.shift_left",
    "stablehlo.shift_right_arithmetic": "stablehlo.shift_left",
    "stablehlo.sine": "stablehlo.cosine",
    "stablehlo.cosine": "stablehlo.sine",
    "stablehlo.tan": "stablehlo.cosine",
    "stablehlo.tanh": "stablehlo.cosine",
    "stablehlo.exponential": "stablehlo.exponential_minus_one",
    "stablehlo.exponential_minus_one": "stablehlo.exponential",
    "stablehlo.log": "stablehlo.log_plus_one",
    "stablehlo.log_plus_one": "stablehlo.log",
    "stablehlo.logistic": "stablehlo.tanh",
    "stablehlo.sqrt": "stablehlo.rsqrt",
    "stablehlo.rsqrt": "stablehlo.sqrt",
    "stablehlo.cbrt": "stablehlo.sqrt",
    "stablehlo.floor": "stablehlo.ceil",
    "stablehlo.ceil": "stablehlo.floor",
    "stablehlo.count_leading_zeros": "stablehlo.popcnt",
    "stablehlo.popcnt": "stablehlo.count_leading_zeros",
    "stablehlo.real": "stablehlo.imag",
    "stablehlo.imag": "stablehlo.real",
    "chlo.acos": "chlo.asin",
    "chlo.asin": "chlo.acos",
    "chlo.atan": "chlo.sinh",
    "chlo.sinh": "chlo.cosh",
    "chlo.cosh": "chlo.sinh",
    "chlo.asinh": "chlo.cosh",
    "chlo.erf": "chlo.erfc",
    "chlo.erfc": "chlo.erf",
    "chlo.lgamma": "chlo.digamma",
    "chlo.digamma": "chlo.lgamma",
    "chlo.square": "stablehlo.abs",
}

#: Directions of a comparison to the opposite ones; `LT` to `LE` would show on equal values alone.
DIRECTIONS: Final = {"LT": "GT", "GT": "LT", "LE": "GE", "GE": "LE", "EQ": "NE", "NE": "EQ"}

#: Ops whose first two operands have one type and are not interchangeable.
ORDERED: Final = frozenset(
    f"stablehlo.{name}"
    for name in (
        *("subtract", "divide", "remainder", "power", "atan2", "complex", "shift_left", "shift_right_logical"),
        *("shift_right_arithmetic", "dot_general", "concatenate"),
    )
)


#: Attributes that list dims, and the ops that have them.
_DIMS: Final = {
    "stablehlo.transpose": "permutation",
    "stablehlo.broadcast_in_dim": "broadcast_dimensions",
    "stablehlo.reverse": "dimensions",
    "stablehlo.reduce": "dimensions",
}
_DIM: Final = {"stablehlo.iota": "iota_dimension", "stablehlo.sort": "dimension"}

#: A number with a larger magnitude is a mask or a bound; it becomes an ordinary number.
_HUGE: Final = 1e6


@dataclasses.dataclass(frozen=True)
class Edit:
    """A change of one op.

    Attributes:
        kind: `swapped op`, `changed constant`, `dropped op`, `permuted operands`, `other dimension`.
        detail: what becomes of it, such as `stablehlo.sine -> stablehlo.cosine`.
        apply: makes the change, with the op's context and a location entered.
    """

    kind: str
    detail: str
    apply: Callable[[ir.Operation], None]


def edits_of(op: ir.Operation) -> list[Edit]:
    """All changes of an op that this module knows and that are not without effect by construction."""
    if any(_is_ranked(value) and 0 in ir.RankedTensorType(value.type).shape for value in op.results):
        return []  # of an empty array
    if op.name == "stablehlo.add" and counts_from_the_end(op):
        return []
    return [*_swapped(op), *_constants(op), *_dropped(op), *_permuted(op), *_dimensions(op)]


def _replace(op: ir.Operation, value: Any) -> None:
    op.results[0].replace_all_uses_with(value)
    op.erase()


def _become(op: ir.Operation, name: str) -> None:
    with ir.InsertionPoint(op):
        made = ir.Operation.create(name, results=[op.results[0].type], operands=list(op.operands))
    _replace(op, made.results[0])


def _set(op: ir.Operation, name: str, text: str) -> None:
    op.attributes[name] = ir.Attribute.parse(text)


def _swapped(op: ir.Operation) -> Iterator[Edit]:
    name = op.name
    if name == "stablehlo.compare":
        before = str(op.attributes["comparison_direction"])
        for old, new in DIRECTIONS.items():
            if f" {old}>" in before:
                after = before.replace(f" {old}>", f" {new}>")
                yield Edit(
                    "swapped op",
                    f"compare {old} -> {new}",
                    functools.partial(_set, name="comparison_direction", text=after),
                )
        return
    other = SWAPS.get(name)
    if other is None:
        return
    operands = list(op.operands)
    if len(operands) == 2:
        second = number_of(splat(operands[1]))
        neutral = {"stablehlo.add": 0.0, "stablehlo.subtract": 0.0, "stablehlo.divide": 1.0}.get(name)
        same = operands[0] == operands[1] and other not in ("stablehlo.add", "stablehlo.subtract", "stablehlo.multiply")
        if same or (second is not None and second == neutral):
            return
    yield Edit("swapped op", f"{name} -> {other}", functools.partial(_become, name=other))


def _constants(op: ir.Operation) -> Iterator[Edit]:
    if op.name != "stablehlo.constant" or constant_is_invisible(op):
        return
    tensor = ir.RankedTensorType(op.results[0].type)
    element = str(tensor.element_type)
    match = DENSE.match(literal(op))
    if match:
        new = _changed(match[1], element, sign_is_invisible(op.results[0]))
        if new:
            change = functools.partial(_set, name="value", text=f"dense<{new}> : {tensor}")
            yield Edit("changed constant", f"{match[1]} -> {new}", change)
    elif element in _ARRAYS:
        yield Edit("changed constant", "one element", _change_element)


def _is_ranked(value: Any) -> bool:
    return isinstance(value.type, ir.RankedTensorType)


def _changed(text: str, element: str, is_even: bool) -> str:
    """Another number of the element type, well away from the first: half of it shows too little in 16 bits."""
    if element == "i1":
        return {"true": "false", "false": "true"}[text]
    number = number_of(text)
    if number is None:
        return ""
    if re.match(r"^u?i\d+$", element):
        return str(int(text) + (1 if int(text) < 100 or element.endswith(("32", "64")) else -1))
    if not math.isfinite(number):
        return ""
    if not 0.1 <= abs(number) < _HUGE:
        return "0.5"
    return repr(number / 2 if is_even else -number)


#: Element types whose dense attributes NumPy reads, other than by their text.
_ARRAYS: Final = {"f32": np.float32, "f64": np.float64, "i32": np.int32, "i64": np.int64, "ui32": np.uint32}


def _change_element(op: ir.Operation) -> None:
    attribute: Any = op.attributes["value"]
    array: Any = np.array(attribute)
    flat = array.reshape(-1)
    flat[0] = flat[0] + 1
    kind = ir.RankedTensorType(op.results[0].type)
    op.attributes["value"] = ir.DenseElementsAttr.get(array, type=kind.element_type, shape=list(kind.shape))


def _dropped(op: ir.Operation) -> Iterator[Edit]:
    if len(op.results) != 1 or not op.operands or len(op.regions) or op.name in _NEVER_DROPPED:
        return
    if op.name == "stablehlo.negate" and sign_is_invisible(op.results[0]):
        return
    if op.operands[0].type != op.results[0].type:
        return
    if len(op.operands) == 2:
        # The first operand of an addition of zero is the sum.
        second = number_of(splat(op.operands[1]))
        neutral = _NEUTRAL.get(op.name)
        if second is not None and second == neutral:
            return
    if is_selected_against(op):
        return
    yield Edit("dropped op", f"{op.name} -> its first operand", lambda op: _replace(op, op.operands[0]))


#: These may do nothing by design: layout and annotation, or a bound that a value never reaches.
_NEVER_DROPPED: Final = frozenset(
    ("stablehlo.reshape", "stablehlo.optimization_barrier", "stablehlo.convert", "stablehlo.clamp")
)
_NEUTRAL: Final = {
    "stablehlo.add": 0.0,
    "stablehlo.subtract": 0.0,
    "stablehlo.multiply": 1.0,
    "stablehlo.divide": 1.0,
    "stablehlo.power": 1.0,
}


def _exchange(op: ir.Operation, first: int, second: int) -> None:
    op.operands[first], op.operands[second] = op.operands[second], op.operands[first]


def _permuted(op: ir.Operation) -> Iterator[Edit]:
    if op.name in ORDERED and len(op.operands) >= 2:
        first, second = 0, 1
    elif op.name == "stablehlo.select":
        first, second = 1, 2
    else:
        return
    one, other = op.operands[first], op.operands[second]
    if one == other or one.type != other.type or (splat(one) and splat(one) == splat(other)):
        return
    if op.name == "stablehlo.subtract" and sign_is_invisible(op.results[0]):
        return
    if op.name == "stablehlo.dot_general" and is_symmetric(op):
        return
    yield Edit(
        "permuted operands",
        f"{first} and {second} of {op.name}",
        functools.partial(_exchange, first=first, second=second),
    )


def _integers(attribute: ir.Attribute) -> list[int]:
    match = re.match(r"^array<i64(?:: (.*))?>$", str(attribute))
    return [int(number) for number in (match[1] or "").split(",") if number.strip()] if match else []


def _dimensions(op: ir.Operation) -> Iterator[Edit]:
    if op.name in _DIMS:
        name = _DIMS[op.name]
        dims = _integers(op.attributes[name])
        shape = list(ir.RankedTensorType(op.operands[0].type).shape)
        result = list(ir.RankedTensorType(op.results[0].type).shape)
        for new in _other_dims(op.name, dims, shape, result):
            text = f"array<i64: {', '.join(map(str, new))}>"
            change = functools.partial(_set, name=name, text=text)
            yield Edit("other dimension", f"{op.name} {name} {dims} -> {new}", change)
    elif op.name in _DIM:
        name = _DIM[op.name]
        dim = ir.IntegerAttr(op.attributes[name]).value
        shape = list(ir.RankedTensorType(op.results[0].type).shape)
        for other, size in enumerate(shape):
            if other != dim and size > 1 and shape[dim] > 1:
                change = functools.partial(_set, name=name, text=f"{other} : i64")
                yield Edit("other dimension", f"{op.name} {name} {dim} -> {other}", change)
                return


def _other_dims(name: str, dims: list[int], shape: list[int], result: list[int]) -> Iterator[list[int]]:
    """At most one other list of dims that gives the same result type and another result."""
    if name in ("stablehlo.transpose", "stablehlo.broadcast_in_dim"):
        for second in range(len(dims)):
            for first in range(second):
                # Sizes of 1 make no difference.
                if shape[first] == shape[second] > 1 and result[dims[first]] == result[dims[second]]:
                    new = list(dims)
                    new[first], new[second] = new[second], new[first]
                    yield new
                    return
        # A vector along the other side of a square.
        if name == "stablehlo.broadcast_in_dim" and len(dims) == 1:
            for other, size in enumerate(result):
                if other != dims[0] and size == result[dims[0]] == shape[0] > 1:
                    yield [other]
                    return
    elif name == "stablehlo.reverse":
        for other, size in enumerate(shape):
            if other not in dims and size > 1:
                yield sorted([*dims[1:], other])
                return
    elif name == "stablehlo.reduce" and len(dims) == 1:
        for other, size in enumerate(shape):
            if other != dims[0] and size == shape[dims[0]] > 1:
                yield [other]
                return
