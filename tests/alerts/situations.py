"""The situation of each alert: how it begins, and how it ends."""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from celery import Celery

from simulators.company.billing import Invoice
from simulators.company.model import Project
from tests.alerts.scene import BEAT, RECEIVER, SCRAPE_SECONDS, Scene
from tests.kit.waiting import eventually
from worker.domain.outcomes import OutcomeKind
from worker.domain.work import Lane

CODE = "05-120.S"
NUMBER = "26-900"
Step = Callable[[Scene], None]


@dataclass(frozen=True)
class Situation:
    """One alert's. `played`: the sentence that says what happens; `ended`: how it ends; `step`: seconds between two scrapes."""

    alert: str
    played: str
    ended: str
    begin: Step
    end: Step
    step: float = SCRAPE_SECONDS


def new_project(scene: Scene, **settings: Any) -> Project:
    """Create a project with one budgeted code, which is the whole company from here on."""
    project = scene.office.new_project(NUMBER, [CODE])
    scene.only(project, **settings)
    return project


def approved(scene: Scene, **fields: Any) -> Invoice:
    """Create an approved invoice of a project whose Items exist."""
    project = new_project(scene)
    scene.office.scan(project.id)
    scene.invoice = scene.office.new_invoice(project, (CODE, "900.00"), **fields)
    return scene.invoice


def the_invoice(scene: Scene) -> Invoice:
    """Return the only invoice of the situation."""
    assert scene.invoice
    return scene.invoice


def netsuite_is_down(scene: Scene) -> None:
    scene.office.stage.faults("netsuite", [{"kind": "error_before", "value": 503}])


def goes_on(scene: Scene) -> None:
    """Do all work that is due, as workers do."""
    scene.office.work_off()


def netsuite_recovers(scene: Scene) -> None:
    scene.office.clear_faults()
    scene.meanwhile = goes_on


# The installation itself


def the_job_is_taken_out(scene: Scene) -> None:
    scene.has_target = False


def the_job_is_put_back(scene: Scene) -> None:
    scene.has_target = True


def everything_stops(scene: Scene) -> None:
    scene.stop(*list(scene.running))


def everything_starts(scene: Scene) -> None:
    scene.start("items", "invoices", BEAT)


def one_of_two_hangs(scene: Scene) -> None:
    scene.start("invoices2")
    scene.wait(SCRAPE_SECONDS)
    scene.hang("invoices")


def a_worker_ends(scene: Scene) -> None:
    scene.stop("invoices")


def it_starts_again(scene: Scene) -> None:
    scene.start("invoices")


def redis_stops(scene: Scene) -> None:
    scene.server.stop()


def redis_starts(scene: Scene) -> None:
    scene.start_server()


def a_message_that_nobody_fetches(scene: Scene) -> None:
    """Enqueue a message as docs/enqueue.md describes it, for a queue without a worker."""
    app = Celery(broker=scene.server.url, set_as_current=False)
    app.conf.broker_transport_options = {"global_keyprefix": scene.key("")}
    with app.connection_for_write() as connection:
        ids = {"project_id": 7, "invoice_id": 8}
        app.send_task("invoices.export", kwargs=ids, queue="exports", ignore_result=True, connection=connection)


def the_message_is_fetched(scene: Scene) -> None:
    assert scene.office.container.redis.rpop(scene.key("exports"))


# Webhooks


def the_receiver_stops(scene: Scene) -> None:
    scene.start(RECEIVER)
    scene.wait(SCRAPE_SECONDS)
    scene.stop(RECEIVER)


def the_receiver_starts(scene: Scene) -> None:
    scene.start(RECEIVER)


def another_header_comes(scene: Scene) -> None:
    scene.start(RECEIVER)
    counts = scene.office.container.stores.webhook_counts
    scene.meanwhile = lambda _: counts.add("unauthorized")


def the_right_header_comes(scene: Scene) -> None:
    counts = scene.office.container.stores.webhook_counts
    scene.meanwhile = lambda _: counts.add("accepted")


# Remotes


def bills_while_netsuite_is_down(scene: Scene) -> None:
    approved(scene)
    netsuite_is_down(scene)
    scene.office.container.start_export("test")
    scene.meanwhile = goes_on


def netsuite_recovers_every_nine_minutes(scene: Scene) -> None:
    """Take NetSuite down for six and a half minutes and up for two and a half, in turns, with a new invoice each time."""
    invoice = approved(scene)
    project = scene.office.procore.company.projects[invoice.project_id]
    began, rounds = scene.clock.now, 0

    def flaps(scene: Scene) -> None:
        nonlocal rounds
        number, seconds = divmod(scene.clock.now - began, 540)
        scene.office.clear_faults() if seconds >= 390 else netsuite_is_down(scene)
        if number >= rounds:
            rounds += 1
            scene.office.new_invoice(project, (CODE, "70.00"), invoice_number=f"F-{rounds}")
            scene.office.container.start_export("test")
        scene.office.work_off()
        assert not scene.prometheus.fires("WbsSyncRemotePaused"), "it recovers before that alert fires"

    scene.meanwhile = flaps


def a_certificate_that_ends_soon(scene: Scene) -> None:
    scene.settings(netsuite_certificate_expires=_day(scene, 20))


def a_new_certificate(scene: Scene) -> None:
    scene.settings(netsuite_certificate_expires=_day(scene, 700))


def _day(scene: Scene, days: int) -> date:
    return (datetime.fromtimestamp(scene.clock.now, UTC) + timedelta(days=days)).date()


def the_hour_is_used_up(scene: Scene) -> None:
    reset = scene.clock.now + 55 * 60
    headers = {"X-Rate-Limit-Limit": "3600", "X-Rate-Limit-Remaining": "9", "X-Rate-Limit-Reset": f"{reset:.0f}"}
    scene.office.container.stores.procore_limits.observe(headers, sent_at=scene.clock.now)


def the_hour_ends(scene: Scene) -> None:
    scene.seconds_until(lambda: scene.office.container.stores.procore_limits.windows()[0].left == 3600, 60)


# Redis and the disk


def a_save_fails(scene: Scene) -> None:
    """Make a save fail as on a full disk: the server cannot open a new file."""
    redis = scene.office.container.redis
    redis.ping()
    before = resource.prlimit(scene.server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(scene.server.pid, resource.RLIMIT_NOFILE, (3, before[1]))
    try:
        redis.bgsave()
        eventually(lambda: redis.info("persistence")["rdb_last_bgsave_status"] == "err")
    finally:
        resource.prlimit(scene.server.pid, resource.RLIMIT_NOFILE, before)


def a_save_succeeds(scene: Scene) -> None:
    redis = scene.office.container.redis
    redis.bgsave()
    eventually(lambda: redis.info("persistence")["rdb_last_bgsave_status"] == "ok")


def little_memory(scene: Scene) -> None:
    redis = scene.office.container.redis
    redis.config_set("maxmemory", int(redis.info("memory")["used_memory"] * 1.15))


def much_memory(scene: Scene) -> None:
    scene.office.container.redis.config_set("maxmemory", 0)


def free_space(size: int) -> Step:
    def show(scene: Scene) -> None:
        scene.free_bytes = size

    return show


# The ledger and its records


def redis_is_emptied(scene: Scene) -> None:
    redis = scene.office.container.redis
    redis.delete(*redis.keys(f"{scene.key('')}*"))


def it_is_rebuilt(scene: Scene) -> None:
    scene.settings()
    scene.office.container.recovery.ensure_ledger()


def a_bill_whose_answer_is_lost(scene: Scene) -> None:
    """Let NetSuite accept the bill after the connection has timed out, and respond to nothing afterwards."""
    invoice = approved(scene)
    scene.settings(netsuite_read_timeout_seconds=5)
    scene.office.stage.faults("netsuite", [{"kind": "hold", "method": "POST", "path": "vendorBill", "value": 120}])
    assert scene.office.export(invoice).kind is OutcomeKind.UNKNOWN
    netsuite_is_down(scene)
    scene.meanwhile = goes_on
    eventually(lambda: scene.office.bills(invoice))


def two_items_of_one_name(scene: Scene) -> None:
    project = new_project(scene)
    for name in (f"{NUMBER}-{CODE}", f"{NUMBER}-{CODE}".lower()):
        scene.office.netsuite.make_item(name)
    scene.office.stage.settings("netsuite", suiteql_case_insensitive=True)
    scene.office.scan(project.id)


def one_of_them_is_deleted(scene: Scene) -> None:
    scene.office.netsuite.items.remove(scene.office.items(f"{NUMBER}-{CODE}")[1].id)
    scene.office.retry()


def a_vendor_that_netsuite_does_not_know(scene: Scene) -> None:
    scene.office.export(approved(scene, vendor="Peak Painting and Coatings"))


def the_vendor_is_created(scene: Scene) -> None:
    scene.office.new_vendor("Peak Painting and Coatings")
    scene.office.retry()


def codes_whose_turn_does_not_come(scene: Scene) -> None:
    project = new_project(scene)
    scene.office.container.start_scan("test", (project.id,))
    scene.office.work_off(Lane.SCANS)


def invoices_whose_turn_does_not_come(scene: Scene) -> None:
    approved(scene)
    scene.office.container.start_export("test")
    scene.office.work_off(Lane.LISTINGS)


def their_turn_comes(scene: Scene) -> None:
    scene.office.work_off()


def an_invoice_that_procore_does_not_show(scene: Scene) -> None:
    invoice = approved(scene)
    path = f"/requisitions/{invoice.id}"
    scene.office.stage.faults("procore", [{"kind": "error_before", "value": 500, "path": path}])
    scene.office.export(invoice)
    scene.meanwhile = goes_on


def it_is_shown(scene: Scene) -> None:
    scene.office.clear_faults()
    scene.office.retry()


def a_write_back_that_is_refused(scene: Scene) -> None:
    invoice = approved(scene)
    scene.office.stage.settings("procore", patch_forbidden=True)
    scene.office.export(invoice)


def the_permission_is_given(scene: Scene) -> None:
    scene.office.stage.settings("procore", patch_forbidden=False)
    scene.office.export_all()
    scene.meanwhile = goes_on


def all_slots_are_in_use(scene: Scene) -> None:
    """Let other workers use all slots for longer than the alert takes."""
    redis = scene.office.container.redis
    ends = (scene.clock.now + 86_400) * 1000
    redis.zadd(scene.key("gate"), {f"slot-{number}": ends for number in range(4)})
    redis.zadd(scene.key("gate:waiting:export"), {"waits": ends})


def the_slots_come_back(scene: Scene) -> None:
    scene.office.container.redis.delete(scene.key("gate"), scene.key("gate:waiting:export"))


# Runs


def a_scan_that_nobody_starts(scene: Scene) -> None:
    new_project(scene, scan_cron="0 * * * *")
    a_scan_of_all(scene)


def a_scan_of_all(scene: Scene) -> None:
    scene.office.container.start_scan("schedule")
    scene.office.work_off()


def no_schedule(scene: Scene) -> None:
    a_schedule(scene)
    scene.wait(60)
    scene.settings(scan_cron="", export_cron="")


def a_schedule(scene: Scene) -> None:
    scene.settings(scan_cron="0 * * * *", export_cron="15 * * * *")


def a_scan_that_does_not_end(scene: Scene) -> None:
    new_project(scene)
    scene.office.container.start_scan("test")


def a_bill_that_somebody_changes(scene: Scene) -> None:
    invoice = approved(scene)
    scene.office.export(invoice)
    scene.office.netsuite.edit_bill(scene.office.bill(invoice).id, tranid="BY-HAND-7")
    scene.office.container.verification.verify()


def it_is_changed_back(scene: Scene) -> None:
    invoice = the_invoice(scene)
    scene.office.netsuite.edit_bill(scene.office.bill(invoice).id, tranid=invoice.invoice_number)
    scene.office.container.verification.verify()


SITUATIONS = [
    Situation("WbsSyncMetricsUnavailable", "Redis stops, so the endpoint answers 503", "Redis starts", redis_stops, redis_starts, 60),
    Situation("WbsSyncMetricsMissing", "the job is taken out of Prometheus' configuration", "it is put back", the_job_is_taken_out, the_job_is_put_back, 60),
    Situation("WbsSyncNoActiveWorkers", "both workers and beat stop", "they start", everything_stops, everything_starts),
    Situation("WbsSyncQueueWithoutWorker", "the worker `invoices` ends", "it starts again", a_worker_ends, it_starts_again),
    Situation("WbsSyncProcessSilent", "one of two workers `invoices` hangs", "it is started again", one_of_two_hangs, it_starts_again),
    Situation("WbsSyncQueueBacklog", "another application enqueues an export, and no worker fetches it", "it is fetched", a_message_that_nobody_fetches, the_message_is_fetched, 60),
    Situation("WbsSyncWebhookReceiverDown", "the receiver of webhooks ends", "it starts", the_receiver_stops, the_receiver_starts),
    Situation("WbsSyncWebhooksRefused", "each webhook carries another header than WEBHOOK_AUTHORIZATION", "they carry the right one", another_header_comes, the_right_header_comes),
    Situation("WbsSyncRemotePaused", "NetSuite answers 503 to everything while a bill is due", "it answers", bills_while_netsuite_is_down, netsuite_recovers, 30),
    Situation("WbsSyncRemoteUnstable", "NetSuite answers 503 and recovers once every 9 minutes", "it answers", netsuite_recovers_every_nine_minutes, netsuite_recovers, 60),
    Situation("WbsSyncCertificateExpires", "the certificate ends in 20 days", "NETSUITE_CERTIFICATE_EXPIRES names the end of a new one", a_certificate_that_ends_soon, a_new_certificate, 300),
    Situation("WbsSyncRedisNotSaving", "a save of Redis fails", "the next one succeeds", a_save_fails, a_save_succeeds),
    Situation("WbsSyncRedisNearlyFull", "Redis uses 87 % of maxmemory", "maxmemory is raised", little_memory, much_memory),
    Situation("WbsSyncDiskNearlyFull", "0.5 GB free on the disk of DATA_DIR", "there is room", free_space(500_000_000), free_space(50_000_000_000)),
    Situation("WbsSyncLedgerClosed", "Redis is emptied", "the ledger is rebuilt from NetSuite", redis_is_emptied, it_is_rebuilt, 60),
    Situation("WbsSyncUnconfirmedWrite", "NetSuite takes a bill without an answer in time, and answers 503 to everything afterwards", "it answers", a_bill_whose_answer_is_lost, netsuite_recovers, 120),
    Situation("WbsSyncDuplicateRecords", "a scan finds two Items of one code's name", "one is deleted, `wbs-sync problems retry`", two_items_of_one_name, one_of_them_is_deleted),
    Situation("WbsSyncStuckRecords", "Procore answers 500 for one invoice until its attempts are used up", "it shows the invoice, `wbs-sync problems retry`", an_invoice_that_procore_does_not_show, it_is_shown, 30),
    Situation("WbsSyncStaleProblems", "an invoice's vendor is not in NetSuite", "it is created, `wbs-sync problems retry`", a_vendor_that_netsuite_does_not_know, the_vendor_is_created, 3600),
    Situation("WbsSyncCodesWithoutItem", "a scan finds a code, and its turn does not come", "it comes", codes_whose_turn_does_not_come, their_turn_comes, 600),
    Situation("WbsSyncInvoiceOverdue", "NetSuite answers 503 to everything while a bill is due", "it answers", bills_while_netsuite_is_down, netsuite_recovers, 300),
    Situation("WbsSyncWorkFailing", "Procore answers 500 for one invoice", "it shows the invoice", an_invoice_that_procore_does_not_show, netsuite_recovers),
    Situation("WbsSyncWorkOverdue", "approved invoices are listed, and their turn does not come", "it comes", invoices_whose_turn_does_not_come, their_turn_comes, 120),
    Situation("WbsSyncWriteBackPending", "a bill is created, and Procore refuses its number for want of a permission", "the permission is given, an export of all", a_write_back_that_is_refused, the_permission_is_given, 120),
    Situation("WbsSyncExportsStarved", "other workers hold all slots of NetSuite while an export waits for one", "they give them back", all_slots_are_in_use, the_slots_come_back, 120),
    Situation("WbsSyncRateLimitUsedUp", "Procore's answer says 9 of 3,600 requests are left for 55 minutes", "the hour ends", the_hour_is_used_up, the_hour_ends, 60),
    Situation("WbsSyncRunOverdue", "SCAN_CRON asks for a scan every hour, and no scan follows the first", "a scan of all", a_scan_that_nobody_starts, a_scan_of_all, 600),
    Situation("WbsSyncNoSchedule", "SCAN_CRON and EXPORT_CRON are not set, and no run is started", "they are set", no_schedule, a_schedule, 300),
    Situation("WbsSyncRunStalled", "a scan begins and does not end", "it ends", a_scan_that_does_not_end, their_turn_comes, 1800),
    Situation("WbsSyncFindings", "a bill's number is changed by hand, and verify compares", "it is changed back, and verify compares again", a_bill_that_somebody_changes, it_is_changed_back),
]  # fmt: skip
"""One for each alert, in the order of the rules."""
