"""`python -m simulators`: Procore and NetSuite on the loopback until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence

from simulators.stage import ENV_FILE, Stage


def main(arguments: Sequence[str] | None = None) -> int:
    """Start both simulators, print their addresses, and wait for a signal."""
    asked = _parser().parse_args(arguments)
    # `sigwait` instead of handlers: a handler could interrupt anything, and a second signal even the shutdown after the first one.
    ends = (signal.SIGTERM, signal.SIGINT)
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    try:
        with Stage.start(
            asked.data_dir,
            asked.seed,
            asked.profile,
            host=asked.host,
            procore_port=asked.procore_port,
            netsuite_port=asked.netsuite_port,
            tls=asked.tls,
        ) as stage:
            _announce(stage, asked.data_dir, as_json=asked.json)
            signal.sigwait(ends)
        return 0
    except (OSError, OverflowError, ValueError) as error:  # the port is in use or invalid, or there is no such profile
        print(f"simulators: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulators", description="Simulated Procore and NetSuite.")
    parser.add_argument("--seed", type=int, default=1, help="seed of the company's data")
    parser.add_argument(
        "--profile", default="demo", help="size and kind of the company: demo, month, test, large:PxC[:N]"
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument(
        "--tls",
        default="",
        metavar="NAME",
        help="speak TLS under this host name, with a private CA made for the occasion",
    )
    parser.add_argument("--procore-port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--netsuite-port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--data-dir", default="data/simulators", help="where simulators.env and the private key go")
    parser.add_argument("--json", action="store_true", help="print the environment as one line of JSON")
    return parser


def _announce(stage: Stage, data_dir: str, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(stage.env), flush=True)
        return
    print(f"Procore   {stage.urls['procore']}")
    print(f"NetSuite  {stage.urls['netsuite']}")
    print(f"Settings for a client: {data_dir}/{ENV_FILE}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
