"""One correlation id from a request for work to every request to the remotes, through lanes, runs, threads and failed attempts."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.kit.company import BILL_PATH, ITEM_PATH
from tests.kit.installation import Installation
from worker.clients import http
from worker.context import correlated, current_correlation
from worker.domain.identities import InvoiceKey
from worker.domain.outcomes import OutcomeKind
from worker.domain.scopes import Remote
from worker.domain.work import Lane, RunKind

pytestmark = pytest.mark.real


class Written(logging.Handler):
    """Collects the writes to the remotes: the path, and the correlation id of the request."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.lines: list[tuple[str, str]] = []
        self.facts: list[dict[str, object]] = []

    def emit(self, record: logging.LogRecord) -> None:
        facts = record.__dict__["facts"]
        self.facts.append(facts)
        self.lines.append((facts["path"], current_correlation()))

    def of(self, path: str) -> list[str]:
        return [asked_by for written_path, asked_by in self.lines if written_path == path]


@pytest.fixture
def written() -> Iterator[Written]:
    handler, level = Written(), http.log.level
    http.log.addHandler(handler)
    http.log.setLevel(logging.INFO)
    yield handler
    http.log.setLevel(level)
    http.log.removeHandler(handler)


def asked(office: Installation) -> int:
    """Return how many pieces of work have their own correlation id in Redis."""
    return int(office.container.redis.hlen(office.redis_key("asked")))


def test_a_scan_passes_its_correlation_id_to_each_item(office: Installation, written: Written) -> None:
    project = office.new_project("31-900", ["01-100.S", "01-200.S", "01-300.S"])
    with correlated("portal-1"):
        run, _ = office.container.start_scan("portal", [project.id])
    assert run.correlation_id == "portal-1"
    office.work_off()
    assert written.of(ITEM_PATH) == ["portal-1"] * 3
    assert asked(office) == 0, "work of a run stores no id itself"
    with correlated("portal-2"):
        joined, _ = office.container.wbs_scan.request("portal", [project.id])
        office.container.wbs_scan.request("another", [project.id])
    assert joined.correlation_id == "portal-2"


def test_a_series_uses_the_correlation_id_of_the_request_of_each_item(office: Installation, written: Written) -> None:
    """A run without a correlation id uses its run id; a code that another app requested keeps the id of that request."""
    project = office.new_project("31-901", ["01-100.S", "01-200.S"])
    run, _ = office.container.start_scan("test", [project.id])
    for key in office.container.dispatch.next([Lane.SCANS]):
        office.container.work_on(key)
    [(first, *_)] = office.container.work.take(Lane.ITEMS, limit=1)
    with correlated("the-message"):
        outcomes = office.container.runner.run_series(first, may_continue=lambda: True)
        assert current_correlation() == "the-message"
    assert [one.kind for one in outcomes] == [OutcomeKind.CREATED] * 2
    assert written.of(ITEM_PATH) == ["the-message", run.id]
    assert run.correlation_id == run.id


def test_an_export_keeps_its_id_through_an_outage_and_into_its_threads(office: Installation, written: Written) -> None:
    project = office.new_project("31-902", ["01-100.S", "01-200.S"])
    invoice = office.new_invoice(project, ("01-100.S", "100.00"), ("01-200.S", "50.00"))
    key = str(InvoiceKey(project.id, invoice.id))
    office.container.stores.breakers.pause(Remote.NETSUITE, first=60)
    with correlated("portal-3"):
        office.export(invoice)
    assert written.lines == []
    office.container.dispatch.lift()
    office.work_off()
    assert written.of(ITEM_PATH) == ["portal-3"] * 2
    assert written.of(BILL_PATH) == ["portal-3"]
    assert office.container.work.waits_until(Lane.EXPORTS, key) is None
    office.settle()
    assert asked(office) == 0, "ended work stores no id"


def test_a_retry_has_its_own_correlation_id(office: Installation, written: Written) -> None:
    project = office.new_project(None, ["01-100.S"])
    office.scan(project.id)
    assert written.lines == []
    office.procore.renumber_project(project.id, "31-903")
    with correlated("retry-1"):
        office.container.retries.retry(list(office.problems(f"code:{project.id}")))
    office.work_off()
    assert written.of(ITEM_PATH) == ["retry-1"]
    scan = office.container.runs.current(RunKind.SCAN)
    assert scan
    assert scan.correlation_id != "retry-1"


def test_the_log_line_of_a_request_has_its_result_and_no_secret(
    office: Installation, written: Written, caplog: pytest.LogCaptureFixture
) -> None:
    project = office.new_project("31-904", ["01-100.S"])
    invoice = office.new_invoice(project, ("01-100.S", "100.00"))
    with caplog.at_level(logging.DEBUG, http.log.name):
        assert office.export(invoice).remote_id
    logged = next(facts for facts in written.facts if facts["path"] == BILL_PATH)
    assert {name: logged[name] for name in ("remote", "method", "answer")} == {
        "remote": "netsuite", "method": "POST", "answer": "204",
    }  # fmt: skip
    assert isinstance(logged["seconds"], float)
    reads = [record for record in caplog.records if record.levelno == logging.DEBUG]
    assert {"GET", "POST"} <= {record.__dict__["facts"]["method"] for record in reads}, "reads are logged at DEBUG"
    lines = " ".join(record.getMessage() + str(record.__dict__["facts"]) for record in caplog.records)
    assert "?" not in lines
    tokens = [
        value
        for key in office.container.redis.scan_iter(office.redis_key("token:*"))
        if (value := office.container.redis.get(key))
    ]
    assert tokens
    assert not any(token in lines for token in tokens)
    assert office.container.settings.procore_client_secret.get_secret_value() not in lines
