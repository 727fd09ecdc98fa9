"""Rewriting of template bodies: options become literals (`fold`), names become a kernel's names (`rename`)."""

from __future__ import annotations

import ast
import builtins
import keyword
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from jaxir.generator.templates import OptionValue

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda item, items: item in items,
    ast.NotIn: lambda item, items: item not in items,
}
_UNKNOWN = object()


def literal(value: OptionValue) -> ast.expr:
    """The expression for a number, string or bool; a negative number is a minus sign and a number, as in source."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def _value(node: ast.expr) -> Any:
    """The value of a literal expression, or `_UNKNOWN`."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Tuple(elts=items) | ast.List(elts=items):
            values = [_value(item) for item in items]
            return _UNKNOWN if any(value is _UNKNOWN for value in values) else tuple(values)
    return _UNKNOWN


class _Fold(ast.NodeTransformer):
    def __init__(self, options: Mapping[str, OptionValue]) -> None:
        self.options = options

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if isinstance(node.ctx, ast.Load) and node.id in self.options:
            return literal(self.options[node.id])
        return node

    def _without(self, bound: Iterable[str]) -> _Fold:
        """The folding inside a scope that binds these names itself."""
        hidden = set(bound)
        return _Fold({name: value for name, value in self.options.items() if name not in hidden})

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        node.args = self.visit(node.args)
        inner = self._without([*_parameters(node.args), *bound_in(node.body)])
        node.body = inner._block(node.body)
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        node.args = self.visit(node.args)
        node.body = self._without(_parameters(node.args)).visit(node.body)
        return node

    def visit_For(self, node: ast.For) -> ast.For:
        node.iter = self.visit(node.iter)
        node.body = self._block(node.body) or [ast.Pass()]
        node.orelse = self._block(node.orelse)
        return node

    def visit_If(self, node: ast.If) -> ast.If | list[ast.stmt]:
        node.test = self.visit(node.test)
        value = _value(node.test)
        node.body = self._block(node.body)
        node.orelse = self._block(node.orelse)
        if value is _UNKNOWN:
            node.body = node.body or [ast.Pass()]
            return node
        return node.body if value else node.orelse

    def _block(self, statements: Sequence[ast.stmt]) -> list[ast.stmt]:
        result: list[ast.stmt] = []
        for statement in statements:
            visited = self.visit(statement)
            result.extend(visited if isinstance(visited, list) else [visited])
        return result

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        value = _value(node.test)
        return node if value is _UNKNOWN else (node.body if value else node.orelse)

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        values = [_value(item) for item in (node.left, *node.comparators)]
        if any(value is _UNKNOWN for value in values):
            return node
        pairs = zip(node.ops, values, values[1:], strict=False)
        return ast.Constant(all(_COMPARE[type(op)](left, right) for op, left, right in pairs))

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        decides = isinstance(node.op, ast.Or)  # the truth value at which Python stops and returns the operand
        kept: list[ast.expr] = []
        for position, item in enumerate(node.values):
            value = _value(item)
            last = position == len(node.values) - 1
            if value is _UNKNOWN or last or bool(value) is decides:
                kept.append(item)
            if value is not _UNKNOWN and bool(value) is decides:
                break
        return kept[0] if len(kept) == 1 else ast.BoolOp(node.op, kept)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        value = _value(node.operand)
        if isinstance(node.op, ast.Not) and value is not _UNKNOWN:
            return ast.Constant(not value)
        if isinstance(node.op, ast.USub) and isinstance(value, int | float) and not isinstance(value, bool):
            return literal(-value)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        left, right = _value(node.left), _value(node.right)
        whole = all(isinstance(value, int) and not isinstance(value, bool) for value in (left, right))
        if whole and type(node.op) in _BINARY and not (isinstance(node.op, ast.FloorDiv | ast.Mod) and right == 0):
            return literal(_BINARY[type(node.op)](left, right))
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Call(func=ast.Name(id="getattr"), args=[owner, ast.Constant(value=str(name))], keywords=[]):
                return ast.Attribute(owner, name, ast.Load())
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        self.generic_visit(node)
        text = ""
        for item in node.values:
            match item:
                case ast.Constant(value=str(part)):
                    text += part
                case ast.FormattedValue(value=ast.Constant(value=part), conversion=-1, format_spec=None):
                    text += str(part)
                case _:
                    return node
        return ast.Constant(text)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        key = _value(node.slice)
        if isinstance(node.value, ast.Dict) and key is not _UNKNOWN:
            for item, value in zip(node.value.keys, node.value.values, strict=True):
                if item is not None and _value(item) == key:
                    return value
        return node


def fold(body: str, options: Mapping[str, OptionValue]) -> list[ast.stmt]:
    """The statements of a template's body with its options as literals and what they decide decided.

    `if`, conditional expressions, comparisons, whole-number arithmetic, `getattr(jnp, "sin")` and the look-up in a
    written-out dict are folded, and what is then read by nothing is dropped, so that the text reads as if it had been
    written for these options.
    """
    # From text, because the parser is several times faster than copy.deepcopy of a tree.
    return _without_idle(_without_aliases(_Fold(options)._block(ast.parse(body).body)))


def _without_aliases(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements without `y = x` that are left of a branch, where both names have one meaning throughout."""
    bound = Counter(
        node.arg if isinstance(node, ast.arg) else node.id
        for statement in body
        for node in ast.walk(statement)
        if isinstance(node, ast.arg) or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
    )
    for position, statement in enumerate(body):
        match statement:
            case ast.Assign(targets=[ast.Name(id=alias)], value=ast.Name(id=name)) if bound[alias] == 1:
                if bound[name] <= 1 and not any(isinstance(item, ast.For) for item in body):
                    rest = body[:position] + body[position + 1 :]
                    return _without_aliases(rename(rest, {alias: ast.Name(name, ast.Load())}))
    return body


def _without_idle(body: list[ast.stmt]) -> list[ast.stmt]:
    """The statements without assignments and functions that nothing reads, such as those only another option needs."""
    while True:
        read = Counter(
            node.id
            for statement in body
            for node in ast.walk(statement)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        )
        kept = [statement for statement in body if not _is_idle(statement, read)]
        if len(kept) == len(body):
            return kept
        body = kept


def _is_idle(statement: ast.stmt, read: Mapping[str, int]) -> bool:
    match statement:
        case ast.Assign(targets=[ast.Name() | ast.Tuple()]) | ast.FunctionDef():
            names = bound_in([statement])
            stores = [node for node in ast.walk(statement) if isinstance(getattr(node, "ctx", None), ast.Store)]
            plain = isinstance(statement, ast.FunctionDef) or all(
                isinstance(node, ast.Name | ast.Tuple) for node in stores
            )
            return bool(names) and plain and not any(name in read for name in names)
    return False


class Names:
    """Names in use in one scope; `fresh` gives a new one near the hint."""

    def __init__(self, used: Iterable[str] = ()) -> None:
        self.used = set(used)

    def fresh(self, hint: str) -> str:
        if hint == "_":
            return hint
        name, number = hint, 1
        while name in self.used or keyword.iskeyword(name) or hasattr(builtins, name):
            number += 1
            name = f"{hint}_{number}"
        self.used.add(name)
        return name

    def child(self) -> Names:
        return Names(self.used)


def bound_in(body: Sequence[ast.AST]) -> list[str]:
    """Names that statements bind in their own scope, in order; the insides of functions and lambdas do not count."""
    names: dict[str, None] = {}

    def walk(node: ast.AST) -> None:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names[node.id] = None
        elif isinstance(node, ast.FunctionDef):
            names[node.name] = None
            for default in (*node.args.defaults, *filter(None, node.args.kw_defaults), *node.decorator_list):
                walk(default)
        elif not isinstance(node, ast.Lambda | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            for child in ast.iter_child_nodes(node):
                walk(child)

    for node in body:
        walk(node)
    return list(names)


class _Rename(ast.NodeTransformer):
    def __init__(self, names: Mapping[str, ast.expr]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.expr:
        target = self.names.get(node.id)
        if target is None:
            return node
        if isinstance(node.ctx, ast.Load):
            # A name needs no copy of its own; an expression that stands in for a parameter is read once.
            return target
        assert isinstance(target, ast.Name)
        return ast.Name(target.id, node.ctx)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        target = self.names.get(node.name)
        if isinstance(target, ast.Name):
            node.name = target.id
        node.decorator_list = [self.visit(item) for item in node.decorator_list]
        self._function(node.args, [*_parameters(node.args), *bound_in(node.body)], node)
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        self._function(node.args, _parameters(node.args), node)
        return node

    def _function(self, arguments: ast.arguments, bound: Sequence[str], node: ast.FunctionDef | ast.Lambda) -> None:
        arguments.defaults = [self.visit(item) for item in arguments.defaults]
        arguments.kw_defaults = [item and self.visit(item) for item in arguments.kw_defaults]
        inner = self._inner(bound, node)
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            argument.arg = inner.new_name(argument.arg)
        for starred in (arguments.vararg, arguments.kwarg):
            if starred is not None:
                starred.arg = inner.new_name(starred.arg)
        if isinstance(node, ast.Lambda):
            node.body = inner.visit(node.body)
        else:
            node.body = [inner.visit(statement) for statement in node.body]

    def _comprehension(self, node: Any) -> Any:
        inner = self._inner(bound_in([generator.target for generator in node.generators]), node)
        return ast.NodeTransformer.generic_visit(inner, node)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def _inner(self, bound: Sequence[str], node: ast.AST) -> _Rename:
        """The renaming inside a nested scope: its own names stay unless they would capture a name from around it."""
        outside = {item.id for item in ast.walk(node) if isinstance(item, ast.Name)} - set(bound)
        read = {
            item.id
            for name in outside
            for item in ast.walk(self.names.get(name, ast.Name(name, ast.Load())))
            if isinstance(item, ast.Name)
        }
        scope = Names(read)
        own = {name: ast.Name(scope.fresh(name), ast.Load()) for name in bound}
        return _Rename({**self.names, **own})

    def new_name(self, name: str) -> str:
        target = self.names[name]
        assert isinstance(target, ast.Name)
        return target.id


def _parameters(arguments: ast.arguments) -> list[str]:
    named = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    starred = (item for item in (arguments.vararg, arguments.kwarg) if item is not None)
    return [argument.arg for argument in (*named, *starred)]


def rename(body: Iterable[ast.stmt], names: Mapping[str, ast.expr]) -> list[ast.stmt]:
    """Statements with their names replaced, respecting nested scopes; bound names must map to names.

    Args:
        body: statements that may be changed in place.
        names: old name to expression, for parameters, holes, locals and renamed helpers.
    """
    renamer = _Rename(names)
    return [renamer.visit(statement) for statement in body]
