"""Read template files: typed JAX functions in, `Template` records out.

The language is described in templates/README.md.
"""

from __future__ import annotations

import ast
import collections.abc
import dataclasses
import functools
import gc
import hashlib
import importlib.util
import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from jaxir import resources
from jaxir.closure import needed_statements
from jaxir.errors import UserError
from jaxir.generator import element_types
from jaxir.generator.element_types import ElementTypes
from jaxir.generator.options import Uniform
from jaxir.generator.rng import Rng
from jaxir.generator.types import ArrayType, TypeLanguageError, Variadic
from jaxir.sample import CATEGORIES

OptionValue = str | int | float | bool


class TemplateError(UserError):
    """A template that is outside the language; the message starts with `path:line:`."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """An array parameter of a template."""

    name: str
    type: ArrayType
    line: int


@dataclasses.dataclass(frozen=True)
class Hole:
    """A `Callable` parameter: to be filled with a sub-program of this type."""

    name: str
    parameters: tuple[ArrayType, ...]
    result: ArrayType
    line: int


@dataclasses.dataclass(frozen=True)
class Option:
    """A keyword-only option: a list of choices, or a range of numbers."""

    name: str
    choices: tuple[OptionValue, ...] = ()
    range: Uniform | None = None
    whole: bool = False

    def draw(self, rng: Rng) -> OptionValue:
        if self.range is None:
            return rng.choice(self.choices)
        if self.whole:
            return rng.integer(int(self.range.lo), int(self.range.hi))
        return float(f"{rng.uniform(self.range.lo, self.range.hi):.3g}")


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """One template file: its path, its syntax tree without annotations, and its module."""

    path: Path
    tree: ast.Module
    module: types.ModuleType


@dataclasses.dataclass(frozen=True, eq=False)
class Template:
    """A typed function of the library; `fn` runs as it is, `body` is what the text of a kernel is made of."""

    name: str
    category: str
    phrase: str
    parameters: tuple[Parameter, ...]
    holes: tuple[Hole, ...]
    options: tuple[Option, ...]
    results: tuple[ArrayType, ...]
    returns_tuple: bool
    line: int
    body: str  #: the statements after the docstring
    source: Source
    fn: Callable[..., Any]
    x64: bool = True  #: whether its types are as declared with x64 on too

    @functools.cached_property
    def steered(self) -> ArrayType:
        """The parameter whose dtype class has the most types, the first of equals: a plan gives it its turns."""
        return max((parameter.type for parameter in self.parameters), key=lambda item: len(item.dtypes))

    @property
    def where(self) -> str:
        return f"{self.source.path}:{self.line}"

    @property
    def array_types(self) -> tuple[ArrayType, ...]:
        """Every array type of the signature, holes included."""
        inner = (item for hole in self.holes for item in (*hole.parameters, hole.result))
        return (*(parameter.type for parameter in self.parameters), *inner, *self.results)

    @functools.cached_property
    def most_dims_beside_a_variadic(self) -> int:
        """The most dims that an array of the signature has beside a variadic one; 0 without variadic dims."""
        shapes = (item.dims for item in self.array_types)
        return max((len(dims) - 1 for dims in shapes if any(isinstance(dim, Variadic) for dim in dims)), default=0)

    @functools.cached_property
    def has_while_loop(self) -> bool:
        """Whether its text, helpers of its file included, calls `while_loop`."""
        body = ast.parse(self.body)
        texts = [self.body, *map(ast.unparse, needed_statements(self.source.tree, [body]))]
        return any("while_loop(" in text for text in texts)

    def phrase_with(self, options: Mapping[str, OptionValue]) -> str:
        """The phrase with the chosen values in place of the names of options."""
        phrase = self.phrase
        for name, value in options.items():
            phrase = phrase.replace(f"`{name}`", str(value))
        return phrase


@dataclasses.dataclass(frozen=True, eq=False)
class Library:
    """Every template of one or more folders, sorted by category and name."""

    templates: tuple[Template, ...]

    @functools.cached_property
    def by_name(self) -> dict[str, Template]:
        return {template.name: template for template in self.templates}

    @functools.cached_property
    def by_category(self) -> dict[str, tuple[Template, ...]]:
        return {
            category: tuple(template for template in self.templates if template.category == category)
            for category in CATEGORIES
        }


def template_files(folders: Iterable[Path]) -> list[tuple[str, Path]]:
    """(category, path) of every template file, sorted; a file that no category names is `combined`.

    Raises:
        UserError: for a folder that does not exist or holds no Python file.
    """
    found: list[tuple[str, Path]] = []
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder; expected a folder of typed Python files")
        files = sorted(path for path in folder.rglob("*.py") if path.name != "__init__.py")
        if not files:
            raise UserError(f"{folder}: no Python file in it; expected a folder of typed Python files")
        for path in files:
            parts = path.relative_to(folder).with_suffix("").parts
            found.append((parts[0] if parts[0] in CATEGORIES else "combined", path))
    return found


def library_digest(folders: Sequence[Path]) -> str:
    """sha256 (hex) over the text of every template file: part of a run's identity."""
    digest = hashlib.sha256()
    for folder in folders:
        for category, path in template_files([folder]):
            digest.update(f"{category} {path.relative_to(folder).as_posix()}\0".encode())
            digest.update(path.read_bytes() + b"\0")
        if (folder / element_types.FILE).is_file():
            digest.update((folder / element_types.FILE).read_bytes() + b"\0")
    return digest.hexdigest()


def load_library(extra_folders: Sequence[Path] = ()) -> Library:
    """The built-in templates and those of `extra_folders`.

    Raises:
        UserError: for a missing folder, a file that does not import, a function outside the language, or a name that
            occurs twice; the first of them, with the number of the others.
    """
    library, errors = read_library([resources.folder("templates"), *extra_folders])
    if errors:
        more = f" (and {len(errors) - 1} more: run `jaxir templates check`)" if len(errors) > 1 else ""
        raise TemplateError(f"{errors[0]}{more}")
    return library


def read_library(folders: Sequence[Path]) -> tuple[Library, list[TemplateError]]:
    """Every template of these folders that reads, and an error for each that does not."""
    # What is read stays, so the collector would only look at growing trees again and again: a third of the time.
    collects = gc.isenabled()
    gc.disable()
    try:
        return _read_library(folders)
    finally:
        if collects:
            gc.enable()


def _read_library(folders: Sequence[Path]) -> tuple[Library, list[TemplateError]]:
    templates: dict[str, Template] = {}
    errors: list[TemplateError] = []
    for folder in folders:
        try:
            takes = element_types.read(folder)
        except UserError as error:
            errors.append(TemplateError(str(error)))
            takes = ElementTypes()
        names = set()
        for category, path in template_files([folder]):
            for item in _read_file(category, path, takes):
                if isinstance(item, TemplateError):
                    errors.append(item)
                elif item.name in templates:
                    other = templates[item.name].where
                    errors.append(
                        TemplateError(f"{item.where}: template '{item.name}' exists already in {other}; rename it")
                    )
                else:
                    templates[item.name] = item
                    names.add(item.name)
        if not errors:
            path = folder / element_types.FILE
            errors += [TemplateError(f"{path}: there is no template '{name}'") for name in sorted(takes.names - names)]
    order = {category: position for position, category in enumerate(CATEGORIES)}
    return Library(tuple(sorted(templates.values(), key=lambda item: (order[item.category], item.name)))), errors


def _read_file(category: str, path: Path, takes: ElementTypes) -> Iterator[Template | TemplateError]:
    try:
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text, filename=str(path))
        source = Source(path, _Bare().visit(ast.parse(text)), _import(path))
    except SyntaxError as error:
        yield TemplateError(f"{path}:{error.lineno or 1}: not Python: {error.msg}")
        return
    except (ValueError, OSError) as error:
        yield TemplateError(f"{path}:1: not a UTF-8 text file: {_first_line(error)}")
        return
    except TemplateError as error:
        yield error
        return
    bare = {node.name: node for node in source.tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        if isinstance(node, ast.AsyncFunctionDef):
            yield TemplateError(
                f"{path}:{node.lineno}: template '{node.name}': a template is a plain `def`, not `async def`"
            )
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            try:
                yield _read_function(node, bare[node.name], category, source, takes)
            except TemplateError as error:
                yield error


def _import(path: Path) -> types.ModuleType:
    name = f"jaxir_templates_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise TemplateError(f"{path}: cannot be imported as a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise TemplateError(f"{path}: importing it raises {type(error).__name__}: {_first_line(error)}") from error
    return module


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [""])[0]


class _Bare(ast.NodeTransformer):
    """Types of parameters, results and variables left out: kernels run without jaxtyping."""

    def visit(self, node: ast.AST) -> Any:
        # No expression holds an annotation, and most nodes are expressions.
        return node if isinstance(node, ast.expr) else super().visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        return ast.copy_location(ast.Assign([node.target], node.value), node) if node.value else ast.Pass()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        node.returns = None
        arguments = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        for argument in (*arguments, node.args.vararg, node.args.kwarg):
            if argument is not None:
                argument.annotation = None
        self.generic_visit(node)
        return node


def _read_function(
    node: ast.FunctionDef, bare: ast.FunctionDef, category: str, source: Source, takes: ElementTypes
) -> Template:
    path = source.path

    def fail(line: int, message: str) -> TemplateError:
        return TemplateError(f"{path}:{line}: template '{node.name}': {message}")

    fn = getattr(source.module, node.name)
    try:
        hints = typing.get_type_hints(fn, include_extras=True)
    except Exception as error:
        raise fail(node.lineno, f"its annotations do not evaluate: {_first_line(error)}") from error

    x64, low_bit = node.name not in takes.x64_off, takes.low_bit_of(node.name)

    def array_type(annotation: Any, line: int, what: str) -> ArrayType:
        try:
            return ArrayType.from_annotation(annotation, x64=x64, low_bit=low_bit)
        except TypeLanguageError as error:
            raise fail(line, f"{what}: {error}") from error

    if node.args.vararg or node.args.kwarg or node.args.defaults:
        raise fail(node.lineno, "*args, **kwargs and defaults of array parameters are not in the template language")
    parameters = []
    for argument in (*node.args.posonlyargs, *node.args.args):
        if argument.arg not in hints:
            raise fail(
                argument.lineno, f"parameter '{argument.arg}' has no type; expected one such as Float[Array, \"n\"]"
            )
        parameters.append(
            Parameter(
                argument.arg,
                array_type(hints[argument.arg], argument.lineno, f"parameter '{argument.arg}'"),
                argument.lineno,
            )
        )
    if not parameters:
        raise fail(node.lineno, "it takes no array; a template has at least one array parameter")
    holes, options = [], []
    for argument in node.args.kwonlyargs:
        hint = hints.get(argument.arg)
        what = f"parameter '{argument.arg}'"
        if typing.get_origin(hint) is collections.abc.Callable:
            # get_args gives [[A, B], C], and () for a bare Callable.
            inner, result = typing.get_args(hint) or ([], None)
            if not isinstance(inner, list) or not inner:
                raise fail(argument.lineno, f"{what}: expected Callable[[A, ...], B] with at least one array type A")
            holes.append(
                Hole(
                    argument.arg,
                    tuple(array_type(item, argument.lineno, what) for item in inner),
                    array_type(result, argument.lineno, what),
                    argument.lineno,
                )
            )
        else:
            option = _option(argument.arg, hint)
            if option is None:
                raise fail(
                    argument.lineno,
                    f"{what}: expected Literal[...] of str, int, float or bool, Annotated[float, Uniform(lo, hi)] "
                    "(or int, with whole ends) or Callable[[...], ...]",
                )
            options.append(option)
    if "return" not in hints:
        raise fail(node.lineno, 'its result has no type; expected one such as -> Float[Array, "n"]')
    returns = hints["return"]
    line = node.returns.lineno if node.returns else node.lineno
    returns_tuple = typing.get_origin(returns) is tuple
    items = typing.get_args(returns) if returns_tuple else (returns,)
    if not items or ... in items:
        raise fail(line, "the result must be one array type, or tuple[...] with a type for each array")
    results = tuple(array_type(item, line, "the result") for item in items)
    body = list(bare.body)
    docstring = ast.get_docstring(bare)
    if not docstring:
        raise fail(node.lineno, 'no docstring; expected a first line such as """softmax over the last axis"""')
    phrase = docstring.splitlines()[0].strip().rstrip(".")
    # What stands in backticks gets the kernel's names; anything else would speak of names that no reader sees.
    names = [name for name in hints if name != "return"]
    unknown = next((item for item in phrase.split("`")[1::2] if item not in names), None)
    if unknown is not None:
        raise fail(
            body[0].lineno, f"its phrase names `{unknown}`; expected a parameter of it in backticks: {', '.join(names)}"
        )
    del body[0]
    _check_body(body, node, fail)
    return Template(
        name=node.name,
        category=category,
        phrase=phrase,
        parameters=tuple(parameters),
        holes=tuple(holes),
        options=tuple(options),
        results=results,
        returns_tuple=returns_tuple,
        line=node.lineno,
        body="\n".join(map(ast.unparse, body)),
        source=source,
        fn=inspect.unwrap(fn),
        x64=x64,
    )


def _option(name: str, hint: Any) -> Option | None:
    if typing.get_origin(hint) is Literal:
        choices = typing.get_args(hint)
        return Option(name, choices=choices) if all(isinstance(item, str | int | float) for item in choices) else None
    if typing.get_origin(hint) is typing.Annotated:
        base, *marks = typing.get_args(hint)
        ranges = [mark for mark in marks if isinstance(mark, Uniform)]
        whole = all(float(end).is_integer() for item in ranges for end in (item.lo, item.hi))
        if base in (int, float) and len(ranges) == 1 and (whole or base is float):
            return Option(name, range=ranges[0], whole=base is int)
    return None


#: What the rewriting of bodies does not know.
_FORBIDDEN = (
    *(ast.Global, ast.Nonlocal, ast.Yield, ast.YieldFrom, ast.Await, ast.Try, ast.While, ast.With, ast.Match),
    *(ast.Delete, ast.Import, ast.ImportFrom, ast.ClassDef, ast.AsyncFunctionDef, ast.NamedExpr),
)


def _check_body(body: list[ast.stmt], node: ast.FunctionDef, fail: Callable[[int, str], TemplateError]) -> None:
    if not body or not isinstance(body[-1], ast.Return) or body[-1].value is None:
        raise fail(body[-1].lineno if body else node.lineno, "the last statement must be `return ...`")
    names = {argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)}
    for statement in body[:-1]:
        for inner in _own_nodes(statement):
            if isinstance(inner, ast.Return):
                raise fail(inner.lineno, "only the last statement may return; use jnp.where or lax.cond")
            if isinstance(inner, _FORBIDDEN):
                raise fail(inner.lineno, f"`{type(inner).__name__.lower()}` is not in the template language")
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store) and inner.id in names:
                raise fail(inner.lineno, f"parameter '{inner.id}' is assigned to; give the new value its own name")


def _own_nodes(statement: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a statement without the insides of nested functions."""
    yield statement
    if not isinstance(statement, ast.FunctionDef | ast.Lambda):
        for child in ast.iter_child_nodes(statement):
            yield from _own_nodes(child)
