"""Figures of a program: op histogram and estimated costs.

Op counts are those of the text: every `stablehlo.*`, `chlo.*` (or other dialect's) op once, helper functions once each.

Costs are those of one execution and follow XLA's `HloCostAnalysis` (xla/service/hlo_cost_analysis.cc), applied to the
StableHLO as it stands, so without fusion or other optimisation:

* `flops`: one per element of the result for an elementwise op, 2 m n k for a dot, 2 per output element and kernel tap
  (padding left out) for a convolution, the reducer's flops per step of a reduction, scan window or scatter,
  n log2 n for a sort, 8 n log2 n over real elements for an fft, nothing for moving data.
* `transcendentals`: elements that go through exp, log, sin, pow, sqrt and their like. They are not flops.
* `bytes_accessed`: operands read and results written by each op; slices, gathers and updates count the part that
  moves.
* A program over several devices costs what one of them does; a dynamic dim counts as one element.
* A called function costs what its body costs, each time; a loop costs one turn (condition and body), since the number
  of turns is not known in general; a branch costs, in each figure, as much as its dearest arm. Custom calls
  cost their bytes only.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections import Counter
from collections.abc import Callable
from typing import Final, NamedTuple

from jaxir.errors import Rejected
from jaxir.extractor.program import Block, Op, Program, TensorType, symbol


class Cost(NamedTuple):
    """Costs of one execution; see the module for the rules. (A tuple: one is made for every op of a corpus.)"""

    flops: float = 0.0
    transcendentals: float = 0.0
    bytes_accessed: float = 0.0

    def plus(self, other: Cost) -> Cost:
        return Cost(
            self.flops + other.flops,
            self.transcendentals + other.transcendentals,
            self.bytes_accessed + other.bytes_accessed,
        )

    def times(self, count: float) -> Cost:
        """The cost of `count` executions, bytes left out: a reducer works in registers."""
        return Cost(self.flops * count, self.transcendentals * count)


@dataclasses.dataclass(frozen=True)
class Facts:
    """Figures of one program.

    Attributes:
        op_counts: how often each op occurs in the text, sorted by name.
        ops: the distinct op names, sorted.
        num_ops: ops in the text.
        flops, transcendentals, bytes_accessed: see the module.
    """

    op_counts: dict[str, int]
    ops: tuple[str, ...]
    num_ops: int
    flops: float
    transcendentals: float
    bytes_accessed: float


def _named(dialect: str, *names: str) -> frozenset[str]:
    return frozenset(f"{dialect}.{name}" for name in names)


#: Elementwise ops that XLA counts as transcendental, and CHLO's special functions, which expand to them.
TRANSCENDENTAL: Final = _named(
    "stablehlo",
    *("exponential", "exponential_minus_one", "log", "log_plus_one", "logistic", "power", "sqrt", "rsqrt", "cbrt"),
    *("sine", "cosine", "tan", "tanh", "atan2"),
) | _named(
    "chlo",
    *("acos", "acosh", "asin", "asinh", "atan", "atanh", "cosh", "sinh", "tan", "erf", "erf_inv", "erfc", "lgamma"),
    *("digamma", "polygamma", "zeta", "bessel_i1e"),
)
#: Elementwise ops: one flop per element.
ELEMENTWISE: Final = _named(
    "stablehlo",
    *("abs", "add", "and", "ceil", "clamp", "compare", "complex", "convert", "count_leading_zeros", "divide", "floor"),
    *("imag", "is_finite", "maximum", "minimum", "multiply", "negate", "not", "or", "popcnt", "real"),
    *("reduce_precision", "remainder", "round_nearest_afz", "round_nearest_even", "select", "shift_left"),
    *("shift_right_arithmetic", "shift_right_logical", "sign", "subtract", "xor"),
) | _named("chlo", "conj", "is_inf", "is_neg_inf", "is_pos_inf", "next_after", "square")

_INTEGERS: Final = re.compile(r"-?\d+")
_BITS: Final = re.compile(r"(\d+)")


@functools.lru_cache(4096)
def bytes_of(value_type: TensorType) -> int:
    """Bytes of an array, sub-byte elements packed; a token has none."""
    element = value_type.element
    if element == "i1":
        bits = 8
    else:
        # f32, bf16, ui8, i4, f8E4M3FN, complex<f32>: the first number is the width of the (real) element.
        width = _BITS.search(element)
        bits = int(width[1]) * (2 if element.startswith("complex") else 1) if width else 0
    return math.ceil(value_type.size * bits / 8)


def integers(text: str) -> tuple[int, ...]:
    """Integers of an attribute text such as `array<i64: 1, 2>`, `dense<[[1, 1]]> : tensor<1x2xi64>` or `3 : i64`."""
    if text.startswith("array<"):
        text = text.partition(":")[2]
    elif text.startswith("dense<"):
        text = text.rpartition(" : ")[0]
    else:
        text = text.partition(" : ")[0]
    return tuple(int(number) for number in _INTEGERS.findall(text))


def named_integers(text: str, name: str) -> tuple[int, ...]:
    """The integers of one field of a structured attribute, such as `lhs_contracting_dimensions = [1]`."""
    found = re.search(rf"\b{name} = (?:\[([^\]]*)\]|(\d+))", text)
    return tuple(int(number) for number in _INTEGERS.findall(found[1] or found[2] or "")) if found else ()


def _spread(text: str, count: int, default: int) -> tuple[int, ...]:
    """An integer-array attribute of `count` entries where an absent one means `default` everywhere."""
    values = integers(text)
    if not values:
        return (default,) * count
    return values * count if len(values) == 1 else values


def _taps(out: int, size: int, window: int, stride: int, low: int, base_dilation: int, dilation: int) -> int:
    """Pairs (output position, window position) along one axis that read an element and no padding."""
    extent = (size - 1) * base_dilation + 1
    if base_dilation == 1:
        # For each tap the positions that read an element are a range.
        shifts = (low - tap * dilation for tap in range(window))
        return sum(max(0, min(out, -(-(extent + shift) // stride)) - max(0, -(-shift // stride))) for shift in shifts)
    count = 0
    for position in range(out):
        for tap in range(window):
            place = position * stride + tap * dilation - low
            count += 0 <= place < extent and place % base_dilation == 0
    return count


class Costs:
    """Costs of the ops and functions of one program.

    Args:
        program: the program.
        turns: how often a `stablehlo.while` runs its regions; the default is XLA's convention, once.
    """

    def __init__(self, program: Program, turns: Callable[[Op], float] = lambda _: 1.0) -> None:
        self.program = program
        # A dynamic dim counts as one.
        self.types = [
            TensorType(one.text, one.element, tuple(abs(dim) for dim in one.dims)) if -1 in one.dims else one
            for one in program.types
        ]
        self.turns = turns
        self.functions: dict[str, Cost] = {}

    def total(self) -> Cost:
        """The cost of `main`.

        Raises:
            Rejected: stage `parse` where calls or regions nest too deeply.
        """
        try:
            return self.function("main")
        except RecursionError:
            raise Rejected("parse", "nested too deeply") from None

    def function(self, name: str) -> Cost:
        if name not in self.functions:
            self.functions[name] = self.block(self.program.functions[name])
        return self.functions[name]

    def block(self, block: Block) -> Cost:
        flops = transcendentals = accessed = 0.0
        for op in block.ops:
            cost = self.op(op)
            flops += cost.flops
            transcendentals += cost.transcendentals
            accessed += cost.bytes_accessed
        return Cost(flops, transcendentals, accessed)

    def op(self, op: Op) -> Cost:
        """One op with its regions."""
        if op.name == "func.call":
            return self.function(symbol(op.attribute("callee")))
        if op.name == "stablehlo.composite":
            return self.function(symbol(op.attribute("decomposition")))
        if op.name == "stablehlo.while":
            turn = self.block(op.regions[0]).plus(self.block(op.regions[1]))
            count = self.turns(op)
            return Cost(turn.flops * count, turn.transcendentals * count, turn.bytes_accessed * count)
        if op.name in ("stablehlo.case", "stablehlo.if"):
            arms = [self.block(region) for region in op.regions]
            return Cost(*(max(figures) for figures in zip(*arms, strict=True)))
        if op.name == "sdy.manual_computation":
            return self.block(op.regions[0])
        types = self.types
        operands = [types[number] for number in op.operands]
        results = [types[number] for number in op.results]
        size = results[0].size if results else 0
        accessed = float(self.bytes(op, operands, results))
        if op.name in TRANSCENDENTAL:
            return Cost(0.0, size, accessed)
        if op.name in ELEMENTWISE:
            return Cost(size, 0.0, accessed)
        rule = _RULES.get(op.name)
        cost = rule(self, op, operands, results) if rule else Cost()
        return cost._replace(bytes_accessed=accessed)

    def bytes(self, op: Op, operands: list[TensorType], results: list[TensorType]) -> int:
        written = sum(map(bytes_of, results))
        match op.name:
            case "stablehlo.constant":
                return 0
            case "stablehlo.slice" | "stablehlo.dynamic_slice":
                return 2 * written
            case "stablehlo.gather":
                return 2 * written + bytes_of(operands[1])
            case "stablehlo.dynamic_update_slice":
                return 2 * bytes_of(operands[1])
            case "stablehlo.scatter":
                updates = len(results)
                return 3 * sum(map(bytes_of, operands[updates + 1 :])) + bytes_of(operands[updates])
            case "stablehlo.optimization_barrier" | "stablehlo.tuple" | "stablehlo.get_tuple_element":
                return 0
        return sum(map(bytes_of, operands)) + written


_Rule = Callable[[Costs, Op, list[TensorType], list[TensorType]], Cost]


def _dot_general(costs: Costs, op: Op, operands: list[TensorType], results: list[TensorType]) -> Cost:
    axes = named_integers(op.attribute("dot_dimension_numbers"), "lhs_contracting_dimensions")
    return Cost(2.0 * results[0].size * math.prod(operands[0].dims[axis] for axis in axes))


def _dot(costs: Costs, op: Op, operands: list[TensorType], results: list[TensorType]) -> Cost:
    return Cost(2.0 * results[0].size * operands[0].dims[-1])


def _convolution(costs: Costs, op: Op, operands: list[TensorType], results: list[TensorType]) -> Cost:
    numbers = op.attribute("dimension_numbers")
    layouts = re.search(r"\[([^\]]*)\]x\[([^\]]*)\]->\[([^\]]*)\]", numbers)
    if layouts is None:
        return Cost()
    inputs, kernel, outputs = ([part.strip() for part in layout.split(",")] for layout in layouts.groups())
    rank = len(inputs) - 2
    strides = _spread(op.attribute("window_strides"), rank, 1)
    padding = _spread(op.attribute("padding"), 2 * rank, 0)
    base = _spread(op.attribute("lhs_dilation"), rank, 1)
    dilation = _spread(op.attribute("rhs_dilation"), rank, 1)
    lhs, rhs, out = operands[0].dims, operands[1].dims, results[0].dims
    taps = 1
    for axis in range(rank):
        name = str(axis)
        size, window = lhs[inputs.index(name)], rhs[kernel.index(name)]
        extent = out[outputs.index(name)]
        taps *= _taps(extent, size, window, strides[axis], padding[2 * axis], base[axis], dilation[axis])
    channels = rhs[kernel.index("i")] * rhs[kernel.index("o")]
    groups = integers(op.attribute("batch_group_count")) or (1,)
    return Cost(2.0 * taps * channels * (lhs[inputs.index("b")] // groups[0]))


def _reduce(costs: Costs, op: Op, operands: list[TensorType], results: list[TensorType]) -> Cost:
    return costs.block(op.regions[0]).times(operands[0].size - results[0].size)


def _reduce_window(costs: Costs, op: Op, operands: list[TensorType], results: list[TensorType]) -> Cost:
    window = math.prod(integers(op.attribute("window_dimensions")))
    return costs.block(op.regions[0]).times(results[0].size * (window - 1))


def _select_and_scatter(costs: Costs, op: Op, operands: list[TensorType], results: list[TensorType]) -> Cost:
    window = math.prod(integers(op.attribute("window_dimensions")))
    source = operands[1].size
    return costs.block(op.regions[0]).times(source * (window - 1)).plus(costs.block(op.regions[1]).times(source))


def _scatter(costs: Costs, op: Op, operands: list[TensorType], results: list[TensorType]) -> Cost:
    return costs.block(op.regions[0]).times(operands[len(results) + 1].size)


def _map(costs: Costs, op: Op, operands: list[TensorType], results: list[TensorType]) -> Cost:
    return costs.block(op.regions[0]).times(results[0].size)


def _sort(costs: Costs, op: Op, operands: list[TensorType], results: list[TensorType]) -> Cost:
    size = operands[0].size
    return Cost(float(size * math.ceil(math.log2(size))) if size > 1 else 0.0)


def _fft(costs: Costs, op: Op, operands: list[TensorType], results: list[TensorType]) -> Cost:
    lengths = math.prod(max(length.bit_length() - 1, 0) for length in integers(op.attribute("fft_length")))
    real = min(operands[0], results[0], key=lambda value_type: value_type.element.startswith("complex"))
    return Cost(8.0 * lengths * real.size)


def _triangular_solve(costs: Costs, op: Op, operands: list[TensorType], results: list[TensorType]) -> Cost:
    return Cost(float(results[0].size * operands[0].dims[-1]))


def _cholesky(costs: Costs, op: Op, operands: list[TensorType], results: list[TensorType]) -> Cost:
    return Cost(operands[0].size * operands[0].dims[-1] / 3.0)


#: Ops whose flops are neither none nor one per element.
_RULES: Final[dict[str, _Rule]] = {
    "stablehlo.dot_general": _dot_general,
    "stablehlo.dot": _dot,
    "stablehlo.convolution": _convolution,
    "stablehlo.reduce": _reduce,
    "stablehlo.reduce_window": _reduce_window,
    "stablehlo.select_and_scatter": _select_and_scatter,
    "stablehlo.scatter": _scatter,
    "stablehlo.map": _map,
    "stablehlo.sort": _sort,
    "chlo.top_k": _sort,
    "stablehlo.fft": _fft,
    "stablehlo.triangular_solve": _triangular_solve,
    "stablehlo.cholesky": _cholesky,
}


def facts(program: Program) -> Facts:
    """Count the ops of a program and estimate what one execution costs.

    Raises:
        Rejected: stage `parse` where calls or regions nest too deeply.
    """
    counts = Counter(op.name for op in program.ops())
    cost = Costs(program).total()
    ops = tuple(sorted(counts))
    return Facts(
        op_counts={name: counts[name] for name in ops},
        ops=ops,
        num_ops=sum(counts.values()),
        flops=float(cost.flops),
        transcendentals=float(cost.transcendentals),
        bytes_accessed=float(cost.bytes_accessed),
    )
