"""What this installation and this machine offer: the folders `templates/` and `configs/`, and cores.

The folders are inside the package (wheel) or at the top of the checkout (editable, plain).
"""

from __future__ import annotations

import os
from pathlib import Path

from jaxir.errors import UserError

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The folder `templates` or `configs` that belongs to this jaxir; `UserError` if the installation lacks it."""
    candidates = (_PACKAGE / "_data" / name, _PACKAGE.parent / name)
    for path in candidates:
        if path.is_dir():
            return path
    tried = " nor ".join(str(path) for path in candidates)
    raise UserError(f"no folder '{name}': neither {tried} exists; reinstall jaxir or run it from a full checkout")


def cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
