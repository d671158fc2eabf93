"""`wbs-sync resume`: dispatch due work now, as beat does every few seconds."""

from __future__ import annotations

import click

from config.names import TaskName
from worker.cli.output import json_option, print_done
from worker.cli.session import open_container, send
from worker.domain.texts import counted
from worker.domain.work import Lane


@click.command()
@json_option
def resume(as_json: bool) -> None:
    """Dispatch due, paused and abandoned work now. Work claimed by a running worker is not affected."""
    container = open_container()
    container.dispatch.lift()
    container.dispatch.take_back()
    send(TaskName.RESUME)
    waiting = {lane.value: container.work.depth(lane)[0] for lane in Lane}
    sentence = f"Dispatching due work: {counted(sum(waiting.values()), 'pieces of work')} waiting."
    print_done({"waiting": waiting}, sentence, as_json=as_json)
