"""Everything that people read is plain field English: no word of language.toml, and no docstring that says nothing."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
LANGUAGE = tomllib.loads((Path(__file__).parent / "language.toml").read_text())
UNREAD = {ROOT / name for name in LANGUAGE["unread"]}
PACKAGES = ("worker", "config", "tasks", "probe", "tools", "simulators")
PYTHON = {path for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
TEXTS = {
    *(ROOT / "worker" / "store" / "lua").rglob("*.lua"),
    *(ROOT / "worker" / "page").glob("*.html"),
    *(ROOT / "docs").rglob("*.md"),
    *ROOT.glob("*.md"),
    *(path for folder in ("deploy", ".ci", "examples") for path in (ROOT / folder).rglob("*") if path.is_file()),
    *(ROOT / name for name in LANGUAGE["texts"]),
}
WORDS = {re.compile(rf"\b(?:{word['not']})\b", re.IGNORECASE): word["write"] for word in LANGUAGE["word"]}
ANY_WORD = re.compile(rf"\b(?:{'|'.join(word['not'] for word in LANGUAGE['word'])})\b", re.IGNORECASE)
NAMES = re.compile(rf"(?:{'|'.join(LANGUAGE['names'])})\Z")
# Not prose: code in backticks, addresses of links, expressions of a template, comments of a page.
CODE = re.compile(r"`[^`\n]*`|\]\([^)\s]*\)|\{\{.*?\}\}|\{%.*?%\}|<!--.*?-->")
# These add nothing to the words of a name.
FILLERS = frozenset(LANGUAGE["fillers"])


class Hit(NamedTuple):
    """A place to rewrite. `what`: the word, docstring or name; `write`: what to write instead."""

    path: Path
    line: int
    what: str
    write: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}: instead of {self.what!r}, write: {self.write}"


def prose(text: str, tree: ast.AST | None) -> Iterator[tuple[int, str]]:
    """Lines that people read, with their numbers: of Python (with its tree), texts of more than one word, and comments."""
    if tree is None:
        yield from enumerate(text.splitlines(), 1)
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield from enumerate(node.value.splitlines(), node.lineno)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string


def words_in(text: str) -> Iterator[tuple[str, str]]:
    """Words of the list in a text, each with what to write instead."""
    readable = CODE.sub("``", text)
    if ANY_WORD.search(readable):
        for word, write in WORDS.items():
            yield from ((found[0], write) for found in word.finditer(readable))


def meaning(text: str) -> set[str]:
    """The words of a name or sentence, without plural endings and fillers."""
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", text)
    return {word.lower().removesuffix("s") for word in words if word.lower() not in FILLERS}


def says_nothing(docstring: str, name: str) -> bool:
    """Whether a docstring only repeats the name, or refers to another docstring that the reader has to find."""
    return docstring.startswith("The same") or meaning(docstring) <= meaning(name)


def definitions(tree: ast.AST) -> Iterator[tuple[ast.ClassDef | ast.FunctionDef, str]]:
    """Classes and functions, each with its name after that of its class."""
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    owners = {member: owner.name for owner in nodes if isinstance(owner, ast.ClassDef) for member in owner.body}
    yield from ((node, f"{owners.get(node, '')} {node.name}".strip()) for node in nodes)


def names_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Functions, classes, parameters, variables and fields whose names are on the list, with their lines."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                pass
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                pass
            case _:
                continue
        if NAMES.match(name):
            yield node.lineno, name


def hits(path: Path) -> Iterator[Hit]:
    """All places of a file to rewrite."""
    text = path.read_text()
    tree = ast.parse(text) if path.suffix == ".py" else None
    for line, readable in prose(text, tree):
        yield from (Hit(path, line, word, write) for word, write in words_in(readable))
    if tree is not None:
        for node, name in definitions(tree):
            docstring = ast.get_docstring(node)
            if docstring is not None and says_nothing(docstring, name):
                yield Hit(path, node.lineno, docstring, f"what goes into `{name}`, what comes out, what it raises")
        yield from (Hit(path, line, name, "a name for what it holds or does") for line, name in names_in(tree))


@cache
def all_hits() -> dict[Path, list[Hit]]:
    """The places to rewrite in each file that has any."""
    found = {path: sorted(hits(path)) for path in sorted(PYTHON | TEXTS)}
    return {path: places for path, places in found.items() if places}


def test_texts_and_names_are_plain_english() -> None:
    assert [str(hit) for path, found in all_hits().items() if path not in UNREAD for hit in found] == []


def test_each_file_still_to_be_read_has_something_to_rewrite() -> None:
    """So the list only gets shorter: take a file off it when it is rewritten, renamed or deleted."""
    assert sorted(path.relative_to(ROOT).as_posix() for path in UNREAD - all_hits().keys()) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The worker is told that the record stands.", ["told", "stands"]),
        ("In hand of a worker who dies.", ["In hand", "worker who"]),
        ("It goes on for ever, beside the others.", ["beside", "goes on", "for ever"]),
        ("`told` stands for the text; see [the door](../0009-a-door.md).", ["the door"]),
        ("NIL stands for an empty value; one of our own commands looks up the Item.", []),
    ],
)
def test_words_are_found_in_their_bad_meaning_only(text: str, words: list[str]) -> None:
    assert sorted(word for word, _ in words_in(text)) == sorted(words)


@pytest.mark.parametrize(
    ("docstring", "name"),
    [
        ("The report.", "Report"),
        ("All bills.", "Bills all"),
        ("The same for an Item.", "item_of"),
        ("Beat it.", "beat"),
    ],
)
def test_an_empty_docstring_is_found(docstring: str, name: str) -> None:
    assert says_nothing(docstring, name)


def test_a_docstring_with_a_fact_is_not_empty() -> None:
    assert not says_nothing("Return the report as HTML.", "report")


def test_names_are_found_wherever_they_are_bound() -> None:
    source = "def tell(told: str, *, text: str) -> None:\n    self.lacking = MOST_ROWS = text\n    well_known = told\n"
    assert [name for _, name in names_in(ast.parse(source))] == ["tell", "told", "lacking", "MOST_ROWS"]
