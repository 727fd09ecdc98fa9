"""A function of the running program as the text of a module that runs alone.

Statements of the function's file that it needs are taken as they stand (`jaxir.closure`). What only exists at run time
(captured variables, names of other notebook cells, attributes of a bound method's instance) becomes imports and
assignments: numbers, strings, tuples, lists, dicts, small arrays, modules, library functions, functions with text.
"""

from __future__ import annotations

import ast
import builtins
import copy
import functools
import importlib.util
import inspect
import itertools
import math
import sys
import types
from collections.abc import Sequence
from typing import Any, Final

import jax
import numpy as np

from jaxir.closure import bound_names, global_names, needed_statements
from jaxir.errors import UserError
from jaxir.extractor.sourcefile import FunctionNode, SourceFile, file_of, find

#: Arrays with more elements are data, not source.
MAX_ARRAY_ELEMENTS: Final = 64
#: Packages that a text refers to and never copies from.
_LIBRARIES: Final = frozenset({"jax", "jaxlib", "numpy", "ml_dtypes"})
#: Where a function of JAX is looked up by its name, so that a text imports it from its public place.
_PUBLIC: Final = ("jax.numpy", "jax.nn", "jax.lax", "jax.scipy.special", "jax.numpy.linalg", "jax.random", "jax")
_METHOD_DECORATORS: Final = ("staticmethod", "classmethod")


def standalone(fn: Any) -> tuple[str, str, Any]:
    """Text of a module that runs alone, the name that the function has in it, and the function that the text defines.

    The last is `fn`, or what `jax.jit` wraps where the jitted function is no name of its module.

    Raises:
        UserError: one line that names the function or the variable that has no source text.
    """
    writer = _Writer()
    while _is_jitted(fn) and not writer.module_level(fn, innermost(fn)):
        fn = fn.__wrapped__
    name = writer.root(fn)
    return writer.text(), name, fn


def innermost(fn: Any) -> Any:
    """What decorators, `jax.jit` and `functools.partial` wrap."""
    fn = inspect.unwrap(fn)
    return innermost(fn.func) if isinstance(fn, functools.partial) else fn


def label(fn: Any) -> str:
    """A name for messages."""
    return str(getattr(fn, "__name__", type(fn).__name__))


def _is_jitted(fn: Any) -> bool:
    return hasattr(fn, "lower") and hasattr(fn, "trace") and hasattr(fn, "__wrapped__")


def _is_library(fn: Any) -> bool:
    # A transform such as `jax.grad(f)` takes the module name of `f`; its globals tell where its code stands.
    home = getattr(fn, "__globals__", {}).get("__name__") or getattr(fn, "__module__", "") or ""
    return str(home).partition(".")[0] in _LIBRARIES


def _public_name(value: Any) -> tuple[str, str] | None:
    """Module and name under which a library offers a function or type."""
    name = getattr(value, "__name__", "")
    for home in (str(getattr(value, "__module__", "") or ""), *_PUBLIC):
        module = sys.modules.get(home)
        if module is None or home == "__main__" or any(part.startswith("_") for part in home.split(".")):
            continue
        if str(name).isidentifier() and getattr(module, name, None) is value:
            return home, name
    return None


class _Attributes(ast.NodeTransformer):
    """Replaces `self.name` by `self_name` and remembers the names."""

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.found: set[str] = set()

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and node.value.id == self.instance and isinstance(node.ctx, ast.Load):
            self.found.add(node.attr)
            return ast.Name(f"{self.instance}_{node.attr}", ast.Load())
        return self.generic_visit(node)


class _Writer:
    """Collects the pieces of a module's text."""

    def __init__(self) -> None:
        self.futures: list[str] = []
        self.imports: list[str] = []
        self.pieces: list[str] = []
        #: what each top-level name stands for: the text that binds it
        self.bound: dict[str, str] = {}
        self.underway: set[int] = set()

    def text(self) -> str:
        """The module's text: imports, then the other pieces, functions set apart by two blank lines."""
        head = "\n".join([*self.futures, *sorted(self.imports, key=lambda line: (line.startswith("from "), line))])
        parts = [part for part in (head, *self.pieces) if part]
        text = parts[0]
        for part, following in itertools.pairwise(parts):
            is_block = any(piece.startswith(("def ", "@", "class ")) for piece in (part, following))
            text += ("\n\n\n" if is_block else "\n\n" if part is head else "\n") + following
        return text + "\n"

    def claim(self, name: str, text: str) -> bool:
        """Whether `name` is new; `UserError` where it already stands for something else."""
        if self.bound.setdefault(name, text) != text:
            raise UserError(f"two different things are named '{name}' in what the function needs; rename one")
        return text not in self.pieces and text not in self.imports

    def add(self, name: str, text: str) -> None:
        if self.claim(name, text):
            self.pieces.append(text)

    def add_import(self, name: str, line: str) -> None:
        if self.claim(name, line):
            self.imports.append(line)

    def root(self, fn: Any) -> str:
        """Write the function that is asked for and return its name in the text."""
        core = innermost(fn)
        if not isinstance(core, types.FunctionType | types.MethodType):
            raise UserError(f"{label(fn)}: a {type(core).__name__} has no Python source; wrap it in a function")
        if _is_library(core):
            raise UserError(
                f"{label(fn)}: belongs to {core.__module__}, whose source is not copied; wrap it in a function"
            )
        name = self.module_level(fn, core)
        if name:
            return name
        if isinstance(fn, functools.partial):
            name = f"{core.__name__}_partial" if core.__name__.isidentifier() else "kernel_partial"
            self.assign(name, fn, label(core))
            return name
        return self.function(fn)

    def module_level(self, fn: Any, core: Any) -> str:
        """The name of a wrapped function in its module (`f = jax.jit(g)`), written with the statements that bind it."""
        if fn is core or not isinstance(core, types.FunctionType) or _is_library(core):
            return ""
        file = file_of(core)
        for name, value in core.__globals__.items():
            if value is fn and any(name in bound_names(statement) for statement in file.module.body):
                self.globals_of([ast.Name(name, ast.Load())], file, core.__globals__, set())
                return str(name)
        return ""

    def globals_of(
        self, nodes: Sequence[ast.AST], file: SourceFile, namespace: dict[str, Any], exclude: set[str]
    ) -> None:
        """What the nodes read from their module: from the file's text, else from the running module."""
        for statement in file.module.body:
            if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
                line = ast.unparse(statement)
                self.futures += [line] if line not in self.futures else []
        statements = needed_statements(file.module, nodes, exclude)
        provided = exclude.union(*map(bound_names, statements))
        others = [s for s in statements if not isinstance(s, ast.Import | ast.ImportFrom)]
        for name in sorted(global_names([*nodes, *others]) - provided):
            if name in namespace and not hasattr(builtins, name):
                self.assign(name, namespace[name], name)
        for statement in statements:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                self.import_statement(statement, namespace)
            else:
                text = file.segment(statement)
                for name in sorted(bound_names(statement)):
                    self.add(name, text)

    def import_statement(self, statement: ast.Import | ast.ImportFrom, namespace: dict[str, Any]) -> None:
        for alias in statement.names:
            name = alias.asname or alias.name.partition(".")[0]
            if isinstance(statement, ast.Import):
                self.add_import(name, ast.unparse(ast.Import([alias])))
                continue
            module = statement.module
            if statement.level:  # a relative import only works inside of its package
                relative = "." * statement.level + (statement.module or "")
                try:
                    module = importlib.util.resolve_name(relative, str(namespace.get("__package__") or ""))
                except ImportError as error:
                    raise UserError(f"from {relative} import {name}: {error}; use an absolute import") from None
            self.add_import(name, ast.unparse(ast.ImportFrom(module, [alias], 0)))

    def function(self, fn: Any, name: str = "") -> str:
        """Write a function and what it needs; returns the name that its text binds."""
        plain = fn.__func__ if isinstance(fn, types.MethodType) else fn
        if not isinstance(plain, types.FunctionType) or _is_library(plain):
            raise UserError(
                f"{label(fn)}: a transform or callable without a text of its own; bind it to a module-level name, or"
                " call it inside of a function"
            )
        file = file_of(plain)
        node = find(plain, file)
        name = node.name if isinstance(node, ast.FunctionDef) else name or self.lambda_name(node, file)
        if id(plain) in self.underway:  # it refers to itself
            return name
        self.underway.add(id(plain))
        captured = self.captured(plain)
        self.defaults(plain, node)
        self.globals_of([node], file, plain.__globals__, captured)
        if isinstance(node, ast.Lambda):
            text = file.segment(node)
            text = f"{name} = ({text})" if "\n" in text else f"{name} = {text}"
        elif isinstance(fn, types.MethodType):
            text = self.method(node, fn.__self__)
        elif any(isinstance(d, ast.Name) and d.id in _METHOD_DECORATORS for d in node.decorator_list):
            text = ast.unparse(_undecorated(node))
        else:
            text = file.segment(node)
        self.underway.discard(id(plain))
        self.add(name, text)
        return name

    def captured(self, fn: types.FunctionType) -> set[str]:
        """Write the variables that a closure captured; returns their names."""
        for variable, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True):
            try:
                self.assign(variable, cell.cell_contents, variable)
            except ValueError:
                raise UserError(f"{label(fn)}: captured variable '{variable}' has no value yet") from None
        return set(fn.__code__.co_freevars)

    def defaults(self, fn: types.FunctionType, node: FunctionNode) -> None:
        """Write the local names that defaults were taken from: `lambda x, n=n: ...` in a loop."""
        positional = node.args.defaults
        pairs = list(zip(positional, fn.__defaults__ or (), strict=True))
        for parameter, default in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True):
            if default is not None:
                pairs.append((default, (fn.__kwdefaults__ or {})[parameter.arg]))
        for expression, value in pairs:
            if isinstance(expression, ast.Name) and expression.id not in fn.__globals__:
                self.assign(expression.id, value, expression.id)

    def lambda_name(self, node: ast.Lambda, file: SourceFile) -> str:
        """The name that a lambda is assigned to in its file, else `kernel`, with a number where that is taken."""
        for statement in ast.walk(file.module):
            if isinstance(statement, ast.Assign) and statement.value is node:
                target = statement.targets[0]
                if isinstance(target, ast.Name):
                    return target.id
        return next(
            name
            for name in itertools.chain(["kernel"], map("kernel_{}".format, itertools.count(1)))
            if name not in self.bound
        )

    def method(self, node: ast.FunctionDef, receiver: Any) -> str:
        """A bound method as a function: attributes of the instance that are plain values become assignments."""
        body = copy.deepcopy(_undecorated(node))
        parameters = body.args.posonlyargs or body.args.args
        if not parameters:
            raise UserError(f"{node.name}: a method without a named first parameter has no text of its own")
        instance = parameters.pop(0).arg
        replaced = _Attributes(instance)
        body.body = [replaced.visit(statement) for statement in body.body]
        if any(isinstance(inner, ast.Name) and inner.id == instance for inner in ast.walk(body)):
            raise UserError(f"{node.name}: uses '{instance}' as a whole, which is no source text; use its attributes")
        for attribute in sorted(replaced.found):
            self.assign(f"{instance}_{attribute}", getattr(receiver, attribute), f"{instance}.{attribute}")
        return ast.unparse(ast.fix_missing_locations(body))

    def assign(self, name: str, value: Any, origin: str) -> None:
        """Bind a name of the text to a value of the running program; `origin` names the variable in messages."""
        if isinstance(value, types.ModuleType):
            module = value.__name__
            self.add_import(name, f"import {module}" if module == name else f"import {module} as {name}")
            return
        text = self.function(value, name) if self.has_text(value) else self.expression(value, origin)
        if text != name:
            self.add(name, f"{name} = {text}")

    def has_text(self, value: Any) -> bool:
        return isinstance(value, types.FunctionType | types.MethodType) and not _is_library(value)

    def expression(self, value: Any, origin: str) -> str:
        """Python text of a value; `UserError` names the variable whose value has none."""
        inner = functools.partial(self.expression, origin=origin)
        if isinstance(value, np.ndarray | np.generic | jax.Array):
            return self.array(value, origin)
        if isinstance(value, float):
            return repr(value) if math.isfinite(value) else f'float("{value}")'
        if isinstance(value, complex):
            # The literal loses signs of zeros, and has no infinity.
            plain = all(
                math.isfinite(part) and (part or math.copysign(1, part) > 0) for part in (value.real, value.imag)
            )
            return repr(value) if plain else f"complex({inner(value.real)}, {inner(value.imag)})"
        if value is None or isinstance(value, bool | int | str | bytes):
            return repr(value)
        if type(value) is tuple:
            return f"({', '.join(map(inner, value))}{',' if len(value) == 1 else ''})"
        if type(value) is list:
            return f"[{', '.join(map(inner, value))}]"
        if type(value) is dict:
            return f"{{{', '.join(f'{inner(key)}: {inner(item)}' for key, item in value.items())}}}"
        if isinstance(value, np.dtype):
            return repr(str(value))
        if isinstance(value, functools.partial):
            self.add_import("functools", "import functools")
            keywords = [f"{key}={inner(item)}" for key, item in value.keywords.items()]
            return f"functools.partial({', '.join([inner(value.func), *map(inner, value.args), *keywords])})"
        if self.has_text(value):
            return self.function(value)
        public = _public_name(value) if callable(value) else None
        if public:
            self.add_import(public[1], f"from {public[0]} import {public[1]}")
            return public[1]
        if _is_jitted(value):
            self.add_import("jax", "import jax")
            return f"jax.jit({inner(value.__wrapped__)})"
        raise UserError(
            f"'{origin}' holds a {type(value).__name__}, which cannot be written into the source;"
            " pass it as an argument or build it inside of the function"
        )

    def array(self, value: Any, origin: str) -> str:
        """Text of an array or a NumPy scalar: values in full, with their type."""
        if value.size > MAX_ARRAY_ELEMENTS:
            raise UserError(
                f"'{origin}' holds an array of {value.size} elements, more than the {MAX_ARRAY_ELEMENTS} that are"
                " written into a source; pass it as an argument"
            )
        module, alias = ("jax.numpy", "jnp") if isinstance(value, jax.Array) else ("numpy", "np")
        self.add_import(alias, f"import {module} as {alias}")
        plain = np.asarray(value)
        is_extended = plain.dtype.isbuiltin != 1
        dtype = repr(plain.dtype.name)
        if is_extended and alias == "np":  # an element type that NumPy only knows through ml_dtypes
            self.add_import("ml_dtypes", "import ml_dtypes")
            dtype = f"ml_dtypes.{plain.dtype.name}"
        if not plain.size:  # nested lists do not say the sizes beside a zero
            return f"{alias}.zeros({plain.shape}, dtype={dtype})"
        items = self.expression((plain.astype(np.float64) if is_extended else plain).tolist(), origin)
        text = f"{alias}.array({items}, dtype={dtype})"
        return f"{text}[()]" if isinstance(value, np.generic) else text


def _undecorated(node: ast.FunctionDef) -> ast.FunctionDef:
    """A method taken out of its class needs no `@staticmethod` or `@classmethod`."""
    bare = copy.copy(node)
    bare.decorator_list = [
        decorator
        for decorator in node.decorator_list
        if not (isinstance(decorator, ast.Name) and decorator.id in _METHOD_DECORATORS)
    ]
    return bare
