"""JAX's own primitive test programs through the oracles: each is lowered, run by all that can, and compared.

    python scripts/harnesses.py --count 150
    python scripts/harnesses.py --count 0 --group cumsum --json harnesses.json

JAX tests its primitives with some 5,500 small programs (`jax._src.internal_test_util.test_harnesses`), each a function
and random arguments. `--count` programs are taken, spread evenly over the groups (0: all). Where a program can be
written as the text of a module, that text is executed and traced afresh and has to lower to the same IR; where not, the
reason is counted, and the Python side is the function itself. Exits with 1 if two oracles disagree, or one fails on a
program for which it names no limit. Needs `absl-py`, which JAX's module imports.
"""

from __future__ import annotations

import ast
import dataclasses
import enum
import functools
import importlib.util
import json
import os
import sys
import types
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import click
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Primitive, primitives
from tqdm import tqdm

from jaxir.errors import Rejected, UserError
from jaxir.executor.oracle import ORACLES, Pair
from jaxir.executor.verify import compare_sides, tolerance_of
from jaxir.extractor import canonical
from jaxir.extractor.inspection import spec_of
from jaxir.extractor.lower import Lowering, load, lower
from jaxir.extractor.program import parse
from jaxir.extractor.sourcefile import file_of, find
from jaxir.extractor.standalone import standalone
from jaxir.sample import ArraySpec

MODULE = "jax._src.internal_test_util.test_harnesses"
#: Where a text finds a function of JAX by its name.
PUBLIC = {
    "jax.lax": jax.lax,
    "jax.lax.linalg": jax.lax.linalg,
    "jax.numpy": jnp,
    "jax.numpy.linalg": jnp.linalg,
    "jax.nn": jax.nn,
    "jax.random": jax.random,
}
HEAD = """import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.extend.core import primitives
from numpy import inf, nan
"""


class NoTextError(Exception):
    """A program that no text can be written for, with the reason."""


def load_harnesses() -> list[Any]:
    """JAX's harnesses, from a copy of their module, whose functions are then no library's and have a text.

    Raises:
        UserError: this JAX has no such module, or `absl-py` is missing.
    """
    spec = importlib.util.find_spec(MODULE)
    if spec is None or spec.origin is None:
        raise UserError(f"jax {jax.__version__} has no {MODULE}; there are no programs to run")
    copied = importlib.util.spec_from_file_location("harness_programs", spec.origin)
    assert copied is not None
    assert copied.loader is not None
    module = importlib.util.module_from_spec(copied)
    sys.modules["harness_programs"] = module
    try:
        copied.loader.exec_module(module)
    except ModuleNotFoundError as error:
        raise UserError(f"{MODULE} needs '{error.name}', which is not installed; pip install absl-py") from error
    return list(module.all_harnesses)


def choose(harnesses: Sequence[Any], count: int) -> list[Any]:
    """`count` of them: as equal a number of each group as its size allows, evenly spaced in it; 0 takes all."""
    groups: dict[str, list[Any]] = {}
    for harness in harnesses:
        groups.setdefault(harness.group_name, []).append(harness)
    wanted = dict.fromkeys(groups, 0)
    left = min(count or len(harnesses), len(harnesses))
    while left:
        for name, members in groups.items():
            if left and wanted[name] < len(members):
                wanted[name] += 1
                left -= 1
    return [
        members[place * len(members) // wanted[name]]
        for name, members in groups.items()
        for place in range(wanted[name])
    ]


# text


def literal(value: Any) -> str:
    """A static argument as an expression over `jax`, `jnp` and `np`."""
    if isinstance(value, enum.Enum) and hasattr(jax.lax, type(value).__name__):
        return f"jax.lax.{type(value).__name__}.{value.name}"
    if value is None or isinstance(value, bool | int | float | complex | str | slice):
        return repr(value)
    if isinstance(value, type) and str(np.dtype(value)) != "object":
        return f"jnp.dtype({str(np.dtype(value))!r})"
    if isinstance(value, np.dtype):
        return f"jnp.dtype({str(value)!r})"
    if isinstance(value, np.ndarray | np.generic) and value.size <= 64:
        return f"np.array({value.tolist()!r}, {str(value.dtype)!r})"
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return _record(value, value._asdict())
    if dataclasses.is_dataclass(value):
        return _record(value, {field.name: getattr(value, field.name) for field in dataclasses.fields(value)})
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {literal(one)}' for key, one in value.items())}}}"
    if isinstance(value, tuple | list):
        inner = ", ".join(map(literal, value))
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' if len(value) == 1 else ''})"
    if isinstance(value, Primitive):
        for name in dir(primitives):
            if getattr(primitives, name) is value:
                return f"primitives.{name}"
        raise NoTextError("a primitive without a public name")
    if callable(value):
        return reference(value)
    raise NoTextError(f"a static argument of type {type(value).__name__}")


def _record(value: Any, fields: dict[str, Any]) -> str:
    name = type(value).__name__
    if not hasattr(jax.lax, name):
        raise NoTextError(f"a static argument of type {name}")
    return f"jax.lax.{name}({', '.join(f'{key}={literal(one)}' for key, one in fields.items())})"


def reference(function: Any) -> str:
    """A function of JAX as an expression: its public name, a primitive's `bind`, or a `functools.partial` of these."""
    if isinstance(function, functools.partial):
        bound = [*map(literal, function.args), *(f"{key}={literal(one)}" for key, one in function.keywords.items())]
        return f"functools.partial({', '.join([reference(function.func), *bound])})"
    owner = getattr(function, "__self__", None)
    if isinstance(function, types.MethodType) and isinstance(owner, Primitive):
        return f"{literal(owner)}.bind"
    name = getattr(function, "__name__", "")
    for path, module in PUBLIC.items():
        if getattr(module, name, None) is function:
            return f"{path}.{name}".replace("jax.numpy", "jnp")
    raise NoTextError("a private function of JAX's")


def lambda_text(function: types.FunctionType) -> str:
    """A lambda of the harnesses with what it captures, as statements that define `called`."""
    node = find(function, file_of(function))
    if not isinstance(node, ast.Lambda):
        raise NoTextError("captures what is no source text")
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    captured = dict(zip(function.__code__.co_freevars, cells, strict=True))
    unknown = {name for name in function.__code__.co_names if name in function.__globals__} - {"lax", "np", "jnp"}
    if unknown:
        raise NoTextError("captures what is no source text")
    return (
        "".join(f"{name} = {literal(value)}\n" for name, value in captured.items()) + f"called = {ast.unparse(node)}\n"
    )


def source_of(harness: Any, count: int) -> tuple[str, str]:
    """A program as (text, function name): a call of a public function, or the text of the function that it wraps.

    Raises:
        NoTextError: with the reason.
    """
    names = [f"x{place}" for place in range(count)]
    given = iter(names)
    arguments = [
        literal(one.value) if type(one).__name__ == "StaticArg" else next(given) for one in harness.arg_descriptors
    ]
    try:
        head, called = HEAD, reference(harness.fun)
    except NoTextError:
        try:
            text, called, _ = standalone(harness.fun)
            head = f"{text}\n{HEAD}"
        except UserError:
            head, called = f"{HEAD}\n{lambda_text(harness.fun)}\n", "called"
    return f"{head}\ndef program({', '.join(names)}):\n    return {called}({', '.join(arguments)})\n", "program"


# run


@dataclasses.dataclass
class Outcome:
    """What came of one program.

    Attributes:
        refused: why there is no pair to compare: JAX refuses the program, or its arguments are no arrays.
        text: "" where the Python side is a text, else why there is none.
        ran: oracles that ran it.
        limits: oracles that name a limit, with it.
        faults: what two oracles disagree on, or an oracle failed with.
        decided: comparisons in which rounding alone decides the result.
    """

    name: str
    group: str
    refused: str = ""
    text: str = ""
    ran: tuple[str, ...] = ()
    limits: dict[str, str] = dataclasses.field(default_factory=dict)
    faults: tuple[str, ...] = ()
    decided: tuple[str, ...] = ()


def _pair(harness: Any, lowering: Lowering, specs: Sequence[ArraySpec], outcome: Outcome) -> Pair:
    """The program as a pair; its Python side is a text where one can be written."""

    def made(text: str) -> Pair:
        return Pair(text, "program", lowering.stablehlo, specs, lowering.outputs, x64=bool(jax.config.jax_enable_x64))

    try:
        text, name = source_of(harness, len(specs))
        other = lower(load(text, name), specs).stablehlo
        if canonical.structure(parse(other)).canonical != canonical.structure(parse(lowering.stablehlo)).canonical:
            raise NoTextError("its text lowers to another IR")
        return made(text)
    except NoTextError as error:
        outcome.text = str(error)
    except Rejected as error:
        outcome.text = f"its text does not run ({error.reason} {error.detail})"
    pair = made("")
    vars(pair)["traced"] = lowering.traced
    return pair


def check(harness: Any) -> Outcome:
    """Lower one program, run it by every oracle that names no limit, and compare all of them with the first."""
    outcome = Outcome(harness.fullname, harness.group_name)
    try:
        arguments = harness.dyn_args_maker(np.random.RandomState(0))
        specs = [spec_of(value) for value in arguments]
        lowering = lower(harness.dyn_fun, specs)
    except UserError as error:
        outcome.refused = "typed keys" if "key" in str(error) else str(error)
        return outcome
    except Rejected as error:
        outcome.refused = f"JAX: {error.reason}"
        return outcome
    except Exception as error:
        outcome.refused = f"its arguments: {type(error).__name__}"
        return outcome
    inputs = [np.asarray(value).astype(jnp.dtype(spec.dtype)) for value, spec in zip(arguments, specs, strict=True)]
    pair = _pair(harness, lowering, specs, outcome)
    program = parse(lowering.stablehlo)
    if len(program.main.arguments) != len(specs):
        outcome.refused = "unused argument"
        return outcome
    tolerance = tolerance_of(pair)
    results: dict[str, list[np.ndarray]] = {}
    faults, decided = [], []
    # The reference interpreter takes the parsed program over, so it comes last.
    for name in ("compiled", "source", "numpy", "interpreter"):
        limit = ORACLES[name].limit(pair)
        if limit:
            outcome.limits[name] = limit
            continue
        try:
            results[name] = ORACLES[name].prepare(pair).run(inputs)
        except Rejected as error:
            faults.append(f"{name} failed: {error.reason} {error.detail}")
        except Exception as error:
            faults.append(f"{name} failed: {type(error).__name__} {error}")
    for name, actual in list(results.items())[1:]:
        expected = next(iter(results))
        found = compare_sides(pair, results[expected], actual, inputs, tolerance)
        if found.fault.startswith("rounding decides"):
            decided.append(f"{name} against {expected}: {found.fault}")
        elif not found.agrees:
            faults.append(f"{name} against {expected}: {found.fault}, {found.max_ulp_error:.3g} ulp")
    outcome.ran, outcome.faults, outcome.decided = tuple(results), tuple(faults), tuple(decided)
    return outcome


def table(outcomes: Sequence[Outcome]) -> str:
    """One line a group, then the counts of every reason and limit, and each fault."""
    names = list(ORACLES)
    lines = [f"{'group':34}{'programs':>9}{'refused':>9}{'text':>6}" + "".join(f"{name:>13}" for name in names)]

    def line(label: str, members: Sequence[Outcome]) -> str:
        pairs = [one for one in members if not one.refused]
        ran = "".join(f"{sum(name in one.ran for one in pairs):>13}" for name in names)
        return f"{label:34}{len(members):>9}{len(members) - len(pairs):>9}{sum(not one.text for one in pairs):>6}{ran}"

    for group in dict.fromkeys(one.group for one in outcomes):
        lines.append(line(group, [one for one in outcomes if one.group == group]))
    lines.append(line("all", outcomes))

    def counted(title: str, reasons: Counter[str]) -> None:
        lines.extend(["", f"{title} ({sum(reasons.values())})"])
        lines.extend(f"  {number:5}  {reason}" for reason, number in reasons.most_common())

    counted("refused", Counter(one.refused for one in outcomes if one.refused))
    counted("no text", Counter(one.text for one in outcomes if one.text and not one.refused))
    counted("limits", Counter(f"{name}: {limit}" for one in outcomes for name, limit in one.limits.items()))
    counted("rounding decides", Counter(f"{one.name}: {what}" for one in outcomes for what in one.decided))
    counted("faults", Counter(f"{one.name}: {fault}" for one in outcomes for fault in one.faults))
    return "\n".join(lines)


def run(count: int, group: str, progress: Callable[[list[Any]], Any]) -> list[Outcome]:
    """Check `count` programs, of one group or of all."""
    harnesses = [harness for harness in load_harnesses() if group in ("", harness.group_name)]
    if not harnesses:
        raise UserError(f"no group '{group}' among JAX's harnesses; leave --group out to see their names")
    return [check(harness) for harness in progress(choose(harnesses, count))]


@click.command(help=__doc__)
@click.option(
    "--count", default=150, show_default=True, type=click.IntRange(0), help="Programs to run; 0 for all of them."
)
@click.option("--group", default="", help="Only this group.")
@click.option("--json", "path", type=click.Path(path_type=Path), help="Also write the outcomes here.")
def main(count: int, group: str, path: Path | None) -> None:
    try:
        outcomes = run(count, group, lambda chosen: tqdm(chosen, disable=None))
    except UserError as error:
        click.echo(f"harnesses: {error}", err=True)
        sys.exit(2)
    if path:
        path.write_text(json.dumps([dataclasses.asdict(one) for one in outcomes], indent=1))
    click.echo(table(outcomes))
    sys.exit(1 if any(one.faults for one in outcomes) else 0)


if __name__ == "__main__":
    main()
