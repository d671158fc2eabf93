"""Both simulators start together, say how to connect to them, and stop on request."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from simulators.stage import Stage
from tests.unit.simulators.conftest import TIMEOUT

NAMES = {
    "PROCORE_BASE_URL",
    "PROCORE_AUTH_URL",
    "PROCORE_CLIENT_ID",
    "PROCORE_CLIENT_SECRET",
    "PROCORE_COMPANY_ID",
    "NETSUITE_ACCOUNT_ID",
    "NETSUITE_BASE_URL",
    "NETSUITE_CLIENT_ID",
    "NETSUITE_CERTIFICATE_ID",
    "NETSUITE_PRIVATE_KEY_FILE",
    "NETSUITE_SUBSIDIARY_ID",
    "NETSUITE_EXPENSE_ACCOUNT_ID",
    "NETSUITE_TAX_SCHEDULE_ID",
    "NETSUITE_RETAINAGE_ITEM_ID",
}


def test_a_stage_has_both_remotes_over_one_company(tmp_path: Path) -> None:
    with Stage.start(tmp_path, profile="test", concurrency_limit=3, latency=0.0) as stage:
        assert set(stage.env) == NAMES
        lines = (tmp_path / "simulators.env").read_text().splitlines()
        assert dict(line.split("=", 1) for line in lines) == stage.env
        assert Path(stage.env["NETSUITE_PRIVATE_KEY_FILE"]).stat().st_mode & 0o777 == 0o600
        assert stage.netsuite.settings.concurrency_limit == 3
        assert stage.netsuite.books is stage.procore.company.netsuite
        for remote, url in stage.urls.items():
            assert requests.get(f"{url}/_admin/health", timeout=TIMEOUT).json()["remote"] == remote
        stage.faults("netsuite", [{"kind": "empty", "value": 502}], seed=2)
        assert requests.get(f"{stage.urls['netsuite']}/x", timeout=TIMEOUT).status_code == 502
        assert [entry["fault"] for entry in stage.journal("netsuite")] == ["empty"]
        stage.settings("procore", maintenance=True)
        assert requests.get(f"{stage.urls['procore']}/x", timeout=TIMEOUT).status_code == 503


def test_a_remote_that_was_taken_down_returns_with_its_data(tmp_path: Path) -> None:
    """It comes back at the same address."""
    with Stage.start(tmp_path, profile="test") as stage:
        stage.netsuite.make_item("kept")
        health = f"{stage.urls['netsuite']}/_admin/health"
        stage.take_down("netsuite")
        with pytest.raises(requests.ConnectionError):
            requests.get(health, timeout=TIMEOUT)
        stage.bring_up("netsuite")
        assert requests.get(health, timeout=TIMEOUT).status_code == 200
        assert len(stage.netsuite.items_named("kept")) == 1


def test_a_setting_that_no_remote_has_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="colour"):
        Stage.start(tmp_path, profile="test", colour="red")


def test_the_command_prints_one_line_and_ends_on_sigterm(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "simulators", "--profile", "test", "--data-dir", str(tmp_path), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        env = json.loads(process.stdout.readline())
        assert set(env) == NAMES
        for address in (env["PROCORE_BASE_URL"], env["NETSUITE_BASE_URL"]):
            assert requests.get(f"{address}/_admin/health", timeout=TIMEOUT).json()["ok"] is True
        process.send_signal(signal.SIGTERM)
        assert process.wait(TIMEOUT) == 0
        assert process.stdout.read() == ""


def test_an_unknown_profile_is_reported_in_a_sentence(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "simulators", "--profile", "none", "--data-dir", str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("simulators: no profile")


def test_simulators_that_speak_tls_are_trusted_by_the_file_that_they_name(tmp_path: Path) -> None:
    with Stage.start(tmp_path, profile="test", tls="localhost") as stage:
        assert stage.env["PROCORE_BASE_URL"].startswith("https://localhost:")
        url = f"{stage.urls['netsuite']}/_admin/health"
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(url, timeout=TIMEOUT)
        assert requests.get(url, timeout=TIMEOUT, verify=stage.env["REQUESTS_CA_BUNDLE"]).json()["ok"] is True
        assert (tmp_path / "simulators-tls-key.pem").stat().st_mode & 0o777 == 0o600
