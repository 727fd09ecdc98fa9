"""What the templates of one kernel need from their files: imports, helpers and constants, without clashes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence

from jaxir.closure import bound_names, needed_statements
from jaxir.errors import Rejected
from jaxir.generator.rewrite import Names, rename
from jaxir.generator.templates import Source


class Needs:
    """Imports and helper statements of several template files in one module.

    Attributes:
        helpers: helper functions and constants, in an order in which they can be executed.
        renamed: source file (by `id`) -> names that its code must be given here.
    """

    def __init__(self, code: Mapping[Source, Sequence[ast.AST]], names: Names) -> None:
        """Collect what `code` needs.

        Args:
            code: file -> statements of it that the kernel uses.
            names: names in use; those of imports and helpers are added.

        Raises:
            Rejected: stage `compose`, if two files mean different things by one imported name.
        """
        self.helpers: list[ast.stmt] = []
        self.renamed: dict[int, dict[str, ast.expr]] = {}
        self._modules: set[str] = set()
        self._imported: dict[str, str] = {}
        needed = {source: needed_statements(source.tree, nodes) for source, nodes in code.items()}
        for source, statements in needed.items():
            for statement in statements:
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    self._import(statement, source)
        names.used |= {*self._imported, *(module.split(".")[0] for module in self._modules)}
        shared: dict[str, dict[str, ast.expr]] = {}
        for source, statements in needed.items():
            own = [item for item in statements if not isinstance(item, ast.Import | ast.ImportFrom)]
            mapping: dict[str, ast.expr] = {}
            fresh: list[ast.stmt] = []
            for statement in own:
                # Two files share a helper only if all that it needs is the same text as well.
                closure = [*needed_statements(source.tree, [statement]), statement]
                key = "\n".join(map(ast.unparse, closure))
                if key not in shared:
                    bound = sorted(bound_names(statement))
                    shared[key] = {name: ast.Name(names.fresh(name), ast.Load()) for name in bound}
                    fresh.append(statement)
                mapping |= shared[key]
            copies = ast.parse("\n".join(map(ast.unparse, fresh))).body
            self.helpers.extend(rename(copies, mapping))
            self.renamed[id(source)] = mapping

    def _import(self, statement: ast.Import | ast.ImportFrom, source: Source) -> None:
        for alias in statement.names:
            if isinstance(statement, ast.Import) and alias.asname is None:
                self._modules.add(alias.name)
                continue
            prefix = (
                f"{'.' * statement.level}{statement.module or ''}." if isinstance(statement, ast.ImportFrom) else ""
            )
            name, target = alias.asname or alias.name, f"{prefix}{alias.name}"
            if self._imported.setdefault(name, target) != target:
                raise Rejected("compose", "conflicting imports", f"{name} in {source.path.name}")

    def import_lines(self, used: Iterable[str]) -> str:
        """The import statements as text, for the names that the module reads (`jax` and `jnp` are always on offer)."""
        imported = {"jnp": "jax.numpy", **self._imported}
        wanted = set(used)
        modules = {module for module in self._modules if module.split(".")[0] in wanted}
        if "jax" in wanted and not any(module.split(".")[0] == "jax" for module in modules):
            modules.add("jax")
        lines = {f"import {module}" for module in modules}
        grouped: dict[str, set[str]] = {}
        for name in wanted & set(imported):
            owner, _, last = imported[name].rpartition(".")
            if name == last and owner:
                grouped.setdefault(owner, set()).add(name)
            elif imported[name] in ("jax.numpy", "numpy"):
                lines.add(f"import {imported[name]} as {name}")
            elif owner:
                grouped.setdefault(owner, set()).add(f"{last} as {name}")
            else:
                lines.add(f"import {last} as {name}")
        lines |= {f"from {owner} import {', '.join(sorted(items))}" for owner, items in grouped.items()}
        return "\n".join(sorted(lines, key=lambda line: (line.startswith("from"), line)))
