"""The MCP server, asked by the SDK's own client over real standard input and output."""

import subprocess
import sys

import anyio
import pytest
from mcp import Client, StdioServerParameters

TOOLS = {
    "run_jax_scripts",
    "check_jax_availability",
    "monitor_jax_performance",
    "benchmark_jax_script",
    "extract_ir",
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """Names of the tools, then what each answers, all in one session; and the folder of the scripts."""
    folder = tmp_path_factory.mktemp("scripts")
    (folder / "double.py").write_text(
        "import jax, jax.numpy as jnp\n\n\n@jax.jit\ndef double(x):\n    return jnp.tanh(x) * 2\n\n\n"
        "print(double(jnp.arange(3.0)))\n"
    )
    (folder / "noisy.py").write_text("import jax\nprint('not the protocol' * 1000)\nraise ValueError('no')\n")
    script = str(folder / "double.py")
    calls = {
        "run": ("run_jax_scripts", {"path": str(folder), "device": "cpu", "jobs": 2}),
        "check": ("check_jax_availability", {"device": "cpu"}),
        "missing": ("check_jax_availability", {"device": "tpu"}),
        "monitor": ("monitor_jax_performance", {"script": script, "device": "cpu"}),
        "benchmark": ("benchmark_jax_script", {"script": script, "device": "cpu", "runs": 2}),
        "extract": ("extract_ir", {"file": script, "function": "double", "arguments": ["float32[4]"]}),
        "nowhere": ("extract_ir", {"file": "nowhere.py", "function": "f", "arguments": []}),
    }

    async def ask():
        server = StdioServerParameters(command=sys.executable, args=["-m", "jaxir", "mcp"])
        async with Client(server) as client:
            names = {tool.name for tool in (await client.list_tools()).tools}
            return names, {name: await client.call_tool(*call) for name, call in calls.items()}

    return *anyio.run(ask), folder


def test_tools_are_listed(answers):
    assert answers[0] == TOOLS


def test_scripts_are_run(answers):
    result = answers[1]["run"].structured_content
    assert [one["success"] for one in result["results"]] == [True, False]
    assert not result["success"]
    assert result["results"][1]["error"] == "ValueError: no"
    assert (answers[2] / "jax_results" / "jax_execution_results.json").exists()


def test_availability(answers):
    assert answers[1]["check"].structured_content["available"]
    assert answers[1]["check"].structured_content["available_devices"]
    assert not answers[1]["missing"].structured_content["available"]


def test_figures_and_benchmark(answers):
    assert answers[1]["monitor"].structured_content["performance_metrics"]["JAX_COMPILATION"] > 0
    assert answers[1]["benchmark"].structured_content["benchmark"]["runs"] == 2


def test_ir_is_extracted(answers):
    record = answers[1]["extract"].structured_content
    assert "stablehlo.tanh" in record["stablehlo"]
    assert record["signature"] == "double(x: float32[4]) -> float32[4]"


def test_a_mistake_is_an_error_with_its_reason(answers):
    assert answers[1]["nowhere"].is_error
    assert "nowhere.py: no such file" in answers[1]["nowhere"].content[0].text


def test_without_the_package_it_is_said_in_one_line(tmp_path):
    (tmp_path / "mcp").mkdir()
    (tmp_path / "mcp" / "__init__.py").write_text("raise ImportError('none')\n")
    done = subprocess.run(
        [sys.executable, "-m", "jaxir", "mcp"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "jaxir: the MCP server needs the package mcp, version 2; pip install 'jaxir[mcp]'\n"
