"""Functions that take containers, keywords or static values, as kernels of flat arrays.

The kernel's text is the function's own with a small function after it that puts the arrays where they belong:

    def step_flat(params_w, params_b, x):
        return step({"w": params_w, "b": params_b}, x)
"""

from __future__ import annotations

import inspect
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import jax

from jaxir.errors import UserError
from jaxir.extractor.inspection import parameter_names
from jaxir.extractor.standalone import innermost, standalone
from jaxir.sample import ArraySpec, Kernel


def flat_kernel(
    fn: Callable[..., Any], arguments: Sequence[Any], keywords: Mapping[str, Any]
) -> tuple[Kernel, Callable[..., Any]]:
    """A kernel of flat arrays, and the same function of flat arrays from the running program.

    Args:
        fn: the function.
        arguments: its positional arguments: `ArraySpec`s, dicts, lists, tuples and None of them, and static values
            (numbers, strings).
        keywords: its keyword arguments, likewise.

    Raises:
        UserError: an argument that cannot be written as text, or a function without a text of its own.
    """
    source, name, subject = standalone(fn)
    taken = set(re.findall(r"\w+", source))
    writer = _Arguments(name, taken)
    parts = [
        writer.text(value, hint) for value, hint in zip(arguments, parameter_names(fn, len(arguments)), strict=True)
    ]
    parts += [f"{key}={writer.text(value, key)}" for key, value in keywords.items()]
    if not writer.specs:
        raise UserError(f"{name}: takes no array")
    wrapper = next(each for each in _numbered(f"{name}_flat") if each not in taken)
    head = f"def {wrapper}({', '.join(writer.names)}):"
    kernel = Kernel(
        source=f"{source}\n\n{head}\n    return {name}({', '.join(parts)})\n",
        function_name=wrapper,
        inputs=tuple(writer.specs),
        input_names=tuple(writer.names),
        description=(inspect.getdoc(innermost(fn)) or "").strip().partition("\n")[0],
        category="extracted",
        operation=name,
    )

    def is_spec(leaf: Any) -> bool:
        return isinstance(leaf, ArraySpec)

    leaves, structure = jax.tree.flatten((tuple(arguments), dict(keywords)), is_leaf=is_spec)

    def flat(*arrays: Any) -> Any:
        given = iter(arrays)
        filled = [next(given) if is_spec(leaf) else leaf for leaf in leaves]
        positional, named = jax.tree.unflatten(structure, filled)
        return subject(*positional, **named)

    flat.__name__ = wrapper
    return kernel, flat


def _numbered(name: str) -> Iterator[str]:
    return itertools.chain([name], (f"{name}_{number}" for number in itertools.count(2)))


def _quoted(text: str) -> str:
    """A string as Python programs are formatted."""
    return f'"{text}"' if text.isascii() and text.isprintable() and not {*text} & {'"', "\\"} else repr(text)


class _Arguments:
    """Writes arguments as text; arrays become parameters, in the order of JAX's own flattening."""

    def __init__(self, function: str, taken: set[str]) -> None:
        self.function = function
        self.taken = taken
        self.names: list[str] = []
        self.specs: list[ArraySpec] = []

    def text(self, value: Any, hint: str) -> str:
        if isinstance(value, ArraySpec):
            base = re.sub(r"\W", "_", hint).strip("_") or "array"
            base = f"array_{base}" if base[0].isdigit() else base
            name: str = next(each for each in _numbered(base) if each not in self.names and each != self.function)
            self.names.append(name)
            self.specs.append(value)
            return name
        if type(value) is str:
            return _quoted(value)
        if value is None or type(value) in (bool, int) or (type(value) is float and value - value == 0):
            return repr(value)
        if type(value) is tuple:
            parts = [self.text(item, f"{hint}_{place}") for place, item in enumerate(value)]
            return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"
        if type(value) is list:
            return f"[{', '.join(self.text(item, f'{hint}_{place}') for place, item in enumerate(value))}]"
        if type(value) is dict and all(type(key) is str for key in value):
            # JAX flattens a dict in the order of its keys.
            items = [f"{_quoted(key)}: {self.text(value[key], f'{hint}_{key}')}" for key in sorted(value)]
            return f"{{{', '.join(items)}}}"
        raise UserError(
            f"{self.function}: argument '{hint}' holds a {type(value).__name__}; expected arrays, numbers, strings,"
            " and dicts, lists and tuples of them"
        )
