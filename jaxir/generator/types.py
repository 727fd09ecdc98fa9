"""The types of the template language, and their unification with concrete specs.

A type is a dtype class (`Float`, `Num`, ...) and dims in jaxtyping's language: named `n`, variadic `*b`, fixed `3`,
broadcastable `#n`, expressions `m+n`, `_` and `...` (https://docs.kidger.site/jaxtyping/api/array/). `unify` binds the
names of a type so that it equals a concrete `ArraySpec`; `instantiate` goes the other way.
"""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import functools
import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from jaxir.generator.rng import Rng
from jaxir.sample import DTYPES, DTYPES_64, LOW_BIT, ArraySpec

#: dtype that a class stands for where nothing else decides, it occurs only in a template's result: what JAX makes of
#: Python numbers, with x64 off and on.
DEFAULT_DTYPES: dict[str, tuple[str, str]] = {
    "Float": ("float32", "float64"),
    "Inexact": ("float32", "float64"),
    "Real": ("float32", "float64"),
    "Num": ("float32", "float64"),
    "Shaped": ("float32", "float64"),
    "Int": ("int32", "int64"),
    "Integer": ("int32", "int64"),
    "UInt": ("uint32", "uint64"),
    "Bool": ("bool", "bool"),
    "Complex": ("complex64", "complex128"),
}
#: Classes of jaxtyping -> the low-bit types of JAX that they mean but do not list (jaxtyping 0.3).
_UNLISTED = dict.fromkeys(("Float", "Inexact", "Real", "Num"), ("float8_e3m4", "float8_e4m3", "float8_e8m0fnu"))


class TypeLanguageError(ValueError):
    """A dims string or annotation outside the template language; the message says what and what is allowed."""


@dataclasses.dataclass(frozen=True)
class Fixed:
    """A dim of a fixed size."""

    size: int


@dataclasses.dataclass(frozen=True)
class Named:
    """A dim of one size wherever the name occurs; with `broadcast` it may be 1 instead."""

    name: str
    broadcast: bool = False


@dataclasses.dataclass(frozen=True)
class Variadic:
    """Any number of dims; with `broadcast` each may be 1 and leading ones may be missing."""

    name: str
    broadcast: bool = False


@dataclasses.dataclass(frozen=True)
class Expression:
    """A dim computed from named ones, such as `m+n`."""

    text: str
    names: tuple[str, ...]

    def evaluate(self, sizes: Mapping[str, int]) -> int:
        """The size; 0, which no array has, where it divides by zero."""
        try:
            return _evaluate(_parsed(self.text), sizes)
        except ZeroDivisionError:
            return 0


Dim = Fixed | Named | Variadic | Expression


@functools.lru_cache(maxsize=1024)
def _parsed(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def _evaluate(node: ast.expr, sizes: Mapping[str, int]) -> int:
    match node:
        case ast.Constant(value=int(value)):
            return value
        case ast.Name(id=name):
            return sizes[name]
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _evaluate(left, sizes), _evaluate(right, sizes)
            match op:
                case ast.Add():
                    return a + b
                case ast.Sub():
                    return a - b
                case ast.Mult():
                    return a * b
                case ast.FloorDiv():
                    return a // b
    raise TypeLanguageError(f"'{ast.unparse(node)}': expected names and numbers joined by + - * //")


def parse_dims(text: str) -> tuple[Dim, ...]:
    """Read a jaxtyping dims string; at most one variadic dim, as in jaxtyping.

    Raises:
        TypeLanguageError: for what is not in the language, such as `?n` or functions in expressions.
    """
    dims: list[Dim] = []
    for position, word in enumerate(text.split()):
        broadcast = variadic = False
        body = word
        while body[:1] in ("#", "*"):
            broadcast, variadic = broadcast or body[0] == "#", variadic or body[0] == "*"
            body = body[1:]
        if "=" in body:
            body = body.split("=", 1)[1]
        if word == "...":
            dims.append(Variadic(f"...{position}"))
        elif body == "_":
            dims.append(Variadic(f"_{position}") if variadic else Named(f"_{position}"))
        elif body.isdecimal():
            dims.append(Fixed(int(body)))
        elif body.isidentifier():
            dims.append(Variadic(body, broadcast) if variadic else Named(body, broadcast))
        else:
            try:
                tree = ast.parse(body, mode="eval")
            except SyntaxError:
                raise TypeLanguageError(f"dim '{word}' of '{text}' is no name, size or expression") from None
            names = tuple(sorted({node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}))
            with contextlib.suppress(ZeroDivisionError):  # as `n//(m-1)` does for the ones of this trial
                _evaluate(tree.body, dict.fromkeys(names, 1))
            dims.append(Expression(body, names))
    if sum(isinstance(dim, Variadic) for dim in dims) > 1:
        raise TypeLanguageError(f"'{text}': at most one variadic dim in an array")
    return tuple(dims)


@dataclasses.dataclass(frozen=True)
class ArrayType:
    """A dtype class and dims, as declared by a template."""

    dtype_class: str
    dtypes: tuple[str, ...]
    dims: tuple[Dim, ...]
    text: str  #: as written, for messages

    def __str__(self) -> str:
        return f'{self.dtype_class}[Array, "{self.text}"]'

    @classmethod
    def from_annotation(cls, annotation: Any, *, x64: bool = True, low_bit: Collection[str] = ()) -> ArrayType:
        """Read an evaluated jaxtyping annotation such as `Float[Array, "*b n"]`.

        Args:
            annotation: the evaluated annotation.
            x64: whether a class of several types takes 64-bit ones.
            low_bit: the low-bit types that a class of several types takes, where it means them.

        Raises:
            TypeLanguageError: if it is no jaxtyping array type, or its dims are outside the language.
        """
        if not hasattr(annotation, "dim_str") or not hasattr(annotation, "dtypes"):
            shown = getattr(annotation, "__name__", repr(annotation))
            raise TypeLanguageError(f'{shown} is no jaxtyping array type such as Float[Array, "*b n"]')
        dtypes = annotation.dtypes
        name = annotation.dtype.__name__
        # Shaped admits every dtype; jaxtyping says so by a sentinel object instead of a tuple.
        meant = {*dtypes, *_UNLISTED.get(name, ())} if isinstance(dtypes, tuple | list) else set(DTYPES)
        if name in DEFAULT_DTYPES:
            meant -= set(LOW_BIT).difference(low_bit) | (set() if x64 else DTYPES_64)
        names = tuple(dtype for dtype in DTYPES if dtype in meant)
        return cls(name, names, parse_dims(annotation.dim_str), annotation.dim_str)

    def admits(self, dtype: str) -> bool:
        return dtype in self.dtypes

    def default_dtype(self, x64: bool = False) -> str:
        """The type where nothing else decides; see `DEFAULT_DTYPES`."""
        defaults = DEFAULT_DTYPES.get(self.dtype_class)
        return defaults[x64] if defaults else self.dtypes[-1]


@dataclasses.dataclass
class Binding:
    """What the names of one template call stand for: dtype classes, dims and variadic dims."""

    dtypes: dict[str, str] = dataclasses.field(default_factory=dict)
    sizes: dict[str, int] = dataclasses.field(default_factory=dict)
    shapes: dict[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)

    def copy(self) -> Binding:
        return Binding(dict(self.dtypes), dict(self.sizes), dict(self.shapes))


def unify(declared: ArrayType, spec: ArraySpec, binding: Binding, rng: Rng) -> Binding | None:
    """Bind the names of `declared` so that it equals `spec`, or None if that cannot be.

    Several unbound names of an expression (`m+n` against 7) leave a choice, which `rng` makes.
    """
    if not declared.admits(spec.dtype):
        return None
    if binding.dtypes.get(declared.dtype_class, spec.dtype) != spec.dtype:
        return None
    sizes = [dim for dim in declared.dims if not isinstance(dim, Variadic)]
    has_variadic = len(sizes) < len(declared.dims)
    if spec.rank < len(sizes) or (spec.rank > len(sizes) and not has_variadic):
        return None
    bound = binding.copy()
    bound.dtypes[declared.dtype_class] = spec.dtype
    shape = [int(size) for size in spec.shape]
    later: list[tuple[Expression, int]] = []
    position = 0
    for dim in declared.dims:
        if isinstance(dim, Variadic):
            length = spec.rank - len(sizes)
            part = tuple(shape[position : position + length])
            position += length
            if bound.shapes.setdefault(dim.name, part) != part:
                return None
            continue
        size = shape[position]
        position += 1
        if isinstance(dim, Fixed):
            if dim.size != size:
                return None
        elif isinstance(dim, Named):
            if bound.sizes.setdefault(dim.name, size) != size:
                return None
        else:
            later.append((dim, size))
    for expression, size in later:
        if not _solve(expression, size, bound.sizes, rng):
            return None
    return bound


def _solve(expression: Expression, size: int, sizes: dict[str, int], rng: Rng) -> bool:
    """Bind the free names of an expression so that it has the given size."""
    free = [name for name in expression.names if name not in sizes]
    solutions = []
    # With many free names the small sizes are enough, and their number stays bounded.
    largest = size + 3 if len(free) < 3 else min(size, 6)
    for values in itertools.product(range(1, largest + 1), repeat=len(free)):
        trial = dict(zip(free, values, strict=True))
        if expression.evaluate({**sizes, **trial}) == size:
            solutions.append(trial)
    if not solutions:
        return False
    sizes.update(rng.choice(solutions))
    return True


def bind_missing(
    types: Sequence[ArrayType],
    binding: Binding,
    *,
    dtype_of: Callable[[ArrayType], str | None],
    size: Callable[[], int],
    shape: Callable[[], tuple[int, ...]],
) -> bool:
    """Bind every name of `types` that is still free; False if a class has no dtype to offer."""
    for declared in types:
        if declared.dtype_class not in binding.dtypes:
            dtype = dtype_of(declared)
            if dtype is None:
                return False
            binding.dtypes[declared.dtype_class] = dtype
        for dim in declared.dims:
            match dim:
                case Named(name=name) if name not in binding.sizes:
                    binding.sizes[name] = size()
                case Variadic(name=name) if name not in binding.shapes:
                    binding.shapes[name] = shape()
                case Expression(names=names):
                    for name in names:
                        if name not in binding.sizes:
                            binding.sizes[name] = size()
    return True


def instantiate(declared: ArrayType, binding: Binding, rng: Rng | None = None) -> ArraySpec | None:
    """The concrete spec of a type whose names are all bound, or None if a dim would be smaller than 1.

    Args:
        declared: the type.
        binding: names to dtypes and sizes.
        rng: where given, broadcastable dims (`#n`, `*#b`) may shrink to 1 or be dropped from the front.
    """
    shape: list[int] = []
    for dim in declared.dims:
        match dim:
            case Fixed(size=size):
                shape.append(size)
            case Named(name=name, broadcast=broadcast):
                shape.append(1 if broadcast and rng and rng.chance(0.4) else binding.sizes[name])
            case Variadic(name=name, broadcast=broadcast):
                part = binding.shapes[name]
                if broadcast and rng:
                    part = tuple(1 if rng.chance(0.25) else size for size in part)
                    if len(shape) == 0 and rng.chance(0.4):
                        part = part[rng.integer(0, len(part)) :]
                shape.extend(part)
            case Expression():
                size = dim.evaluate(binding.sizes)
                if size < 1:
                    return None
                shape.append(size)
    return ArraySpec(tuple(shape), binding.dtypes[declared.dtype_class])
