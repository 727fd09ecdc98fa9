"""Which public functions of JAX a Python text names: read from its syntax tree, never executed.

A name counts where the text refers to it, called or passed on. Imports and aliases are followed scope by scope, and so
is `getattr(jnp, fn)` where `fn` is a literal, a loop over literals or a parameter declared `Literal[...]`, which is how
template files write tables of functions. Nothing is known of types: methods count as the `jax.numpy` function that they
stand for only where their base is no module, and only under names that nothing but an array has in practice.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

OPERATORS, GETITEM, AT = "jax.Array.operators", "jax.Array.__getitem__", "jax.Array.at"
#: Methods of `jax.Array` that are documented as "see `jax.numpy.<name>`"; `copy` and `sort` may be those of a list.
_METHODS = """
    all any argmax argmin argpartition argsort astype choose clip compress conj conjugate cumprod cumsum diagonal dot
    max mean min nonzero prod ptp ravel repeat reshape round searchsorted squeeze std sum swapaxes take trace
    transpose var
"""
METHODS = frozenset(_METHODS.split())
PROPERTIES = {"T": "transpose", "mT": "matrix_transpose", "real": "real", "imag": "imag"}
#: Second names of functions that the universe lists once.
ALIASES = {"jax.remat": "jax.checkpoint", "jax.ad_checkpoint.checkpoint": "jax.checkpoint"}

_STATIC = frozenset({"shape", "ndim", "size", "dtype"})
_UPDATES = frozenset({"add", "apply", "divide", "get", "max", "min", "mul", "multiply", "power", "set", "subtract"})
_MAX_PATHS = 4096  # no table is longer


def public_functions(source: str | ast.AST, known: frozenset[str]) -> set[str]:
    """The names of `known` that a text refers to, such as `jax.numpy.sin` and `jax.scipy.stats.norm.pdf`.

    Args:
        source: Python text, or its syntax tree.
        known: full dotted names; a longer chain, such as `jax.numpy.add.reduce`, counts as its longest known start.
            `jax.Array.operators`, `jax.Array.__getitem__` and `jax.Array.at` stand for operators on values that are
            not plainly static, for indexing and for `x.at[...]`.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: from parsing a text.
    """
    reader = _Reader(known)
    reader.visit(ast.parse(source) if isinstance(source, str) else source, _Scope({}, {}))
    return reader.found & known


def unresolved_tables(source: str | ast.AST, known: frozenset[str]) -> list[int]:
    """Lines of calls `getattr(module, name)` on a JAX module whose name could not be told from the text."""
    reader = _Reader(known)
    reader.visit(ast.parse(source) if isinstance(source, str) else source, _Scope({}, {}))
    return sorted(reader.unresolved)


class _Scope:
    """What names mean: dotted paths of modules and functions, and words (strings that a name may hold)."""

    __slots__ = ("paths", "words")

    def __init__(self, paths: dict[str, tuple[str, ...]], words: dict[str, tuple[str, ...]]) -> None:
        self.paths = paths
        self.words = words

    def inner(self) -> _Scope:
        return _Scope(self.paths.copy(), self.words.copy())

    def bind(self, name: str, paths: Sequence[str] = (), words: Sequence[str] = ()) -> None:
        for table, values in ((self.paths, paths), (self.words, words)):
            if values:
                table[name] = tuple(values)
            else:
                table.pop(name, None)


class _Reader:
    def __init__(self, known: frozenset[str]) -> None:
        self.known = known
        self.found: set[str] = set()
        self.unresolved: set[int] = set()

    # --- what an expression stands for ----------------------------------------------------------------------------

    def paths(self, node: ast.AST, scope: _Scope) -> tuple[str, ...]:
        """Dotted paths that the expression may be; () for a value."""
        kind = type(node)
        if kind is ast.Name:
            return scope.paths.get(node.id, ())  # type: ignore[attr-defined]
        if kind is ast.Attribute:
            return tuple(f"{base}.{node.attr}" for base in self.paths(node.value, scope))  # type: ignore[attr-defined]
        if kind is ast.Call and type(node.func) is ast.Name and node.func.id == "getattr":  # type: ignore[attr-defined]
            return self.chosen(node, scope)  # type: ignore[arg-type]
        return ()

    def chosen(self, node: ast.Call, scope: _Scope) -> tuple[str, ...]:
        """Paths of `getattr(base, name)`."""
        if len(node.args) < 2:
            return ()
        bases = self.paths(node.args[0], scope)
        names = self.words(node.args[1], scope)
        if bases and not names and bases[0].startswith("jax"):
            self.unresolved.add(node.lineno)
        if len(bases) * len(names) > _MAX_PATHS:
            return ()
        return tuple(f"{base}.{name}" for base in bases for name in names)

    def words(self, node: ast.AST | None, scope: _Scope) -> tuple[str, ...]:
        """Strings that the expression may be, or may hold; () where that cannot be told."""
        match node:
            case ast.Constant(value=str(text)):
                return _bounded((text,))
            case ast.Name(id=name):
                return scope.words.get(name, ())
            case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
                return _bounded(word for item in items for word in self.words(item, scope))
            case ast.Dict(keys=keys, values=values):
                return _bounded(word for item in (*keys, *values) if item for word in self.words(item, scope))
            case ast.IfExp(body=body, orelse=other):
                return _bounded(word for item in (body, other) for word in self.words(item, scope))
            case ast.Subscript(value=table):  # `TABLE[name]`
                return self.words(table, scope)
            case ast.JoinedStr(values=parts):
                out: tuple[str, ...] = ("",)
                for part in parts:
                    more = self.words(part.value if isinstance(part, ast.FormattedValue) else part, scope)
                    out = _bounded(a + b for a in out for b in more)
                return out
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                ends = self.words(right, scope)
                return _bounded(a + b for a in self.words(left, scope) for b in ends)
        return ()

    def declared(self, annotation: ast.expr | None, scope: _Scope) -> tuple[str, ...]:
        """The words of an annotation `Literal[...]`, or of a name that is bound to one."""
        if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
            return ()
        if isinstance(annotation, ast.Subscript):
            name = annotation.value
            last = name.attr if isinstance(name, ast.Attribute) else name.id if isinstance(name, ast.Name) else ""
            if last == "Literal":
                return self.words(annotation.slice, scope)
            if last == "Annotated" and isinstance(annotation.slice, ast.Tuple):
                return self.declared(annotation.slice.elts[0], scope)
        return self.words(annotation, scope) if isinstance(annotation, ast.Name) else ()

    def note(self, paths: Iterable[str]) -> None:
        for path in paths:
            if not path.startswith("jax"):
                continue
            path = ALIASES.get(path, path)
            while path not in self.known and (dot := path.rfind(".")) > 0:
                path = path[:dot]
            self.found.add(path)

    # --- walking --------------------------------------------------------------------------------------------------

    def visit(self, node: ast.AST, scope: _Scope) -> None:
        special = _SPECIAL.get(type(node))
        if special is not None:
            special(self, node, scope)
        else:
            self.inside(node, scope)

    def inside(self, node: ast.AST, scope: _Scope) -> None:
        for name in node._fields:
            value = getattr(node, name)
            if type(value) is list:
                for item in value:
                    if isinstance(item, ast.AST):
                        self.visit(item, scope)
            elif isinstance(value, ast.AST):
                self.visit(value, scope)

    def imports(self, node: ast.Import, scope: _Scope) -> None:
        for alias in node.names:
            top = alias.name.partition(".")[0]
            scope.bind(alias.asname or top, [alias.name if alias.asname else top])

    def imports_from(self, node: ast.ImportFrom, scope: _Scope) -> None:
        for alias in node.names:
            path = f"{node.module}.{alias.name}" if node.module and not node.level else alias.name
            scope.bind(alias.asname or alias.name, [path])

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda, scope: _Scope) -> None:
        arguments = node.args
        for default in (*arguments.defaults, *arguments.kw_defaults):
            if default is not None:
                self.visit(default, scope)
        if not isinstance(node, ast.Lambda):
            for decorator in node.decorator_list:
                self.visit(decorator, scope)
            scope.bind(node.name)
        inner = scope.inner()
        every = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg)
        for argument in every:
            if argument is not None:
                inner.bind(argument.arg, (), self.declared(argument.annotation, scope) if argument.annotation else ())
        if isinstance(node, ast.Lambda):
            self.visit(node.body, inner)
        else:
            for statement in node.body:
                self.visit(statement, inner)

    def class_(self, node: ast.ClassDef, scope: _Scope) -> None:
        for outer in (*node.decorator_list, *node.bases, *node.keywords):
            self.visit(outer, scope)
        scope.bind(node.name)
        inner = scope.inner()
        for statement in node.body:
            self.visit(statement, inner)

    def assign(self, node: ast.Assign | ast.AnnAssign | ast.NamedExpr, scope: _Scope) -> None:
        value = node.value
        if value is None:
            return
        self.visit(value, scope)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            if isinstance(target, ast.Name):
                scope.bind(target.id, self.paths(value, scope), self.words(value, scope) or self.declared(value, scope))
            else:
                self.targets(target, scope)

    def targets(self, target: ast.AST, scope: _Scope, words: Sequence[str] = ()) -> None:
        """Bind the names of a target to words, or to nothing known; visit what else is in it."""
        if isinstance(target, ast.Name):
            scope.bind(target.id, (), words)
        elif isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                self.targets(item, scope, words)
        else:
            self.visit(target, scope)

    def loop(self, node: ast.For | ast.AsyncFor | ast.comprehension, scope: _Scope) -> None:
        self.visit(node.iter, scope)
        self.targets(node.target, scope, self.words(node.iter, scope))
        for part in node.ifs if isinstance(node, ast.comprehension) else (*node.body, *node.orelse):
            self.visit(part, scope)

    def comprehension(self, node: ast.AST, scope: _Scope) -> None:
        inner = scope.inner()
        for generator in node.generators:  # type: ignore[attr-defined]
            self.loop(generator, inner)
        for name in ("key", "value", "elt"):
            if (part := getattr(node, name, None)) is not None:
                self.visit(part, inner)

    def name(self, node: ast.Name, scope: _Scope) -> None:
        if paths := scope.paths.get(node.id):
            self.note(paths)

    def attribute(self, node: ast.Attribute, scope: _Scope) -> None:
        if paths := self.paths(node, scope):
            self.note(paths)
            return
        if node.attr in PROPERTIES and not _is_static(node.value):
            self.found.add(f"jax.numpy.{PROPERTIES[node.attr]}")
        self.visit(node.value, scope)

    def call(self, node: ast.Call, scope: _Scope) -> None:
        function = node.func
        if type(function) is ast.Name and function.id == "getattr":
            self.note(self.chosen(node, scope))
        elif type(function) is ast.Attribute and function.attr in METHODS and not self.paths(function.value, scope):
            base = function.value
            if not (_is_at(base) and function.attr in _UPDATES) and not isinstance(base, ast.Constant):
                self.found.add(f"jax.numpy.{function.attr}")
        self.visit(function, scope)
        for argument in node.args:
            self.visit(argument, scope)
        for keyword in node.keywords:
            self.visit(keyword.value, scope)

    def subscript(self, node: ast.Subscript, scope: _Scope) -> None:
        base, index = node.value, node.slice
        if _is_at(node):
            self.found.add(AT)
        elif not _is_static(base) and not self.paths(base, scope) and not self.words(base, scope):
            # `pair[0]` may be that of a tuple; a slice, a tuple, None, ... or a computed index is that of an array.
            plain = isinstance(index, ast.Constant) and index.value is not None and index.value is not ...
            if not plain and not (isinstance(index, ast.UnaryOp) and isinstance(index.operand, ast.Constant)):
                self.found.add(GETITEM)
        self.inside(node, scope)

    def operator(self, node: ast.AST, scope: _Scope) -> None:
        if OPERATORS not in self.found and _operates(node):
            self.found.add(OPERATORS)
        self.inside(node, scope)

    def skip(self, node: ast.AST, scope: _Scope) -> None:
        """Constants and contexts hold nothing."""


def _bounded(words: Iterable[str]) -> tuple[str, ...]:
    """Words that may be names; a hostile text can write products of tables that double with every line."""
    return tuple(dict.fromkeys(word for word in islice(words, _MAX_PATHS) if len(word) < 100))


def _is_at(node: ast.AST) -> bool:
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Attribute) and node.value.attr == "at"


def _is_static(node: ast.AST) -> bool:
    """Plainly a number, a string or a shape, not an array."""
    match node:
        case ast.Constant() | ast.Tuple() | ast.List() | ast.Dict() | ast.JoinedStr():
            return True
        case ast.Attribute(attr=name):
            return name in _STATIC
        case ast.Subscript(value=value):
            return isinstance(value, ast.Attribute) and value.attr in _STATIC
        case ast.Call(func=ast.Name(id=name)):
            return name in ("len", "range", "int", "float", "str")
        case ast.BinOp(left=left, right=right):
            return _is_static(left) and _is_static(right)
        case ast.UnaryOp(operand=value):
            return _is_static(value)
    return False


def _operates(node: ast.AST) -> bool:
    match node:
        case ast.BinOp(left=left, right=right):
            return not (_is_static(left) and _is_static(right)) and not _is_text(left)
        case ast.UnaryOp(op=op, operand=value):
            return not isinstance(op, ast.Not) and not _is_static(value)
        case ast.Compare(left=left, ops=ops, comparators=others):
            if any(isinstance(op, ast.Is | ast.IsNot | ast.In | ast.NotIn) for op in ops):
                return False
            return not any(map(_is_text, (left, *others))) and not all(map(_is_static, (left, *others)))
        case ast.AugAssign(value=value):
            return not _is_static(value)
    return False


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


_SPECIAL: dict[type[ast.AST], Any] = {
    ast.Import: _Reader.imports,
    ast.ImportFrom: _Reader.imports_from,
    **dict.fromkeys((ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda), _Reader.function),
    ast.ClassDef: _Reader.class_,
    **dict.fromkeys((ast.Assign, ast.AnnAssign, ast.NamedExpr), _Reader.assign),
    **dict.fromkeys((ast.For, ast.AsyncFor), _Reader.loop),
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp), _Reader.comprehension),
    ast.Name: _Reader.name,
    ast.Attribute: _Reader.attribute,
    ast.Call: _Reader.call,
    ast.Subscript: _Reader.subscript,
    **dict.fromkeys((ast.BinOp, ast.UnaryOp, ast.Compare, ast.AugAssign), _Reader.operator),
    ast.Constant: _Reader.skip,
    ast.Load: _Reader.skip,
    ast.Store: _Reader.skip,
}
