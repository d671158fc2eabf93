"""`wbs-sync rebuild`: the ledger, from NetSuite."""

from __future__ import annotations

import time

import click

from worker.cli.output import faults_as_sentences, json_option, out, print_json, progress
from worker.cli.session import open_container


@click.command()
@json_option
def rebuild(as_json: bool) -> None:
    """Restore the ledger from the external ids in NetSuite; reads there, writes only to Redis.

    Workers do it by themselves when they find no ledger. What the ledger knows already is kept.
    """
    with faults_as_sentences():
        container = open_container()
        began = time.monotonic()
        with progress() as bars:
            bar = bars.add_task("Items", total=None, note="")
            rebuilt = container.recovery.rebuild(lambda items: bars.update(bar, completed=items))
        told = {
            "items": rebuilt.items,
            "restored": rebuilt.restored,
            "queries": rebuilt.queries,
            "seconds": round(time.monotonic() - began, 2),
        }
        if as_json:
            print_json(told)
        else:
            out.print(
                f"{told['items']} Items of ours in NetSuite, {told['restored']} of them new to the ledger; "
                f"{told['queries']} queries, {told['seconds']} s"
            )
