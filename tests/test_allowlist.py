"""Which names a foreign source may use."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest
from conftest import ROOT, table_of
from hostile.sources import SOURCES

from jaxir.executor.allowlist import MODULES, OFFERED, refusal


def test_own_sources_are_allowed():
    sources = table_of(ROOT / "data" / "sample", ["index", "python_source"])["python_source"].to_pylist()
    assert {refusal(source) for source in sources} == {""}


@pytest.mark.parametrize(
    "source",
    [
        "from jax.numpy.linalg import norm",
        "import jax.numpy.fft",
        "from jax.nn.initializers import zeros",
        "from jax.lax import linalg",
        "import jax\njax.numpy.linalg.norm",
        "from __future__ import annotations",
        "import numpy as np\nfrom numpy.typing import NDArray\nprint(np.linalg.norm, np.random.default_rng, np.pi)",
        "from jaxtyping import Array, Float",
        "import math\nfrom itertools import chain\nprint(math.pi, chain.from_iterable)",
        "import collections.abc\nfrom collections import OrderedDict, abc\nprint(collections.abc.Mapping, abc.Set)",
        "import functools\nfrom dataclasses import dataclass\nprint(functools.partial(isinstance, 1))",
    ],
)
def test_ordinary_imports_are_allowed(source):
    assert refusal(source) == ""


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "from jax.experimental import io_callback",
        "from jax.experimental.ode import jax",
        "from jax.experimental import jet\n\n\ndef f(x):\n    return jet.jax.numpy.sin(x)",
        "from jax.experimental import jet\n\n\ndef f(x):\n    return (lambda m: m.jax)(jet)",
        "from jax.experimental.sparse import BCOO\n\n\ndef f(x):\n    return BCOO.os",
        "from os import path",
        "import jax\nf = jax.debug.print",
        "import jax.numpy as jnp\njnp.save('a', 1)",
        "import jax\nm = jax",
        "import jax\nprint([jax])",
        "from jax import debug as d",
        "import jax\nj = jax.lax\nj.os",
        "import numpy as np\nnp.lib.npyio",
        "().__class__",
        "'{0.a}'.format(1)",
        "getattr(1, 'real')",
        "__import__('os')",
        "import jax\njax.jit(abs, compiler_options={})",
        "match 1:\n    case int(real=x): pass",
        "from .a import b",
        "from jax.numpy import *",
        "def f(:",
        "import enum\nenum.bltns.exec('x=1')",
        "import enum\nenum.bltns.open('a')",
        "from enum import bltns",
        "import enum\n[enum][0].bltns",
        "import dataclasses\ndataclasses.inspect.linecache.tokenize",
        "import typing as t\nt.contextlib",
        "import numpy as np\nnp.ma.core.inspect.linecache.getlines('a')",
        "import numpy as np\n[np][0].matrixlib.defmatrix.ast",
        "import numpy as np\nnp.fromregex('a', 'b', 'c')",
        "import numpy._core._internal as inner\ninner.ctypes",
        "import numpy as np\nnp.random.exec",
        "import functools\nfunctools.singledispatch(print).register",
        "(x for x in ()).gi_frame",
        "import jaxtyping as jt\njt.install_import_hook",
        "import jaxtyping as jt\n[jt][0].install_import_hook",
        "def f(x):\n    return isinstance(x, F)\n\n\nfrom jaxtyping import Float\nF = Float[int, \"open('a')\"]",
        "(" * 1000,
        "x = " + "-" * 100_000 + "1",
    ],
)
def test_other_sources_are_refused_in_one_line(source):
    assert refusal(source).startswith("line ")
    assert "\n" not in refusal(source)


def test_most_hostile_sources_are_refused():
    assert sum(bool(refusal(source)) for source, _ in SOURCES.values()) > 20


def test_no_attribute_of_an_allowed_module_leads_to_another_package():
    names = (*MODULES, *OFFERED)
    seen, queue = {}, [(name, importlib.import_module(name)) for name in names]
    for path, module in queue:  # it grows
        for name, value in vars(module).items():
            inner = f"{path}.{name}"
            if isinstance(value, ModuleType) and value not in seen and not refusal(f"import {path} as m\nm.{name}"):
                seen[value] = inner
                queue.append((inner, value))
    assert {"jax.numpy.linalg", "numpy.linalg", "jax.nn.initializers"} <= set(seen.values())
    assert {path for value, path in seen.items() if value.__name__.partition(".")[0] != path.partition(".")[0]} == set()
