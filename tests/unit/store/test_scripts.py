"""Every script is a file with a header, compiles on a server and has a caller; no Lua is in Python text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.container import Redis
from worker.domain.problems import FINDINGS, Cause, FindingKind
from worker.store import scripts
from worker.store.ledger import UNFINISHED
from worker.store.scripts import SOURCES, Script, flag, number, text, texts
from worker.store.series import REFUSED, STOPPED

ROOT = Path(__file__).parents[3]
LUA = ROOT / "worker/store/lua"
PYTHON = sorted(
    file for package in ("worker", "tasks", "config", "simulators") for file in (ROOT / package).rglob("*.py")
)
INCLUDES = sorted((LUA / scripts.INCLUDES).glob("*.lua"))
_ENTRY = re.compile(r"-- +(KEYS|ARGV)\[(\d+)(\.\.\.)?\]  +\S")
_LUA = re.compile(r"redis\.p?call\(|\b(KEYS|ARGV)\[")


def header(file: Path) -> list[str]:
    """Return the comment lines at the head of a file."""
    return file.read_text(encoding="utf-8").split("\n\n")[0].splitlines()


def strings(file: Path) -> Iterator[str]:
    """Yield every text in a Python module, including the parts of f-strings."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def test_every_file_is_a_script_or_an_include() -> None:
    names = {file.relative_to(LUA).with_suffix("").as_posix() for file in LUA.rglob("*") if file.is_file()}
    assert names == {*SOURCES, *(f"{scripts.INCLUDES}/{file.stem}" for file in INCLUDES)}
    assert all(file.suffix == ".lua" for file in LUA.rglob("*") if file.is_file())
    assert (
        max(len(line) for file in LUA.rglob("*.lua") for line in file.read_text(encoding="utf-8").splitlines()) <= 150
    )


@pytest.mark.parametrize("name", SOURCES)
def test_the_header_says_what_a_script_does_takes_and_returns(name: str) -> None:
    lines = header(LUA / f"{name}.lua")
    assert all(line == "--" or line.startswith("-- ") for line in lines)
    assert re.fullmatch(r"-- [A-Z].+", lines[0])
    assert [line for line in lines if line.startswith("-- Returns ")]
    documented: dict[str, list[tuple[int, bool]]] = {"KEYS": [], "ARGV": []}
    for line in lines:
        if entry := _ENTRY.match(line):
            documented[entry[1]].append((int(entry[2]), bool(entry[3])))
    assert documented["KEYS"]
    for kind, entries in documented.items():
        assert [number for number, _ in entries] == list(range(1, len(entries) + 1)), "numbered in order, without gaps"
        assert not any(repeats for _, repeats in entries[:-1]), "what follows a repeated one has no number"
        used = {int(number) for number in re.findall(rf"{kind}\[(\d+)\]", SOURCES[name])}
        if not (entries and entries[-1][1]):
            assert used <= {number for number, _ in entries}


@pytest.mark.parametrize("file", INCLUDES, ids=lambda file: file.stem)
def test_the_header_of_an_include_names_what_it_defines(file: Path) -> None:
    content = file.read_text(encoding="utf-8")
    described = "\n".join(header(file))
    defined = re.findall(r"\blocal (?:function )?(\w+)", content)
    assert any(f"{name}(" in described or f"`{name}`" in described for name in defined)
    assert [
        other for other in LUA.rglob("*.lua") if f'--- @include "{scripts.INCLUDES}/{file.stem}"' in other.read_text()
    ]


def test_every_script_has_a_caller() -> None:
    assert set(SOURCES) - {each for file in PYTHON for each in strings(file)} == set()


def test_no_lua_is_in_python_text() -> None:
    lua_texts = {file: [each for each in strings(file) if _LUA.search(each)] for file in PYTHON}
    assert {file.relative_to(ROOT).as_posix(): lua for file, lua in lua_texts.items() if lua} == {}


def test_an_include_is_once_in_a_script_before_what_uses_it() -> None:
    source = SOURCES["lanes_and_runs/spawn"]
    assert source.startswith("-- lanes_and_runs/spawn\n")
    assert source.count("local function origin(") == 1
    assert (
        source.index("local now =") < source.index("local function origin(") < source.index("local function take_due(")
    )
    assert "@include" not in source


@pytest.mark.real
@pytest.mark.parametrize("name", SOURCES)
def test_a_server_compiles_every_script(server: Redis, name: str) -> None:
    assert len(server.script_load(SOURCES[name])) == 40


def test_a_call_gives_the_reply_in_its_type(client: Redis) -> None:
    assert Script(client, "journal/append", flag)(keys=["t:journal"], args=['"failed"', 0]) is True
    assert Script(client, "problems/resolve", number)(keys=["t:problems"], args=["code:1:2"]) == 0
    assert Script(client, "bill_claims/take", text)(keys=["t:claims"], args=["a", "invoice:1:2"]) == "invoice:1:2"
    assert Script(client, "sorted_sets/sizes", texts)(keys=["t:set"]) == ["0", "", "0"]


def test_values_that_lua_and_python_share_are_the_same() -> None:
    write = SOURCES["ledger/write"]
    assert "{" + ", ".join(f"'{state}'" for state in UNFINISHED) + "}" in write
    assert f"'{FindingKind.ITEM_MISSING}' or '{FindingKind.BILL_MISSING}'" in write
    assert write.count(f"'{FINDINGS}'") == 2
    assert f"redis.call('HEXISTS', series, '{STOPPED}')" in write
    refuse, trial = SOURCES["series/refuse"], SOURCES["series/take_trial"]
    assert f"redis.call('HSET', series, '{STOPPED}', '{REFUSED}'" in refuse
    assert f"redis.call('HGET', series, '{STOPPED}') ~= '{REFUSED}'" in trial
    accept, resume = SOURCES["series/accept"], SOURCES["series/resume"]
    assert f"{STOPPED} ~= '{REFUSED}' then return 0" in accept
    assert f".cause == '{Cause.SERIES_REFUSED.stored}'" in accept
    assert f"{STOPPED} == '{REFUSED}'" in resume
