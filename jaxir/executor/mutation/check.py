"""Mutation check: which share of the single-op mutants of an IR the comparison of both sides catches.

The stored Python text is the reference. It runs once a draw; each mutant of the IR runs in the interpreter until a draw
shows a disagreement, by the rules that hold for the pair itself. Draws are one of each distribution of
`jaxir.executor.inputs`, then `PROBE_DRAWS` of `probes.py`; one counts where both sides of the pair agree.

A mutant whose results equal the original's to the last bit on every draw is undetected and not a survivor: there was
nothing to compare. Nearly all are programs that compute the same: a guard against a zero divisor that is a constant,
the correction of a root that is never wrong, a bound that no value reaches.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Final

from jaxir.errors import Rejected
from jaxir.executor.behavior import digest
from jaxir.executor.compare import compare_explained
from jaxir.executor.inputs import Array, draw
from jaxir.executor.mutation.mutants import Mutant, mutants
from jaxir.executor.mutation.probes import probe
from jaxir.executor.oracle import ORACLES, PYTHON_SIDE, Pair, first_of
from jaxir.executor.rounding import rounding_error
from jaxir.executor.verify import both_round, tolerance_of

#: Seeds of `inputs.draw`, one of each distribution, those that show most first.
SEEDS: Final = (5_000_000_002, 5_000_000_003, 5_000_000_000, 5_000_000_001)
#: Further draws, from `probes.probe`.
PROBE_DRAWS: Final = 8


@dataclasses.dataclass(frozen=True)
class MutationResult:
    """What became of the mutants of one pair.

    Attributes:
        made: mutants that were run; `caught`, `undetected` and the survivors together.
        caught: those that disagree with the Python side on some draw, or fail to run.
        undetected: those with the original's results, to the last bit, on every draw.
        survivors: those with other results that pass the comparison on every draw.
        limit: "" or why the interpreter cannot run the pair; then nothing was made.
    """

    made: int
    caught: int
    undetected: int
    survivors: tuple[Mutant, ...]
    limit: str = ""


@dataclasses.dataclass
class _Draw:
    """Inputs with the results of both sides."""

    inputs: Sequence[Array]
    expected: Sequence[Array]  #: of the Python side
    original: str  #: digest of the results of the IR
    rounding: Sequence[Array] | None = None


class _Draws:
    """The draws of a pair on which both sides agree; each is made when it is first needed."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair
        side = first_of(PYTHON_SIDE, pair)
        self.tolerance = tolerance_of(pair, rounds=both_round(side.name, "interpreter"))
        self.has_rounding = not ORACLES["numpy"].limit(pair)
        self.python = side.prepare(pair)
        self.ir = ORACLES["interpreter"].prepare(pair)
        self.made: list[_Draw | None] = []

    def __len__(self) -> int:
        return len(SEEDS) + PROBE_DRAWS

    def __getitem__(self, number: int) -> _Draw | None:
        while len(self.made) <= number:
            self.made.append(self._make(len(self.made)))
        return self.made[number]

    def _make(self, number: int) -> _Draw | None:
        specs = self.pair.inputs
        inputs = draw(specs, SEEDS[number]) if number < len(SEEDS) else probe(specs, number - len(SEEDS))
        try:
            made = _Draw(inputs, self.python.run(inputs), "")
        except Rejected:  # a loop that does not end on these
            return None
        actual = self.ir.run(inputs)
        made.original = digest(actual)
        return None if self.differs(made, actual) else made

    def differs(self, one: _Draw, actual: Sequence[Array]) -> bool:
        """Whether results disagree with those of the Python side."""
        return not compare_explained(one.expected, actual, self.tolerance, self._errors(one)).agrees

    def _errors(self, one: _Draw) -> Iterator[Sequence[Array]]:
        if self.has_rounding:
            if one.rounding is None:
                one.rounding = rounding_error(self.pair.traced.jaxpr, one.inputs, rounds=self.tolerance.rounds)
            yield one.rounding


def mutation_check(pair: Pair, limit: int = 8, seed: object = 0) -> MutationResult:
    """Make up to `limit` mutants of a pair's IR and count those that the comparison catches.

    A pure function of its arguments. A mutant may hang or kill the process, like any foreign IR; none of those made of
    own rows was seen to.

    Raises:
        Rejected: stages `parse`, `trace` and `run`: the pair itself cannot be run.
    """
    reason = ORACLES["interpreter"].limit(pair)
    if reason:
        return MutationResult(0, 0, 0, (), reason)
    made = mutants(pair.program, seed, limit)
    draws = _Draws(pair)
    fates = [(mutant, _fate(mutant, pair, draws)) for mutant in made]
    survivors = tuple(mutant for mutant, fate in fates if fate == "survivor")
    return MutationResult(
        len(made),
        sum(fate == "caught" for _, fate in fates),
        sum(fate == "undetected" for _, fate in fates),
        survivors,
    )


def _fate(mutant: Mutant, pair: Pair, draws: _Draws) -> str:
    changed = Pair(pair.python_source, pair.function_name, mutant.text, pair.inputs, pair.outputs, x64=pair.x64)
    fate = "undetected"
    try:
        runner = ORACLES["interpreter"].prepare(changed)
        for number in range(len(draws)):
            one = draws[number]
            if one is None:
                continue
            actual = runner.run(one.inputs)
            if draws.differs(one, actual):
                return "caught"
            if digest(actual) != one.original:
                fate = "survivor"
    except Exception:
        return "caught"  # it fails to run, and the row with it
    return fate
