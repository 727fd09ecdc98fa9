"""Syntax trees to text as a person lays it out: empty lines, no idle brackets, lines that are not too long."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

WIDTH = 100
_TUPLE = re.compile(r"^(\s*(?:return|[\w, ]+ =) )\((.*)\)$")
_OPEN, _CLOSE = "([{", ")]}"


def text_of(statement: ast.stmt) -> str:
    """Text of a statement: empty lines around nested functions, bare tuples, lines of `WIDTH` where brackets allow."""
    lines: list[str] = []
    ends: list[int] = []  # indentations of the nested functions that are open
    for line in ast.unparse(statement).strip().splitlines():
        if not line:
            # `ast.unparse` puts one before a nested function, also where it comes first.
            if lines and not lines[-1].endswith(":"):
                lines.append(line)
            continue
        indent = len(line) - len(line.lstrip())
        closed = [end for end in ends if indent <= end]
        ends = [end for end in ends if indent > end]
        if closed and lines[-1]:
            lines.append("")
        if indent and line.lstrip().startswith("def "):
            ends.append(indent)
        lines.extend(_wrapped(_bare(line)))
    return "\n".join(lines)


def _bare(line: str) -> str:
    """`return (a, b)` as `return a, b`, and the same after an equals sign."""
    match = _TUPLE.match(line)
    if not match:
        return line
    parts = list(_parts(match[2]))
    whole = len(parts) > 1 and all(parts) and _closes_at_end(f"({match[2]})")
    return f"{match[1]}{match[2]}" if whole else line


def _characters(text: str) -> Iterator[tuple[int, str, int]]:
    """(position, character, bracket depth after it) of what is outside string literals."""
    depth, quote, skip = 0, "", False
    for position, character in enumerate(text):
        if quote:
            if skip:
                skip = False
            elif character == "\\":
                skip = True
            elif character == quote:
                quote = ""
            continue
        if character in "'\"":
            quote = character
            continue
        depth += (character in _OPEN) - (character in _CLOSE)
        yield position, character, depth


def _closes_at_end(text: str) -> bool:
    """Whether the bracket that opens the text closes at its last character and not before."""
    zeros = [position for position, _, depth in _characters(text) if depth == 0]
    return bool(zeros) and zeros[0] == len(text) - 1


def _parts(text: str) -> Iterator[str]:
    """What stands between the commas outside brackets; the parameters of a lambda stay together."""
    start, in_lambda = 0, False
    for position, character, depth in _characters(text):
        if depth == 0 and text.startswith("lambda", position) and not text[position - 1 : position].isidentifier():
            in_lambda = True
        elif depth == 0 and character == ":":
            in_lambda = False
        elif depth == 0 and character == "," and not in_lambda:
            yield text[start:position].strip()
            start = position + 1
    yield text[start:].strip()


def _wrapped(line: str) -> list[str]:
    """A line that is too long, broken inside the bracket that ends it."""
    colon = ":" if line.endswith("):") else ""
    body = line[: len(line) - len(colon)]
    if len(line) <= WIDTH or not body.endswith(tuple(_CLOSE)) or '"""' in line:
        return [line]
    depth = list(_characters(body))
    last_open = max((p for p, character, d in depth if character in _OPEN and d == 1), default=-1)
    if last_open < 0 or not _closes_at_end(body[last_open:]):
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    parts = [part for part in _parts(body[last_open + 1 : -1]) if part]
    inside = f"{indent}    {', '.join(parts)}"
    if len(inside) <= WIDTH:
        middle = [inside]
    elif len(parts) == 1:
        middle = _wrapped(inside)
    else:
        middle = [piece for part in parts for piece in _wrapped(f"{indent}    {part},")]
    return [body[: last_open + 1], *middle, f"{indent}{body[-1]}{colon}"]
