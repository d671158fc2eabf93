"""Redis' Lua for the model store: the product's real scripts, compiled once per process."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Sequence
from typing import Any, Protocol

# Published without types, and imported by name: Redis speaks Lua 5.1.
lupa: Any = importlib.import_module("lupa.lua51")


class Commands(Protocol):
    """The store of the moment: its commands by their names in capitals, and how many it was given."""

    commands: dict[str, Callable[..., Any]]
    calls: int


class Engine:
    """One Lua runtime; `run` gives scripts KEYS, ARGV and the store of the moment."""

    def __init__(self) -> None:
        self._lua: Any = lupa.LuaRuntime(encoding="utf-8", unpack_returned_tuples=True)
        self._server: Commands
        self._compiled: dict[str, Any] = {}
        self._table_type = lupa.lua_type
        names = self._lua.globals()
        names.redis = self._lua.table_from({"call": self._from_lua, "pcall": self._from_lua})
        names.cjson = self._lua.table_from({"decode": self._decode, "encode": self._encode})

    def run(self, script: str, keys: Sequence[str], args: Sequence[str], server: Commands) -> Any:
        """What the script returns, as redis-py would give it."""
        function = self._compiled.get(script)
        if function is None:
            function = self._lua.execute(f"return function(KEYS, ARGV)\n{script}\nend")
            self._compiled[script] = function
        self._server = server
        table = self._lua.table_from
        return self._to_python(function(table(keys), table(args)))

    def _from_lua(self, name: str, *args: Any) -> Any:
        # Ten thousand times a seed: as few steps as there can be. The scripts write the names in capitals.
        server = self._server
        server.calls += 1
        answer = server.commands[name](*[arg if type(arg) is str else _text(arg) for arg in args])
        if answer is None:
            return False
        if type(answer) is list:
            return self._lua.table_from([False if one is None else one for one in answer])
        return answer

    def _decode(self, text: str) -> Any:
        return self._to_lua(json.loads(text))

    def _to_lua(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self._lua.table_from({key: self._to_lua(one) for key, one in value.items()})
        if isinstance(value, list):
            return self._lua.table_from([self._to_lua(one) for one in value])
        return value

    def _encode(self, value: Any) -> str:
        return json.dumps(self._plain(value), separators=(",", ":"), ensure_ascii=False)

    def _plain(self, value: Any) -> Any:
        if self._table_type(value) == "table":
            return {key: self._plain(one) for key, one in value.items()}
        return float(f"{value:.14g}") if isinstance(value, float) else value

    def _to_python(self, value: Any) -> Any:
        if value is None or value is False:
            return None
        if value is True:
            return 1
        if isinstance(value, float):
            return int(value)
        if self._table_type(value) == "table":
            return [self._to_python(one) for one in value.values()]
        return value


def _text(value: Any) -> str:
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.17g}"
    return str(value)
