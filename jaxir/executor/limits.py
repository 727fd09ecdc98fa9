"""What the StableHLO reference interpreter cannot do, or does wrong: known limits as data."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Final

from jaxir.extractor.facts import Costs, integers
from jaxir.extractor.program import Op, Program, TensorType


@dataclasses.dataclass(frozen=True)
class Limit:
    """An op that the interpreter (of jaxlib 0.10.2) must not see.

    Attributes:
        op: name of the op; a trailing `*` stands for any rest.
        reason: what would happen.
        when: whether it would, from the types of operands and results; by default always.
    """

    op: str
    reason: str
    when: Callable[[list[TensorType], list[TensorType]], bool] = lambda operands, results: True

    def concerns(self, name: str) -> bool:
        return name.startswith(self.op[:-1]) if self.op.endswith("*") else name == self.op


def _is_odd_real(result: TensorType) -> bool:
    return not result.element.startswith("complex") and result.dims[-1] % 2 == 1


LIMITS: Final = (
    Limit("stablehlo.custom_call", "kills the process"),
    Limit("sdy.manual_computation", "needs several devices"),
    Limit("sdy.*", "kills the process"),
    Limit("stablehlo.rng_bit_generator", "kills the process"),
    Limit("stablehlo.rng", "draws from another generator"),
    Limit("stablehlo.fft", "wrong for irfft of an odd length", lambda _, results: _is_odd_real(results[0])),
    Limit(
        "stablehlo.convolution",
        "ignores a result type wider than the operands'",
        lambda operands, results: operands[0].element != results[0].element,
    ),
    Limit("stablehlo.cholesky", "kills the process"),
    Limit(
        "stablehlo.triangular_solve",
        "kills the process where it is batched",
        lambda operands, _: len(operands[0].dims) > 2,
    ),
    Limit("stablehlo.infeed", "needs a host"),
    Limit("stablehlo.outfeed", "needs a host"),
    Limit("stablehlo.send", "needs a host"),
    Limit("stablehlo.recv", "needs a host"),
    Limit("stablehlo.all_*", "needs several devices"),
    Limit("stablehlo.collective_*", "needs several devices"),
    Limit("stablehlo.reduce_scatter", "needs several devices"),
    Limit("stablehlo.replica_id", "needs several devices"),
    Limit("stablehlo.partition_id", "needs several devices"),
)
#: Element types that the interpreter must not see, with what would happen.
ELEMENT_LIMITS: Final = {"f8E8M0FNU": "wrong for f8E8M0", "!stablehlo.token": "has no tokens"}

#: Work (flops, transcendentals and 8-byte accesses) that takes the interpreter as long as a compile takes, for an empty
#: program and for each op more: measured, three runs cost 1.5 us a unit, a compile 30 ms and 1.3 ms an op.
WORK_PER_COMPILE: Final = 20_000.0
WORK_PER_COMPILED_OP: Final = 800.0
#: Turns assumed for a loop whose condition compares with no constant.
UNKNOWN_TURNS: Final = 20.0


@functools.cache
def _limits_of(name: str) -> tuple[Limit, ...]:
    return tuple(limit for limit in LIMITS if limit.concerns(name))


def _turns(loop: Op) -> float:
    """How often a loop runs, guessed from the largest integer constant in its condition."""
    values = [integers(op.attribute("value")) for op in loop.regions[0].ops if op.name == "stablehlo.constant"]
    return float(max((value[0] for value in values if len(value) == 1 and value[0] > 0), default=UNKNOWN_TURNS))


def limit_of(program: Program) -> str:
    """Why the interpreter cannot run this program, or "" where it can."""
    types = program.types
    if program.implicit:
        return "several platforms"
    for element in sorted({value_type.element for value_type in types} & ELEMENT_LIMITS.keys()):
        return ELEMENT_LIMITS[element]
    ops = list(program.ops())
    for op in ops:
        for limit in _limits_of(op.name):
            if limit.when([types[number] for number in op.operands], [types[number] for number in op.results]):
                return f"{op.name}: {limit.reason}"
    cost = Costs(program, _turns).function("main")
    work = cost.flops + cost.transcendentals + cost.bytes_accessed / 8
    return "takes too long" if work > WORK_PER_COMPILE + WORK_PER_COMPILED_OP * len(ops) else ""
