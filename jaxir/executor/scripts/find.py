"""Which files of a folder are JAX scripts: those that import jax, by their syntax tree; nothing is executed."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from jaxir.errors import UserError

#: What the import looks like in a file that does not parse; running it will say what is wrong with it.
_IMPORT: Final = re.compile(rb"^\s*(import|from)\s+jax\b", re.MULTILINE)


def find_jax_scripts(search_dir: str | Path, recursive: bool = True) -> list[Path]:
    """The Python files under a folder that import jax, sorted.

    Hidden folders, `__pycache__`, virtual environments and installed packages are left out.

    Args:
        search_dir: a folder, or one Python file, which is then the only candidate.
        recursive: whether to look into folders of it.

    Raises:
        UserError: there is no such folder.
    """
    root = Path(search_dir)
    if root.is_file():
        return [root] if imports_jax(root) else []
    if not root.is_dir():
        raise UserError(f"{root}: no such file or folder; expected Python scripts")
    return sorted(path for path in _files(root, recursive) if imports_jax(path))


def _files(folder: Path, recursive: bool) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.suffix == ".py" and path.is_file():
            yield path
        elif recursive and path.is_dir() and not path.is_symlink() and not _is_no_place_for_scripts(path):
            yield from _files(path, recursive)


def _is_no_place_for_scripts(folder: Path) -> bool:
    name = folder.name
    return name.startswith(".") or name in ("__pycache__", "site-packages") or (folder / "pyvenv.cfg").exists()


def imports_jax(path: Path) -> bool:
    """Whether a Python file imports jax or a module of it anywhere (or seems to, where it does not parse)."""
    try:
        text = path.read_bytes()
    except OSError:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a strange escape in somebody's string
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return bool(_IMPORT.search(text))
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.append(node.module or "")
    return any(name.partition(".")[0] == "jax" for name in names)
