"""Which public functions of JAX the template files name, read from their text: what a corpus can reach at most."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterable
from pathlib import Path

from jaxir.analysis.functions import public_functions, unresolved_tables
from jaxir.analysis.universe import universe
from jaxir.closure import needed_statements
from jaxir.errors import UserError


@dataclasses.dataclass(frozen=True)
class Reach:
    """What templates name.

    Attributes:
        reached: public function -> names of the templates that refer to it, themselves or through a helper; sorted.
        missing: public functions of the universe that no template refers to, sorted.
        unresolved: `path:line` of each `getattr(module, name)` whose name is not told by a literal or a `Literal[...]`.
    """

    reached: dict[str, list[str]]
    missing: list[str]
    unresolved: list[str]


def template_reach(files: Iterable[Path]) -> Reach:
    """Read template files; they are parsed, not imported.

    Raises:
        UserError: a file cannot be read or is no Python.
    """
    names = (*universe().functions, *universe().transforms)
    known = frozenset(names)
    users: dict[str, list[str]] = {name: [] for name in sorted(names)}
    unresolved = []
    for path in files:
        try:
            module = ast.parse(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(f"{path}: cannot be read: {error.strerror}") from None
        except (SyntaxError, ValueError) as error:
            raise UserError(f"{path}: no Python file: {error}") from None
        unresolved += [f"{path}:{line}" for line in unresolved_tables(module, known)]
        for statement in module.body:
            if isinstance(statement, ast.FunctionDef) and not statement.name.startswith("_"):
                body = [*needed_statements(module, [statement], exclude=[statement.name]), statement]
                for name in public_functions(ast.Module(body, []), known):
                    users[name].append(statement.name)
    return Reach(
        reached={name: sorted(templates) for name, templates in users.items() if templates},
        missing=[name for name, templates in users.items() if not templates],
        unresolved=unresolved,
    )
