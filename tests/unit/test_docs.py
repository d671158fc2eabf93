"""The docs as a site: the navigation has every page, the index every decision, and each record the parts of the template."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from tools.commands_page import PAGE as COMMANDS_PAGE
from tools.commands_page import page as commands_page
from worker.cli import wbs_sync

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
NAVIGATION = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
# Pages of the site whose files live outside docs/ (PROJECT_PAGES in tools/docs_site.py).
PROJECT = "project/"
WRITTEN = sorted({*DOCS.rglob("*.md"), *ROOT.glob("*.md"), ROOT / "tests" / "README.md"} - {COMMANDS_PAGE})
COMMAND = re.compile(r"(?:^ *|^\$ |uv run |items |bin/|&& |;  *)wbs-sync ([a-z-][^`#|;&<>()\n]*)", re.MULTILINE)
STATUS = re.compile(r"^Status: (proposed|accepted|superseded)[^.]*\.", re.MULTILINE)


def pages_in(navigation: object) -> Iterator[str]:
    """Yield the paths of all pages below a part of the navigation."""
    if isinstance(navigation, str):
        yield navigation
    elif isinstance(navigation, dict):
        for part in navigation.values():
            yield from pages_in(part)
    elif isinstance(navigation, list):
        for part in navigation:
            yield from pages_in(part)


def test_the_navigation_has_every_page_once() -> None:
    named = [page for page in pages_in(yaml.safe_load(NAVIGATION)) if not page.startswith(PROJECT)]
    existing = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")} - {"decisions/template.md"}
    assert sorted(named) == sorted(existing)


def test_the_index_of_decisions_has_every_record_with_its_status() -> None:
    rows = []
    for path in DECISIONS:
        text = path.read_text()
        number, title = re.findall(r"\A# (\d+)\. (.+)", text)[0]
        match = STATUS.search(text)
        assert match, f"{path.name} has no status line"
        rows.append(f"| {number} | [{title}]({path.name}) | {match[0].removeprefix('Status: ').removesuffix('.')} |")
    index = (DOCS / "decisions" / "README.md").read_text()
    assert [line for line in index.splitlines() if re.match(r"\| \d", line)] == rows


@pytest.mark.parametrize("path", DECISIONS, ids=lambda path: path.stem)
def test_a_record_has_the_parts_of_the_template(path: Path) -> None:
    template = re.findall(r"^## .+", (DOCS / "decisions" / "template.md").read_text(), re.MULTILINE)
    assert re.findall(r"^## .+", path.read_text(), re.MULTILINE) == template


def test_the_page_of_commands_agrees_with_the_code() -> None:
    text = COMMANDS_PAGE.read_text()
    assert text == commands_page(text), "run `make docs`"


def test_the_page_of_schemas_lists_every_schema() -> None:
    folder = DOCS / "messages"
    linked = re.findall(r"\]\(([^)]+\.json)\)", (folder / "README.md").read_text())
    assert sorted(linked) == sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.json"))


def test_the_readme_is_for_a_first_visit() -> None:
    readme = (ROOT / "README.md").read_text()
    assert len(readme.splitlines()) < 150
    linked = re.findall(r"\]\((?!https?:)([^)#]+)", readme)
    assert [path for path in linked if not (ROOT / path).exists()] == []


def test_ci_builds_the_site_strictly() -> None:
    command = "uv run --isolated --locked --only-group docs mkdocs build --strict\n"
    assert command in (ROOT / ".ci" / "run").read_text()
    assert command in (ROOT / "Makefile").read_text()


def named_commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each wbs-sync command in the code of a page, with its arguments."""
    blocks = re.findall(r"^ *```sh\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    for code in [*blocks, *re.findall(r"`(wbs-sync [^`\n]+)`|^(\$ wbs-sync .*)", text, re.MULTILINE)]:
        for match in COMMAND.finditer(code if isinstance(code, str) else "".join(code)):
            yield match[0].strip(), shlex.split(match[1].replace("'", ""))


def unknown_part(arguments: list[str]) -> str | None:
    """Return the first argument of a command line that is no command and no option; None if all are known."""
    command: click.Command = wbs_sync
    rest = iter(arguments)
    for word in rest:
        context = click.Context(command, help_option_names=["-h", "--help"])
        options = {
            name: each for each in command.get_params(context) for name in each.opts if isinstance(each, click.Option)
        }
        if word.startswith("-"):
            name, _, value = word.partition("=")
            if name not in options:
                return word
            if not (options[name].is_flag or value):
                next(rest, None)
        elif isinstance(command, click.Group):
            member = command.get_command(context, word)
            if member is None:
                return word
            command = member
    return None


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_and_options_that_a_page_names_exist(path: Path) -> None:
    unknown = {line: unknown_part(words) for line, words in named_commands(path.read_text())}
    assert {line: word for line, word in unknown.items() if word} == {}


NAMED_PATH = re.compile(r"`((?:[\w-]+/)+[\w.-]+\.(?:py|lua|toml|sh|js))(?:::(\w+))?[`:]")


def missing_paths(text: str, folder: Path) -> Iterator[str]:
    """Yield the files, and the tests in them, that a page in `folder` names in code and that do not exist."""
    for path, test in NAMED_PATH.findall(text):
        places = (ROOT / path, ROOT / "worker" / path, ROOT / "tests" / path, folder / path)
        file = next((place for place in places if place.exists()), None)
        if file is None or (test and f"def {test}(" not in file.read_text()):
            yield f"{path}::{test}" if test else path
    yield from (name for name in re.findall(r"`(test_\w+\.py)`", text) if not any((ROOT / "tests").rglob(name)))


CURRENT = [path for path in WRITTEN if path.parent.name != "decisions" and path.name != "CHANGELOG.md"]
"""Pages about this version: a record or the changelog also names what has been removed since."""


@pytest.mark.parametrize("path", CURRENT, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_files_and_tests_that_a_page_names_exist(path: Path) -> None:
    assert list(missing_paths(path.read_text(), path.parent)) == []


def test_a_file_or_test_that_does_not_exist_is_found() -> None:
    page = "`unit/test_docs.py::test_gone`, `tests/unit/test_docs.py`, `store/locks.py`, `store/gone.py`, `test_docs.py`, `test_gone.py`"
    assert list(missing_paths(page, DOCS)) == ["unit/test_docs.py::test_gone", "store/gone.py", "test_gone.py"]


def misread_lines(text: str) -> Iterator[str]:
    """Yield lines that the site shows differently from the repository: its Markdown wants a blank line before a list or table, and four spaces."""
    fenced, before, paragraph_in_item = False, "", False
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        item = re.match(r"( *)(?:[-*]|\d+\.) ", line)
        if not fenced and line.strip() and not line.lstrip().startswith("```"):
            begins = bool(before.strip()) and not re.match(r" *(?:[-*]|\d+\.) |  ", before)
            after_paragraph = bool(before.strip()) and paragraph_in_item
            if item and (len(item[1]) % 4 or begins or (after_paragraph and not item[1])):
                yield line
            if line.lstrip().startswith("|") and before.strip() and not before.lstrip().startswith("|"):
                yield line
            if not before.strip():
                paragraph_in_item = line.startswith("    ")
            elif item:
                paragraph_in_item = False
        before = line


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_lists_and_tables_are_read_alike_in_the_site_and_in_the_repository(path: Path) -> None:
    assert list(misread_lines(path.read_text())) == []
