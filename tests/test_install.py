"""`templates/` and `configs/` are found editable, from a wheel and from a plain checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from conftest import ROOT

CODE = (
    "import jaxir; from jaxir import resources; from jaxir.generator.templates import template_files;"
    "print(jaxir.__version__, len(template_files([resources.folder('templates')])),"
    " len(list(resources.folder('configs').glob('*.yaml'))))"
)
EXPECTED_FILES = len(list((ROOT / "templates").rglob("*.py")))
EXPECTED = f"0.4.0 {EXPECTED_FILES} {len(list((ROOT / 'configs').glob('*.yaml')))}"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory) -> Path:
    """A copy of what git would hand out, so that a build leaves nothing in this one."""
    copy = tmp_path_factory.mktemp("checkout") / "jaxir"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    for name in listed:
        if (ROOT / name).is_file() and not name.startswith("data/"):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    return copy


def ask(python: Path | str, cwd: Path, **environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [python, "-c", CODE], cwd=cwd, capture_output=True, text=True, check=False, env={**clean, **environment}
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def installed(folder: Path, what: list[str]) -> Path:
    """The Python of a new environment that has jaxir of its own and the dependencies of this one."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    site = subprocess.run(
        [python, "-c", "import site; print(site.getsitepackages()[0])"], capture_output=True, text=True, check=True
    ).stdout.strip()
    # At the end of its path, so that only what is missing there comes from this environment (the build backend too).
    outer = next(path for path in map(Path, sys.path) if (path / "jax").is_dir())
    (Path(site) / "zz_outer.pth").write_text(f"{outer}\n")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-build-isolation", *what],
        check=True,
        capture_output=True,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    return python


def test_from_a_plain_checkout(checkout):
    assert ask(sys.executable, checkout.parent, PYTHONPATH=str(checkout)) == EXPECTED


def test_from_an_editable_install(checkout, tmp_path):
    python = installed(tmp_path / "venv", ["-e", str(checkout)])
    assert ask(python, tmp_path) == EXPECTED


def test_from_a_wheel(checkout, tmp_path):
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path / "dist", checkout],
        check=True,
        capture_output=True,
    )
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    python = installed(tmp_path / "venv", [str(wheel)])
    assert ask(python, tmp_path) == EXPECTED
    done = subprocess.run(
        [tmp_path / "venv" / "bin" / "jaxir", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "jaxir, version 0.4.0\n"
