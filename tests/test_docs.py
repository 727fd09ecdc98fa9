"""The documentation is true: its Python runs, its commands exist, its links lead somewhere."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, run_jaxir

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "templates").glob("*.md"), *(ROOT / "docs").glob("*.md")])


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)


PYTHON = [(path, text) for path in DOCUMENTS for text in blocks(path, "python")]


@pytest.mark.parametrize(("path", "text"), PYTHON, ids=[f"{path.name}-{n}" for n, (path, _) in enumerate(PYTHON)])
def test_python_examples_run(path, text, tmp_path):
    (tmp_path / "data").symlink_to(ROOT / "data")
    # A file, because a function's source is looked up in the file that it comes from.
    (tmp_path / "example.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "example.py"], cwd=tmp_path, capture_output=True, text=True, check=False, env=ENVIRONMENT
    )
    assert done.returncode == 0, done.stderr


COMMANDS = sorted(
    {
        line.split("#")[0].strip()
        for path in DOCUMENTS
        for text in blocks(path, "sh")
        for line in text.splitlines()
        for line in line.split("&&")
        if line.strip().startswith("jaxir ")
    }
)


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_exist_with_their_options(command):
    words = shlex.split(command)[1:]
    names = [word for word in words if re.fullmatch(r"[a-z][a-z-]*", word)]
    group = names[:2] if names[0] == "templates" else names[:1]
    done = run_jaxir([*group, "--help"], ROOT)
    assert done.returncode == 0, done.stderr
    for option in (word for word in words if word.startswith("--")):
        assert re.search(rf"{option}\b", done.stdout), (command, option)


def test_there_are_examples_to_test():
    assert len(PYTHON) >= 3
    assert len(COMMANDS) >= 5


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named_exist(path):
    named = re.findall(r"\]\((?!http)([^)#]+)\)", path.read_text())
    named += re.findall(r"`((?:jaxir|templates|configs|scripts|tests|docs|data)/[\w/.-]*\w)`", path.read_text())
    missing = [
        name
        for name in named
        if not (ROOT / name).exists() and not (path.parent / name).exists() and not name.startswith("data/")
    ]
    assert missing == []
