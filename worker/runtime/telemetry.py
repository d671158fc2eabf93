"""Sends errors to Sentry and traces to OpenTelemetry; each only if a setting enables it.

Sentry gets what is logged as an error, redacted like all output about a remote, without local variables. A trace has a span for each piece
of work and each request; its trace id is derived from the correlation id, so that everything that results from one request is one trace
across processes.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from config.setting_faults import InvalidSettings
from config.settings import Settings
from worker.context import current_correlation, record_spans
from worker.domain.texts import blotted

OTLP_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def start(settings: Settings) -> None:
    """Start what the settings and the environment enable. Raises InvalidSettings if a package is missing or the DSN is invalid."""
    if settings.sentry_dsn:
        start_sentry(settings.sentry_dsn.get_secret_value(), secrets_of(settings))
    if any(os.environ.get(name) for name in OTLP_ENDPOINTS):
        start_tracing()


def secrets_of(settings: Settings) -> set[str]:
    """Return the secrets among the settings, including passwords in addresses and logins."""
    values = (getattr(settings, name) for name in type(settings).model_fields)
    secrets = {value.get_secret_value() for value in values if hasattr(value, "get_secret_value")}
    secrets |= {(urlsplit(value).password or "") if "://" in value else value.partition(":")[2] for value in secrets}
    # A DSN of Sentry has its key in place of a user name.
    secrets |= {urlsplit(value).username or "" for value in secrets if "://" in value and not urlsplit(value).password}
    # Very short secrets would also redact ordinary words.
    return {secret for secret in secrets if len(secret) > 4}


def start_sentry(dsn: str, secrets: Collection[str], *, transport: Any = None) -> None:
    """Send what is logged as an error from here on. `transport`: replaces HTTPS in tests."""
    try:
        import sentry_sdk  # noqa: PLC0415
        from sentry_sdk.integrations.logging import LoggingIntegration  # noqa: PLC0415
    except ImportError:
        raise _missing("SENTRY_DSN", "sentry") from None

    def scrubbed(event: Any, _hint: Any) -> Any:
        event.setdefault("tags", {})["correlation_id"] = current_correlation() or "none"
        return _scrubbed(event, secrets)

    try:
        sentry_sdk.init(
            dsn,
            # By default, Sentry also hooks into every library that it finds, and what those integrations send is not under our control.
            default_integrations=False,
            auto_enabling_integrations=False,
            integrations=[LoggingIntegration(level=None, event_level=logging.ERROR)],
            include_local_variables=False,
            include_source_context=False,
            max_breadcrumbs=0,
            before_send=scrubbed,
            transport=transport,
        )
    except ValueError:
        raise InvalidSettings(faults=("SENTRY_DSN is not a valid Sentry DSN.",)) from None


def start_tracing(*, exporter: Any = None) -> None:
    """Record spans from here on; the standard OTEL_* variables set the destination. `exporter`: replaces it in tests."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.id_generator import RandomIdGenerator  # noqa: PLC0415
        from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415
    except ImportError:
        raise _missing("OTEL_EXPORTER_OTLP_ENDPOINT", "otel") from None

    class OneTraceForEachRequest(RandomIdGenerator):
        """Derives the trace id from the correlation id, so that all processes add to one trace."""

        def generate_trace_id(self) -> int:
            correlation_id = current_correlation()
            digest = hashlib.sha256(correlation_id.encode()).digest()[:16]
            return int.from_bytes(digest, "big") if correlation_id else super().generate_trace_id()

        def is_trace_id_random(self) -> bool:
            return False

    os.environ.setdefault("OTEL_SERVICE_NAME", "wbs-sync")
    provider = TracerProvider(id_generator=OneTraceForEachRequest())
    provider.add_span_processor(SimpleSpanProcessor(exporter) if exporter else BatchSpanProcessor(OTLPSpanExporter()))
    tracer = provider.get_tracer("wbs-sync")

    @contextmanager
    def opened(name: str, facts: Mapping[str, str]) -> Iterator[None]:
        attributes = {**facts, "correlation_id": current_correlation()}
        with tracer.start_as_current_span(
            name, attributes=attributes, record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                yield
            except BaseException as error:
                # Only its class: the message may contain text from another system.
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    record_spans(opened)


def _scrubbed(value: Any, secrets: Collection[str]) -> Any:
    if isinstance(value, str):
        return blotted(value, secrets)
    if isinstance(value, Mapping):
        return {name: _scrubbed(part, secrets) for name, part in value.items()}
    return [_scrubbed(part, secrets) for part in value] if isinstance(value, list | tuple) else value


def _missing(setting: str, extra: str) -> InvalidSettings:
    return InvalidSettings(
        faults=(f"{setting} is set, but its packages are not installed: pip install 'wbs-sync[{extra}]'.",)
    )
