"""Where a function's text stands: its file (or what `linecache` knows of it) and its node in the parsed file."""

from __future__ import annotations

import ast
import dataclasses
import functools
import linecache
import textwrap
import types

from jaxir.errors import UserError

FunctionNode = ast.FunctionDef | ast.Lambda


@dataclasses.dataclass(frozen=True)
class SourceFile:
    """A source text and its syntax tree."""

    source: str
    module: ast.Module

    def segment(self, node: ast.stmt | ast.expr) -> str:
        """Text of a node, decorators included, moved to the left margin."""
        if not isinstance(node, ast.stmt):
            return ast.get_source_segment(self.source, node) or ast.unparse(node)
        lines = self.source.splitlines(keepends=True)
        text = textwrap.dedent("".join(lines[_first_line(node) - 1 : node.end_lineno])).strip("\n")
        # Statements that share a line, and strings that hold lines of their own, do not survive the cut.
        try:
            intact = ast.dump(ast.parse(text)) == ast.dump(ast.Module([node], []))
        except SyntaxError:
            intact = False
        return text if intact else ast.unparse(node)


@functools.lru_cache(64)
def _parsed(source: str) -> SourceFile:
    return SourceFile(source, ast.parse(source))


def _first_line(node: ast.stmt) -> int:
    lines: list[int] = [decorator.lineno for decorator in getattr(node, "decorator_list", [])]
    return min([node.lineno, *lines])


def file_of(fn: types.FunctionType) -> SourceFile:
    """The file that defines a function; `UserError` where there is no text, or one that does not parse."""
    filename = fn.__code__.co_filename
    linecache.checkcache(filename)
    source = "".join(linecache.getlines(filename, fn.__globals__))
    if not source:
        raise UserError(
            f"{fn.__name__}: no source text ({filename}); define it in a file, or register its text in linecache"
        )
    try:
        return _parsed(source)
    except SyntaxError as error:
        raise UserError(f"{fn.__name__}: {filename} does not parse any more ({error.msg}); reload it") from None


def find(fn: types.FunctionType, file: SourceFile) -> FunctionNode:
    """The node of a function, by the name and the position of its code.

    Several lambdas on a line are told apart by the columns of their instructions. `UserError` where nothing fits.
    """
    code = fn.__code__
    found: list[FunctionNode] = []
    if code.co_name == "<lambda>":
        found += sorted(_lambdas_around(code, file), key=lambda node: len(file.segment(node)))
    else:
        found += [
            node
            for node in ast.walk(file.module)
            if isinstance(node, ast.FunctionDef)
            and node.name == code.co_name
            and _first_line(node) == code.co_firstlineno
        ]
    if not found:
        raise UserError(f"{fn.__name__}: not found at {code.co_filename}:{code.co_firstlineno}; has the file changed?")
    return found[0]


def _lambdas_around(code: types.CodeType, file: SourceFile) -> list[ast.Lambda]:
    """Lambdas of the code's parameters whose text spans all of its instructions."""
    points = [
        point
        for line, end_line, column, end_column in code.co_positions()
        # Instructions without text of their own (of zero width) stand at the start of the line, not of the lambda.
        if line and end_line and column is not None and end_column and (line, column) != (end_line, end_column)
        for point in ((line, column), (end_line, end_column))
    ]
    names = list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    around = []
    for node in ast.walk(file.module):
        if isinstance(node, ast.Lambda) and node.end_lineno is not None and node.end_col_offset is not None:
            start, end = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
            arguments = node.args
            parameters = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
            if parameters == names and all(start <= point <= end for point in points):
                around.append(node)
    return around
