"""Run a kernel's two sides: find inputs that show what it does, and prove that both sides do the same.

These are admission rules 4 and 5. The runs of the IR side serve everything: the digest, the behaviour hash, the checks
for dull kernels, and the comparison with the Python side.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from jaxir.errors import Rejected
from jaxir.executor.behavior import behavior, digest
from jaxir.executor.compare import COARSE, Comparison, Tolerance, compare_explained, tolerance_for
from jaxir.executor.inputs import DISTRIBUTIONS, draw, sized
from jaxir.executor.oracle import IR_SIDE, ORACLES, PYTHON_SIDE, Oracle, Pair, first_of
from jaxir.executor.rounding import SAMPLES, rounding_error, rounding_share

Array = npt.NDArray[Any]
#: `none`: the IR side runs alone. `fast`: the first oracle of each side that has no limit. `full`: all that have none.
Verify = Literal["none", "fast", "full"]

#: Inputs that every kernel of the same argument types sees: positive ones above 1 and ones around 0, so that neither
#: rectifiers nor functions with a limited domain all look alike.
BEHAVIOR_SEEDS: Final = (4_000_000_001, 4_000_000_003)
#: Distributions in the order in which they are tried: both signs first, they show most.
_ORDER: Final = (2, 3, 0, 1)
#: Draws on which both sides are compared, at least; fewer only where more than one in five draws are not finite.
DRAWS: Final = 2
#: Most that rounding may be of a result of a program with few-digit types (`rounding.rounding_share`): beyond, a
#: comparison hardly sees whether this is the right program. Such rows held nearly half of the mutants that it missed.
#: With more digits there are programs whose result is rounding on purpose, such as a compensated sum.
MOST_ROUNDING: Final = 0.1
#: Machine epsilon from which on rounding once is a large part of the number itself: 8-bit and narrower types. There it
#: only counts as far as two oracles that round each op may differ by it.
NARROW: Final = 2.0**-4


@dataclasses.dataclass(frozen=True)
class Observation:
    """What running a kernel showed.

    Attributes:
        input_seed: draws the inputs of `output_digest` (`jaxir.executor.inputs.draw`).
        output_digest: sha256 of the outputs of the IR side on these inputs, see `behavior.digest`.
        behavior_hash: 32 hex digits of the rounded outputs on inputs that only depend on the argument types.
        verified: names of the oracles that agreed, in the order of `ORACLES`; () if none was asked.
        max_abs_error: largest distance between two oracles on any draw, to two digits, rounded up.
    """

    input_seed: int
    output_digest: str
    behavior_hash: str
    verified: tuple[str, ...] = ()
    max_abs_error: float | None = None


def is_finite(array: Array) -> bool:
    """Whether no element is NaN or infinite."""
    if array.dtype == np.bool_ or array.dtype.kind in "iu":
        return True
    return bool(np.isfinite(array if array.dtype.kind in "fc" else array.astype(np.float32)).all())


def _is_constant(array: Array) -> bool:
    """More than one element, all equal; a boolean array may well be that."""
    return array.dtype != np.bool_ and array.size > 1 and bool((array == array.flat[0]).all())


class _Runs:
    """One oracle's results by input seed; each is made once."""

    def __init__(self, pair: Pair, oracle: Oracle) -> None:
        self.name = oracle.name
        self.specs = pair.inputs
        self.runner = oracle.prepare(pair)
        self._made: dict[int, list[Array]] = {}

    def inputs(self, seed: int) -> list[Array]:
        return draw(self.specs, seed)

    def outputs(self, seed: int) -> list[Array]:
        if seed not in self._made:
            self._made[seed] = self.runner.run(self.inputs(seed))
        return self._made[seed]

    def is_finite(self, seed: int) -> bool:
        return all(map(is_finite, self.outputs(seed)))


def _is_frozen(runs: _Runs, seed: int) -> bool:
    """Whether all outputs, or one of them with several elements, are the same whatever the inputs were.

    The inputs differ in values only: sizes of symbolic dims change an output that depends on nothing else.
    """
    outputs, specs = runs.outputs(seed), sized(runs.specs, seed)
    probes = [runs.outputs(probe) for probe in BEHAVIOR_SEEDS if sized(runs.specs, probe) == specs]
    same = [all(digest([probe[place]]) == digest([array]) for probe in probes) for place, array in enumerate(outputs)]
    alone = (array.dtype != np.bool_ and array.size > 1 for array in outputs)
    return all(same) or any(still and counts for still, counts in zip(same, alone, strict=True))


def observe(pair: Pair, base: int, verify: Verify = "fast") -> Observation:
    """Find inputs on which all outputs are finite and none is constant; then compare both sides.

    Tried are four seeds from `base` on, one of each distribution. The outputs also have to differ from those on the
    behaviour inputs, and every input has to matter: a kernel that gives the same whatever it gets is constant.

    Args:
        pair: what to run.
        base: first input seed, a multiple of `len(DISTRIBUTIONS)`.
        verify: which oracles have to agree.

    Raises:
        Rejected: stage `run` (`non-finite output`, `constant output`, `output ignores an input`, the type of an
            exception) or stage `verify` (`sides disagree`; `rounding decides`, whether they agree or more than
            `MOST_ROUNDING` of a result); stages `parse` and `trace` of a pair whose texts were not read before.
    """
    # All limits are asked first: the interpreter takes the program over.
    ir_side = first_of(IR_SIDE, pair)
    tolerances = tolerances_of(pair)
    others = _others(pair, ir_side.name, verify)
    try:
        # What inputs do is found out on the first of the other side: NumPy runs faster than the interpreter.
        sides = [_Runs(pair, oracle) for oracle in (*others, ir_side)]
        seed = _telling(sides[0], base)
        _check_inputs_matter(sides[0], seed)
        expected = sides.pop()
        seeds = [seed, *filter(expected.is_finite, BEHAVIOR_SEEDS)]
        more = (seed + len(DISTRIBUTIONS) * turn for turn in range(1, 5))
        while len(seeds) < DRAWS and (another := next(more, None)) is not None:
            seeds += [another] if expected.is_finite(another) else []
        verified = {ir_side.name, *(side.name for side in sides)} if sides else set()
        distance = max((_compared(pair, expected, side, seeds, tolerances) for side in sides), default=None)
        # Without a NumPy side rounding cannot be measured.
        if sides and sides[0].name == "numpy" and tolerances[False].eps > COARSE:
            is_narrow = tolerances[False].eps >= NARROW
            _check_rounding(pair, expected, seed, rounds=is_narrow and both_round(ir_side.name, "numpy"))
        return Observation(
            input_seed=seed,
            output_digest=digest(expected.outputs(seed)),
            behavior_hash=behavior([expected.outputs(probe) for probe in BEHAVIOR_SEEDS]),
            verified=tuple(name for name in ORACLES if name in verified),
            max_abs_error=None if distance is None else _rounded_up(distance),
        )
    except Rejected:
        raise
    except Exception as error:
        raise Rejected("run", type(error).__name__, str(error)) from error


def both_round(*names: str) -> bool:
    """Whether oracles all round the result of each op to its type: `rounds` of `tolerance_of`."""
    return all(ORACLES[name].rounds for name in names)


def tolerances_of(pair: Pair) -> dict[bool, Tolerance]:
    """The tolerances of a program (`compare.tolerance_for`), by whether both oracles round each op (`both_round`)."""
    types = {value_type.element for value_type in pair.program.types}
    ops = {op.name for op in pair.program.ops()}
    measured = not ORACLES["numpy"].limit(pair)
    return {rounds: tolerance_for(types, ops, measured=measured, rounds=rounds) for rounds in (False, True)}


def tolerance_of(pair: Pair, *, rounds: bool = False) -> Tolerance:
    """One of `tolerances_of`."""
    return tolerances_of(pair)[rounds]


def _others(pair: Pair, ir_side: str, verify: Verify) -> list[Oracle]:
    """The oracles that the IR side is compared with, the cheapest first."""
    if verify == "none":
        return []
    python_side = first_of(PYTHON_SIDE, pair)
    if verify == "fast":
        return [python_side]
    rest = [name for name in ORACLES if name not in (ir_side, python_side.name)]
    return [python_side, *(ORACLES[name] for name in rest if not ORACLES[name].limit(pair))]


def _telling(runs: _Runs, base: int) -> int:
    """The first seed whose outputs are finite and vary."""
    fault = ""
    for seed in (base + position for position in _ORDER):
        if not runs.is_finite(seed):
            fault = fault or "non-finite output"
        elif any(map(_is_constant, runs.outputs(seed))) or _is_frozen(runs, seed):
            fault = fault or "constant output"
        else:
            return seed
    raise Rejected("run", fault)


def _check_inputs_matter(runs: _Runs, seed: int) -> None:
    """Change one input at a time: some output has to change, on one of a few draws.

    Raises:
        Rejected: stage `run`, `output ignores an input`.
    """
    if len(runs.specs) == 1:
        return  # all inputs were changed at once before
    usual, exact = runs.inputs(seed), digest(runs.outputs(seed))
    others = [*BEHAVIOR_SEEDS, *range(seed + 1, seed + 1 + 2 * len(DISTRIBUTIONS))]
    specs = sized(runs.specs, seed)
    for place in range(len(usual)):
        changed = ([*usual[:place], draw(specs, other)[place], *usual[place + 1 :]] for other in others)
        if all(digest(runs.runner.run(inputs)) == exact for inputs in changed):
            raise Rejected("run", "output ignores an input", f"input {place}")


def _check_rounding(pair: Pair, runs: _Runs, seed: int, *, rounds: bool) -> None:
    """The results must be more than rounding.

    Raises:
        Rejected: stage `verify`, `rounding decides`.
    """
    inputs = runs.inputs(seed)
    share = rounding_share(pair.like(inputs).traced.jaxpr, inputs, runs.outputs(seed), rounds=rounds)
    if share > MOST_ROUNDING:
        raise Rejected("verify", "rounding decides", f"{share:.0%} of a result, input seed {seed}")


def _compared(
    pair: Pair, expected: _Runs, actual: _Runs, seeds: Sequence[int], tolerances: Mapping[bool, Tolerance]
) -> float:
    """Compare two oracles on some draws; returns the largest absolute error.

    Raises:
        Rejected: stage `verify`.
    """
    worst = 0.0
    tolerance = tolerances[both_round(expected.name, actual.name)]
    for seed in seeds:
        inputs = expected.inputs(seed)
        found = compare_sides(pair, expected.outputs(seed), actual.outputs(seed), inputs, tolerance)
        if not found.agrees:
            reason = "rounding decides" if found.fault.startswith("rounding decides") else "sides disagree"
            raise Rejected("verify", reason, f"{expected.name} and {actual.name}, input seed {seed}: {found.fault}")
        worst = max(worst, found.max_abs_error)
    return worst


def compare_sides(
    pair: Pair, expected: Sequence[Array], actual: Sequence[Array], inputs: Sequence[Array], tolerance: Tolerance
) -> Comparison:
    """Compare results of two oracles; the program's own rounding error is only computed where they differ by more."""

    def errors() -> Iterator[list[Array]]:
        if not ORACLES["numpy"].limit(pair):
            for samples in (1, SAMPLES):
                yield rounding_error(pair.like(inputs).traced.jaxpr, inputs, samples, rounds=tolerance.rounds)

    return compare_explained(expected, actual, tolerance, errors())


def _rounded_up(error: float) -> float:
    """To two digits: what a library of another machine rounds otherwise in the last place should not show."""
    if not error:
        return 0.0
    exponent = math.floor(math.log10(error)) - 1
    return float(f"{math.ceil(error / 10.0**exponent)}e{exponent}")
