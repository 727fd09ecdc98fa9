"""What a power cut leaves on a disk: the writer's system calls are recorded, and every moment between two is replayed.

The model is the strict one of POSIX: content is on the disk when its file was synced, a name when its folder was; what
was not may be there or not, and the kernel keeps the order of changes within a folder. A rename is one change. (Known
from ALICE, https://www.usenix.org/conference/osdi14/technical-sessions/presentation/pillai.)
"""

from __future__ import annotations

import dataclasses
import os
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from writing import write

#: One system call: (what, paths relative to the corpus' parent and the like).
Event = tuple[Any, ...]


def record(root: Path, target: int, without: str, answer: Any) -> None:
    """In a child: `write` the corpus `root / "corpus"`; sends its events.

    Args:
        without: "files" or "folders" leaves out their syncs, as a writer would that forgot them; "" does not.
    """
    events: list[Event] = []

    def name(path: Any, descriptor: int = -1) -> str | None:
        base = os.readlink(f"/proc/self/fd/{descriptor}") if descriptor >= 0 else os.getcwd()
        full = os.path.join(base, os.fspath(path))
        if full == str(root):
            return "."
        return os.path.relpath(full, root) if full.startswith(f"{root}/") else None

    def content(path: Any) -> bytes | None:
        with open(path, "rb") as file:
            return file.read()

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | Path) and arguments[2] & os.O_CREAT:
            if (path := name(arguments[0])) and (arguments[2] & os.O_TRUNC or not os.path.exists(root / path)):
                events.append(("create", path))
        elif event == "os.mkdir":
            path = name(arguments[0])
            # A parent that is missing or a folder that is there: the call will fail.
            if path and (root / path).parent.is_dir() and not os.path.lexists(root / path):
                events.append(("mkdir", path))
        elif event == "os.rename":
            if path := name(arguments[0]):
                written = None if (root / path).is_dir() else content(root / path)
                events.append(("rename", path, name(arguments[1]), written))
        elif event in ("os.remove", "os.rmdir"):
            path = name(arguments[0], arguments[1])
            if path and os.path.lexists(root / path):
                events.append(("remove", path))

    def fsync(descriptor: int) -> None:
        path = name(os.readlink(f"/proc/self/fd/{descriptor}"))
        assert path is not None
        if (root / path).is_dir():
            events.extend([("sync", path, None)] if without != "folders" else [])
        else:
            events.extend([("sync", path, content(root / path))] if without != "files" else [])

    sys.addaudithook(watch)
    os.fsync = fsync
    write(root / "corpus", target, acknowledge=lambda rows: events.append(("acknowledged", rows)))
    answer.send(events)


@dataclasses.dataclass(eq=False)
class Node:
    """A file or a folder, whatever its name."""

    is_folder: bool
    content: bytes = b""  #: synced
    synced: bool = False
    written: bytes = b""  #: at most this reached the disk without a sync


@dataclasses.dataclass(eq=False)
class Change:
    """Names that appear (a node) and vanish (None) together."""

    names: tuple[tuple[Node, str, Node | None], ...]
    durable: bool = False

    @property
    def folders(self) -> set[Node]:
        return {folder for folder, _, _ in self.names}


class Disk:
    """Replays events; `states` are the trees that a power cut at this moment may leave."""

    def __init__(self, begin: Path | None = None) -> None:
        self.root = Node(is_folder=True)
        self.now: dict[Node, dict[str, Node]] = {self.root: {}}
        self.changes: list[Change] = []
        self.acknowledged = 0
        for path in sorted(begin.rglob("*")) if begin else ():
            self.do(("mkdir" if path.is_dir() else "create", str(path.relative_to(begin))))
            if path.is_file():
                self.do(("sync", str(path.relative_to(begin)), path.read_bytes()))
        for change in self.changes:
            change.durable = True

    def do(self, event: Event) -> None:
        what, *rest = event
        if what == "acknowledged":
            self.acknowledged = rest[0]
        elif what in ("create", "mkdir"):
            self._change([(*self._place(rest[0]), Node(what == "mkdir"))])
        elif what == "remove":
            self._change([(*self._place(rest[0]), None)])
        elif what == "rename":
            folder, name = self._place(rest[0])
            node = self.now[folder][name]
            node.written = rest[2] or b""
            self._change([(*self._place(rest[1]), node), (folder, name, None)])
        else:
            folder, name = self._place(rest[0])
            node = self.now[folder][name] if rest[0] != "." else self.root
            if node.is_folder:
                self._sync(node)
            else:
                node.content, node.synced = rest[1], True

    def states(self, rng: random.Random) -> Iterator[dict[str, bytes | None]]:
        """Trees by path (None: a folder): only what is synced, every name without unsynced content, and a mixture."""
        yield self._tree([change for change in self.changes if change.durable], lambda node: b"")
        yield self._tree(self.changes, lambda node: b"")
        chosen: list[Change] = []
        stopped: set[Node] = set()
        for change in self.changes:
            if change.durable or (not change.folders & stopped and rng.random() < 0.8):
                chosen.append(change)
            else:
                stopped |= change.folders
        yield self._tree(
            chosen, lambda node: rng.choice((b"", node.written[: len(node.written) // 2], node.written, b"\0" * 100))
        )

    def _change(self, names: Sequence[tuple[Node, str, Node | None]]) -> None:
        for folder, name, node in names:
            if node is None:
                self.now[folder].pop(name, None)
            else:
                self.now[folder][name] = node
                if node.is_folder:
                    self.now.setdefault(node, {})
        self.changes.append(Change(tuple(names)))

    def _place(self, path: str) -> tuple[Node, str]:
        *folders, name = path.split("/")
        node = self.root
        for part in folders:
            node = self.now[node][part]
        return node, name

    def _sync(self, folder: Node) -> None:
        """A synced folder has all its changes, and those that they stand on."""
        wanted = {folder}
        for change in reversed(self.changes):
            if change.folders & wanted:
                change.durable = True
                wanted |= change.folders

    def _tree(self, changes: Sequence[Change], unsynced: Any) -> dict[str, bytes | None]:
        names: dict[Node, dict[str, Node]] = {}
        for change in changes:
            for folder, name, node in change.names:
                if node is None:
                    names.setdefault(folder, {}).pop(name, None)
                else:
                    names.setdefault(folder, {})[name] = node
        tree: dict[str, bytes | None] = {}

        def walk(folder: Node, path: str) -> None:
            for name, node in names.get(folder, {}).items():
                if node.is_folder:
                    tree[path + name] = None
                    walk(node, f"{path}{name}/")
                else:
                    tree[path + name] = node.content if node.synced else unsynced(node)

        walk(self.root, "")
        return tree


def put(tree: dict[str, bytes | None], root: Path) -> None:
    """Make a tree on the real disk."""
    root.mkdir()
    for path, content in tree.items():
        if content is None:
            (root / path).mkdir()
        else:
            (root / path).write_bytes(content)
