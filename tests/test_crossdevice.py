"""The same rows on two virtual devices: no difference, and a table that says so."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from jaxir.analysis.corpus import open_corpus
from jaxir.analysis.payloads import payloads
from jaxir.executor import crossdevice
from jaxir.executor.compiled import Executable
from jaxir.executor.crossdevice import _OP, compare_devices
from jaxir.executor.devices import Device, discover
from jaxir.sample import ArraySpec

TWO = {"JAX_NUM_CPU_DEVICES": "2", "JAX_PLATFORMS": "cpu"}


def test_two_virtual_devices_give_the_same_bits_and_a_wrong_row_is_counted() -> None:
    devices = discover(TWO)
    assert [str(device) for device in devices] == ["cpu:0", "cpu:1"]
    rows = list(payloads(open_corpus(ROOT / "data" / "sample"), 4))
    rows[3] = rows[3] | {"stablehlo": rows[3]["stablehlo"].replace("stablehlo.", "stablehlo.no_", 1)}
    table = compare_devices(rows, devices, TWO, workers=2)
    assert list(table) == ["cpu:1"]
    counts = table["cpu:1"]
    assert (counts["rows"], counts["same_bits"], counts["agree"], counts["failed"]) == (3, 3, 3, 1)
    assert (counts["max_abs_error"], counts["hlo"]) == (0.0, {})


def test_a_forged_reply_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    good = {"hlo": {"add": 1}, "same_bits": True, "agrees": True, "max_abs_error": 0.0, "max_rel_error": 0.0}
    forged: list[Any] = [
        *(None, 1, "hlo", {}, {"hlo": {}}, good | {"hlo": 1}, good | {"hlo": {"add": "1"}}),
        *(good | {"hlo": {"add": 10**4000}}, good | {"same_bits": "yes"}, good | {"max_abs_error": "none"}),
    ]
    # A child that says what its row says.
    monkeypatch.setattr(crossdevice, "FUNCTION", "hostile.plain:echo")
    rows = [{"id": str(number), "cpu:0": good, "cpu:1": reply} for number, reply in enumerate([good, *forged])]
    devices = [Device("cpu", index, "", "cpu", "cpu", None, "", "") for index in range(2)]
    (counts,) = compare_devices(rows, devices, {}, workers=2).values()
    assert (counts["rows"], counts["failed"], counts["hlo"]) == (1, len(forged), {})


def test_ops_of_optimised_hlo_are_counted() -> None:
    row = next(payloads(open_corpus(ROOT / "data" / "sample"), 1))
    outputs = [ArraySpec.parse(text) for text in row["outputs"]]
    text = Executable(row["stablehlo"], outputs, options={}).hlo_text()
    counts = Counter(_OP.findall(text))
    assert counts["parameter"] >= len(row["inputs"])
    # Every line with an assignment is an op.
    assert counts.total() == sum(" = " in line for line in text.splitlines())


def test_the_command_prints_the_table(tmp_path: Path) -> None:
    config = tmp_path / "two.yaml"
    config.write_text("device:\n  virtual_cpu_devices: 2\n")
    command = [sys.executable, "-m", "jaxir", "validate", str(ROOT / "data" / "sample"), "--sample", "2"]
    command += [
        "--oracles",
        "interpreter,numpy",
        "--device",
        "all",
        "--runtime",
        str(config),
        "--out",
        str(tmp_path / "o"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "cpu:1 against cpu:0: 2 rows: 2 with the same bits" in done.stdout
