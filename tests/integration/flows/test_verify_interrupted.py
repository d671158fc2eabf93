"""An interrupted comparison still ends, with the findings of an uninterrupted one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from itertools import cycle
from typing import Any

import pytest

from tests.kit.commands import run_command
from tests.kit.ended import Ended
from tests.kit.installation import Installation
from tests.kit.waiting import lasts
from worker.clients.http import Answer, Transport
from worker.domain.findings import Verified
from worker.domain.problems import Cause
from worker.domain.wbs_codes import Project
from worker.reconcile import project_comparison
from worker.reconcile import verification as verification_module
from worker.reconcile.bill_drift import BillDrift
from worker.reconcile.bill_verdicts import InvoiceToCompare, ProjectInvoices, Verdict
from worker.reconcile.verification import STEP_SECONDS
from worker.store.gate import Precedence

pytestmark = pytest.mark.real

CODES = ("05-120.S", "05-310.S")
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "error_before", "value": 500},
    {"kind": "html", "value": 503},
    {"kind": "cut_before"},
    {"kind": "not_json"},
    {"kind": "echo", "value": 200},
    {"kind": "cut_after"},
)
"""A request that fails, a remote that is down, an answer that does not come or is cut, and a record that is not as published."""


class ProcessKilled(BaseException):
    """Ends the process."""


@pytest.fixture(scope="module")
def with_findings(branch: Installation) -> Installation:
    """Open an installation of two projects with differences in each: an Item, a bill, and a bill of an invoice that was withdrawn."""
    projects = [branch.new_project(f"33-{number}", CODES) for number in (1, 2)]
    invoices = [branch.new_invoice(each, (CODES[0], "900.00"), (CODES[1], "55.00")) for each in projects * 2]
    office = branch.reopened(project_ids=",".join(str(each.id) for each in projects))
    office.scan()
    office.export_all()
    office.netsuite.edit_bill_line(office.bill(invoices[0]).id, 1, Decimal("901.00"))
    office.procore.edit_invoice(invoices[1].id, origin_id=None, status="revise_and_resubmit")
    office.netsuite.edit_item(office.item(f"33-2-{CODES[0]}").id, isinactive=True)
    return office


@pytest.fixture(autouse=True)
def without_faults(with_findings: Installation) -> Iterator[None]:
    yield
    with_findings.clear_faults()


def kinds_and_keys(verified: Verified) -> list[tuple[str, str]]:
    assert verified.whole, (verified.unreadable, verified.not_compared)
    return sorted((finding.kind.value, finding.key) for finding in verified.findings)


def counted(verified: Verified) -> tuple[int, int, int, int]:
    return verified.codes, verified.invoices, verified.right, verified.explained


@pytest.mark.parametrize("remote", ["procore", "netsuite"])
def test_a_fault_at_each_request_in_turn_changes_nothing_of_the_result(
    with_findings: Installation, remote: str
) -> None:
    verification, faults = with_findings.container.verification, cycle(FAULTS)
    uninterrupted = verification.verify(full=True)
    assert len(uninterrupted.findings) == 3
    faults_hit = 0
    for place in range(200):
        with_findings.stage.faults(
            remote, [{**next(faults), "path": "/rest/|/services/rest/(record|query)", "skip": place, "times": 1}]
        )
        again = verification.verify(full=True)
        (rule,) = (with_findings.procore if remote == "procore" else with_findings.netsuite).faults.as_json()["rules"]
        assert (kinds_and_keys(again), counted(again)) == (kinds_and_keys(uninterrupted), counted(uninterrupted)), (
            f"a fault at request {place}"
        )
        if not rule["struck"]:
            break
        faults_hit += 1
    assert 10 < faults_hit < 199


class ProcessThatDies:
    """A process that dies at its n-th request to either remote."""

    def __init__(self, office: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        self._office = office
        self._left = 1_000_000
        send = Transport.send

        def send_or_die(transport: Transport, *args: Any, **options: Any) -> Answer:
            self._left -= 1
            if self._left <= 0:
                raise ProcessKilled
            return send(transport, *args, **options)

        monkeypatch.setattr(Transport, "send", send_or_die)

    def verify(self, *, dies_at: int = 1_000_000) -> Verified | None:
        """Return the result of a new process; None if it died."""
        self._left = dies_at
        ids = ",".join(str(each) for each in self._office.container.settings.project_ids)
        try:
            return self._office.reopened(project_ids=ids).container.verification.verify()
        except ProcessKilled:
            return None
        finally:
            self._left = 1_000_000


def test_a_process_that_dies_at_each_request_in_turn_changes_no_result(
    with_findings: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison continues in the next process and ends with the findings and counts of an undisturbed one."""
    uninterrupted = with_findings.container.verification.verify(full=True)
    process = ProcessThatDies(with_findings, monkeypatch)
    for place in range(1, 200):
        with_findings.container.verification.request(full=True)
        verified = process.verify(dies_at=place)
        if verified:
            break
        again = process.verify()
        assert again
        assert (kinds_and_keys(again), counted(again)) == (kinds_and_keys(uninterrupted), counted(uninterrupted)), (
            f"it died at request {place}"
        )
    assert 20 < place < 199


def test_processes_that_all_die_early_complete_a_comparison_together(
    with_findings: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has time for a quarter of the requests: it continues where the previous one died."""
    uninterrupted = with_findings.container.verification.verify(full=True)
    process, killed_count, verified = ProcessThatDies(with_findings, monkeypatch), 0, None
    with_findings.container.verification.request(full=True)
    while verified is None and killed_count < 50:
        verified, killed_count = process.verify(dies_at=10), killed_count + 1
    assert verified
    assert 2 < killed_count < 50
    assert (kinds_and_keys(verified), counted(verified)) == (kinds_and_keys(uninterrupted), counted(uninterrupted))


def test_a_record_that_can_never_be_read_is_named_and_the_rest_is_compared(with_findings: Installation) -> None:
    (invoice,) = [
        each
        for each in with_findings.procore.company.invoices.values()
        if each.project_id == with_findings.container.settings.project_ids[0]
    ][:1]
    with_findings.stage.faults("procore", [{"kind": "echo", "value": 200, "path": f"requisitions/{invoice.id}\\?"}])
    verified = with_findings.container.verification.verify(full=True)
    key = f"invoice:{invoice.project_id}:{invoice.id}"
    assert list(verified.not_compared) == [key]
    assert verified.not_compared[key].startswith(f"Invoice {invoice.invoice_number} of project 33-1 New Project: ")
    assert len(verified.findings) == 2, "those of the other records"
    last = with_findings.container.stores.verifications.last()
    assert last
    assert last.counts["not_compared"] == 1
    open_problem = f"verify:bill_with_other_lines:{key}"
    assert open_problem in with_findings.problems("verify:"), "it was not compared, so its problem stays"


def test_one_record_that_alone_brings_503_is_no_outage(with_findings: Installation) -> None:
    bill = next(
        iter(with_findings.container.ledger.invoices(with_findings.container.settings.project_ids[0]).values())
    ).remote_id
    with_findings.stage.faults("netsuite", [{"kind": "html", "value": 503, "path": f"vendorBill/{bill}\\?"}])
    assert len(with_findings.container.verification.verify(full=True).not_compared) == 1


def test_while_a_remote_is_down_the_comparison_waits_with_its_reason(with_findings: Installation) -> None:
    """It continues when the remote is back, and ends with the findings of an undisturbed one."""
    verification = with_findings.container.verification
    uninterrupted = kinds_and_keys(verification.verify(full=True))
    verification.request(full=True)
    with_findings.stage.faults("netsuite", [{"kind": "html", "value": 503}])
    waits = []
    for _ in range(400):
        step = verification.step()
        assert step
        waits.append(step.state.waits_for)
        if len({*waits}) > 1 and waits.count(waits[-1]) > 3:
            break
    assert "503" in waits[-1]
    state = with_findings.container.stores.verifications.current()
    assert state
    assert state.outages >= 1
    with_findings.clear_faults()
    assert kinds_and_keys(verification.verify()) == uninterrupted


def test_an_exhausted_limit_is_waited_for_and_shown(with_findings: Installation) -> None:
    container, verification = with_findings.container, with_findings.container.verification
    uninterrupted = kinds_and_keys(verification.verify(full=True))
    verification.request(full=True)
    begun = container.now()
    container.stores.procore_limits.block(3600)
    step = verification.step()
    assert step
    assert lasts(step.again_at or 0, 3600, begun=begun, now=container.now() + 3)
    assert "Procore" in step.state.waits_for
    requests = step.state.requests
    assert verification.step() == step, "nothing is tried before"
    assert step.state.requests == requests
    prefix = container.settings.redis_key_prefix
    container.redis.delete(f"{prefix}limits:procore")
    container.redis.hset(f"{prefix}verify:{step.state.id}:state", "waits_until", 0)
    assert kinds_and_keys(verification.verify()) == uninterrupted


def test_a_comparison_continues_over_as_many_hours_as_the_limit_requires(with_findings: Installation) -> None:
    """An hour takes a second here, and its limit is half of the requests of one project."""
    uninterrupted = kinds_and_keys(with_findings.container.verification.verify(full=True))
    with_findings.container.redis.delete(f"{with_findings.container.settings.redis_key_prefix}limits:procore")
    with_findings.procore.limiter.hour.resets_at = 0.0
    with_findings.stage.settings("procore", hourly_limit=12, hour_seconds=1.0)
    try:
        assert kinds_and_keys(with_findings.container.verification.verify(full=True)) == uninterrupted
    finally:
        with_findings.stage.settings("procore", hourly_limit=None, hour_seconds=3600.0)
        with_findings.container.redis.delete(f"{with_findings.container.settings.redis_key_prefix}limits:procore")


def test_all_requests_of_a_comparison_give_way_to_exports_and_scans(with_findings: Installation) -> None:
    sent = f"{with_findings.container.settings.redis_key_prefix}sent"
    before = with_findings.container.redis.hgetall(sent)
    with_findings.container.verification.verify(full=True)
    after = with_findings.container.redis.hgetall(sent)
    changed = {name.partition(":")[2] for name, count in after.items() if before.get(name) != count}
    assert changed == {Precedence.UPKEEP}


def test_a_second_request_joins_a_comparison_and_a_full_one_replaces_it(with_findings: Installation) -> None:
    """A further request, of either kind, joins the full one."""
    verification = with_findings.container.verification
    verification.verify()
    first, joined = verification.request()
    assert not joined
    assert verification.request() == (first, True)
    full, joined = verification.request(full=True)
    assert (full != first, joined) == (True, False)
    assert verification.request(full=True) == (full, True)
    assert verification.request() == (full, True)
    verification.verify()


# The command


@pytest.fixture
def call(with_findings: Installation) -> Callable[..., Ended]:
    """Run a `wbs-sync` command in this installation."""
    return partial(run_command, with_findings.container)


def test_ctrl_c_leaves_what_was_compared_and_status_shows_how_far_it_is(
    with_findings: Installation, call: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    uninterrupted = kinds_and_keys(with_findings.container.verification.verify(full=True))
    with monkeypatch.context() as patch:
        patch.setattr("worker.reconcile.bill_drift.BillDrift.duplicate_bills", interrupted_by_the_second)
        ended = call("verify", "--full")
    assert (ended.code, "the next `wbs-sync verify` continues from here" in ended.out + ended.err) == (130, True)
    state = with_findings.container.stores.verifications.current()
    assert state
    assert (state.projects, state.projects_done) == (2, 0)
    shown = call("status", "--json").json()["comparison"]
    assert (shown["id"], shown["projects"], shown["projects_done"], shown["full"]) == (state.id, 2, 0, True)
    assert shown["requests"]["procore"] > 0
    assert "Comparison in progress (verify): 0 of 2 projects, " in call("status").out
    mark = with_findings.mark()
    ended = call("verify", "--json")
    assert sorted((one["kind"], one["key"]) for one in ended.json()["findings"]) == uninterrupted
    assert ended.code == 1
    read = [entry["path"] for entry in with_findings.requests(mark) if "/vendorBill/" in entry["path"]]
    assert read == [], "the bills were read before"


def interrupted_by_the_second(*_: Any) -> Any:
    raise KeyboardInterrupt


def test_the_exit_code_says_that_not_everything_was_compared(with_findings: Installation) -> None:
    office = with_findings.reopened(project_ids=str(with_findings.new_project("33-9", CODES).id))
    office.scan()
    assert run_command(office.container, "verify").code == 0
    with_findings.stage.faults("procore", [{"kind": "echo", "value": 200, "path": "budget_line_items"}])
    ended = run_command(office.container, "verify")
    assert (ended.code, "1 not compared" in ended.out) == (3, True)
    assert "Not compared: Project 33-9 New Project: " in ended.out


def test_a_wait_for_the_limit_is_shown_with_its_end(with_findings: Installation, call: Callable[..., Ended]) -> None:
    with_findings.container.verification.request(full=True)
    with_findings.container.stores.procore_limits.block(3600)
    assert with_findings.container.verification.step()
    shown = call("status").text
    with_findings.container.redis.delete(f"{with_findings.container.settings.redis_key_prefix}limits:procore")
    assert "waiting until 20" in shown
    assert " UTC: Procore" in shown
    state = with_findings.container.stores.verifications.current()
    assert state
    with_findings.container.stores.verifications.resume(state.id)
    with_findings.container.verification.verify()


def test_what_a_step_writes_after_redis_was_emptied_is_no_comparison(with_findings: Installation) -> None:
    verifications = with_findings.container.stores.verifications
    verification_id, _ = verifications.begin(full=False)
    with_findings.container.redis.flushdb()
    verifications.open_projects(verification_id, [17])
    assert verifications.state(verification_id) is None


class Clock:
    """Replaces `time` in the comparison; its time passes only where a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_project_whose_lists_take_longer_than_a_step_is_compared(
    with_findings: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison ends after several steps with the same result."""
    verification, clock = with_findings.container.verification, Clock()
    uninterrupted = verification.verify(full=True)
    list_invoices, compare = BillDrift.list_invoices, BillDrift.compare

    def slow_list(self: BillDrift, project: Project) -> ProjectInvoices:
        clock.now += 1.5 * STEP_SECONDS
        return list_invoices(self, project)

    def slow_compare(self: BillDrift, invoice: InvoiceToCompare, problems: Mapping[str, Cause]) -> Verdict:
        clock.now += STEP_SECONDS
        return compare(self, invoice, problems)

    for module in (verification_module, project_comparison):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(verification_module, "PROJECTS_AT_ONCE", 1)
    monkeypatch.setattr(BillDrift, "list_invoices", slow_list)
    monkeypatch.setattr(BillDrift, "compare", slow_compare)
    verification_id, _ = verification.request(full=True)
    steps = 0
    while (step := verification.step()) and not step.state.ended and steps < 20:
        steps += 1
    assert step
    assert step.state.ended
    assert steps, "one step is not enough"
    result = verification.result(verification_id)
    assert (kinds_and_keys(result), counted(result)) == (kinds_and_keys(uninterrupted), counted(uninterrupted))
