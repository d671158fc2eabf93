"""The console script against a running installation: `up`, started as a person starts it, and separately started simulators."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from simulators.company import Company, build_company
from tests.kit.ended import Ended
from tests.kit.ports import unused_port
from tests.kit.programs import Program, environment, run, script
from tests.kit.waiting import eventually

pytestmark = pytest.mark.real

PROFILE = "test"


@dataclass
class Machine:
    """One machine with `up` and `simulate` running on it."""

    folder: Path
    env: dict[str, str]
    up: Program
    company: Company
    printed: dict[str, str]
    """What `up` printed once it had started."""

    def command(self, *arguments: str, **env: str) -> Ended:
        return run(*arguments, env=self.env | env, folder=self.folder, timeout=100)

    def netsuite(self, path: str) -> Any:
        answer = requests.get(f"{self.env['NETSUITE_BASE_URL']}/_admin/{path}", timeout=60)
        return answer.json()

    def items_created(self) -> int:
        return sum(entry.get("write") == "create" for entry in self.netsuite("journal")["entries"])


def first_json(program: Program) -> Any:
    """Return the JSON value that a program prints when it has started."""

    def parsed() -> Any:
        begun = program.log.find("{")
        try:
            return json.JSONDecoder().raw_decode(program.log[begun:])[0] if begun >= 0 else None
        except json.JSONDecodeError:
            return None

    program.says("}")
    return eventually(parsed)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    folder = tmp_path_factory.mktemp("machine")
    env = environment(folder)
    programs = [Program("simulate", [script(), "simulate", "--profile", PROFILE, "--json"], env, folder, fresh=True)]
    try:
        env |= first_json(programs[0])
        env |= {"NETSUITE_CONCURRENCY": "5", "WORKER_THREADS": "8", "FLOWER_PORT": "0"}
        # These tests are not about the rate limits of the real systems.
        requests.patch(f"{env['PROCORE_BASE_URL']}/_admin/settings", json={"spike_limit": None}, timeout=60)
        programs.append(Program("up", [script(), "up", "--json"], env, folder, fresh=True))
        printed = first_json(programs[1])
        assert set(printed) == {"report", "flower", "login", "data_dir"}
        machine = Machine(folder, env, programs[1], build_company(1, PROFILE), printed)
        eventually(lambda: machine.command("status").code == 0, 60, every=0.2)
        yield machine
    finally:
        for program in reversed(programs):
            # Each ends what it started itself, in separate sessions.
            program.end()


@pytest.fixture(scope="module")
def synced(machine: Machine) -> dict[str, Ended]:
    """Scan a healthy project and export one invoice first, then scan and export everything."""
    healthy = next(iter(machine.company.projects))
    case = machine.company.cases["shared_new_code"]
    export_of_one = ("export", str(case["invoice_id"]), "--project", str(case["project_id"]), "--wait", "--json")
    return {
        "scan of one": machine.command("scan", "--project", str(healthy), "--wait", "--json"),
        "export of one": machine.command(*export_of_one),
        "scan": machine.command("scan", "--wait", "--json"),
        "export": machine.command("export", "--approved", "--wait", "--json"),
        "second scan": machine.command("scan", "--wait", "--json"),
    }


def assert_sentence(ended: Ended, code: int, *sentence: str) -> None:
    """Check that the command ended with this exit code and a sentence on standard error, without a traceback."""
    assert (ended.code, ended.out) == (code, "")
    assert "Traceback" not in ended.err
    assert len(ended.err) < 1000
    assert [word for word in sentence if word not in ended.err] == [], ended.err


def test_check_finds_no_fault(machine: Machine) -> None:
    ended = machine.command("check", "--json")
    assert ended.code == 0, ended.out + ended.err
    assert [row["check"] for row in ended.json() if row["ok"] is False] == []
    assert {"Redis connection", "Procore login"} <= {row["check"] for row in ended.json()}


def test_a_run_without_any_problem_ends_with_0(synced: dict[str, Ended]) -> None:
    scan, export = synced["scan of one"], synced["export of one"]
    assert (scan.code, scan.json()["problems"]) == (0, []), scan.out + scan.err
    assert scan.json()["counts"]["created"] > 5
    assert (export.code, export.json()["outcome"]) == (0, "created"), export.out + export.err
    assert export.json()["bill_id"].isdigit()


def test_a_run_with_problems_says_so_and_ends_with_1(machine: Machine, synced: dict[str, Ended]) -> None:
    for name in ("scan", "export"):
        ended = synced[name]
        assert ended.code == 1, ended.out + ended.err
        assert ended.json()["ended_at"]
        assert ended.json()["counts"]["blocked"]
        assert ended.json()["counts"]["created"]
        assert "Traceback" not in ended.err
    assert machine.netsuite("duplicates")["duplicates"] == []
    made = sum(synced[name].json()["counts"].get("created", 0) for name in ("scan of one", "scan", "export"))
    # The exports made Items of unbudgeted codes too, which no run counts.
    assert machine.items_created() >= made + 1


def test_a_second_scan_writes_nothing(synced: dict[str, Ended]) -> None:
    counts = synced["second scan"].json()["counts"]
    assert counts["already"] > 50
    assert not counts.get("created")
    assert not counts.get("adopted")


def test_verify_agrees(machine: Machine, synced: dict[str, Ended]) -> None:
    ended = machine.command("verify", "--json")
    # One project of the seeded company may not be read.
    assert (ended.code, ended.json()["findings"]) == (3, []), ended.out + ended.err
    assert (len(ended.json()["unreadable"]), ended.json()["not_compared"]) == (1, [])
    assert ended.json()["correct"] > 50


def test_status_and_problems_agree(machine: Machine, synced: dict[str, Ended]) -> None:
    status, problems = machine.command("status", "--json"), machine.command("problems", "--json")
    assert (status.code, problems.code) == (0, 1)
    rows = problems.json()
    assert sum(status.json()["problems"].values()) == len(rows)
    assert all(row["sentence"] and row["next_step"] and row["owner"] for row in rows)
    assert status.json()["runs"]["scan"]["ended_at"]
    people = machine.command("problems")
    assert (people.code, "Traceback" in people.err) == (1, False)


def test_the_report_is_served_by_flower_and_written_to_a_file(machine: Machine) -> None:
    user, _, password = machine.printed["login"].partition(":")
    live = eventually(lambda: answer_of(machine.printed["report"], (user, password)), 60, every=0.2)
    assert machine.printed["report"].startswith(machine.printed["flower"])
    assert answer_of(machine.printed["report"], None) == [401, "Access denied"]
    ended = machine.command("report", "--out", "page.html")
    page = (machine.folder / "page.html").read_text(encoding="utf-8")
    assert (ended.code, ended.out) == (0, f"Written: {machine.folder / 'page.html'}\n")
    headings = re.findall("<h[12].*?</h[12]>", page)
    assert len(headings) == 7
    assert (live[0], re.findall("<h[12].*?</h[12]>", str(live[1]))) == (200, headings)
    assert (machine.folder / "page.html").stat().st_mode & 0o077 == 0, (
        "amounts and names are for nobody else on this machine"
    )
    saved = machine.command("scan", "--dry-run", "--save", "items.json")
    assert (machine.folder / "items.json").stat().st_mode & 0o077 == 0, saved.err
    assert machine.command("report", "--json").json()["company_id"] == int(machine.env["PROCORE_COMPANY_ID"])


def answer_of(url: str, login: tuple[str, str] | None) -> list[int | str]:
    """Return status and text of the response, or None while the server does not listen yet."""
    try:
        answer = requests.get(url, auth=login, timeout=60)
    except requests.ConnectionError:
        return []
    return [answer.status_code, answer.text]


def test_an_unknown_invoice_is_blocked_with_its_reason(machine: Machine) -> None:
    project = str(next(iter(machine.company.projects)))
    ended = machine.command("export", "999999999", "--project", project, "--wait", "--json")
    assert (ended.code, "Traceback" in ended.err) == (1, False)
    assert (ended.json()["outcome"], ended.json()["cause"]) == ("blocked", "invoice_not_found")


def test_bad_settings_are_reported_one_by_one(machine: Machine) -> None:
    bad_settings = {"NETSUITE_CONCURENCY": "5", "EXPORT_STATUSES": "aproved", "PROCORE_CLIENT_ID": ""}
    for command in (["scan"], ["up"]):
        ended = machine.command(*command, **bad_settings)
        assert_sentence(ended, 2, *bad_settings)
        assert ended.err.count("wbs-sync:") == len(bad_settings)
        assert "Did you mean NETSUITE_CONCURRENCY?" in ended.err


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["export"], 2, "Pass one INVOICE (with --project PROJECT"),
        (["export", "seventeen", "--project", "1"], 1, "invoices of project id 1 could not be read"),
        (["scan", "--projekt", "1"], 2, "--projekt"),
        (["scann"], 2, "scann"),
    ],
)
def test_wrong_options_are_reported(machine: Machine, arguments: list[str], code: int, sentence: str) -> None:
    assert_sentence(machine.command(*arguments), code, sentence)


def test_a_missing_redis_is_reported(machine: Machine, tmp_path: Path) -> None:
    unreachable_url = f"redis://:a-password@127.0.0.1:{unused_port()}/0"
    ended = machine.command("status", REDIS_URL=unreachable_url)
    assert_sentence(ended, 1, "Redis", "REDIS_URL")
    assert "a-password" not in ended.err
    assert_sentence(machine.command("status", DATA_DIR=str(tmp_path)), 1, "No Redis", "wbs-sync up")


def test_term_ends_everything_in_order(machine: Machine, synced: dict[str, Ended]) -> None:
    asked_at = time.monotonic()
    machine.up.ask_to_end()
    assert machine.up.wait(30) == 0
    assert time.monotonic() - asked_at < 30
    assert_sentence(machine.command("status"), 1, "No Redis")
