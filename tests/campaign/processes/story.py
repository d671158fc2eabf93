"""What happened in a round, in order: faults, requests, the records in NetSuite afterwards, and what is wrong with them."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from tests.campaign.processes.traces import Traces
from tests.kit.site import Site


@dataclass
class Story:
    """Lines with their times (unix seconds); `began` is the zero that is told."""

    began: float = field(default_factory=time.time)
    lines: list[tuple[float, str]] = field(default_factory=list)

    def tell(self, *words: object) -> None:
        """Something happens now."""
        self.lines.append((time.time(), " ".join(str(word) for word in words)))

    def told(self, site: Site, traces: Traces) -> list[str]:
        """All of it, with what the remotes journaled and what the processes wrote of their writes."""
        lines = [*self.lines, *_of_netsuite(site), *_of_processes(traces)]
        return [f"{at - self.began:8.2f}  {words}" for at, words in sorted(lines)]


class Supervision(logging.Handler):
    """What the supervisors say belongs to the story."""

    def __init__(self, story: Story) -> None:
        super().__init__()
        self._story = story

    def emit(self, record: logging.LogRecord) -> None:
        """Print it."""
        self._story.tell("SUPERVISOR", record.getMessage())


def _of_netsuite(site: Site) -> list[tuple[float, str]]:
    """Records written, and creates that were refused or lost."""
    lines = []
    requests = {entry["request_id"]: entry for entry in site.stage.netsuite.journal.requests()}
    for entry in site.stage.netsuite.journal.writes():
        request = requests.get(entry["request_id"], {})
        who = request.get("agent") or entry["by"]
        lines.append(
            (
                entry["at"],
                f"NETSUITE {entry['write']} {entry['type']} {entry['id']} {entry['external_id']} {entry['name']} of {who}",
            )
        )
    for remote in ("netsuite", "procore"):
        for entry in site.stage.journal(remote):
            if "method" in entry and (entry["fault"] or entry["refused"]):
                what = entry["fault"] or "refused"
                words = (
                    f"{remote.upper()} {what}: {entry['method']} {entry['path']} {entry['status']} of {entry['agent']}"
                )
                lines.append((entry["ended"], words))
    return lines


def _of_processes(traces: Traces) -> list[tuple[float, str]]:
    lines = []
    for process, line in traces.lines("ready", "intent", "told", "end", "failed"):
        words = " ".join(f"{name}={value}" for name, value in line.items() if name not in ("at", "what") and value)
        lines.append((float(line["at"]), f"{process.agent} {line['what']} {words}"))
    return lines
