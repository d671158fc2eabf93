"""Runs a worker or beat: `python -m worker.process worker -n items@%h -Q scans,items,upkeep`, `python -m worker.process beat`.

These are Celery's own programs without its command line, which imports Flower, a web server and an interactive shell into each process: 15
MB and half a second of CPU. `celery -A worker.app ...` starts the same programs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from celery.utils.nodenames import default_nodename, host_format

from config.process_secrets import hold_only_own
from worker.app import app
from worker.runtime.beat import Beat


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until the process is asked to stop, and return the exit code."""
    options = _parsed(arguments)
    if options.kind == "beat":
        app.subclass_with_self(Beat)().run()
        return 0
    worker = app.Worker(
        hostname=host_format(default_nodename(options.name)),
        queues=options.queues.split(","),
        concurrency=options.threads,
        # Messages between workers are not used here. Flower needs the task events.
        without_gossip=True,
        without_mingle=True,
        task_events=True,
    )
    worker.start()
    return int(worker.exitcode or 0)


def _parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m worker.process", description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    worker = kinds.add_parser("worker", help="take tasks from the given queues")
    worker.add_argument("-n", dest="name", required=True, help="its node name; %%h is replaced by the machine's name")
    worker.add_argument("-Q", dest="queues", required=True, help="the queues it takes tasks from, comma separated")
    worker.add_argument("-c", dest="threads", type=int, help="number of concurrent tasks; WORKER_THREADS if not given")
    kinds.add_parser("beat", help="send scheduled tasks")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    hold_only_own(_parsed(None).kind)
    sys.exit(main())
