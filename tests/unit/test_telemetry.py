"""Sentry and traces: off by default, an error message if they are requested and not installed, and no secret in their data."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import sentry_sdk
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import StatusCode
from sentry_sdk.transport import Transport

from config.loading import load_settings
from config.setting_faults import InvalidSettings
from config.settings import Settings
from worker.app import build_container
from worker.context import correlated, record_spans, span
from worker.runtime import telemetry

DSN = "https://a-key-of-sentry@sentry.example/1"
SECRETS = {
    "redis_url": "redis://:password-canary@127.0.0.1:1/0",
    "procore_client_secret": "client-secret canary",
    "flower_basic_auth": "someone:flower-canary",
}


def settings(tmp_path: Path, **more: str) -> Settings:
    key = tmp_path / "key.pem"
    key.write_text("not used here")
    required = {"procore_client_id": "an-app", "procore_company_id": "7", "netsuite_account_id": "1234567"}
    required |= {"netsuite_client_id": "an-integration", "netsuite_certificate_id": "a-certificate"}
    return load_settings(_env_file=None, netsuite_private_key_file=key, **required, **SECRETS, **more)


class Kept(Transport):
    """Keeps the events that would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[dict[str, Any]] = []

    def capture_envelope(self, envelope: Any) -> None:
        self.sent += [event for item in envelope.items if (event := item.get_event())]


@pytest.fixture
def transport() -> Iterator[Kept]:
    kept = Kept()
    yield kept
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


def test_an_error_is_reported_redacted_and_with_its_correlation_id(tmp_path: Path, transport: Kept) -> None:
    secrets = telemetry.secrets_of(settings(tmp_path))
    telemetry.start_sentry(DSN, secrets, transport=transport)
    log = logging.getLogger("worker.test_telemetry")
    with correlated("scan-842763e1cb"):
        local = "a-local-canary"
        try:
            raise ValueError("Bearer token-canary and client-secret+canary and password-canary", len(local))
        except ValueError:
            log.exception(
                "%s eyJhbGciOi.canary failed",
                "client-secret canary",
                extra={"data": ["password-canary", {"a": "flower-canary"}]},
            )
    log.warning("no error, so it is not told")
    [event] = transport.sent
    assert event["tags"]["correlation_id"] == "scan-842763e1cb"
    assert event["exception"]["values"][0]["type"] == "ValueError"
    text = json.dumps(event)
    assert "failed" in text
    assert "canary" not in text.replace("test_telemetry", "")
    assert "breadcrumbs" not in event or not event["breadcrumbs"]["values"]


class Exported(SpanExporter):
    """Keeps the spans that would be sent."""

    def __init__(self) -> None:
        self.spans: list[Any] = []

    def export(self, spans: Any) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


@pytest.fixture
def exported() -> Iterator[Exported]:
    kept = Exported()
    telemetry.start_tracing(exporter=kept)
    yield kept
    record_spans(None)


def test_everything_that_one_request_causes_is_one_trace_in_any_process(exported: Exported) -> None:
    for asked_by in ("scan-1", "scan-2", "scan-1"):
        with correlated(asked_by), span("create Item", work="code:7:1"), span("netsuite POST", path="/a"):
            pass
    with span("scan", work="scan:7"):
        pass
    traces = [one.context.trace_id for one in exported.spans]
    assert traces[0] == traces[1] == traces[4] == traces[5]
    assert len(set(traces)) == 3, "work without a request is a separate trace"
    inner, outer = exported.spans[:2]
    assert (inner.name, outer.name, inner.parent.span_id) == ("netsuite POST", "create Item", outer.context.span_id)
    assert dict(outer.attributes) == {"work": "code:7:1", "correlation_id": "scan-1"}


def test_the_span_of_a_failure_has_the_class_of_the_error_only(exported: Exported) -> None:
    with pytest.raises(ValueError, match="canary"), span("create Item"):
        raise ValueError("a-canary")
    [failed] = exported.spans
    assert (failed.status.status_code, failed.status.description) == (StatusCode.ERROR, "ValueError")
    assert "canary" not in failed.to_json()


def test_without_a_setting_neither_is_even_loaded() -> None:
    """In a separate process: here both are loaded already."""
    code = (
        "import sys, os; from unittest import mock; from worker.runtime import telemetry\n"
        "telemetry.start(mock.Mock(sentry_dsn=None))\n"
        "assert not {'sentry_sdk', 'opentelemetry'} & set(sys.modules)"
    )
    env = {"PATH": ""}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2], env=env, timeout=60)


@pytest.mark.parametrize(
    ("hidden", "asked_for", "variables", "sentence"),
    [
        ("sentry_sdk", {"sentry_dsn": DSN}, {}, "SENTRY_DSN is set, but its packages are not installed: pip install 'wbs-sync[sentry]'."),
        ("opentelemetry.exporter.otlp.proto.http.trace_exporter", {}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"},
         "OTEL_EXPORTER_OTLP_ENDPOINT is set, but its packages are not installed: pip install 'wbs-sync[otel]'."),
    ],
)  # fmt: skip
def test_a_worker_ends_with_a_sentence_when_the_extra_is_not_installed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    hidden: str,
    asked_for: dict[str, str],
    variables: dict[str, str],
    sentence: str,
) -> None:
    monkeypatch.setitem(sys.modules, hidden, None)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with (
        mock.patch("worker.app.settings_or_exit", return_value=settings(tmp_path, **asked_for)),
        pytest.raises(SystemExit) as ended,
    ):
        build_container()
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"wbs-sync: {sentence}\n"


def test_an_invalid_dsn_is_reported_without_its_value(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as refused:
        telemetry.start(settings(tmp_path, sentry_dsn="a-canary"))
    assert refused.value.faults == ("SENTRY_DSN is not a valid Sentry DSN.",)
