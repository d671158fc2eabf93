"""What the processes of a round did, read from their traces while they write them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from config.names import TaskName

Line = dict[str, Any]
UPKEEP = (TaskName.RESUME.value, TaskName.RECONCILE.value)


@dataclass(slots=True)
class Process:
    """One process from its start to its end. `agent` is what its requests carry: name and process id."""

    name: str
    pid: int
    file: Path
    lines: list[Line] = field(default_factory=list)
    _read: int = 0

    @property
    def agent(self) -> str:
        """As its requests say."""
        return f"{self.name}/{self.pid}"

    def of(self, *kinds: str) -> list[Line]:
        """Its lines of these kinds."""
        return [line for line in self.lines if line["what"] in kinds]

    def refresh(self) -> None:
        """Read what was written since."""
        with self.file.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        whole, _, _ = text.rpartition(b"\n")
        self._read += len(whole) + 1 if whole else 0
        self.lines += [json.loads(line) for line in whole.splitlines()]

    @property
    def strike(self) -> Path:
        """The file that asks it to send itself a signal."""
        return self.file.with_suffix(".strike")

    def ready(self) -> bool:
        """Whether it takes messages."""
        return bool(self.of("ready"))

    def attempts_in_hand(self) -> list[str]:
        """Keys of attempts that it has begun and not ended."""
        keys: list[str] = []
        for line in self.of("begin", "end"):
            if line["what"] == "begin":
                keys.append(line["key"])
            else:
                keys.remove(line["key"])
        return keys

    def writes_in_hand(self) -> dict[str, float]:
        """Return ids of codes and invoices whose write it has noted without a response, and since when."""
        since: dict[str, float] = {}
        for line in self.of("intent", "told"):
            if line["what"] == "told":
                since.pop(line["external_id"].rsplit("-", 1)[1], None)
            elif line["noted"]:
                since[line["key"].rsplit(":", 1)[1]] = line["at"]
        return since

    def fetched_and_not_begun(self) -> dict[str, Line]:
        """Messages but those of upkeep that it took from their queue and did not begin, by id."""
        fetched = {line["id"]: line for line in self.of("received") if line["task"] not in UPKEEP}
        for line in self.of("run"):
            fetched.pop(line["id"], None)
        return fetched

    def tokens(self, since: float) -> set[str]:
        """Tokens of the locks and slots that it took after a moment."""
        return {line["token"] for line in self.of("lock", "slot") if line["at"] > since}


class Traces:
    """All processes of a round."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: dict[Path, Process] = {}

    def refresh(self) -> None:
        """Read what was written since."""
        for file in self._folder.glob("*.trace"):
            if file not in self._processes:
                name, pid = file.name.removesuffix(".trace").rsplit(".", 1)
                self._processes[file] = Process(name, int(pid), file)
            self._processes[file].refresh()

    def __iter__(self) -> Iterator[Process]:
        return iter(list(self._processes.values()))

    def find(self, name: str, pid: int) -> Process | None:
        """The process of this name and id, if it has begun to write."""
        return next((one for one in self if (one.name, one.pid) == (name, pid)), None)

    def by_agent(self, agent: str) -> Process | None:
        """The process that sent a request."""
        return next((one for one in self if one.agent == agent), None)

    def lines(self, *kinds: str) -> list[tuple[Process, Line]]:
        """All lines of these kinds in the order of their time."""
        found = [(process, line) for process in self for line in process.of(*kinds)]
        return sorted(found, key=lambda pair: float(pair[1]["at"]))
