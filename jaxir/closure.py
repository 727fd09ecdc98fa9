"""The statements of a module that one function needs: what makes its text run alone.

Used for templates (text of a generated kernel) and for a user's function (text of an extracted one).
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterable


def global_names(nodes: Iterable[ast.AST]) -> set[str]:
    """Names that the code reads from its module, builtins included; names bound inside functions are not counted."""
    names: set[str] = set()

    def collect(table: symtable.SymbolTable) -> None:
        for symbol in table.get_symbols():
            is_global = symbol.is_global() or table.get_type() == "module"
            if symbol.is_referenced() and is_global:
                names.add(symbol.get_name())
        for child in table.get_children():
            collect(child)

    for node in nodes:
        collect(symtable.symtable(ast.unparse(node), "<closure>", "exec"))
    return names


def bound_names(statement: ast.stmt) -> set[str]:
    """Names that a top-level statement binds in its module."""
    match statement:
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return {alias.asname or alias.name.split(".")[0] for alias in aliases}
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case _:
            return {
                node.id
                for node in ast.walk(statement)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            }


def _narrowed(statement: ast.stmt, wanted: set[str]) -> ast.stmt:
    """An import statement without the aliases that nobody asked for; any other statement as it is."""
    if not isinstance(statement, ast.Import | ast.ImportFrom):
        return statement
    kept = [alias for alias in statement.names if (alias.asname or alias.name.split(".")[0]) in wanted]
    if isinstance(statement, ast.Import):
        return ast.Import(names=kept)
    return ast.ImportFrom(module=statement.module, names=kept, level=statement.level)


def needed_statements(module: ast.Module, nodes: Iterable[ast.AST], exclude: Iterable[str] = ()) -> list[ast.stmt]:
    """Top-level statements of `module` that `nodes` need, transitively, in file order.

    Args:
        module: the parsed file that the nodes come from.
        nodes: code whose global names are looked up; top-level nodes themselves are not returned unless something
            needs them.
        exclude: names that the caller provides by other means.

    Returns:
        Imports (narrowed to the aliases in use), helper functions, classes and assignments.
    """
    excluded = set(exclude)
    binders: dict[str, list[int]] = {}
    for position, statement in enumerate(module.body):
        for name in bound_names(statement):
            binders.setdefault(name, []).append(position)
    wanted: set[str] = set()
    chosen: set[int] = set()
    pending = global_names(nodes) - excluded
    while pending:
        name = pending.pop()
        if name in wanted or name not in binders:
            continue
        wanted.add(name)
        for position in binders[name]:
            if position not in chosen:
                chosen.add(position)
                statement = module.body[position]
                if not isinstance(statement, ast.Import | ast.ImportFrom):
                    pending |= global_names([statement]) - excluded - wanted
    return [_narrowed(module.body[position], wanted) for position in sorted(chosen)]
