"""No secret is ever shown: not in a log (DEBUG included), a task, Redis, a page of Flower, a response or a traceback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from config.names import TaskName
from tests.kit.books import invoices
from tests.kit.ports import unused_port
from tests.kit.programs import Program
from tests.kit.site import PREFIX, Site
from tests.kit.waiting import eventually
from worker.domain.scopes import Remote

pytestmark = pytest.mark.real

PROCORE_SECRET = "canary-of-the-procore-secret"
ANOTHER_PROCORE_SECRET = "canary-of-a-wrong-procore-secret"
FLOWER_PASSWORD = "canary-of-the-flower-password"
ANOTHER_REDIS_PASSWORD = "canary-of-a-wrong-redis-password"
SENTRY_KEY = "canaryofthekeyofsentry"


@dataclass
class Disclosures:
    """Every text that was shown, by its place, and every secret that was in use at the time."""

    texts: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    def found(self) -> list[str]:
        return [
            f"{name} in {place}"
            for name, secret in self.secrets.items()
            for place, text in self.texts.items()
            if secret in text
        ]


def everything_in_redis(site: Site) -> Iterator[tuple[str, str]]:
    """Yield all keys and their values, except the tokens that workers share."""
    read: dict[str, Any] = {
        "string": site.redis.get,
        "hash": site.redis.hgetall,
        "list": lambda key: site.redis.lrange(key, 0, -1),
        "set": site.redis.smembers,
        "zset": lambda key: site.redis.zrange(key, 0, -1),
        "stream": site.redis.xrange,
        "none": lambda key: "",
    }
    for key in site.redis.scan_iter(count=1000):
        if not key.startswith(f"{PREFIX}token:"):
            yield key, f"{key} {read[site.redis.type(key)](key)!r}"


def pages(site: Site) -> Iterator[tuple[str, str]]:
    """Yield what Flower shows to a logged-in user."""

    def get(path: str) -> requests.Response:
        url = f"http://127.0.0.1:{site.env['FLOWER_PORT']}{path}"
        return requests.get(url, auth=("engineer", FLOWER_PASSWORD), timeout=60)

    def workers() -> dict[str, Any]:
        try:
            by_name: dict[str, Any] = get("/api/workers?refresh=1").json()
        except requests.ConnectionError:
            return {}
        return by_name if len(by_name) == 2 and all(facts.get("conf") for facts in by_name.values()) else {}

    names = eventually(workers, 60, every=0.2)
    tasks = get("/api/tasks?limit=10000").json()
    failed = [task_id for task_id, task in tasks.items() if task["state"] == "FAILURE"]
    paths = [f"/worker/{name}" for name in names] + [f"/task/{task_id}" for task_id in [*failed, *list(tasks)[:5]]]
    for path in (*paths, "/", "/workers", "/tasks", "/broker", "/metrics", "/api/workers", "/api/tasks"):
        answer = get(path)
        assert answer.ok, path
        yield path, answer.text


def remember_tokens(site: Site, disclosures: Disclosures) -> None:
    for key in site.redis.keys(f"{PREFIX}token:*"):
        token = json.loads(site.redis.get(key))["value"]
        disclosures.secrets[f"token {len(disclosures.secrets)}"] = token


def work(site: Site, disclosures: Disclosures) -> None:
    """Run a scan, an export and a refused message; then both logins begin to be refused."""
    site.ended(site.start_scan())
    invoice = invoices(site.stage)[0]
    site.send(TaskName.EXPORT, project_id=invoice.project_id, invoice_id=invoice.id)
    site.send(TaskName.EXPORT, project_id="seven", invoice_id=invoice.id)
    eventually(lambda: invoice.origin_id)
    remember_tokens(site, disclosures)
    site.stage.procore.client_secret = "another one"
    site.stage.procore.revoke_tokens()
    site.stage.netsuite.doorkeeper.unmap_certificates()
    second_invoice = invoices(site.stage)[1]
    site.send(TaskName.EXPORT, project_id=second_invoice.project_id, invoice_id=second_invoice.id)
    site.send(TaskName.SCAN_PROJECTS)
    eventually(lambda: "remote:procore" in {one.key for one in site.container.ledger.problems()})


def echoed(site: Site) -> int:
    """Return how many requests were answered with an echo."""
    plans = (site.stage.procore.faults.as_json(), site.stage.netsuite.faults.as_json())
    return sum(rule["struck"] for plan in plans for rule in plan["rules"])


def asked_again(site: Site) -> int:
    """Return how many requests were answered with an echo, after making the work of paused remotes due."""
    site.container.dispatch.lift()
    return echoed(site)


def echoes(site: Site, disclosures: Disclosures, *paths: str) -> None:
    """Let both remotes answer requests to these paths with everything that they were sent, as a debugging page does."""
    for path in paths:
        for remote in ("procore", "netsuite"):
            site.stage.faults(remote, [{"kind": "echo", "path": path, "value": 422}])
        site.container.stores.breakers.lift(list(Remote))
        site.send(TaskName.SCAN_PROJECTS)
        for invoice in invoices(site.stage):
            site.send(TaskName.EXPORT, project_id=invoice.project_id, invoice_id=invoice.id)
        # An attempt that ends meanwhile pauses its remote again.
        eventually(lambda: asked_again(site), every=0.5)
        for arguments in (["verify"], ["check", "--json"]):
            ended = site.quick_command(*arguments, times={"worker.reconcile.comparison_failures.RETRY_SECONDS": 0.1})
            disclosures.texts[f"wbs-sync {' '.join(arguments)} with echoes of {path}"] = ended.out + ended.err
            assert "Traceback" not in ended.err
        disclosures.texts |= {f"{key} with echoes of {path}": text for key, text in everything_in_redis(site)}
        remember_tokens(site, disclosures)
    for remote in ("procore", "netsuite"):
        site.stage.faults(remote, [])


def commands(site: Site, disclosures: Disclosures) -> None:
    """Run commands, with valid and with wrong settings."""
    wrong_login = {"PROCORE_CLIENT_SECRET": ANOTHER_PROCORE_SECRET, "REDIS_KEY_PREFIX": "another:"}
    wrong_redis = {"REDIS_URL": f"redis://:{ANOTHER_REDIS_PASSWORD}@127.0.0.1:{site.server.port}/0"}
    bad_settings = {"PROCORE_CLIENT_SECRET": PROCORE_SECRET, "NETSUITE_SUBSIDARY_ID": "1", "EXPORT_CRON": "often"}
    calls: list[tuple[list[str], dict[str, str], int]] = [
        (["status", "--json"], {}, 0),
        (["problems"], {}, 1),
        (["check"], {}, 1),
        (["check", "--json"], wrong_login, 1),
        (["scan", "--dry-run"], wrong_login, 1),
        (["status"], wrong_redis, 1),
        (["scan"], bad_settings, 2),
    ]
    for arguments, env, code in calls:
        ended = site.command(*arguments, env=env)
        disclosures.texts[f"wbs-sync {' '.join(arguments)} with {sorted(env)}"] = ended.out + ended.err
        assert ended.code == code, (arguments, ended)
        assert "Traceback" not in ended.err


def test_no_secret_is_ever_shown(tmp_path: Path) -> None:
    login = f"engineer:{FLOWER_PASSWORD}"
    env = {"PROCORE_CLIENT_SECRET": PROCORE_SECRET, "FLOWER_BASIC_AUTH": login, "FLOWER_PORT": str(unused_port())}
    # No server listens there, so that the SDK logs errors.
    env |= {"SENTRY_DSN": f"http://{SENTRY_KEY}@127.0.0.1:{unused_port()}/7", "LOG_LEVEL": "DEBUG"}
    with Site.open(tmp_path, profile="large:1x6:2", env=env) as site:
        site.stage.procore.client_secret = PROCORE_SECRET
        disclosures = Disclosures()
        site.flower()
        site.worker("items", threads=2)
        site.worker("invoices", threads=2)
        site.beat()
        lost = Program("lost", [*site.worker_command()], site.env | unreachable_redis(), tmp_path)
        site.programs.append(lost)
        echoes(site, disclosures, "requisitions", "suiteql")
        work(site, disclosures)
        echoes(site, disclosures, "token")
        disclosures.texts |= dict(pages(site))
        commands(site, disclosures)
        disclosures.texts |= dict(everything_in_redis(site))
        lost.says("Cannot connect to redis")
        disclosures.texts |= {f"log of {program.name}": program.log for program in site.programs}
        disclosures.secrets |= {
            "Procore's secret": PROCORE_SECRET,
            "a wrong secret of Procore": ANOTHER_PROCORE_SECRET,
            "the password of Redis": site.container.redis.get_connection_kwargs()["password"],
            "a wrong password of Redis": ANOTHER_REDIS_PASSWORD,
            "the password of Flower": FLOWER_PASSWORD,
            "the key of Sentry": SENTRY_KEY,
            # What a signed assertion begins with: {"alg":
            "an assertion": "eyJhbGciOi",
        }
        key = Path(site.env["NETSUITE_PRIVATE_KEY_FILE"]).read_text().splitlines()[1:-1]
        disclosures.secrets |= {f"line {number} of the private key": line for number, line in enumerate(key, 1)}
    # The search works: text that is no secret is found in every kind of place.
    for harmless in ("wbs.create_item", "127.0.0.1"):
        places = [place for place, text in disclosures.texts.items() if harmless in text]
        for kind in ("/worker/", "/api/", "log of "):
            assert any(place.startswith(kind) for place in places), (harmless, kind)
    assert "DEBUG" in disclosures.texts["log of items-1"]
    assert len([name for name in disclosures.secrets if name.startswith("token")]) >= 2
    # The echoed requests did get this far, so there was something to hide.
    assert any(
        "bad request: ***" in text for place, text in disclosures.texts.items() if place.startswith("wbs:problems")
    )
    assert any("bad request: ***" in text for place, text in disclosures.texts.items() if place.startswith("log of"))
    assert disclosures.found() == []


def unreachable_redis() -> dict[str, str]:
    """Return an address at which no Redis responds."""
    return {"REDIS_URL": f"redis://:{ANOTHER_REDIS_PASSWORD}@127.0.0.1:{unused_port()}/0"}
