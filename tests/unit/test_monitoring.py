"""Alert rules, dashboard, runbooks and docs/monitoring.md: well formed, about metrics that there are, and each alert fires when it should."""

from __future__ import annotations

import json
import re
import shlex
from itertools import combinations
from pathlib import Path
from typing import Any

import click
import promql_parser
import pytest
import yaml

from config.processes import METRICS_PATH
from tests.unit.promql import Facts, grouping, selectors
from worker.cli import wbs_sync
from worker.domain.problems import Cause
from worker.inspect.metric_families import CATALOGUE_OF_METRICS

ROOT = Path(__file__).parents[2]
[GROUP] = yaml.safe_load((ROOT / "deploy/prometheus/wbs-sync.rules.yml").read_text())["groups"]
RULES: dict[str, dict[str, Any]] = {rule["alert"]: rule for rule in GROUP["rules"]}
DASHBOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/wbs-sync.json").read_text())
RUNBOOKS = {page.stem: page.read_text() for page in (ROOT / "docs/runbooks").glob("*.md")}
PAGE = (ROOT / "docs/monitoring.md").read_text()
METRICS_PAGE = (ROOT / "docs/metrics.md").read_text()
EXPRESSIONS = [rule["expr"] for rule in RULES.values()] + [
    target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]
]
PROMETHEUS_OWN = {"up": ("job", "instance")}
"""What Prometheus itself says of every target."""

NOW = 1_000_000
REQUESTS = "wbs_sync_webhook_requests_total"
LATER = "# half an hour later\n"
EXAMPLES: dict[str, tuple[str, str]] = {
    "WbsSyncMetricsUnavailable": ('up{job="wbs-sync"} 0', 'up{job="wbs-sync"} 1\nup{job="another"} 0'),
    "WbsSyncNoActiveWorkers": (
        f"wbs_sync_last_resume_timestamp_seconds {NOW - 130}",
        f"wbs_sync_last_resume_timestamp_seconds {NOW - 6}",
    ),
    "WbsSyncRemotePaused": (
        'wbs_sync_consecutive_pauses{remote="netsuite",work="create vendor bills"} 7',
        'wbs_sync_consecutive_pauses{remote="netsuite",work="all work"} 0',
    ),
    "WbsSyncLedgerClosed": ("wbs_sync_ledger_open 0", "wbs_sync_ledger_open 1"),
    "WbsSyncUnconfirmedWrite": (
        f'wbs_sync_oldest_unfinished_timestamp_seconds{{record="invoice",state="unknown"}} {NOW - 2800}',
        (
            f'wbs_sync_oldest_unfinished_timestamp_seconds{{record="invoice",state="unknown"}} {NOW - 1000}\n'
            f'wbs_sync_oldest_unfinished_timestamp_seconds{{record="invoice",state="blocked"}} {NOW - 90000}'
        ),
    ),
    "WbsSyncDuplicateRecords": (
        'wbs_sync_problems{cause="duplicate_bill",owner="project accountant"} 1',
        (
            'wbs_sync_problems{cause="duplicate_bill",owner="project accountant"} 0\n'
            'wbs_sync_problems{cause="period_closed",owner="project accountant"} 3'
        ),
    ),
    "WbsSyncStuckRecords": (
        'wbs_sync_problems{cause="unexpected",owner="integration engineer"} 1',
        (
            'wbs_sync_problems{cause="unexpected",owner="integration engineer"} 0\n'
            'wbs_sync_problems{cause="remote_down",owner="integration engineer"} 1'
        ),
    ),
    "WbsSyncStaleProblems": (
        f'wbs_sync_oldest_problem_timestamp_seconds{{owner="ERP administrator"}} {NOW - 4 * 86400}',
        f'wbs_sync_oldest_problem_timestamp_seconds{{owner="ERP administrator"}} {NOW - 2 * 86400}',
    ),
    "WbsSyncCodesWithoutItem": (
        f'wbs_sync_oldest_unfinished_timestamp_seconds{{record="code",state="waiting"}} {NOW - 7 * 3600}',
        (
            f'wbs_sync_oldest_unfinished_timestamp_seconds{{record="code",state="waiting"}} {NOW - 3600}\n'
            f'wbs_sync_oldest_unfinished_timestamp_seconds{{record="code",state="blocked"}} {NOW - 90000}'
        ),
    ),
    "WbsSyncWorkOverdue": (
        f'wbs_sync_oldest_due_work_timestamp_seconds{{lane="exports"}} {NOW - 2000}',
        (
            f'wbs_sync_oldest_due_work_timestamp_seconds{{lane="exports"}} {NOW - 100}\n'
            f'wbs_sync_oldest_due_work_timestamp_seconds{{lane="items"}} {NOW - 2000}'
        ),
    ),
    "WbsSyncWriteBackPending": (
        'wbs_sync_unfinished_records{record="invoice",state="write_back"} 1',
        (
            'wbs_sync_unfinished_records{record="invoice",state="write_back"} 0\n'
            'wbs_sync_unfinished_records{record="invoice",state="waiting"} 2'
        ),
    ),
    "WbsSyncExportsStarved": (
        'wbs_sync_netsuite_requests_waiting{priority="export"} 2\nwbs_sync_netsuite_slots 5\nwbs_sync_netsuite_slots_in_use 5',
        'wbs_sync_netsuite_requests_waiting{priority="export"} 2\nwbs_sync_netsuite_slots 5\nwbs_sync_netsuite_slots_in_use 4',
    ),
    "WbsSyncRateLimitUsedUp": (
        (
            'wbs_sync_procore_rate_limit_requests{window="hour"} 3600\nwbs_sync_procore_rate_limit_requests_left{window="hour"} 100\n'
            f'wbs_sync_procore_rate_limit_reset_timestamp_seconds{{window="hour"}} {NOW + 2000}'
        ),
        (
            f'wbs_sync_procore_rate_limit_reset_timestamp_seconds{{window="hour"}} {NOW + 2000}\n'
            'wbs_sync_procore_rate_limit_requests{window="hour"} 3600\nwbs_sync_procore_rate_limit_requests_left{window="hour"} 900\n'
            'wbs_sync_procore_rate_limit_requests{window="spike"} 100\nwbs_sync_procore_rate_limit_requests_left{window="spike"} 0'
        ),
    ),
    "WbsSyncRunOverdue": (
        f'wbs_sync_run_due_timestamp_seconds{{run="scan"}} {NOW - 8000}',
        (
            f'wbs_sync_run_due_timestamp_seconds{{run="scan"}} {NOW - 8000}\n'
            f'wbs_sync_run_in_progress_since_timestamp_seconds{{run="scan"}} {NOW - 7900}\n'
            f'wbs_sync_run_due_timestamp_seconds{{run="export"}} {NOW + 100}'
        ),
    ),
    "WbsSyncRunStalled": (
        f'wbs_sync_run_in_progress_since_timestamp_seconds{{run="scan"}} {NOW - 50000}',
        f'wbs_sync_run_in_progress_since_timestamp_seconds{{run="scan"}} {NOW - 5000}',
    ),
    "WbsSyncMetricsMissing": (
        "another_metric 1",
        f"wbs_sync_scrape_timestamp_seconds {NOW - 30}",
    ),
    "WbsSyncQueueWithoutWorker": ('wbs_sync_workers{queue="exports"} 0', 'wbs_sync_workers{queue="exports"} 1'),
    "WbsSyncProcessSilent": (
        f'wbs_sync_process_last_seen_timestamp_seconds{{process="items@host"}} {NOW - 130}',
        f'wbs_sync_process_last_seen_timestamp_seconds{{process="items@host"}} {NOW - 3}',
    ),
    "WbsSyncQueueBacklog": ('wbs_sync_queue_messages{queue="exports"} 1', 'wbs_sync_queue_messages{queue="exports"} 0'),
    "WbsSyncWebhookReceiverDown": ("wbs_sync_webhook_receivers 0", "wbs_sync_webhook_receivers 1"),
    "WbsSyncWebhooksRefused": (
        (
            f'{REQUESTS}{{result="unauthorized"}} 1\n{REQUESTS}{{result="accepted"}} 9\n{LATER}'
            f'{REQUESTS}{{result="unauthorized"}} 5\n{REQUESTS}{{result="accepted"}} 9'
        ),
        (
            f'{REQUESTS}{{result="unauthorized"}} 1\n{REQUESTS}{{result="accepted"}} 9\n{LATER}'
            f'{REQUESTS}{{result="unauthorized"}} 500\n{REQUESTS}{{result="accepted"}} 10'
        ),
    ),
    "WbsSyncRemoteUnstable": (
        f'wbs_sync_remote_pauses_total{{remote="netsuite"}} 4\n{LATER}wbs_sync_remote_pauses_total{{remote="netsuite"}} 20',
        f'wbs_sync_remote_pauses_total{{remote="netsuite"}} 4\n{LATER}wbs_sync_remote_pauses_total{{remote="netsuite"}} 11',
    ),
    "WbsSyncCertificateExpires": (
        f"wbs_sync_netsuite_certificate_expiry_timestamp_seconds {NOW + 20 * 86400}",
        f"wbs_sync_netsuite_certificate_expiry_timestamp_seconds {NOW + 40 * 86400}",
    ),
    "WbsSyncRedisNotSaving": (
        'wbs_sync_redis_save_failing{kind="snapshot"} 1',
        'wbs_sync_redis_save_failing{kind="snapshot"} 0',
    ),
    "WbsSyncRedisNearlyFull": (
        "wbs_sync_redis_memory_used_bytes 900\nwbs_sync_redis_memory_limit_bytes 1000",
        "wbs_sync_redis_memory_used_bytes 700\nwbs_sync_redis_memory_limit_bytes 1000",
    ),
    "WbsSyncDiskNearlyFull": ("wbs_sync_data_directory_free_bytes 4e8", "wbs_sync_data_directory_free_bytes 4e10"),
    "WbsSyncInvoiceOverdue": (
        f'wbs_sync_oldest_waiting_timestamp_seconds{{record="invoice",reason="paused"}} {NOW - 8000}',
        (
            f'wbs_sync_oldest_waiting_timestamp_seconds{{record="invoice",reason="due"}} {NOW - 600}\n'
            f'wbs_sync_oldest_waiting_timestamp_seconds{{record="code",reason="due"}} {NOW - 8000}'
        ),
    ),
    "WbsSyncWorkFailing": (
        'wbs_sync_retrying_work 3\nwbs_sync_consecutive_pauses{remote="netsuite",work="all work"} 0',
        'wbs_sync_retrying_work 3\nwbs_sync_consecutive_pauses{remote="netsuite",work="all work"} 2',
    ),
    "WbsSyncNoSchedule": (
        'wbs_sync_schedule_set{run="export"} 0',
        (
            'wbs_sync_schedule_set{run="scan"} 1\nwbs_sync_schedule_set{run="verify"} 0\nwbs_sync_schedule_set{run="export"} 0\n'
            f'wbs_sync_last_run_finished_timestamp_seconds{{run="export"}} {NOW - 86400}'
        ),
    ),
    "WbsSyncFindings": ("wbs_sync_verify_findings 2", "wbs_sync_verify_findings 0"),
}
"""For each alert facts at which it fires, and facts at which it does not."""


def facts_of(scrapes: str) -> Facts:
    """Return the facts of now, and of half an hour ago if the text has some of then."""
    earlier, _, now = scrapes.rpartition(LATER)
    return Facts.of(now, NOW, [Facts.of(earlier, NOW - 1800)])


@pytest.mark.parametrize("alert", RULES)
def test_an_alert_fires_when_it_should_and_only_then(alert: str) -> None:
    fires, rests = EXAMPLES[alert]
    assert len(facts_of(fires).fires(RULES[alert]["expr"])) == 1
    assert facts_of(rests).fires(RULES[alert]["expr"]) == []
    of_nothing: list[dict[str, str]] = [{}] if alert == "WbsSyncMetricsMissing" else []
    assert facts_of("").fires(RULES[alert]["expr"]) == of_nothing


@pytest.mark.parametrize("alert", RULES)
def test_a_rule_is_complete_and_its_runbook_exists(alert: str) -> None:
    rule = RULES[alert]
    assert rule.keys() <= {"alert", "expr", "for", "keep_firing_for", "labels", "annotations"}
    assert re.fullmatch(r"[0-9]+[mh]", rule.get("for", "0m"))
    assert re.fullmatch(r"[0-9]+[mh]", rule.get("keep_firing_for", "0m"))
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in ("critical", "warning")
    notes = rule["annotations"]
    assert notes.keys() == {"summary", "description", "runbook_url"}
    assert all(isinstance(note, str) and note for note in notes.values())
    assert notes["runbook_url"] == f"docs/runbooks/{alert}.md"
    assert (ROOT / notes["runbook_url"]).is_file()
    # A label that a template names must be on the samples that fire.
    fired = facts_of(EXAMPLES[alert][0]).fires(rule["expr"])[0]
    named = set(re.findall(r"\$labels\.(\w+)", notes["summary"] + notes["description"]))
    assert named <= {*fired, "job", "instance"}


def test_each_alert_has_one_example_one_runbook_and_one_line_on_the_page() -> None:
    """No example, runbook or line is for an alert that does not exist."""
    assert len(RULES) == len(GROUP["rules"])
    assert EXAMPLES.keys() == RULES.keys() == RUNBOOKS.keys()
    assert set(re.findall(r"\(runbooks/(\w+)\.md\)", PAGE)) == RULES.keys()


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_uses_existing_metrics_and_labels(expression: str) -> None:
    known = {name: labels for name, (_, labels) in CATALOGUE_OF_METRICS.items()} | PROMETHEUS_OWN
    parsed = promql_parser.parse(expression)
    asked = list(selectors(parsed))
    assert asked
    for selector in asked:
        assert {matcher.name for matcher in selector.matchers.matchers} <= set(known[selector.name])
        for matcher in selector.matchers.matchers:
            if matcher.name == "cause":
                assert set(matcher.value.split("|")) <= {cause.value for cause in Cause}
    labels = {label for selector in asked for label in known[selector.name]}
    assert set(grouping(parsed)) <= labels


def test_the_dashboard_is_valid_for_grafana() -> None:
    panels = DASHBOARD["panels"]
    assert {"uid", "title", "schemaVersion", "time", "templating", "panels"} <= DASHBOARD.keys()
    [source] = DASHBOARD["templating"]["list"]
    assert (source["type"], source["query"]) == ("datasource", "prometheus")
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["title"]
        assert panel["type"] in ("stat", "timeseries", "table")
        assert panel["datasource"] == {"type": "prometheus", "uid": f"${{{source['name']}}}"}
        assert [target["refId"] for target in panel["targets"]] == ["A", "B", "C"][: len(panel["targets"])]
        position = panel["gridPos"]
        assert 0 <= position["x"] < position["x"] + position["w"] <= 24
    for first, second in combinations((panel["gridPos"] for panel in panels), 2):
        is_beside = first["x"] + first["w"] <= second["x"] or second["x"] + second["w"] <= first["x"]
        above = first["y"] + first["h"] <= second["y"] or second["y"] + second["h"] <= first["y"]
        assert is_beside or above, (first, second)


NOT_SHOWN = {
    "wbs_sync_scrape_timestamp_seconds": "the time of every sample says the same",
    "wbs_sync_last_run_started_timestamp_seconds": "its end and its duration are shown",
    "wbs_sync_schedule_set": "the panel of the next scheduled run shows those that have a schedule",
}
"""Metrics that the dashboard leaves out, and why."""


def test_the_dashboard_shows_every_metric_that_is_not_left_out_on_purpose() -> None:
    """Each exception has a reason."""
    expressions = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    shown = {selector.name for expression in expressions for selector in selectors(promql_parser.parse(expression))}
    assert shown.isdisjoint(NOT_SHOWN)
    assert shown | NOT_SHOWN.keys() == CATALOGUE_OF_METRICS.keys()


def test_the_dashboard_shows_labels_that_its_metrics_have() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            (metric, *_) = (selector.name for selector in selectors(promql_parser.parse(target["expr"])))
            assert set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])) <= set(CATALOGUE_OF_METRICS[metric][1])


COMMAND = re.compile(r"`(wbs-sync [^`]+|--[a-z][^`]*)`")


def commands_of(page: str) -> list[str]:
    """Return every command that a page names; options alone belong to the command before them."""
    commands: list[str] = []
    for text in COMMAND.findall(page):
        commands.append(f"{commands[-1].partition(' --')[0]} {text}" if text.startswith("--") else text)
    return commands


@pytest.mark.parametrize("name", [*RUNBOOKS, "monitoring"])
def test_every_command_of_a_page_exists(name: str) -> None:
    page = RUNBOOKS.get(name, PAGE)
    commands = commands_of(page)
    assert commands
    for text in commands:
        arguments = [re.sub(r"^[A-Z]+$", "7", word) for word in shlex.split(text)[1:]]
        command: click.Command = wbs_sync
        while (
            isinstance(command, click.Group)
            and arguments
            and arguments[0] in command.list_commands(click.Context(command))
        ):
            subcommand = command.get_command(click.Context(command), arguments.pop(0))
            assert subcommand
            command = subcommand
        assert command is not wbs_sync, text
        # Says so when an option or its value is none of the command's.
        command.make_context(text, arguments)


@pytest.mark.parametrize("name", RUNBOOKS)
def test_a_runbook_has_its_parts_and_valid_links(name: str) -> None:
    page = RUNBOOKS[name]
    assert page.startswith(f"# {name}\n")
    assert re.findall(r"^## (.+)$", page, re.MULTILINE) == ["Diagnose", "Mitigate", "Escalate", "Resolved when"]
    links = re.findall(r"\]\(([^)#:]+)\)", page)
    assert [link for link in links if not (ROOT / "docs/runbooks" / link).is_file()] == []


def test_the_page_lists_every_metric_with_its_help_text() -> None:
    rows = re.findall(r"^\| `(wbs_sync_\w+)` \| (.*?) \| (.*) \|$", METRICS_PAGE, re.MULTILINE)
    expected = [
        (name, ", ".join(f"`{label}`" for label in labels), help_text)
        for name, (help_text, labels) in CATALOGUE_OF_METRICS.items()
    ]
    assert rows == expected
    assert METRICS_PATH in PAGE
