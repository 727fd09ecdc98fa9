"""A user's function to a record: its source as a module that runs alone, its IR, its figures.

`extract(fn, *args)` writes the function's text (`jaxir.extractor.standalone`) and proves it: executed alone, it has to
lower to the StableHLO of the function itself.
"""

from __future__ import annotations

import importlib.util
import inspect
import itertools
import re
import sys
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxir.errors import Rejected, UserError
from jaxir.extractor.lower import Extraction, extract_kernel, forget, lower
from jaxir.extractor.standalone import innermost, standalone
from jaxir.extractor.symbolic import spec_of as symbolic_spec
from jaxir.extractor.symbolic import symbols
from jaxir.sample import DIALECTS, DTYPES, ArraySpec, Kernel, Sample


def extract(
    fn: Callable[..., Any] | Kernel,
    *args: Any,
    dialects: Collection[str] | None = None,
    platforms: Sequence[str] = ("cpu",),
) -> Sample:
    """Lower a function and return its record; the proof fields stay empty.

    Args:
        fn: a function, lambda, bound method, jitted or decorated function, `functools.partial`, or a `Kernel`.
        *args: arrays, NumPy arrays, Python numbers, `jax.ShapeDtypeStruct`s or `ArraySpec`s, flat; none for a
            `Kernel`. Symbolic dims (`ArraySpec.parse("float32[b,4]")`) give the module for all their sizes.
        dialects: of `stablehlo`, `hlo`, `jaxpr`; by default all that the platforms allow.
        platforms: of `cpu`, `cuda`, `rocm`, `tpu`.

    Raises:
        UserError: no source, a captured value that is no source text, a function that JAX cannot lower, or a text that
            does not lower to the same StableHLO.
    """
    return extraction_of(fn, *args, dialects=dialects, platforms=platforms).sample


def extraction_of(
    fn: Callable[..., Any] | Kernel,
    *args: Any,
    dialects: Collection[str] | None = None,
    platforms: Sequence[str] = ("cpu",),
) -> Extraction:
    """As `extract`, with the lowering and the parsed program, which the oracles take."""
    if dialects is None:
        has_hlo = len(platforms) == 1 and not symbols(fn.inputs if isinstance(fn, Kernel) else map(spec_of, args))
        dialects = [dialect for dialect in DIALECTS if dialect != "hlo" or has_hlo]
    if isinstance(fn, Kernel):
        if args:
            raise UserError(f"{fn.function_name}: a Kernel brings its argument types; give no arguments")
        return _lowered(fn, dialects, platforms)
    specs = tuple(spec_of(argument) for argument in args)
    kernel, subject = kernel_of(fn, specs)
    forget()
    try:
        truth = lower(subject, specs, platforms=platforms).stablehlo
    except Rejected as error:
        raise UserError(f"{kernel.function_name}: JAX cannot lower it ({error.reason}: {error.detail})") from error
    extraction = _lowered(kernel, dialects, platforms)
    if extraction.lowering.stablehlo != truth:
        raise UserError(
            f"{kernel.function_name}: its source alone lowers to another StableHLO than the function itself;"
            " it depends on state outside of its text, or a decorator or transform wraps it"
            " (bind the wrapped function to a module-level name)"
        )
    return extraction


def _lowered(kernel: Kernel, dialects: Collection[str], platforms: Sequence[str]) -> Extraction:
    forget()
    try:
        return extract_kernel(kernel, dialects=dialects, platforms=platforms, strict=False)
    except Rejected as error:
        raise UserError(
            f"{kernel.function_name}: its source does not run alone ({error.reason}: {error.detail})"
        ) from error


def kernel_of(fn: Callable[..., Any], specs: Sequence[ArraySpec]) -> tuple[Kernel, Callable[..., Any]]:
    """The function as a kernel whose text runs alone, and the function that the text defines.

    The latter is `fn` itself, or what a nameless `jax.jit` wraps. `UserError` where there is no such text.
    """
    source, name, subject = standalone(fn)
    try:
        names = parameter_names(fn, len(specs))
        inspect.signature(fn).bind(*specs)
    except (TypeError, ValueError) as error:
        raise UserError(f"{name}: {len(specs)} arguments do not fit its signature ({error})") from None
    described = inspect.getdoc(innermost(fn))
    kernel = Kernel(
        source=source,
        function_name=name,
        inputs=tuple(specs),
        input_names=names,
        description=(described or "").strip().partition("\n")[0],
        category="extracted",
        operation=name,
    )
    return kernel, subject


def spec_of(value: Any) -> ArraySpec:
    """The spec of an array, a NumPy array, a Python scalar or a `jax.ShapeDtypeStruct`.

    A Python number stands for an array of JAX's default type for it; `jax.jit` would besides call it weakly typed.

    Raises:
        UserError: the value is none of these.
    """
    if isinstance(value, ArraySpec):
        return value
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        if str(value.dtype) not in DTYPES:
            hint = "; give its key data (jax.random.key_data)" if str(value.dtype).startswith("key<") else ""
            raise UserError(f"argument of element type {value.dtype}: expected one of {', '.join(DTYPES)}{hint}")
        return ArraySpec(symbolic_spec(value).shape, str(jax.dtypes.canonicalize_dtype(value.dtype)))
    if isinstance(value, bool | int | float | complex | np.generic):
        return ArraySpec((), str(jax.numpy.result_type(value)))
    raise UserError(
        f"argument of type {type(value).__name__}: expected an array, a number, or a shape with a dtype"
        " (kernels take flat positional arrays)"
    )


def parameter_names(function: Callable[..., Any], count: int) -> tuple[str, ...]:
    """Names of the first `count` positional parameters; `*args` gives `args_0`, `args_1`, ..."""
    names: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            names += [f"{parameter.name}_{position}" for position in range(count - len(names))]
        elif parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            names.append(parameter.name)
    return tuple(itertools.islice(names, count))


def load_function(target: str) -> Callable[..., Any]:
    """`path/to/file.py:function` to the function; the file is executed as a module of its own.

    Raises:
        UserError: one line for a missing file, a file that raises, a missing name and a name that is no function.
    """
    path_text, _, name = target.rpartition(":")
    if not path_text or not name:
        raise UserError(f"'{target}': expected path/to/file.py:function")
    path = Path(path_text)
    if not path.is_file():
        raise UserError(f"{path}: no such file; expected path/to/file.py:function")
    module_name = re.sub(r"\W", "_", path.stem)
    if module_name in sys.modules:
        module_name = f"_jaxir_{module_name}"
    spec = importlib.util.spec_from_file_location(module_name, path.resolve())
    if spec is None or spec.loader is None:
        raise UserError(f"{path}: no Python file; expected path/to/file.py:function")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[module_name]
        first = str(error).partition("\n")[0]
        raise UserError(f"{path}: raises {type(error).__name__} when it is executed ({first})") from error
    found = getattr(module, name, None)
    if found is None:
        known = [key for key, value in vars(module).items() if inspect.isfunction(value) and not key.startswith("_")]
        raise UserError(f"{path}: has no '{name}'; its functions are {', '.join(sorted(known)) or 'none'}")
    if not callable(found):
        raise UserError(f"{path}: '{name}' is a {type(found).__name__}, expected a function")
    return found  # type: ignore[no-any-return]  # `callable` cannot say which
