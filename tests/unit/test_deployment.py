"""Procfile, docker-compose.yml, Dockerfile and deploy/systemd/ agree with the code."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import jsonschema
import pytest
import yaml
from pydantic import SecretStr

from config.loading import load_settings
from config.names import QueueName
from config.process_secrets import BEAT, FLOWER, HELD, PLACEHOLDERS, WEBHOOKS, WORKER
from config.processes import FLOWER_CONFIG, HEARTBEAT_VARIABLE, processes
from config.setting_faults import BAD_SETTINGS_EXIT_CODE
from config.settings import Settings, setting_names
from worker.local.embedded import STOP_TIMEOUT
from worker.local.supervisor import GRACE, HUNG, MAX_DELAY
from worker.runtime.ending import END_SECONDS
from worker.runtime.pool import RELEASE_SECONDS, TASK_SECONDS

ROOT = Path(__file__).parents[2]
PROCFILE = (ROOT / "Procfile").read_text()
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SYSTEMD = ROOT / "deploy" / "systemd"
COMMON = (SYSTEMD / "wbs-sync-.service.d" / "common.conf").read_text()
UNITS = {path.stem.removeprefix("wbs-sync-"): path.read_text() for path in SYSTEMD.glob("*.service")}
ANALYZE = shutil.which("systemd-analyze")
STATE = "/var/lib/wbs-sync"
DEFAULTS = {name.upper(): field.default for name, field in Settings.model_fields.items()}
VARIABLE = re.compile(r"(?<!\$)\$\{([A-Z_]+)(?::-([^}]*)|:\?[^}]*)?\}")


def expected_commands(data_dir: str, *, webhooks: bool = False) -> dict[str, str]:
    """Return the command of each process as typed in the project's folder."""
    typed = {}
    for process in processes(data_dir=Path(data_dir), webhooks=webhooks):
        command = " ".join(("python", *process.command[1:]))
        typed[process.name] = command.replace(str(FLOWER_CONFIG), str(FLOWER_CONFIG.relative_to(ROOT)))
    return typed


def with_defaults(text: str) -> str:
    return VARIABLE.sub(lambda found: found[2] or "", text)


def procfile_commands() -> dict[str, str]:
    lines = (line.partition(": ") for line in PROCFILE.splitlines())
    return {name: with_defaults(command) for name, _, command in lines}


def compose_services() -> dict[str, str]:
    """Return name and text of each service. The project has no YAML reader; an indent of two spaces begins a service."""
    services = COMPOSE.partition("\nservices:\n")[2].partition("\nvolumes:\n")[0]
    parts = re.split(r"^  (\w+):\n", services, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_the_procfile_starts_the_processes_that_the_supervisor_starts() -> None:
    assert procfile_commands() == expected_commands("data")


def test_compose_starts_the_same_processes() -> None:
    commands = {
        name: with_defaults(match[1])
        for name, text in compose_services().items()
        if (match := re.search(r"^    command: (python -m (?:celery|worker).*)$", text, re.MULTILINE))
    }
    assert commands == expected_commands("/data", webhooks=True)


def test_systemd_starts_the_same_processes() -> None:
    commands = {}
    for name, text in UNITS.items():
        (command,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
        commands[name] = command.replace("/opt/wbs-sync/.venv/bin/python", "python").replace("%%", "%")
    assert commands == expected_commands(STATE, webhooks=True)


def settings_of(unit: str) -> dict[str, str]:
    """Return what a unit puts into the environment."""
    lines = re.findall(r"^Environment=(.*)$", unit, re.MULTILINE)
    return dict(pair.split("=", 1) for line in lines for pair in line.split())


def credentials(unit: str) -> set[str]:
    return set(re.findall(r"^LoadCredential=([^:]+):", unit, re.MULTILINE))


def test_units_set_settings_and_nothing_secret() -> None:
    names = {name for unit in (COMMON, *UNITS.values()) for name in settings_of(unit)}
    assert names <= {*setting_names(), HEARTBEAT_VARIABLE, "SECRETS_DIR"}
    common = settings_of(COMMON)
    assert (common["DATA_DIR"], common["SECRETS_DIR"]) == (STATE, "%d")
    assert f"StateDirectory={Path(STATE).name}\n" in COMMON


def test_every_unit_has_the_secrets_that_its_process_holds_and_no_other() -> None:
    """A worker's unit also offers the optional ones in comments."""
    kinds = {"items": WORKER, "invoices": WORKER, "beat": BEAT, "flower": FLOWER, "webhooks": WEBHOOKS}
    absent = {"sentry_dsn", "https_proxy", "http_proxy"}
    for unit, kind in kinds.items():
        given = credentials(COMMON) | credentials(UNITS[unit])
        held = {"netsuite.pem" if name == "netsuite_private_key_file" else name for name in HELD[kind]}
        assert given == held - absent, unit
        offered = set(re.findall(r"^# LoadCredential=(\w+):", UNITS[unit], re.MULTILINE))
        assert offered == (absent - {"http_proxy"} if kind == WORKER else set()), unit
    assert settings_of(COMMON)["NETSUITE_PRIVATE_KEY_FILE"] == "%d/netsuite.pem"


def test_every_secret_setting_is_in_the_table_of_what_processes_hold() -> None:
    secret = {name for name, field in Settings.model_fields.items() if SecretStr in (field.annotation, *getattr(field.annotation, "__args__", ()))}  # fmt: skip
    assert set(PLACEHOLDERS) == secret | {"netsuite_private_key_file"}
    assert {name for held in HELD.values() for name in held} <= set(PLACEHOLDERS)


def test_compose_gives_listening_processes_only_secrets_that_they_use() -> None:
    for service, kind in (("flower", FLOWER), ("webhooks", WEBHOOKS)):
        text = compose_services()[service] + COMPOSE.partition("x-without-remotes:")[2].partition("x-worker:")[0]
        empty = {name.lower() for name in re.findall(r'^ +([A-Z_]+): ""$', text, re.MULTILINE)}
        assert empty == set(PLACEHOLDERS) - set(HELD[kind])


def test_units_stop_and_restart_like_the_supervisor() -> None:
    (stop,) = re.findall(r"^TimeoutStopSec=(\d+)$", COMMON, re.MULTILINE)
    assert int(stop) > TASK_SECONDS + RELEASE_SECONDS
    assert f"stop_grace_period: {stop}s" in COMPOSE
    assert f"RestartPreventExitStatus={BAD_SETTINGS_EXIT_CODE}\n" in COMMON
    assert all("\nWantedBy=wbs-sync.target\n" in text for text in UNITS.values())


def test_units_have_minimal_rights() -> None:
    lines = COMMON.splitlines()
    for line in (
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "UMask=0077",
    ):
        assert line in lines
    assert "User=wbs-sync" in lines


@pytest.mark.skipif(ANALYZE is None, reason="systemd is not installed")
def test_systemd_understands_the_units() -> None:
    command = [
        str(ANALYZE),
        "verify",
        "--man=no",
        *map(str, SYSTEMD.glob("*.service")),
        str(SYSTEMD / "wbs-sync.target"),
    ]
    reported = subprocess.run(command, capture_output=True, text=True, check=False).stderr.splitlines()
    # The program is not installed here, nor need systemd run.
    ours = [line for line in reported if "wbs-sync" in line and "python is not executable" not in line]
    assert ours == []


def test_every_queue_is_read_by_a_process_of_the_procfile() -> None:
    read = {queue for queues in re.findall(r" -Q (\S+)", PROCFILE) for queue in queues.split(",")}
    assert read == {queue.value for queue in QueueName}


def test_every_variable_of_compose_is_a_setting_with_its_default() -> None:
    """A default in docker-compose.yml equals the one in the code."""
    used = VARIABLE.findall(COMPOSE)
    assert used
    assert {name for name, _ in used} <= set(setting_names())
    assert {name: default for name, default in used if default} == {
        name: str(DEFAULTS[name]) for name, default in used if default
    }


def test_other_variables_of_compose_are_settings_or_read_by_name() -> None:
    blocks = re.findall(r"environment:.*\n((?:    (?:  )?  \S.*\n|    \S.*\n)+)", COMPOSE)
    names = set(re.findall(r"^ +([A-Z][A-Z_]+):", "".join(blocks), re.MULTILINE))
    assert {HEARTBEAT_VARIABLE, "SECRETS_DIR", "DATA_DIR", "FLOWER_ADDRESS"} <= names
    assert names <= {*setting_names(), HEARTBEAT_VARIABLE, "SECRETS_DIR"}


def test_compose_has_all_services_and_two_only_on_demand() -> None:
    services = compose_services()
    assert set(services) == {"redis", "items", "invoices", "flower", "webhooks", "beat", "simulators"}
    demanded = {name: match[1] for name, text in services.items() if (match := re.search(r"profiles: \[(\w+)\]", text))}
    assert demanded == {"webhooks": "webhooks", "simulators": "demo"}
    assert "healthcheck:" in services["redis"]
    assert all("<<: *worker" in services[name] for name in ("items", "invoices", "beat"))
    assert all("<<: *app" in services[name] for name in ("flower", "webhooks"))
    assert COMPOSE.count(f"{HEARTBEAT_VARIABLE}: /tmp/heartbeat") == COMPOSE.count("find /tmp/heartbeat") == 1


def test_compose_is_valid_by_its_specification() -> None:
    """compose-spec.json is schema/compose-spec.json of https://github.com/compose-spec/compose-spec (Apache License 2.0), commit 170098b."""
    schema = json.loads(Path(__file__).with_name("compose-spec.json").read_text())
    validator = jsonschema.Draft7Validator(schema)
    project = yaml.safe_load(COMPOSE)
    assert [error.message for error in validator.iter_errors(project)] == []
    project["services"]["items"]["restrat"] = "always"
    assert not validator.is_valid(project), "a misspelled word is found"


def test_every_service_has_the_shared_options() -> None:
    """A service's own definition of a part replaces the shared one, so the shared values have to be in it too."""
    for name, service in yaml.safe_load(COMPOSE)["services"].items():
        assert service["restart"] == "unless-stopped", name
        assert {"max-size", "max-file"} <= service["logging"]["options"].keys(), name
        assert (service["cap_drop"], service["security_opt"]) == (["ALL"], ["no-new-privileges:true"]), name
        if name in ("items", "invoices", "beat", "flower", "webhooks"):
            assert "kill -9" in service["healthcheck"]["test"][1], name
            assert service["environment"][HEARTBEAT_VARIABLE] == "/tmp/heartbeat", name
            assert (service["read_only"], service["init"]) == (True, True), name


def test_every_image_has_a_version_and_the_docs_say_how_to_pin_it() -> None:
    """docs/operations.md shows each image with a digest."""
    named = re.findall(r"^ARG PYTHON_IMAGE=(.+)$", DOCKERFILE, re.MULTILINE)
    services = yaml.safe_load(COMPOSE)["services"].values()
    images = {*named, *(service["image"] for service in services if not service["image"].startswith("wbs-sync"))}
    assert all(re.fullmatch(r"[a-z/]+:\d+\.\d+(-[a-z]+)*", image) for image in images)
    page = (ROOT / "docs" / "operations.md").read_text()
    assert set(re.findall(r"([\w/]+:[\w.-]+)@sha256:", page)) == images
    assert re.findall(r"^FROM (?!base|build|app)(.+) AS", DOCKERFILE, re.MULTILINE) == ["${PYTHON_IMAGE}"]


def test_no_log_of_a_container_grows_without_end() -> None:
    services = compose_services()
    assert re.search(r"&logging\n  driver: json-file\n  options: \{max-size: \d+m, max-file: \"\d\"\}\n", COMPOSE)
    # Third-party services define it themselves, all others share it.
    assert "x-app: &app\n  image: wbs-sync\n  logging: *logging\n" in COMPOSE
    unlimited = [name for name, text in services.items() if "<<: *" not in text and "logging: *logging" not in text]
    assert unlimited == []


def test_compose_kills_only_what_has_been_silent_for_90_seconds(tmp_path: Path) -> None:
    """A heartbeat of 80 seconds ago is healthy."""
    (line,) = re.findall(r'test: \["CMD-SHELL", "(find .*)"\]', COMPOSE)
    file = tmp_path / "heartbeat"
    command = ["sh", "-c", line.replace("$$", "$").replace("/tmp/heartbeat", str(file))]

    def health() -> int:
        return subprocess.run(command, capture_output=True, check=False).returncode

    def health_after(silent: float) -> tuple[int, int | None]:
        """Return the health of a process after so many seconds without a heartbeat, and its exit code; None while it runs."""
        with subprocess.Popen(["sleep", "600"]) as process:
            file.write_text(str(process.pid))
            begun = time.time()
            os.utime(file, (begun - silent,) * 2)
            reported = health()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0 if reported == 0 else 60)
            code = process.poll()
            process.kill()
        # On a busy machine the result may have come seconds later.
        return (reported, code) if time.time() - begun < 9 else health_after(silent)

    assert health() == 1  # it has not begun
    assert health_after(0) == (0, None)
    assert health_after(80) == (0, None)
    assert health_after(100) == (1, -signal.SIGKILL)


def test_what_hangs_is_restarted_within_two_minutes_wherever_it_runs() -> None:
    seconds = dict(re.findall(r"^(WatchdogSec|TimeoutAbortSec|RestartSec)=(\d+)$", COMMON, re.MULTILINE))
    assert sum(map(int, seconds.values())) <= 120
    assert len(seconds) == 3
    (interval,) = re.findall(r"find /tmp.*\n    interval: (\d+)s", COMPOSE)
    assert HUNG + int(interval) <= 120
    assert "restart: unless-stopped" in COMPOSE
    assert HUNG + MAX_DELAY <= 120


def test_redis_stores_everything_durably() -> None:
    redis = compose_services()["redis"]
    assert all(line in redis for line in ("appendonly yes\n", "maxmemory-policy noeviction\n", "requirepass "))
    assert "ports:" not in redis


def test_flower_has_a_login_and_listens_on_the_loopback() -> None:
    flower = compose_services()["flower"]
    assert "FLOWER_BASIC_AUTH: ${FLOWER_BASIC_AUTH:?" in flower
    ports = re.findall(r'^      - "(.*)"$', COMPOSE, re.MULTILINE)
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert "basic" not in " ".join(expected_commands("data").values())


def test_a_worker_has_the_time_that_it_takes_to_end() -> None:
    grace = re.search(r"stop_grace_period: (\d+)s\n\nservices", COMPOSE)
    assert grace
    assert min(int(grace[1]), GRACE, END_SECONDS) > TASK_SECONDS + RELEASE_SECONDS
    assert GRACE + STOP_TIMEOUT <= 30


def test_no_image_runs_as_root_or_contains_unlisted_files() -> None:
    app, demo = (DOCKERFILE.partition(f"AS {target}\n")[2].partition("\nFROM ")[0] for target in ("app", "demo"))
    assert "USER 10001:10001\n" in app
    assert "USER" not in demo
    assert "COPY simulators" not in DOCKERFILE.partition("AS build-demo")[0]
    ignored = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert ignored[0] == "*"
    assert not {"!.env", "!secrets", "!data", "!."} & set(ignored)


def test_a_command_outside_systemd_gets_the_settings_of_the_units(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in {*os.environ} & set(setting_names()):
        monkeypatch.delenv(name)
    documented = re.search(
        r"^ *cd /etc/wbs-sync && export (.*)$", (ROOT / "docs" / "deploy" / "systemd.md").read_text(), re.MULTILINE
    )
    assert documented, "the page has the command"
    exported = dict(part.split("=") for part in documented[1].split())
    assert set(exported) == set(settings_of(COMMON))
    assert exported["DATA_DIR"] == STATE
    for name, value in exported.items():
        monkeypatch.setenv(name, value.replace("/etc/wbs-sync", str(tmp_path)))
    (tmp_path / "secrets").mkdir()
    for name in ("redis_url", "procore_client_secret", "netsuite.pem", "flower_basic_auth", "webhook_authorization"):
        (tmp_path / "secrets" / name).write_text(
            {"redis_url": "redis://:a@host/0", "flower_basic_auth": "an-engineer:letters-and-digits"}.get(
                name, "letters-and-digits"
            )
        )
    plain = {"PROCORE_CLIENT_ID": "a", "PROCORE_COMPANY_ID": "7", "NETSUITE_ACCOUNT_ID": "1234567_SB1"}
    plain |= {"NETSUITE_CLIENT_ID": "a", "NETSUITE_CERTIFICATE_ID": "a", "SCAN_CRON": "0 4 * * *"}
    (tmp_path / "settings.env").write_text("".join(f"{name}={value}\n" for name, value in plain.items()))
    (tmp_path / ".env").symlink_to("settings.env")
    monkeypatch.chdir(tmp_path)
    settings = load_settings()
    assert settings.netsuite_private_key_file == tmp_path / "secrets" / "netsuite.pem"
    assert (settings.procore_client_secret.get_secret_value(), settings.scan_cron) == (
        "letters-and-digits",
        "0 4 * * *",
    )
