"""Guarded look-up of JAX's private symbols, and replacements of them that can be taken back."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any


@dataclasses.dataclass
class Patch:
    """One attribute and what stands there instead."""

    owner: Any
    name: str
    value: Any

    def swap(self) -> None:
        """Exchange the attribute and `value`."""
        current = getattr(self.owner, self.name)
        setattr(self.owner, self.name, self.value)
        self.value = current


def private(wanted: Mapping[str, tuple[str, ...]]) -> SimpleNamespace | str:
    """JAX's private modules by the last part of their names, or the name of the symbol that is missing.

    Args:
        wanted: module below `jax._src` -> dotted names that are needed in it.
    """
    modules = {}
    for path, names in wanted.items():
        try:
            module = importlib.import_module(f"jax._src.{path}")
        except ImportError as error:
            return str(error)
        for name in names:
            found: Any = module
            for part in name.split("."):
                if not hasattr(found, part):
                    return f"{module.__name__}.{name}"
                found = getattr(found, part)
        modules[path.rpartition(".")[2]] = module
    return SimpleNamespace(**modules)
