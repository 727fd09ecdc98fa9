"""The script executor: real scripts in real processes, and what is left of them."""

import json
import textwrap
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner
from conftest import ROOT

from jaxir.cli import main
from jaxir.errors import UserError
from jaxir.executor import runtime, scripts
from jaxir.executor.devices import Device
from jaxir.executor.scripts import monitor
from jaxir.executor.scripts.monitor import HEAD, KEPT_BYTES, read_printed, read_samples
from jaxir.executor.scripts.run import Settings, names_of, run_scripts

CPU = [Device("cpu", 0, "this one", "cpu", "cpu", None, "", "")]
GOOD = "import jax.numpy as jnp\nprint(jnp.arange(3).sum())\n"

#: name -> (text, kind of failure or "", what the result shows).
MIXED = {
    "adds": (GOOD, "", "3"),
    "a name with spaces": (GOOD, "", "3"),
    "imports from jax": ("from jax import numpy as jnp\nprint(float(jnp.sin(0.0)))\n", "", "0.0"),
    "jits": ("import jax\nprint(jax.jit(lambda x: x * 2)(21))\n", "", "42"),
    "exits with 0": ("import jax, sys\nprint('bye')\nsys.exit(0)\n", "", "bye"),
    "writes files": ("import jax\nopen('made.txt', 'w').write('x')\nprint('done')\n", "", "done"),
    "reads its own folder": ("import jax\nprint(open('adds.py').read())\n", "", "jnp.arange"),
    "uses threads": (
        "import jax, threading\nthreading.Thread(target=lambda: print('from a thread')).start()\n",
        "",
        "from a thread",
    ),
    "is quiet": ("import jax\n", "", ""),
    "knows its name": ("import jax, sys\nprint(__name__, sys.argv[0])\n", "", "__main__"),
    "prints 100 MB": (
        "import jax\nprint('first')\nfor _ in range(100): print('x' * 10**6)\nprint('last')\n",
        "",
        "last",
    ),
    "nan without debug": ("import jax.numpy as jnp\nprint(jnp.log(-1.0))\n", "", "nan"),
    "loops": ("import jax\nwhile True: pass\n", "timeout", "time limit"),
    "sleeps with a child": (
        "import jax, subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600) # FOLDER'])\n"
        "while True: pass\n",
        "timeout",
        "time limit",
    ),
    "allocates 100 GB": (
        "import jax, numpy as np\nx = np.ones(10**11, np.uint8)\nprint(x.sum())\n",
        "out of memory",
        "Memory",
    ),
    "raises": ("import jax\nraise ValueError('on purpose')\n", "failed", "ValueError: on purpose"),
    "kills itself": ("import jax, os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n", "failed", "SIGKILL"),
    "exits with 3": ("import jax, sys\nsys.exit(3)\n", "failed", "exit code 3"),
    "wants a gpu": ("import jax\nprint(jax.devices('gpu'))\n", "device not available", "RuntimeError"),
    "branches on a tracer": (
        "import jax\n@jax.jit\ndef f(x):\n    return x if x > 0 else -x\nf(1.0)\n",
        "compilation failed",
        "TracerBool",
    ),
    "does not parse": ("import jax\nprint('a'\n", "failed", "SyntaxError"),
}


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """The results of a batch of 21 mixed scripts by name, their folder, and the processes that were there before."""
    folder = tmp_path_factory.mktemp("batch")
    for name, (text, _, _) in MIXED.items():
        (folder / f"{name}.py").write_text(text.replace("FOLDER", str(folder)))
    found = scripts.find_jax_scripts(folder)
    assert len(found) == len(MIXED) == 21
    results = run_scripts(found, Settings(timeout=20, jobs=2, memory_bytes=12 << 30), devices=CPU)
    return {Path(result["script"]).stem: result for result in results}, folder


@pytest.mark.parametrize("name", MIXED)
def test_each_of_21_mixed_scripts_gets_the_right_verdict(batch, name):
    result = batch[0][name]
    _, kind, shown = MIXED[name]
    assert (result["kind"], result["success"]) == (kind, not kind), result
    assert shown in (result["error"] if kind else result["stdout"])
    assert "\n" not in result["error"]
    assert result["device_used"] == "cpu"
    assert result["execution_time"] > 0


def test_no_process_of_the_batch_is_left(batch):
    left = []
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
        except psutil.Error:
            continue
        if str(batch[1]) in words:
            left.append(words)
    assert left == []


def test_what_is_printed_is_bounded_with_its_head_and_its_end(batch):
    text = batch[0]["prints 100 MB"]["stdout"]
    assert text.startswith("first\n")
    assert text.endswith("last\n")
    assert "[... cut ...]" in text
    assert len(text) <= 3 * KEPT_BYTES + 100


@pytest.mark.parametrize("holes", [True, False])
def test_a_long_stream_is_cut_while_it_is_written(tmp_path, monkeypatch, holes):
    # What was printed between the reading of the end and the cut was lost once.
    if not holes:
        monkeypatch.setattr(monitor, "_punch", lambda *arguments: False)
    path = tmp_path / "stdout"
    with path.open("ab", buffering=0) as file:
        file.write(b"first\n")
        for _ in range(3):
            file.write(b"x" * (monitor.CUT_BYTES + 1))
            monitor._cut(path)
            assert path.stat().st_blocks * 512 < 3 * KEPT_BYTES
            file.write(b"after\n")
        file.write(b"last\n")
    text = monitor.read_printed(path)
    assert text.startswith("first\n")
    assert text.endswith("xafter\nlast\n")
    assert len(text) <= 3 * KEPT_BYTES + 100


def test_what_a_script_raises_is_on_stderr_as_python_prints_it(batch):
    assert 'raises.py", line 2' in batch[0]["raises"]["stderr"]
    assert "SyntaxError" in batch[0]["does not parse"]["stderr"]


def test_files_that_a_script_writes_are_listed(batch):
    results, folder = batch
    assert results["writes files"]["output_files"] == [str(folder / "made.txt")]
    assert results["adds"]["output_files"] == []


def test_figures_of_a_script(batch):
    result = batch[0]["jits"]
    figures = result["performance_metrics"]
    assert figures["JAX_COMPILATION"] > 0
    assert figures["JAX_CACHE_HITS"] is None  # no compile cache was asked for
    assert figures["compilations"] >= 1
    assert 0 < result["jit_compile_time"] < result["execution_time"]
    assert result["peak_memory_mb"] > 50
    assert read_samples(Path("missing")) == []
    # The samples of a script that was killed are there too.
    assert len(batch[0]["loops"]["samples"]) > 50
    assert batch[0]["loops"]["peak_memory_mb"] > 50


def test_what_is_not_monitored_is_told_as_unknown(tmp_path):
    script = tmp_path / "one.py"
    script.write_text("import jax, jax.numpy as jnp\njax.jit(jnp.sin)(1.0)\n")
    config = runtime.load(None, {"monitoring": {"compilation": False, "memory": False}})
    (result,) = run_scripts([script], Settings(runtime=config), devices=CPU)
    assert result["success"]
    assert result["jit_compile_time"] is None
    figures = result["performance_metrics"]
    watched = ("JAX_COMPILATION", "JAX_CACHE_HITS", "JAX_MEMORY_POOL", "trace_ms")
    assert [figures[name] for name in watched] == [None] * 4


def test_benchmark_debug_and_profile(tmp_path):
    script = tmp_path / "two.py"
    script.write_text("import jax, jax.numpy as jnp\nprint(jax.jit(jnp.sin)(1.0))\n")
    result = scripts.execute_jax_script(script, "cpu", benchmark_runs=3, profile=True, check=True)
    benchmark = result["benchmark"]
    assert benchmark["runs"] == len(benchmark["times"]) == 3
    low, high = benchmark["confidence_interval"]
    assert low <= benchmark["mean_time"] <= high
    assert benchmark["min_time"] <= benchmark["median_time"]
    assert 0 < benchmark["memory_efficiency"] <= 1
    assert 0 <= benchmark["performance_stability"] <= 1
    assert result["stdout"].count("\n") == 1  # further runs print nothing
    assert list((tmp_path / "jax_profiling" / "traces" / "two").rglob("*.xplane.pb"))
    script.write_text("import jax.numpy as jnp\nprint(jnp.log(jnp.zeros(2)) * 0)\n")
    with pytest.raises(scripts.NumericalInstabilityError, match=r"two\.py: FloatingPointError"):
        scripts.execute_jax_script(script, debug=True, check=True)


def test_each_script_has_a_trace_of_its_own(tmp_path):
    """Two of one name; the second try of one of them is told apart from the other still."""
    made = []
    for folder, text in (("a", ""), ("b", "import os\nif not os.path.exists('tried'):\n    open('tried', 'w')\n")):
        script = tmp_path / folder / "one.py"
        script.parent.mkdir()
        text += "    raise RuntimeError('UNAVAILABLE: try again')\n" if text else ""
        script.write_text(f"import jax.numpy as jnp\n{text}print(jnp.sin(1.0))\n")
        made.append(script)
    results = run_scripts(made, Settings(profile=tmp_path / "traces"), devices=CPU)
    assert [result["attempts"] for result in results] == [1, 2]
    traces = {path.relative_to(tmp_path / "traces").parts[0] for path in tmp_path.rglob("*.xplane.pb")}
    assert traces == set(names_of(list(map(str, made))))


def test_a_missing_device_is_said_once_and_the_truth_is_kept(tmp_path):
    script = tmp_path / "one.py"
    script.write_text(GOOD)
    (result,) = run_scripts([script], Settings(device="tpu"), devices=CPU)
    assert result["success"]
    assert (result["device_requested"], result["device_used"]) == ("tpu", "cpu")
    assert result["warning"] == "no tpu here (found cpu); using cpu"
    with pytest.raises(UserError, match="device 'tpu': no tpu here"):
        run_scripts([script], Settings(device="tpu", fallback=False), devices=CPU)


def test_only_failures_that_may_go_away_are_tried_again(tmp_path):
    transient = tmp_path / "transient.py"
    transient.write_text(
        "import jax, pathlib\nmark = pathlib.Path('tried')\n"
        "if not mark.exists():\n    mark.touch()\n    raise RuntimeError('UNAVAILABLE: try again')\nprint('well')\n"
    )
    lasting = tmp_path / "lasting.py"
    lasting.write_text("import jax\nraise ValueError('always')\n")
    first, second = run_scripts([transient, lasting], Settings(jobs=2), devices=CPU)
    assert (first["success"], first["attempts"], first["stdout"]) == (True, 2, "well\n")
    assert (second["success"], second["attempts"]) == (False, 1)


def test_find_reads_syntax_trees(tmp_path):
    texts = {
        "a.py": "import jax\n",
        "b.py": "def f():\n    from jax.numpy import sin\n    return sin\n",
        "c.py": "# import jax\nprint('import jax')\n",
        "d.py": "import jaxtyping\n",
        "broken.py": "import jax\nprint(",
        "sub/e.py": "import jax.numpy as jnp\n",
        ".hidden/f.py": "import jax\n",
        "__pycache__/g.py": "import jax\n",
        "venv/pyvenv.cfg": "",
        "venv/lib/h.py": "import jax\n",
        "notes.txt": "import jax\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(text)

    def found(recursive):
        return [str(path.relative_to(tmp_path)) for path in scripts.find_jax_scripts(tmp_path, recursive)]

    assert found(True) == ["a.py", "b.py", "broken.py", "sub/e.py"]
    assert found(False) == ["a.py", "b.py", "broken.py"]
    assert scripts.find_jax_scripts(tmp_path / "a.py") == [tmp_path / "a.py"]
    with pytest.raises(UserError, match="no such file or folder"):
        scripts.find_jax_scripts(tmp_path / "nowhere")


def test_names_of_results_are_different():
    names = names_of(["a/x.py", "b/x.py", "y z.py"])
    assert names == ["a__x", "b__x", "y z"]


def test_devices_are_told():
    info = scripts.get_jax_device_info()
    cpu = next(one for one in info["available_devices"] if one["platform"] == "cpu")
    assert {*cpu} == {"name", "platform", "memory_gb", "compute_capability", "driver_version"}
    assert cpu["memory_gb"] > 0
    assert scripts.is_jax_available()


def test_a_folder_of_scripts_to_result_files_and_a_harvest(tmp_path):
    home = tmp_path / "scripts"
    home.mkdir()
    (home / "one.py").write_text(
        textwrap.dedent(
            '''
            import functools
            import jax
            import jax.numpy as jnp

            SCALE = 3.0

            @jax.jit
            def scaled(x):
                """a scaled sine"""
                return jnp.sin(x) * SCALE

            @functools.partial(jax.jit, static_argnames="power")
            def layer(params, x, *, power=2):
                return params["w"] @ x**power + params["b"][0]

            def loss(params, x):
                return jnp.sum(layer(params, x, power=3) ** 2)

            params = {"w": jnp.ones((2, 3)), "b": (jnp.zeros(2),)}
            step = jax.jit(jax.grad(loss))
            print(scaled(jnp.arange(4.0)), scaled(jnp.arange(4.0)), step(params, jnp.ones(3)))
            print(jax.jit(jnp.cos)(1.0), jax.jit(lambda key: jax.random.normal(key))(jax.random.key(0)))
            '''
        )
    )
    (home / "two.py").write_text("import jax\nprint(jax.jit(lambda x: x - 1)(4))\nraise SystemExit(2)\n")
    out, corpus = tmp_path / "out", tmp_path / "corpus"
    command = ["run", str(home), "--device", "cpu", "--jobs", "2", "--out", str(out), "--harvest", str(corpus)]
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 1, done.output
    assert "1 of 2 scripts succeeded" in done.output
    results = out / "jax_results"
    summary = json.loads((results / "jax_execution_results.json").read_text())
    assert (summary["scripts"], summary["succeeded"], summary["failed"]) == (2, 1, 1)
    assert json.loads((results / "jax_performance_metrics.json").read_text())["one"]["JAX_COMPILATION"] > 0
    assert json.loads((results / "script_results" / "two_result.json").read_text())["error"] == "exit code 2"
    assert "two.py: failed" in (results / "jax_execution_log.txt").read_text()
    assert json.loads((results / "jax_device_info.json").read_text())["available_devices"]
    assert json.loads((results / "jax_benchmark_results.json").read_text()) == {}
    rows = harvested(corpus)
    assert {row["operation"] for row in rows} >= {"scaled", "layer", "kernel"}
    assert {row["category"] for row in rows} == {"harvested"}
    assert all(row["verified"] for row in rows)
    (layer,) = (row for row in rows if row["operation"] == "layer")
    assert 'return layer({"b": (params_b_0,), "w": params_w}, x, power=3)' in layer["python_source"]
    # The same again adds nothing; another script adds its own.
    again = CliRunner().invoke(main, command)
    assert f"{len(rows)} rows, 0 of them new" in again.output
    (home / "three.py").write_text("import jax\nprint(jax.jit(lambda x: x * x / 3 + 7)(4.0))\n")
    CliRunner().invoke(main, command)
    assert len(harvested(corpus)) == len(rows) + 1
    checked = CliRunner().invoke(main, ["validate", str(corpus), "--trusted", "--out", str(tmp_path / "proof")])
    assert checked.exit_code == 0, checked.output


def harvested(corpus):
    import pyarrow.parquet as pq

    return [row for path in sorted(corpus.glob("data/*.parquet")) for row in pq.read_table(path).to_pylist()]


def test_run_jax_scripts_says_whether_all_succeeded(tmp_path, capsys):
    (tmp_path / "one.py").write_text(GOOD)
    assert scripts.run_jax_scripts(tmp_path, device="cpu", verbose=True)
    assert "one.py: ok" in capsys.readouterr().out
    assert (tmp_path / "jax_results" / "script_results" / "one_result.json").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "nowhere: no such file or folder"),
        (["."], "no JAX script here"),
        (["one.py", "--device", "all"], "a script runs on one device"),
        (["one.py", "--device", "abacus"], "abacus"),
        (["one.py", "--runtime", "missing.yaml"], "missing.yaml"),
    ],
)
def test_bad_input_is_one_line(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    if arguments[0] != ".":
        (tmp_path / "one.py").write_text(GOOD)
    done = CliRunner().invoke(main, ["run", *arguments])
    assert done.exit_code == 2
    assert done.output.startswith("jaxir: ")
    assert done.output.count("\n") == 1
    assert message in done.output


def test_a_long_text_whose_process_was_gone_before_the_monitor_looked(tmp_path):
    path = tmp_path / "out"
    path.write_bytes(b"a" * KEPT_BYTES + b"b" * KEPT_BYTES * 4 + b"c" * KEPT_BYTES)
    text = read_printed(path)
    assert text == "a" * KEPT_BYTES + "\n[... cut ...]\n" + "c" * KEPT_BYTES
    path.with_name(path.name + HEAD).write_bytes(b"head")
    assert read_printed(path).startswith("head\n[... cut ...]\nc")


@pytest.mark.slow
def test_examples_run_and_give_at_least_15_proved_pairs(tmp_path):
    corpus = tmp_path / "corpus"
    command = ["run", str(ROOT / "scripts" / "examples"), "--device", "cpu", "--jobs", "2", "--out", str(tmp_path)]
    done = CliRunner().invoke(main, [*command, "--harvest", str(corpus)])
    assert done.exit_code == 0, done.output
    rows = harvested(corpus)
    assert len({row["canonical_hash"] for row in rows}) == len(rows) >= 15
    checked = CliRunner().invoke(main, ["validate", str(corpus), "--out", str(tmp_path / "proof")])
    assert checked.exit_code == 0, checked.output
