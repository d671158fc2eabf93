"""`wbs-sync simulate`: run the Procore and NetSuite simulators, in a separate process: production code never imports them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import requests

from worker.cli.output import Fault

COMMAND = (sys.executable, "-m", "simulators")
NEEDS = "The simulators need the `demo` extra: pip install 'wbs-sync[demo]' (or `uv sync` in a checkout)."
ADMIN_TIMEOUT_SECONDS = 10
SIGNALS_READ_EVERY_SECONDS = 0.2


@click.command()
@click.option("--seed", type=int, default=1, show_default=True, help="Seed for the simulated data.")
@click.option(
    "--profile", default="demo", show_default=True, help="demo, month, test, or large:PxC (projects x codes)."
)
@click.option("--procore-port", type=click.IntRange(0, 65535), default=0, help="0 = any free port.")
@click.option("--netsuite-port", type=click.IntRange(0, 65535), default=0, help="0 = any free port.")
@click.option("--data-dir", type=click.Path(path_type=Path), default=Path("data/simulators"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the settings for connecting to them as one JSON value.")
def simulate(seed: int, profile: str, procore_port: int, netsuite_port: int, data_dir: Path, as_json: bool) -> None:
    """Run simulators of Procore and NetSuite with a realistic company until Ctrl-C.

    The settings for connecting to them are written to simulators.env in the data directory. Faults and latencies are set
    through /_admin on each simulator (docs/simulators.md).
    """
    arguments = ["--seed", str(seed), "--profile", profile, "--data-dir", str(data_dir)]
    arguments += ["--procore-port", str(procore_port), "--netsuite-port", str(netsuite_port)]
    sys.exit(SimulatorsProcess.run([*arguments, *(["--json"] if as_json else [])]))


class SimulatorsProcess:
    """The running simulators; `settings`: the wbs-sync settings for connecting to them."""

    def __init__(self, process: subprocess.Popen[str], settings: dict[str, str]) -> None:
        self._process = process
        self.settings = settings

    @classmethod
    def start(cls, *, profile: str, seed: int, data_dir: Path) -> SimulatorsProcess:
        """Start both simulators on free ports and return when they accept connections."""
        arguments = ["--profile", profile, "--seed", str(seed), "--data-dir", str(data_dir), "--json"]
        # In a separate session: Ctrl-C reaches only the command, which stops the workers before the simulators.
        process = subprocess.Popen(
            [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise Fault(f"The simulators did not start. {_why(process)}")
        return cls(process, json.loads(line))

    @staticmethod
    def run(arguments: Sequence[str]) -> int:
        """Run the simulators in the foreground and return their exit code."""
        signals: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: signals.append(number))
        process = subprocess.Popen([*COMMAND, *arguments], start_new_session=True)
        while True:
            try:
                return process.wait(SIGNALS_READ_EVERY_SECONDS)
            except subprocess.TimeoutExpired:
                if signals:
                    process.terminate()

    def admin(self, remote: str, method: str, path: str, body: Any = None) -> Any:
        """Send a request to a simulator's admin API; `remote` is procore or netsuite."""
        base = self.settings[f"{remote.upper()}_BASE_URL"]
        with requests.Session() as session:
            # The simulators are on this machine: ignore the proxies in the environment.
            session.trust_env = False
            answer = session.request(method, f"{base}/_admin/{path}", json=body, timeout=ADMIN_TIMEOUT_SECONDS)
        answer.raise_for_status()
        return answer.json()

    def __enter__(self) -> SimulatorsProcess:
        return self

    def __exit__(self, *_: object) -> None:
        """Terminate the process, and kill it after 5 seconds."""
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()


def _why(process: subprocess.Popen[str]) -> str:
    lines = process.communicate()[1].strip().splitlines()
    last = lines[-1] if lines else ""
    return NEEDS if "ModuleNotFoundError" in last else last
