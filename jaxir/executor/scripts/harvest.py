"""Harvest: the functions that a script jits become rows of a corpus.

While a script runs, `jax.jit` is replaced by one that notes every function and the types it is traced with. Afterwards
each becomes a text that runs alone (`Recorder.kernels`). In a process of its own, which has none of the script's state
and settings, the text is lowered and proved as any generated kernel is (`prove`). Functions of libraries are left out.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import jax

from jaxir.errors import Rejected, UserError
from jaxir.executor.inputs import DISTRIBUTIONS
from jaxir.executor.oracle import Pair
from jaxir.executor.verify import observe
from jaxir.extractor.canonical import structure
from jaxir.extractor.containers import flat_kernel
from jaxir.extractor.inspection import kernel_of, spec_of
from jaxir.extractor.lower import extract_kernel, lower
from jaxir.extractor.program import parse
from jaxir.extractor.standalone import innermost
from jaxir.sample import ArraySpec, Kernel

#: The category of harvested rows.
CATEGORY: Final = "harvested"


@dataclasses.dataclass(frozen=True)
class _Call:
    """A function and what it was traced with: leaves are `ArraySpec`s, static values stand as they are."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.function.__qualname__}({self.arguments}, {self.keywords})"


class Recorder:
    """Notes what is jitted while `recording`.

    Args:
        folder: functions whose file is not under it are of no interest.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._calls: dict[str, _Call] = {}

    @contextlib.contextmanager
    def recording(self, wanted: bool = True) -> Iterator[None]:
        """Replace `jax.jit` within the body, if it is wanted."""
        if not wanted:
            yield
            return
        original = jax.jit
        jax.jit = functools.wraps(original)(functools.partial(self._jit, original))
        try:
            yield
        finally:
            jax.jit = original

    def _jit(self, original: Callable[..., Any], fun: Any = None, /, **options: Any) -> Any:
        if fun is None:
            return functools.partial(self._jit, original, **options)
        if not self._is_of_interest(fun):
            return original(fun, **options)

        # Noted as it is traced: JAX calls it once for each set of types, with everything that is static in place.
        @functools.wraps(fun)
        def traced(*arguments: Any, **keywords: Any) -> Any:
            self._note(fun, arguments, keywords)
            return fun(*arguments, **keywords)

        jitted = original(traced, **options)
        jitted.__wrapped__ = fun
        return jitted

    def _is_of_interest(self, fun: Any) -> bool:
        try:
            return Path(inspect.getfile(innermost(fun))).resolve().is_relative_to(self._folder)
        except (TypeError, OSError):
            return False

    def _note(self, fun: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        with contextlib.suppress(UserError):  # of a type that no row can have
            call = _Call(fun, *jax.tree.map(_spec, (arguments, keywords)))
            self._calls.setdefault(f"{id(innermost(fun))} {call}", call)

    def kernels(self) -> dict[str, list[dict[str, Any]]]:
        """What was noted, as text: `kernels` (payloads of `prove`) and `skipped` (`function` and `reason`)."""
        kernels: list[dict[str, Any]] = []
        skipped: list[dict[str, Any]] = []
        for call in list(self._calls.values()):
            try:
                kernels.append(_written(call))
            except (UserError, Rejected) as error:
                skipped.append({"function": call.function.__qualname__, "reason": str(error)})
        return {"kernels": kernels, "skipped": skipped}


def _spec(leaf: Any) -> Any:
    """An array's type; what is no array is static and stays."""
    return spec_of(leaf) if hasattr(leaf, "shape") and hasattr(leaf, "dtype") else leaf


def _written(call: _Call) -> dict[str, Any]:
    """A call as text that runs alone, and the hash of what the function itself lowers to in this process.

    Raises:
        UserError: the function has no such text.
        Rejected: it does not lower.
    """
    if not call.keywords and all(isinstance(argument, ArraySpec) for argument in call.arguments):
        kernel, subject = kernel_of(call.function, call.arguments)
    else:
        kernel, subject = flat_kernel(call.function, call.arguments, call.keywords)
    return {
        **dataclasses.asdict(kernel),
        "inputs": [str(spec) for spec in kernel.inputs],
        "x64": jax.dtypes.canonicalize_dtype("float64") == "float64",
        "canonical_hash": structure(parse(lower(subject, kernel.inputs).stablehlo)).canonical,
    }


def prove(payload: Mapping[str, Any]) -> dict[str, Any]:
    """In a child that knows nothing of the script: lower a harvested text and run both sides of the pair.

    Returns:
        The fields of a `Sample`.

    Raises:
        Rejected: the text does not run, or its two sides do not agree, or its outputs are not finite or do not vary.
        UserError: alone, it lowers to something else than the script's function did.
    """
    fields: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in payload.items()}
    x64, truth = fields.pop("x64"), fields.pop("canonical_hash")
    fields |= {"inputs": tuple(map(ArraySpec.parse, fields["inputs"])), "category": CATEGORY}
    kernel = Kernel(**fields)
    with jax.enable_x64(x64):
        extraction = extract_kernel(kernel, dialects=("stablehlo", "jaxpr"))
        if extraction.sample.canonical_hash != truth:
            raise UserError("its source alone lowers to another program; it depends on settings or state of the script")
        base = int(extraction.sample.id[:8], 16) * len(DISTRIBUTIONS)
        seen = observe(Pair.from_extraction(extraction), base, "fast")
    return dataclasses.asdict(dataclasses.replace(extraction.sample, **dataclasses.asdict(seen)))
