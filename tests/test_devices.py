"""Devices, runtime settings and what JAX says of itself: in real processes, since JAX reads each setting once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import ROOT, run_jaxir

from jaxir.errors import UserError
from jaxir.executor import runtime
from jaxir.executor.devices import CHOICES, Device, discover, probe, resolve


def device(platform: str, index: int = 0) -> Device:
    return Device(platform, index, f"a {platform}", platform, platform, 1 << 30, "", "")


CPU, GPU, GPU_2, TPU = device("cpu"), device("gpu"), device("gpu", 1), device("tpu")


def in_a_process(code: str, environment: Mapping[str, str] | None = None) -> Any:
    """What a fresh process prints as JSON, with the variables of this one without those of JAX."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JAX_", "XLA_"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)],
        env={**kept, "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu", **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# Discovery


def test_the_cpu_is_found_with_its_name_and_memory() -> None:
    found = [one for one in discover() if one.platform == "cpu"]
    assert [str(one) for one in found] == ["cpu:0"]
    assert found[0].runtime == "cpu"
    assert found[0].name
    assert found[0].memory_bytes is not None
    assert found[0].memory_bytes > 1 << 28


def test_virtual_devices_are_counted() -> None:
    config = runtime.RuntimeConfig(device=runtime.DeviceRules(virtual_cpu_devices=3))
    cpus = [one for one in discover(config.environment()) if one.platform == "cpu"]
    assert [one.index for one in cpus] == [0, 1, 2]


@pytest.mark.parametrize("named", ["cuda", "gpu,nonsense"])
def test_a_missing_platform_in_the_users_variable_does_no_harm(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAX_PLATFORMS", named)
    assert "cpu" in {one.platform for one in discover()}


def test_the_command_prints_a_table_and_json(tmp_path: Path) -> None:
    table = run_jaxir(["devices"], tmp_path)
    assert table.returncode == 0, table.stderr
    assert table.stdout.splitlines()[0].split()[:3] == ["device", "runtime", "name"]
    assert "cpu:0" in table.stdout
    done = run_jaxir(["devices", "--json"], tmp_path)
    names = {"platform", "index", "name", "kind", "runtime", "memory_bytes", "compute_capability", "driver_version"}
    listed = json.loads(done.stdout)
    assert listed
    assert all(set(one) == names for one in listed)


def test_a_device_that_tells_nothing_of_its_memory_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise RuntimeError("no allocator")

    client = SimpleNamespace(platform_version="PJRT C API")
    told = SimpleNamespace(client=client, memory_stats=refuse, device_kind="TPU v5")
    monkeypatch.setattr("jax.devices", lambda name: [told] if name == "tpu" else [])
    (found,) = probe()["devices"]
    assert (found["name"], found["memory_bytes"]) == ("TPU v5", None)


# Resolution


@pytest.mark.parametrize(
    ("wanted", "here", "used"),
    [
        ("auto", [CPU], "cpu"),
        ("auto", [CPU, GPU], "gpu"),
        ("auto", [CPU, GPU, TPU], "tpu"),
        ("cpu", [CPU, GPU], "cpu"),
        ("gpu", [CPU, GPU, TPU], "gpu"),
        ("all", [CPU, GPU], "gpu,cpu"),
        ("all", [CPU], "cpu"),
        ("all", [TPU, CPU, GPU], "tpu,gpu,cpu"),
    ],
)
def test_what_a_wish_becomes(wanted: str, here: list[Device], used: str) -> None:
    found = resolve(wanted, here)
    assert found.device_used == used
    assert found.warning == ""
    assert {one.platform for one in found.devices} == set(used.split(","))


def test_the_number_of_devices_is_limited_for_each_platform() -> None:
    assert resolve("gpu", [CPU, GPU, GPU_2]).devices == (GPU, GPU_2)
    assert resolve("all", [CPU, GPU, GPU_2], most=1).devices == (GPU, CPU)


@pytest.mark.parametrize("wanted", ["gpu", "tpu"])
def test_the_cpu_stands_in_and_the_record_says_so(wanted: str) -> None:
    found = resolve(wanted, [CPU])
    assert (found.wanted, found.device_used) == (wanted, "cpu")
    assert found.warning == f"no {wanted} here (found cpu); using cpu"


def test_without_fallback_a_missing_device_is_an_error_of_one_line() -> None:
    with pytest.raises(UserError, match=r"device 'tpu': no tpu here \(found gpu, cpu\); install") as caught:
        resolve("tpu", [CPU, GPU], fallback=False)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match="expected one of auto, cpu, gpu, tpu, all"):
        resolve("quantum", [CPU])
    assert CHOICES == ("auto", "cpu", "gpu", "tpu", "all")


# Settings


def test_the_file_of_the_package_says_what_the_classes_say() -> None:
    assert runtime.load() == runtime.RuntimeConfig()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("device: {memory_fracton: 0.5}", "unknown option `device.memory_fracton`; did you mean `memory_fraction`?"),
        ("devices: {}", "unknown option `devices`; did you mean `device`?"),
        ("device: {memory_fraction: 1.5}", "`device.memory_fraction`: should be less than or equal to 1, got 1.5"),
        ("device: {virtual_cpu_devices: 0}", "`device.virtual_cpu_devices`: should be greater than or equal to 1"),
        ("device: {backend: cuda}", "`device.backend`: should be 'auto', 'cpu', 'gpu', 'tpu' or 'all', got 'cuda'"),
        ("execution: {compile_cache_bytes: -1}", "`execution.compile_cache_bytes`: should be greater than"),
        ("execution: 3", "`execution`: "),
        ("device:", "`device`: "),
        ("device: cpu", "`device`: "),
        ("- 3", "expected a mapping of options, found list"),
    ],
)
def test_what_is_wrong_in_a_runtime_file_is_said_in_one_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        runtime.load(path, {"device": {"fallback": False}})
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_says_only_what_differs_and_the_command_line_wins(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("device: {backend: gpu, virtual_cpu_devices: 2}\nmonitoring: {memory: false}\n")
    config = runtime.load(path, {"device": {"backend": "cpu", "fallback": None}})
    assert config.device == runtime.DeviceRules(backend="cpu", virtual_cpu_devices=2)
    assert config.monitoring == runtime.Monitoring(memory=False)


@pytest.mark.parametrize("backend", ["auto", "gpu", "tpu", "all"])
def test_no_variable_names_a_platform_that_may_be_missing(backend: Any) -> None:
    config = runtime.RuntimeConfig(device=runtime.DeviceRules(backend=backend))
    assert "JAX_PLATFORMS" not in config.environment()
    assert config.environment("cpu")["JAX_PLATFORMS"] == "cpu"


SEEN = """
    import json, os
    {before}
    import jax
    print(json.dumps([jax.numpy.zeros(1, "float64" if jax.config.jax_enable_x64 else "float32").dtype.name,
                      len(jax.devices("cpu")), jax.config.jax_compilation_cache_dir,
                      jax.config.jax_compilation_cache_max_size, os.environ.get("XLA_CLIENT_MEM_FRACTION")]))
"""


def test_environment_and_apply_do_the_same(tmp_path: Path) -> None:
    values = {"execution": {"x64": True, "compile_cache": tmp_path / "cache", "compile_cache_bytes": 1_000_000}}
    config = runtime.load(None, {**values, "device": {"virtual_cpu_devices": 3, "memory_fraction": 0.25}})
    expected = ["float64", 3, str(tmp_path / "cache"), 1_000_000, "0.25"]
    assert in_a_process(SEEN.format(before=""), config.environment()) == expected
    path = tmp_path / "mine.yaml"
    path.write_text(
        f"execution: {{x64: true, compile_cache: {tmp_path / 'cache'}, compile_cache_bytes: 1000000}}\n"
        "device: {virtual_cpu_devices: 3, memory_fraction: 0.25}\n"
    )
    before = f"from pathlib import Path; from jaxir.executor import runtime; runtime.load(Path({str(path)!r})).apply()"
    assert in_a_process(SEEN.format(before=before)) == expected


def test_a_program_sees_no_more_devices_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {"device": {"virtual_cpu_devices": 3, "parallel_devices": 2}}
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "5,4,3")
    seen = """
        import json, os
        {before}
        import jax
        gpus = [os.environ["CUDA_VISIBLE_DEVICES"], os.environ["HIP_VISIBLE_DEVICES"]]
        print(json.dumps([len(jax.devices("cpu")), *gpus]))
    """
    assert in_a_process(seen.format(before=""), runtime.load(None, rules).environment()) == [2, "0,1", "5,4"]
    before = f"from jaxir.executor import runtime; runtime.load(None, {rules}).apply()"
    assert in_a_process(seen.format(before=before)) == [2, "0,1", "5,4"]


def test_settings_that_come_too_late_are_refused_and_those_that_hold_are_not() -> None:
    said = in_a_process(
        """
        import json
        import jax
        jax.devices()
        from jaxir.errors import UserError
        from jaxir.executor.runtime import DeviceRules, Execution, RuntimeConfig
        said = []
        late = {"virtual_cpu_devices": 2}, {"memory_fraction": 0.5}, {"preallocate": False}
        for rules in ({}, {"backend": "cpu"}, *late):
            try:
                RuntimeConfig(Execution(x64=True), DeviceRules(**rules)).apply()
                said.append(jax.config.jax_enable_x64)
            except UserError as error:
                said.append(str(error))
        print(json.dumps(said))
        """
    )
    assert said[:2] == [True, True]
    assert all("JAX has started in this process on cpu" in line and "apply()" in line for line in said[2:])


# Metrics

COMPILE = """
    import json
    import jax, jax.numpy as jnp
    from jaxir.executor.metrics import collect
    x = jnp.ones(3)
    with collect() as first:
        jax.jit(lambda x: jnp.linalg.norm(jax.jit(jnp.sin)(x)) * 3)(x)
    jax.clear_caches()
    with collect() as second:
        jax.jit(lambda x: jnp.linalg.norm(jax.jit(jnp.sin)(x)) * 3)(x)
    with collect() as idle:
        pass
    print(json.dumps([{**vars(m), "rate": m.cache_hit_rate} for m in (first, second, idle)]))
"""


def test_a_hit_of_the_compile_cache_is_no_compilation(tmp_path: Path) -> None:
    cached = runtime.load(None, {"execution": {"compile_cache": tmp_path / "cache"}})
    first, second, idle = in_a_process(COMPILE, cached.environment())
    assert (first["cache_hits"], first["rate"]) == (0, 0.0)
    assert first["cache_misses"] == first["compilations"] > 0
    assert first["compile_ms"] > 0 == first["retrieve_ms"]
    assert (second["cache_misses"], second["compilations"], second["rate"]) == (0, 0, 1.0)
    assert second["cache_hits"] == first["cache_misses"]
    assert second["retrieve_ms"] > 0 == second["compile_ms"]
    assert idle == {**dict.fromkeys(idle, 0), "memory": {}, "rate": None}
    # The next process finds them too.
    assert in_a_process(COMPILE, cached.environment())[0]["rate"] == 1.0


def test_without_a_cache_everything_is_compiled_and_nothing_is_a_rate() -> None:
    first, second, _ = in_a_process(COMPILE)
    assert first["rate"] is None
    assert second["rate"] is None
    assert first["compilations"] == second["compilations"] == 1
    assert first["lowerings"] == 1
    assert first["traces"] == 1
    assert first["memory"] == {}


def test_a_trace_inside_a_trace_counts_once() -> None:
    metrics, events = in_a_process(
        """
        import json, time
        import jax
        from jaxir.executor.metrics import collect
        raw = []
        listener = lambda event, duration_secs, **_: raw.append((event, duration_secs * 1e3))
        jax.monitoring.register_event_duration_secs_listener(listener)
        inner = jax.jit(lambda x: (time.sleep(0.1), x + 1)[1])
        x = jax.numpy.float32(1)
        raw.clear()
        with collect() as metrics:
            jax.jit(lambda x: inner(x) * 2).trace(x)
        jax.jit(lambda x: x + 3).trace(x)  # nobody listens any more
        print(json.dumps([vars(metrics), raw]))
        """
    )
    traces = [ms for event, ms in events if event.endswith("jaxpr_trace_duration")]
    assert len(traces) == 2
    assert metrics["traces"] == 1
    assert metrics["trace_ms"] == pytest.approx(traces[0])
    assert metrics["trace_ms"] >= 100


@pytest.mark.gpu
def test_a_gpu_is_found_with_what_is_known_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAX_PLATFORMS", raising=False)
    found = discover()
    best = resolve("auto", found)
    assert best.platforms == ("gpu",)
    gpu = best.devices[0]
    assert gpu.runtime in ("cuda", "rocm")
    assert gpu.memory_bytes is not None
    assert gpu.memory_bytes > 1 << 30
    assert gpu.name
    if gpu.runtime == "cuda":
        assert float(gpu.compute_capability) >= 5
        assert gpu.driver_version[0].isdigit()


@pytest.mark.gpu
def test_the_memory_pool_of_a_gpu_is_told() -> None:
    memory = in_a_process(
        """
        import json
        import jax
        from jaxir.executor.metrics import collect
        with collect() as metrics:
            x = jax.numpy.ones((1024, 1024)).block_until_ready()
        print(json.dumps([metrics.memory, jax.default_backend()]))
        """,
        {"JAX_PLATFORMS": "", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"},
    )
    assert memory[1] == "gpu"
    assert memory[0]["bytes_in_use"] >= 4 << 20
    assert memory[0]["peak_bytes_in_use"] >= memory[0]["bytes_in_use"]
