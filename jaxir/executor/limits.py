"""What the StableHLO reference interpreter cannot do, or does wrong: known limits as data."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from jaxir.executor.cures import TOKEN_OPS, is_as_wide
from jaxir.executor.hostcalls import is_host_call
from jaxir.extractor.facts import Costs, integers
from jaxir.extractor.program import Block, Op, Program, TensorType, symbol


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
        """Whether it is about an op of this name, such as `stablehlo.all_gather`; types are left out of account."""
        return name.startswith(self.op[:-1]) if self.op.endswith("*") else name == self.op


LIMITS: Final = (
    Limit("stablehlo.custom_call", "kills the process"),
    Limit("sdy.manual_computation", "needs several devices"),
    Limit("sdy.*", "kills the process"),
    Limit("stablehlo.rng", "draws from another generator"),
    Limit(
        "stablehlo.convolution",
        "ignores a result type other than the operands'",
        lambda operands, results: not is_as_wide(results[0].element, operands[0].element),
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
ELEMENT_LIMITS: Final = {"f8E8M0FNU": "wrong for f8E8M0"}
_TOKEN: Final = "!stablehlo.token"

#: Work (flops, transcendentals and 8-byte accesses) that takes the interpreter as long as a compile takes, for an empty
#: program and for each op more: measured, three runs cost 1.5 us a unit, a compile 30 ms and 1.3 ms an op.
WORK_PER_COMPILE: Final = 20_000.0
WORK_PER_COMPILED_OP: Final = 800.0
#: Compiles that it may take as long as: it is another implementation than XLA, so that its word proves more.
COMPILES: Final = 3.0
#: Turns assumed for a loop whose condition compares with no constant.
UNKNOWN_TURNS: Final = 20.0


#: What is run by SciPy between two runs of the interpreter cannot be inside one.
NESTED: Final = "LAPACK or an odd irfft inside a loop or a branch"


@functools.cache
def _limits_of(name: str) -> tuple[Limit, ...]:
    return tuple(limit for limit in LIMITS if limit.concerns(name))


def _turns(loop: Op) -> float:
    """How often a loop runs, guessed from the largest integer constant in its condition."""
    values = [integers(op.attribute("value")) for op in loop.regions[0].ops if op.name == "stablehlo.constant"]
    return float(max((value[0] for value in values if len(value) == 1 and value[0] > 0), default=UNKNOWN_TURNS))


def _tokens_are_idle(program: Program, ops: Sequence[Op]) -> bool:
    """Whether tokens are only made and joined: no op takes one, no block is given one or hands one out."""
    tokens = {number for number, value_type in enumerate(program.types) if value_type.element == _TOKEN}
    joining = [op for op in ops if op.name in TOKEN_OPS]
    made = {number for op in joining for number in op.results}
    taken = {number for op in ops if op.name not in TOKEN_OPS for number in op.operands}
    returned = {number for body in program.functions.values() for block in _blocks(body) for number in block.returns}
    return tokens == made and not tokens & (taken | returned)


def _blocks(block: Block) -> Iterator[Block]:
    """A block and those inside it."""
    yield block
    for op in block.ops:
        for region in op.regions:
            yield from _blocks(region)


def _callee(op: Op) -> str:
    return symbol(op.attribute("callee") or op.attribute("decomposition"))


def _can_be_cut(program: Program) -> bool:
    """Whether each host call is run once, by `main` or by what it calls: outside of loops, branches and recursion."""
    straight: set[str] = set()
    nested: set[str] = set()

    def reach(block: Block, found: set[str], path: tuple[str, ...]) -> bool:
        for op in block.ops:
            if not all(reach(region, nested, path) for region in op.regions):
                return False
            name = _callee(op)
            if name in path:
                return False
            if name and name not in found:
                found.add(name)
                if not reach(program.functions[name], found, (*path, name)):
                    return False
        return True

    if not reach(program.main, straight, ("main",)):
        return False
    straight.add("main")
    for name, body in program.functions.items():
        for block in _blocks(body):
            is_straight = block is body and name in straight and name not in nested
            if not is_straight and any(is_host_call(op, program.types) for op in block.ops):
                return False
    return True


def limit_of(program: Program) -> str:
    """Why the interpreter cannot run this program, or "" where it can."""
    types = program.types
    if program.implicit:
        return "several platforms"
    for element in sorted({value_type.element for value_type in types} & ELEMENT_LIMITS.keys()):
        return ELEMENT_LIMITS[element]
    ops = list(program.ops())
    if any(value_type.element == _TOKEN for value_type in types) and not _tokens_are_idle(program, ops):
        return "has no tokens"
    may_be_cut: bool | None = None
    for op in ops:
        if is_host_call(op, types):
            may_be_cut = _can_be_cut(program) if may_be_cut is None else may_be_cut
            if not may_be_cut:
                return f"{op.name}: {NESTED}"
            continue
        for limit in _limits_of(op.name):
            if limit.when([types[number] for number in op.operands], [types[number] for number in op.results]):
                return f"{op.name}: {limit.reason}"
    cost = Costs(program, _turns).total()
    work = cost.flops + cost.transcendentals + cost.bytes_accessed / 8
    longest = COMPILES * (WORK_PER_COMPILE + WORK_PER_COMPILED_OP * len(ops))
    return "takes too long" if work > longest else ""
