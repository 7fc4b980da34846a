"""The files of a production installation agree with the code and with each other."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from svoykrug.dev.supervisor import COMMANDS

ROOT = Path(settings.BASE_DIR)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def queues(words: Any) -> str:
    return next(word for word in words if re.fullmatch(r"[a-z]+,[a-z]+", str(word)))


def test_every_service_has_a_limit_and_starts_again(compose: dict[str, Any]) -> None:
    for name, service in compose["services"].items():
        if name != "migrate":
            assert service["restart"] == "unless-stopped", name
            assert service["deploy"]["resources"]["limits"]["memory"], name


def test_workers_take_the_queues_of_the_launcher(compose: dict[str, Any]) -> None:
    services = compose["services"]

    assert queues(services["worker"]["command"]) == queues(COMMANDS["worker"])
    assert queues(services["worker-express"]["command"]) == queues(COMMANDS["express"])


def test_every_secret_is_declared_made_and_read(compose: dict[str, Any], tmp_path: Path) -> None:
    script = tmp_path / "deploy" / "make_secrets.py"
    script.parent.mkdir()
    script.write_text((ROOT / "deploy" / "make_secrets.py").read_text())
    subprocess.run([sys.executable, script], check=True, capture_output=True)
    made = {path.name for path in (tmp_path / "deploy" / "secrets").iterdir()}

    assert made - {"jwt"} == set(compose["secrets"])
    app = compose["services"]["web"]["environment"]
    names = {name.removesuffix("_FILE") for name in app if name.endswith("_FILE")}
    assert names - {"AUDIT_ANCHOR"} <= set(settings.SECRETS)


def test_settings_start_from_the_files_of_an_installation(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    """The very environment of the web service, secrets made by the script: no check complains."""
    script = tmp_path / "deploy" / "make_secrets.py"
    script.parent.mkdir()
    script.write_text((ROOT / "deploy" / "make_secrets.py").read_text())
    subprocess.run([sys.executable, script], check=True, capture_output=True)
    folder = str(script.parent / "secrets")
    given = {
        name: str(value)
        .replace("/run/secrets", folder)
        .replace("/run/jwt", f"{folder}/jwt")
        .replace("${DOMAIN:?set DOMAIN in .env}", "circle.example")
        .replace("${DOMAIN}", "circle.example")
        .replace("${ADMIN_PATH:?set ADMIN_PATH in .env}", "office/")
        .replace("/srv/state", str(tmp_path))
        for name, value in compose["services"]["web"]["environment"].items()
        if not name.startswith(("WEB_", "PROMETHEUS_"))
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **given},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-2000:]


FIGURE = re.compile(r"\b(?:svoykrug|django)_[a-z_]+")


def expressions() -> set[str]:
    alerts = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
    board = json.loads((ROOT / "deploy/grafana/dashboards/house.json").read_text())
    return {rule["expr"] for group in alerts["groups"] for rule in group["rules"]} | {
        target["expr"] for panel in board["panels"] for target in panel["targets"]
    }


def test_alerts_and_charts_ask_for_figures_that_exist() -> None:
    """Names are read from the page itself, made by a process that counts."""
    script = (
        "import django; django.setup()\n"
        "import django_prometheus.middleware as m; m.Metrics.get_instance()\n"
        "from prometheus_client import REGISTRY\n"
        "import svoykrug.metrics, django_prometheus.db\n"
        "print(*(f.name for f in REGISTRY.collect()))\n"
        "import inspect; print(inspect.getsource(svoykrug.metrics))"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "svoykrug.settings", "METRICS_TOKEN": "t"},
        capture_output=True,
        text=True,
        check=True,
    )
    known = set(FIGURE.findall(done.stdout))
    asked = {name for text in expressions() for name in FIGURE.findall(text)}

    assert len(asked) > 10
    unknown = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in asked} - known
    assert unknown == set()


def test_every_alert_has_its_runbook() -> None:
    alerts = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())
    manual = (ROOT / "docs/operations.md").read_text()

    for group in alerts["groups"]:
        for rule in group["rules"]:
            assert f"### {rule['annotations']['runbook']}\n" in manual, rule["alert"]
