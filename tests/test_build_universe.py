"""The universe can be rebuilt: what a share of the functions shows is in the file that the package holds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

from jaxir.analysis.universe import parse, universe

SCRIPT = ROOT / "scripts" / "build_universe.py"


def build(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip


NAMES = """
import build_universe as b
recipes, generic = b.recipes()
named = {name for recipe in recipes for name in recipe.names}
print(len(recipes), len(generic), len(named), len(b.walked()), len(named - {*b.walked(), *b.TRANSFORMS}))
print(*sorted({recipe.route for recipe in recipes}))
"""


def test_recipes_name_public_functions() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NAMES],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'scripts'}"}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    counts, routes = done.stdout.splitlines()
    recipes, generic, named, walked, unknown = map(int, counts.split())
    assert recipes > 800
    assert generic > 15
    assert named > 500
    assert walked > 900
    assert unknown == 0
    assert routes == "cpu-export-symbolic cpu-jit cpu-shard_map"


def test_mistakes_are_one_line() -> None:
    done = build("--kinds", "float33")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("build_universe: --kinds: no element type float33; known are bool, int8, ")


@pytest.mark.slow
def test_a_share_of_the_functions_shows_what_is_known(tmp_path: Path) -> None:
    long, short = tmp_path / "universe.json", tmp_path / "package.json"
    done = build("--quick", "--kinds", "float32,int4", "--share", "0.02", "--out", long, "--package", short)
    assert done.returncode == 0, done.stderr
    found, known = parse(short.read_text()), universe()
    assert found.jax == known.jax
    assert len(found.pairs) > 40
    assert len(found.low_bit_pairs) > 5
    for part in ("ops", "chlo", "low_bit_pairs", "functions"):
        assert not set(getattr(found, part)) - set(getattr(known, part)), part
    # The lists of the package are lower bounds, kept as they are so that figures of coverage stay comparable.
    for part in ("pairs", "bigrams", "attributes"):
        members = set(getattr(found, part))
        assert len(members - set(getattr(known, part))) <= 0.1 * len(members) + 2, part
    again = tmp_path / "again.json"
    done = build("--quick", "--kinds", "float32", "--share", "0.02", "--compare", long, "--merge", long, "--out", again)
    assert done.returncode == 0, done.stderr
    assert "low-bit pairs: 0 of " in done.stdout
    assert "chlo ops" in done.stdout
    assert json.loads(again.read_text()) | {"about": ""} == json.loads(long.read_text()) | {"about": ""}
