"""The command line: hostile arguments end with an exit code and a sentence, and hostile names are shown literally."""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import click
import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st
from rich.console import Console

from config.logs import shown
from tests.bad_input import strategies as hostile
from tests.bad_input.desk import SharedParts, WiredInstallation, without_waits
from tests.bad_input.examples import in_the_suite
from tests.kit.commands import run_command
from tests.kit.programs import environment, run
from worker.cli import COMMANDS, output
from worker.cli.output import LiteralConsole, styled, table
from worker.domain.identities import CodeKey, InvoiceKey
from worker.domain.outcomes import Record, State
from worker.domain.problems import CATALOGUE, Cause
from worker.domain.work import Lane
from worker.local.embedded import EmbeddedServer
from worker.store.connection import connect
from worker.store.ledger import Ledger

ANSI = re.compile(r"\x1b\[[0-9;]*m")
OBEYED = {"Cc", "Cf", "Cs", "Zl", "Zp"}
LINE_ENDS = {"\n"}


def on_a_terminal(*, width: int = 200) -> tuple[LiteralConsole, io.StringIO]:
    """Return a console as on a terminal with colors, and the buffer that it writes to."""
    written = io.StringIO()
    return LiteralConsole(
        file=written, force_terminal=True, color_system="standard", width=width, highlight=False
    ), written


def assert_nothing_obeyed(output: str) -> None:
    """Check that apart from Rich's own colors the output has no terminal control sequence and no half character."""
    plain = ANSI.sub("", output)
    assert {sign for sign in plain if unicodedata.category(sign) in OBEYED} <= LINE_ENDS, repr(plain)


@given(name=hostile.any_texts)
@example(name="[red]a[/red]")
@example(name="[/]")
@example(name=":warning:")
@example(name="\x1b]0;owned\x07\x1b[2J")
def test_a_name_is_printed_literally(name: str) -> None:
    console, written = on_a_terminal(width=20_000)
    console.print(f"before {name} after", soft_wrap=True)
    console.print(styled(("bold", "bold"), f" {name}"), soft_wrap=True)
    assert_nothing_obeyed(written.getvalue())
    lines = ANSI.sub("", written.getvalue()).split("\n")
    assert lines == [f"before {shown(name)} after", f"bold {shown(name)}", ""]


@given(cells=st.lists(hostile.any_texts, min_size=1, max_size=3), title=hostile.any_texts)
def test_a_table_shows_names_of_any_kind(cells: list[str], title: str) -> None:
    console, written = on_a_terminal(width=80)
    with mock.patch.object(output, "out", console):
        table(title, [str(number) for number, _ in enumerate(cells)], [cells])
    assert_nothing_obeyed(written.getvalue())
    drawn = re.sub(r"[\s\u2500-\u257f]", "", ANSI.sub("", written.getvalue()))
    for cell in cells:
        missing = Counter(re.sub(r"[\s\u2500-\u257f]", "", shown(cell))) - Counter(drawn)
        assert not missing


@given(text=hostile.any_texts)
def test_what_is_shown_can_be_read_back(text: str) -> None:
    printed = shown(text)
    assert not {sign for sign in printed if unicodedata.category(sign) in OBEYED}
    if "\\" not in text:
        assert (
            re.sub(r"\\(x..|u....|U........|[nrt])", lambda found: found[0].encode().decode("unicode_escape"), printed)
            == text
        )


@given(value=hostile.json_values)
def test_json_output_is_ascii_and_one_value(value: Any) -> None:
    @click.command()
    def print_value() -> None:
        output.print_json(value)

    ended = CliRunner().invoke(print_value)
    assert ended.output.isascii()
    assert json.loads(ended.output) == json.loads(json.dumps(value))


def test_plain_rich_reads_names_as_markup() -> None:
    """The checks of this file can fail: plain Rich colors such names, or crashes; `LiteralConsole` prevents both."""
    written = io.StringIO()
    usual = Console(file=written, force_terminal=True, color_system="standard", highlight=False)
    usual.print("[red]a[/red] \x1b[2J")
    assert "\x1b[31ma" in written.getvalue()
    assert "\x1b[2J" in written.getvalue()
    with pytest.raises(Exception, match="nothing to close"):
        usual.print("[/]")


# Commands


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, redis_server: EmbeddedServer) -> Iterator[SharedParts]:
    opened = SharedParts.open(tmp_path_factory.mktemp("office"), redis_server.url)
    with without_waits():
        yield opened
    opened.close()


def can_be_an_argument(text: str) -> bool:
    """Return whether a program can be started with it: no operating system passes a NUL, or half a character that encodes no byte."""
    try:
        return b"\x00" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def options_of(name: str) -> list[str]:
    command = getattr(importlib.import_module(f"worker.cli.{name}"), name)
    parameters = [
        *command.params,
        *(each for part in getattr(command, "commands", {}).values() for each in part.params),
    ]
    return [option for parameter in parameters for option in parameter.opts if option.startswith("-")]


ASKING = ("check", "scan", "export", "apply", "status", "problems", "explain", "forget", "invoices", "verify")
"""Commands that can be called in this process: `up`, `demo` and `simulate` start others, `report` and `fields` write where their options say; they
have separate tests."""
arguments_of_commands = st.sampled_from(ASKING).flatmap(
    lambda name: st.tuples(
        st.just(name),
        st.lists(
            st.sampled_from([option for option in options_of(name) if option not in ("--wait", "--save")])
            | hostile.texts.filter(can_be_an_argument)
            | hostile.numbers.map(str)
            | st.just("caf\udce9"),
            max_size=4,
        ),
    )
)


def codes_of(command: str, *usual: int) -> tuple[int, ...]:
    """Return the exit codes that a command may end with. Only a comparison ends with 3: not everything could be compared."""
    return (*usual, 3) if command == "verify" else usual


def call(installation: WiredInstallation, *arguments: str) -> tuple[int, str, str]:
    """Run a command in the example's installation: exit code, standard output, standard error."""
    ended = run_command(installation.container, *arguments)
    return ended.code, ended.out, ended.err


@in_the_suite(30)
@given(call_of=arguments_of_commands)
@example(call_of=("export", ["0", "--project", "1"]))
@example(call_of=("export", ["1", "--project", "-5"]))
@example(call_of=("scan", ["--project", str(2**63)]))
@example(call_of=("problems", ["--cause", "nonsense"]))
def test_arguments_of_any_kind_end_with_a_code_and_a_sentence(
    shared: SharedParts, call_of: tuple[str, list[str]]
) -> None:
    name, arguments = call_of
    installation = WiredInstallation(shared)
    code, output, complaint = call(installation, name, *arguments)
    assert code in codes_of(name, 0, 1, 2)
    assert "Traceback" not in output + complaint
    if code == 2:
        assert output == ""
        assert len(complaint) < 1000 + 2 * sum(len(argument) for argument in arguments)
        # A group without a command lists its commands.
        assert "Error: " in complaint or (name, arguments) == ("invoices", [])
    elif "--json" in arguments and "--help" not in arguments and "-h" not in arguments:
        json.loads(output) if output else None
        assert output or complaint
    # Nothing was begun for an id that cannot be one.
    for key in (key for lane in Lane for key in installation.waiting(lane)):
        assert all(part == "all" or 0 < int(part) < 2**63 for part in key.split(":")[1:]), key


@in_the_suite(5)
@given(names=st.lists(hostile.texts, min_size=6, max_size=6), cause=st.sampled_from(list(Cause)))
@example(names=["[/]", "[red]x", "\x1b[2J", "\u202e24", "{project}", "a\nb"], cause=Cause.VENDOR_NOT_LINKED)
@example(names=["", " ", "", "", "", ""], cause=Cause.LINES_DO_NOT_TIE)
# The simulated Procore cannot send half a character, so it sends no list of invoices.
@example(names=["", "", "", "", "\ud800", ""], cause=Cause.PROJECT_NUMBER_MISSING)
def test_names_of_any_kind_are_shown_by_every_command(shared: SharedParts, names: list[str], cause: Cause) -> None:
    """The names are in the ledger and in the list of projects, from either remote."""
    installation = WiredInstallation(shared)
    number, project_name, code, vendor, document, trigger = names
    # Neither a message nor a field of a response accepts half a character.
    known_name, known_trigger = (re.sub("[\ud800-\udfff]", "\ufffd", text) for text in (project_name, trigger))
    installation.project.number, installation.project.name = number, project_name
    next(iter(installation.company.vendors.values())).name = vendor
    for wbs_code in list(installation.project.codes.values())[:1]:
        wbs_code.flat_code = code
    installation.invoices[0].invoice_number = document
    installation.container.start_scan(known_trigger[:100])
    installation.work_off()
    for invoice in installation.invoices:
        installation.export(invoice)
    facts = dict.fromkeys(re.findall(r"{(\w+)", CATALOGUE[cause].sentence), known_name)
    at = installation.container.now()
    installation.container.ledger.write(
        CodeKey(installation.project.id, 999), Record(State.BLOCKED, known_name, at=at, cause=cause, facts=facts)
    )
    installation.container.ledger.write(
        InvoiceKey(installation.project.id, 998), Record(State.BLOCKED, known_name, at=at, cause=cause, facts=facts)
    )
    dry_runs = (["scan", "--dry-run"], ["export", "--approved", "--dry-run"])
    calls: list[list[str]] = [
        ["status"], ["problems"], ["problems", "--by-cause"], ["verify"], ["check"], ["fields"],
        ["fields", "--try", str(installation.project.id)], *dry_runs,
        ["report", "--out", os.devnull], ["explain", str(installation.project.id), "999"], ["explain", "--invoice", "998"],
    ]  # fmt: skip
    calls += [
        ["explain", "--invoice", str(one.id), "--project", str(one.project_id)] for one in installation.invoices[:1]
    ]
    for arguments in calls:
        exit_code, output, complaint = call(installation, *arguments)
        assert exit_code in codes_of(arguments[0], 0, 1), (arguments, complaint)
        assert_nothing_obeyed(output)
        assert "Traceback" not in complaint
        exit_code, output, complaint = call(installation, *arguments, "--json")
        assert exit_code in codes_of(arguments[0], 0, 1)
        assert output.isascii()
        # What cannot be shown at all is replaced by one sentence.
        assert json.loads(output) is not None if output else (exit_code == 1 and "wbs-sync: " in complaint)


def test_every_command_is_called_here_or_has_a_separate_test() -> None:
    own = {"up", "demo", "simulate", "probe", "report", "metrics", "resume", "rebuild", "flower", "webhooks", "fields"}
    assert set(COMMANDS) == {*ASKING, *own}


# Commands that start others, as processes


@pytest.mark.real
@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["simulate", "--profile", "large:9999999x9999999"], 2, "more than 2000000 codes"),
        (["simulate", "--profile", "\x1b[31m"], 2, "no profile"),
        (["simulate", "--procore-port", "99999"], 2, "0<=x<=65535"),
        (["simulate", "--data-dir", "a-file"], 2, "File exists"),
        (["demo", "--seed", "x"], 2, "not a valid integer"),
        (["up", "caf\udce9"], 2, "unexpected extra argument"),
        (["resume", "--all"], 2, "--all"),
    ],
)
def test_commands_that_start_others_end_with_a_code_and_a_sentence(
    tmp_path: Path, arguments: list[str], code: int, sentence: str
) -> None:
    (tmp_path / "a-file").touch()
    ended = run(*arguments, env=environment(tmp_path), folder=tmp_path)
    assert (ended.code, ended.out) == (code, "")
    assert sentence in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.real
def test_names_that_a_terminal_cannot_show_are_escaped(tmp_path: Path, redis_url: str) -> None:
    """The encoding is ASCII, as a service or a cron job may have it."""
    key = tmp_path / "key.pem"
    key.touch()
    own = {
        "REDIS_URL": redis_url, "PROCORE_CLIENT_ID": "a", "PROCORE_CLIENT_SECRET": "b", "PROCORE_COMPANY_ID": "4", "NETSUITE_ACCOUNT_ID": "TD1",
        "NETSUITE_CLIENT_ID": "c", "NETSUITE_CERTIFICATE_ID": "d", "NETSUITE_PRIVATE_KEY_FILE": str(key), "PYTHONIOENCODING": "ascii",
    }  # fmt: skip
    name = "Constru\u00e7\u00e3o \u202e[/]"
    facts = {"invoice": name, "vendor": name}
    ledger = Ledger(connect(redis_url), "wbs:")
    ledger.write(InvoiceKey(17, 417), Record(State.BLOCKED, name, at=1, cause=Cause.BILLING_DATE_MISSING, facts=facts))
    for arguments in (["problems"], ["problems", "--json"]):
        ended = run(*arguments, env=environment(tmp_path) | own, folder=tmp_path)
        assert ended.code == 1, ended.err
        assert "Constru\\" in ended.out
        assert "Traceback" not in ended.err
