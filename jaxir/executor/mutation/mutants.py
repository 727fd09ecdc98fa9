"""Single-op mutants of an IR: what the comparison of both sides has to catch.

A mutant is the text of a valid module in which one op was changed (`edits.py`). Not made are mutants that
compute the same by construction: changes of dead ops and commuted operands (the canonical hash stays), of one equal
operand for the other, of a sign that an even function hides. Not made either are mutants that could run for ever: what
the condition of a loop depends on stays as it is.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Final

from jaxlib.mlir import ir

from jaxir.errors import Rejected
from jaxir.executor.mutation.edits import edits_of
from jaxir.extractor import canonical
from jaxir.extractor.program import Block, Op, Program, parse, symbol
from jaxir.generator.rng import Rng

#: Kinds of mutants, in the order in which they take turns.
KINDS: Final = ("swapped op", "changed constant", "dropped op", "permuted operands", "other dimension")


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A changed module.

    Attributes:
        kind: one of `KINDS`.
        op: name of the op that was changed.
        detail: how, such as `stablehlo.sine -> stablehlo.cosine`.
        text: StableHLO text of the whole module.
    """

    kind: str
    op: str
    detail: str
    text: str


def mutants(program: Program | str, seed: object, limit: int) -> list[Mutant]:
    """Up to `limit` verified mutants, all different, the kinds taking turns; a pure function of its arguments.

    Args:
        program: a module or its text; a module is left as it is.
        seed: anything with a stable `repr`.
        limit: most mutants to make; there are fewer where the module offers fewer.

    Raises:
        Rejected: stage `parse`, for a text that is no module.
    """
    program = parse(program) if isinstance(program, str) else program
    forbidden = _loop_control(program)
    original = canonical.structure(program).canonical
    made: list[Mutant] = []
    texts: set[str] = set()
    with program.module.context, ir.Location.unknown():
        sites: dict[str, list[tuple[int, int]]] = {kind: [] for kind in KINDS}
        for place, op in enumerate(_ops(program.module)):
            if place in forbidden:
                continue
            for number, edit in enumerate(edits_of(op)):
                if not (edit.kind == "changed constant" and _in_comparator(op)):
                    sites[edit.kind].append((place, number))
        rng = Rng("mutants", seed)
        turns = itertools.zip_longest(*(rng.shuffled(places) for places in sites.values()))
        for site in itertools.chain.from_iterable(turns):
            if len(made) >= limit:
                break
            mutant = _mutant(program, *site) if site else None
            if mutant and mutant.text not in texts and _differs(mutant.text, original):
                texts.add(mutant.text)
                made.append(mutant)
    return made


def _ops(module: ir.Module | ir.Operation) -> Iterator[ir.Operation]:
    """Ops of all functions in the order of `_numbered`, without functions and terminators."""

    def inside(block: ir.Block) -> Iterator[ir.Operation]:
        views = list(block.operations)
        for view in views[:-1]:
            op = view.operation
            yield op
            for region in op.regions:
                yield from inside(region.blocks[0])

    for view in module.operation.regions[0].blocks[0].operations:
        if view.operation.name == "func.func":
            yield from inside(view.operation.regions[0].blocks[0])


def _in_comparator(op: ir.Operation) -> bool:
    """Whether an op is inside of a sort, whose constants stand for zeros and NaNs that inputs hardly have."""
    return op.parent is not None and op.parent.name == "stablehlo.sort"


def _mutant(program: Program, place: int, number: int) -> Mutant | None:
    """Apply one edit to a copy; None where the result is no valid module."""
    copy = program.module.operation.clone()
    op = next(itertools.islice(_ops(copy), place, None))
    name, edit = op.name, edits_of(op)[number]
    try:
        edit.apply(op)  # refuses a number that the element type lacks, such as 16 of `ui4`
        if not copy.verify():
            return None
    except ir.MLIRError:
        return None
    return Mutant(edit.kind, name, edit.detail, str(copy))


def _differs(text: str, original: str) -> bool:
    try:
        return canonical.structure(parse(text)).canonical != original
    except Rejected:
        return False


def _numbered(program: Program) -> Iterator[tuple[int, str, Op]]:
    """Every op of every function with its position and the function's name, outer ones first."""
    counter = itertools.count()

    def inside(name: str, block: Block) -> Iterator[tuple[int, str, Op]]:
        for op in block.ops:
            yield next(counter), name, op
            for region in op.regions:
                yield from inside(name, region)

    for name, block in program.functions.items():
        yield from inside(name, block)


def _loop_control(program: Program) -> set[int]:
    """Positions of the ops that decide how often a loop runs, and of their operands."""
    makers: dict[int, Op] = {}
    homes: dict[int, tuple[Op, int]] = {}  # argument of a region: its op and position
    callers: dict[str, list[Op]] = {name: [] for name in program.functions}
    places: dict[int, int] = {}
    parameters: dict[int, tuple[str, int]] = {}
    for name, block in program.functions.items():
        parameters |= {number: (name, position) for position, number in enumerate(block.arguments)}
    for place, _, op in _numbered(program):
        places[id(op)] = place
        makers |= dict.fromkeys(op.results, op)
        for region in op.regions:
            homes |= {number: (op, position) for position, number in enumerate(region.arguments)}
        if op.name == "func.call":
            callers[symbol(op.attribute("callee"))].append(op)
    found: set[int] = set()
    seen: set[int] = set()
    pending = [
        value for _, _, op in _numbered(program) if op.name == "stablehlo.while" for value in op.regions[0].returns
    ]
    while pending:
        value = pending.pop()
        if value in seen:
            continue
        seen.add(value)
        if value in parameters:
            name, position = parameters[value]
            pending += [op.operands[position] for op in callers[name]]
        elif value in homes:
            op, position = homes[value]
            if op.name == "stablehlo.while":
                # The carried value: what it starts as, and what the body makes of it.
                pending += [op.operands[position], op.regions[1].returns[position]]
            else:
                pending += op.operands
        else:
            op = makers[value]
            found.add(places[id(op)])
            if op.name == "stablehlo.while":
                position = op.results.index(value)
                pending += [op.operands[position], op.regions[1].returns[position]]
            else:
                pending += op.operands
                pending += [out for region in op.regions for out in region.returns]
            if op.name == "func.call":
                pending += program.functions[symbol(op.attribute("callee"))].returns
    return found
