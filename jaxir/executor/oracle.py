"""The oracles: four ways to run a stored pair, each with its known limits as data.

| oracle | starts from | runs by |
|---|---|---|
| `interpreter` | StableHLO text, parsed afresh | the StableHLO reference interpreter, after CHLO legalisation |
| `compiled` | StableHLO text | XLA, on a device |
| `source` | Python text, executed in an empty namespace | JAX, jitted (or eagerly), on a device |
| `numpy` | Python text, executed in an empty namespace, traced | NumPy, equation by equation: neither IR nor XLA |

A pair is proved where an oracle of each side agree (`jaxir.executor.compare`). Foreign text may kill or hang a process
in any of them: run it in one that may die (`jaxir.executor.isolation`).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, Protocol

import jax
import numpy as np
import numpy.typing as npt

from jaxir.errors import Rejected, UserError
from jaxir.executor import evaluate
from jaxir.executor.compiled import COMPILER_LIMITS, QUICK, Executable
from jaxir.executor.inputs import element_name, sized
from jaxir.executor.interpreter import Interpreter
from jaxir.executor.limits import limit_of
from jaxir.extractor import symbolic
from jaxir.extractor.lower import Extraction, load, shape_structs
from jaxir.extractor.program import Program, parse
from jaxir.sample import ArraySpec

Array = npt.NDArray[Any]


class Pair:
    """Both sides of a row as stored: all that an oracle may read.

    What is made of the texts is made on first use and kept: `program`, parsed from the IR text, and `traced`, the
    Python text executed in an empty namespace and traced by JAX.
    """

    def __init__(
        self,
        python_source: str,
        function_name: str,
        stablehlo: str,
        inputs: Sequence[ArraySpec],
        outputs: Sequence[ArraySpec],
        *,
        platform: str = "cpu",
        x64: bool = False,
        num_devices: int = 1,
    ) -> None:
        self.python_source = python_source
        self.function_name = function_name
        self.stablehlo = stablehlo
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.platform = platform
        self.x64 = x64
        self.num_devices = num_devices
        self._at: dict[tuple[ArraySpec, ...], Pair] = {}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Pair:
        """The pair of a row with the columns of the record.

        Raises:
            UserError: a type string that is none.
        """
        return cls(
            row["python_source"],
            row["function_name"],
            row["stablehlo"],
            [ArraySpec.parse(text) for text in row["inputs"]],
            [ArraySpec.parse(text) for text in row["outputs"]],
            platform=row["platform"],
            x64=row["x64"],
            num_devices=row["num_devices"],
        )

    @classmethod
    def from_extraction(cls, extraction: Extraction) -> Pair:
        """The pair of a kernel that was just lowered; what was parsed and traced there is not done again."""
        sample, lowering = extraction.sample, extraction.lowering
        made = cls(
            sample.python_source,
            sample.function_name,
            lowering.stablehlo,
            lowering.inputs,
            lowering.outputs,
            platform=sample.platform,
            x64=sample.x64,
            num_devices=sample.num_devices,
        )
        # `cached_property` keeps its value in the instance.
        vars(made).update(program=extraction.program)
        if not made.is_symbolic:
            vars(made).update(traced=lowering.traced)
        return made

    @property
    def is_symbolic(self) -> bool:
        """Whether a dim of an argument is a name; then the pair runs as `at` the sizes of its inputs."""
        return bool(symbolic.symbols(self.inputs))

    def at(self, inputs: Sequence[ArraySpec]) -> Pair:
        """The pair for one choice of sizes: the IR refined to them, the source traced with them.

        A pair without symbolic dims is itself.

        Raises:
            Rejected: stage `run`: the types of the IR cannot be refined.
        """
        if not self.is_symbolic:
            return self
        key = tuple(inputs)
        if key not in self._at:
            text = symbolic.refined(self.stablehlo, key)
            found = parse(text)
            types = [found.types[number] for number in found.main.returns]
            outputs = [ArraySpec(one.dims, element_name(one.element)) for one in types]
            made = Pair(
                self.python_source,
                self.function_name,
                text,
                key,
                outputs,
                platform=self.platform,
                x64=self.x64,
                num_devices=self.num_devices,
            )
            vars(made).update(program=found)
            self._at[key] = made
        return self._at[key]

    def like(self, arrays: Sequence[Array]) -> Pair:
        """`at` the sizes of input arrays."""
        specs = zip(arrays, self.inputs, strict=True)
        return self.at([ArraySpec(array.shape, spec.dtype) for array, spec in specs])

    @functools.cached_property
    def program(self) -> Program:
        """The IR text, parsed; `Rejected` with stage `parse` for a text that is no module."""
        return parse(self.stablehlo)

    def take_program(self) -> Program:
        """The program for one who changes its module; the next reader parses the text again."""
        taken = self.program
        del vars(self)["program"]
        return taken

    @functools.cached_property
    def traced(self) -> Any:
        """JAX's traced function; `Rejected` with stage `trace` for a source that cannot be executed or traced."""
        with jax.enable_x64(self.x64):
            function = load(self.python_source, self.function_name)
            structs = shape_structs(self.inputs)
            try:
                return jax.jit(function).trace(*structs)
            except Exception as error:
                raise Rejected("trace", type(error).__name__, str(error)) from error

    @functools.cached_property
    def numpy_limit(self) -> str:
        """Why NumPy cannot evaluate the traced function, or ""; it is asked for more than once."""
        return evaluate.limit(self.traced.jaxpr)


class Runner(Protocol):
    """A pair, ready to run."""

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        """Flat results, of the types of `Pair.outputs`, for arrays of the types of `Pair.inputs`."""
        ...


@dataclasses.dataclass(frozen=True)
class Oracle:
    """One way to run a pair.

    Attributes:
        name: its name in `verified`.
        side: the stored text that it starts from.
        limit: why it cannot be trusted with a pair, `what: reason`; "" where it can.
        prepare: the pair, ready to run; on a device where the oracle has one. Raises `Rejected`, stage `run`, or
            `parse` and `trace` for a text that is no module or no function.
        rounds: whether it rounds the result of each op to its type; XLA may keep more digits.
    """

    name: str
    side: Literal["ir", "python"]
    limit: Callable[[Pair], str]
    prepare: Callable[..., Runner]
    rounds: bool = False


class KnownLimit(Rejected):
    """A limit that only shows when a pair is prepared; `reason` names it."""


def _rejecting(prepare: Callable[..., Runner]) -> Callable[..., Runner]:
    """Turn what a preparation raises into a `Rejected` of stage `run`, or into a `KnownLimit`."""

    @functools.wraps(prepare)
    def guarded(pair: Pair, device: Any = None) -> Runner:
        try:
            return prepare(pair, device)
        except (Rejected, UserError):
            raise
        except Exception as error:
            for words, reason in COMPILER_LIMITS.items():
                if words in str(error):
                    raise KnownLimit("run", reason) from error
            raise Rejected("run", type(error).__name__, str(error)) from error

    return guarded


def _enough_devices(pair: Pair) -> str:
    here = jax.local_device_count()
    return "" if pair.num_devices <= here else f"needs {pair.num_devices} devices, here are {here}"


class _Source:
    """The stored Python function, jitted and compiled with few optimisations."""

    def __init__(self, pair: Pair, device: Any) -> None:
        self.x64 = pair.x64
        # A kernel over several devices spreads its arguments itself.
        self.device = device if pair.num_devices == 1 else None
        self.outputs = pair.outputs
        with jax.enable_x64(self.x64), jax.default_device(device):
            self.function = pair.traced.lower().compile(compiler_options=QUICK)

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        # Not `device_put(array, device)`: JAX refuses arrays of 2 and 4 bits whose device is told, for their layout.
        with jax.enable_x64(self.x64), jax.default_device(self.device):
            placed = [jax.device_put(array) for array in inputs]
            return [np.asarray(leaf) for leaf in jax.tree.leaves(self.function(*placed))]


class Eager(_Source):
    """The stored Python function, op by op."""

    def __init__(self, pair: Pair, device: Any = None) -> None:
        self.x64 = pair.x64
        self.device = device
        with jax.enable_x64(self.x64):
            self.function = load(pair.python_source, pair.function_name)


def _interpreter(pair: Pair, device: Any) -> Runner:
    return Interpreter(pair.take_program(), pair.outputs)


def _compiled(pair: Pair, device: Any) -> Runner:
    return Executable(
        pair.stablehlo,
        pair.outputs,
        device=device,
        platforms=pair.platform.split(","),
        x64=pair.x64,
        num_devices=pair.num_devices,
    )


def _numpy(pair: Pair, device: Any) -> Runner:
    return evaluate.Evaluator(pair.traced.jaxpr)


class _Sized:
    """A pair with symbolic dims under one oracle: prepared for each choice of sizes that it is run with."""

    def __init__(self, pair: Pair, oracle: Oracle, device: Any) -> None:
        self.pair = pair
        self.prepare = functools.cache(lambda sized: oracle.prepare(sized, device))

    def run(self, inputs: Sequence[Array]) -> list[Array]:
        return self.prepare(self.pair.like(inputs)).run(inputs)


def _with_sizes(oracle: Oracle) -> Oracle:
    """The oracle for pairs with symbolic dims too; its limits are those of a choice of sizes."""

    def limit(pair: Pair) -> str:
        return oracle.limit(pair.at(sized(pair.inputs, 0)))

    def prepare(pair: Pair, device: Any = None) -> Runner:
        return _Sized(pair, oracle, device) if pair.is_symbolic else oracle.prepare(pair, device)

    return dataclasses.replace(oracle, limit=limit, prepare=prepare)


ORACLES: Final[Mapping[str, Oracle]] = {
    oracle.name: _with_sizes(oracle)
    for oracle in (
        Oracle("interpreter", "ir", lambda pair: limit_of(pair.program), _rejecting(_interpreter), rounds=True),
        Oracle("compiled", "ir", _enough_devices, _rejecting(_compiled)),
        Oracle("source", "python", _enough_devices, _rejecting(_Source)),
        Oracle("numpy", "python", lambda pair: pair.numpy_limit, _rejecting(_numpy), rounds=True),
    )
}
#: The oracles of each side in the order in which they are asked: the first without a limit is trusted.
IR_SIDE: Final = ("interpreter", "compiled")
PYTHON_SIDE: Final = ("numpy", "source")


def first_of(names: Sequence[str], pair: Pair) -> Oracle:
    """The first oracle that has no limit on a pair.

    Raises:
        Rejected: stage `run`: all have one.
    """
    limits = []
    for name in names:
        limit = ORACLES[name].limit(pair)
        if not limit:
            return ORACLES[name]
        limits.append(f"{name}: {limit}")
    raise Rejected("run", "no oracle can run it", "; ".join(limits))
