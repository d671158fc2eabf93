"""What one would write instead: a sequential script, a script with threads, naive Celery. None is safe; they are an upper bound.

Each runs in a separate process (`python -m benchmarks.baselines KIND --threads N [--codes N]`), finds the remotes in its
environment and prints one line of JSON: items, seconds (of the Items alone), CPU seconds of the Items alone.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import requests

from worker.clients.http import Transport
from worker.clients.netsuite.auth import NetSuiteAddress, mint_token

ITEMS = "/services/rest/record/v1/otherChargePurchaseItem"
local = threading.local()


def session() -> requests.Session:
    """Return the HTTP session of this thread, whose connections are kept open."""
    if not hasattr(local, "session"):
        local.session = requests.Session()
    return local.session  # type: ignore[no-any-return]


def netsuite_token(env: Mapping[str, str]) -> str:
    """Get a token of NetSuite. It is valid for an hour, which is longer than any of these runs."""
    address = NetSuiteAddress(
        env["NETSUITE_BASE_URL"],
        env["NETSUITE_ACCOUNT_ID"],
        env["NETSUITE_CLIENT_ID"],
        env["NETSUITE_CERTIFICATE_ID"],
        Path(env["NETSUITE_PRIVATE_KEY_FILE"]),
    )
    return mint_token(Transport(remote="netsuite", read_timeout=30), address).value


def bodies(env: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the body of the Item of every budgeted code, project after project."""
    base, company = env["PROCORE_BASE_URL"], env["PROCORE_COMPANY_ID"]
    form = {
        "grant_type": "client_credentials",
        "client_id": env["PROCORE_CLIENT_ID"],
        "client_secret": env["PROCORE_CLIENT_SECRET"],
    }
    token = session().post(f"{base}/oauth/token", data=form, timeout=30).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Procore-Company-Id": company}

    def pages(path: str, **params: Any) -> Iterator[Any]:
        for page in range(1, 10_000):
            answer = session().get(
                base + path, params={**params, "page": page, "per_page": 100}, headers=headers, timeout=30
            )
            rows = answer.json()
            yield from rows["data"] if isinstance(rows, dict) else rows
            if "next" not in answer.links:
                return

    for project in list(pages("/rest/v1.1/projects", company_id=company)):
        for line in pages(f"/rest/v2.0/companies/{company}/projects/{project['id']}/budget_line_items"):
            code = line["wbs_code"]
            yield {
                "externalId": f"pcr-itm-{company}-{project['id']}-{code['id']}",
                "itemId": f"{project['project_number']}-{code['flat_code']}",
                "subsidiary": {"items": [{"id": env["NETSUITE_SUBSIDIARY_ID"]}]},
                "expenseAccount": {"id": env["NETSUITE_EXPENSE_ACCOUNT_ID"]},
                "includeChildren": False,
            }


def post(env: Mapping[str, str], token: str, body: Mapping[str, Any]) -> None:
    """Create one Item with a single request, without retries or checks."""
    headers = {"Authorization": f"Bearer {token}"}
    session().post(env["NETSUITE_BASE_URL"] + ITEMS, json=body, headers=headers, timeout=60).raise_for_status()


def exists(env: Mapping[str, str], token: str, external_id: str) -> bool:
    """Return whether NetSuite has the Item; naive Celery checks this before it writes."""
    url = f"{env['NETSUITE_BASE_URL']}{ITEMS}/eid:{external_id}"
    return session().get(url, headers={"Authorization": f"Bearer {token}"}, timeout=60).status_code == 200


def with_threads(env: Mapping[str, str], threads: int, codes: int | None) -> dict[str, float]:
    """Create Items with as many threads as the concurrency limit; with one thread this is the sequential script."""
    token = netsuite_token(env)
    item_bodies = list(islice(bodies(env), codes))
    begun, cpu = time.monotonic(), _cpu()
    with ThreadPoolExecutor(threads) as pool:
        for done in pool.map(lambda body: post(env, token, body), item_bodies):
            assert done is None
    return {"items": len(item_bodies), "seconds": time.monotonic() - begun, "cpu_seconds": _cpu() - cpu}


def naive_celery(env: Mapping[str, str], threads: int, codes: int | None) -> dict[str, float]:
    """Run one task per code, which checks and then creates the Item. Celery's own thread pool, with its default settings."""
    from benchmarks import naive  # noqa: PLC0415

    item_bodies = list(islice(bodies(env), codes))
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "benchmarks.naive",
        "worker",
        "-P",
        "threads",
        "-c",
        str(threads),
        "-l",
        "WARNING",
    ]
    worker = subprocess.Popen(command, env=dict(env))
    try:
        naive.wait_until_ready()
        begun = time.monotonic()
        for body in item_bodies:
            naive.create.delay(body)
        naive.wait_for(len(item_bodies))
        seconds = time.monotonic() - begun
    finally:
        worker.terminate()
        worker.wait()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"items": len(item_bodies), "seconds": seconds, "cpu_seconds": used.ru_utime + used.ru_stime}


def run(kind: str, env: Mapping[str, str], *, threads: int, codes: int | None = None) -> dict[str, float]:
    """Run a baseline in a separate process."""
    command = [sys.executable, "-m", "benchmarks.baselines", kind, "--threads", str(threads)]
    if codes is not None:
        command += ["--codes", str(codes)]
    root = Path(__file__).parents[1]
    done = subprocess.run(command, env=dict(env), cwd=root, stdout=subprocess.PIPE, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["threads", "celery"])
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--codes", type=int)
    asked = parser.parse_args()
    kinds = {"threads": with_threads, "celery": naive_celery}
    print(json.dumps(kinds[asked.kind](os.environ, asked.threads, asked.codes)))
