"""What `deploy/` has is what the gateway takes: units and manifests read by their own programs, names by our tables."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from javascript import missing
from liftgate.server.routes import TABLES
from liftgate.settings.keys import MASTER_KEY_VARIABLES
from liftgate.settings.options import OPTIONS

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
VARIABLES = {option.environment for option in OPTIONS} | set(MASTER_KEY_VARIABLES)
PATHS = {
    prefix + route.path
    for table in TABLES
    for routes, prefixes in table.groups
    for route in routes
    for prefix in prefixes
}
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
MOST_EXPOSED = 1.5


def program(name: str) -> str:
    return shutil.which(name) or missing(f"{name} is not installed")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_variable_of_ours_is_one_that_acts(path: Path) -> None:
    named = set(re.findall(r"\bLIFTGATE_[A-Z_]+\b", path.read_text()))
    assert named <= VARIABLES


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_path_that_is_asked_is_a_route(path: Path) -> None:
    asked = set(re.findall(r"(?<=[ :\]}])/(?:health|metrics)[a-z/]*", path.read_text()))
    assert asked <= PATHS


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit, with a program that is there."""
    made = tmp_path / "liftgate.service"
    text = (DEPLOY / "liftgate.service").read_text()
    made.write_text(text.replace("/opt/liftgate/venv/bin/liftgate", sys.executable))
    return made


def test_systemd_takes_the_unit_as_it_is(unit: Path) -> None:
    done = subprocess.run(
        [program("systemd-analyze"), "verify", str(unit)], capture_output=True, text=True, check=False
    )
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "liftgate" in line]
    assert ours == [] and done.returncode == 0, done.stderr


def test_the_unit_is_hardly_exposed(unit: Path) -> None:
    command = [program("systemd-analyze"), "security", "--offline=true", "--no-pager", str(unit)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    [level] = re.findall(r"Overall exposure level for liftgate.service: ([0-9.]+)", told)
    assert float(level) <= MOST_EXPOSED


def rendered() -> dict[str, dict[str, Any]]:
    done = subprocess.run(
        [program("kubectl"), "kustomize", str(DEPLOY / "kustomize")], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {each["kind"]: each for each in yaml.safe_load_all(done.stdout)}


def test_the_base_for_kubernetes_fits_together() -> None:
    found = rendered()
    assert found.keys() == {
        *("ConfigMap", "Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy", "ServiceMonitor"),
    }
    pod = found["Deployment"]["spec"]["template"]
    [container] = pod["spec"]["containers"]
    labels = pod["metadata"]["labels"]
    assert found["Service"]["spec"]["selector"].items() <= labels.items()
    selectors = {"PodDisruptionBudget": "selector", "NetworkPolicy": "podSelector", "ServiceMonitor": "selector"}
    for kind, where in selectors.items():
        assert found[kind]["spec"][where]["matchLabels"].items() <= labels.items(), kind
    [port] = container["ports"]
    assert (port["name"], port["containerPort"]) == ("http", 4000)
    assert found["Service"]["spec"]["ports"][0]["targetPort"] == "http"
    assert found["Service"]["spec"]["ports"][0]["name"] == found["ServiceMonitor"]["spec"]["endpoints"][0]["port"]
    [config] = [each["configMap"]["name"] for each in pod["spec"]["volumes"] if "configMap" in each]
    assert config == found["ConfigMap"]["metadata"]["name"]
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"]
    assert security["capabilities"]["drop"] == ["ALL"] and pod["spec"]["securityContext"]["runAsNonRoot"]


def test_pods_are_given_longer_than_a_drain() -> None:
    from liftgate.settings import ServerSettings

    drain = ServerSettings().drain_seconds
    assert rendered()["Deployment"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > drain + 5
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]["liftgate"]
    assert int(compose["stop_grace_period"].removesuffix("s")) > drain
    [stop] = re.findall(r"TimeoutStopSec=(\d+)", (DEPLOY / "liftgate.service").read_text())
    assert int(stop) > drain


def test_the_config_of_the_base_starts_a_gateway(tmp_path: Path) -> None:
    from liftgate.settings import load_settings

    config = tmp_path / "config.yaml"
    config.write_text(rendered()["ConfigMap"]["data"]["config.yaml"])
    environ = {
        "GEMINI_API_KEY": "AIza" + "k" * 35,
        "LIFTGATE_MASTER_KEY": "sk-master-1",
        "LIFTGATE_DATABASE_URL": "postgresql://db/liftgate",
        "HOME": "/",
    }
    settings, warnings = load_settings(config, {}, environ)
    assert settings.storage.blob_store == "s3://liftgate" and settings.auth.required and not list(warnings)
    assert settings.counting.metrics


def test_compose_names_no_secret_and_fixes_every_image() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    given = set(re.findall(r"^([A-Z_]+)=", (DEPLOY / "env.example").read_text(), re.MULTILINE))
    for name, service in services.items():
        assert name == "liftgate" or re.search(r":[^:@/]*\d", service["image"]), name
        for variable, value in service.get("environment", {}).items():
            if (
                re.search("PASSWORD|KEY|SECRET|URL|HOST", variable)
                and "://" not in value
                and variable != "AWS_ACCESS_KEY_ID"
            ):
                assert value.startswith("${"), f"{name}: {variable}"
            assert set(re.findall(r"\$\{(\w+)", value)) <= given, f"{name}: {variable}"
    ours = services["liftgate"]
    assert ours["read_only"] and ours["cap_drop"] == ["ALL"] and "no-new-privileges:true" in ours["security_opt"]


def test_the_image_has_the_versions_that_are_tested() -> None:
    def pins(path: str) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / path).read_text(), re.MULTILINE))

    tested = pins("requirements.lock")
    for lock in ("requirements", "build"):
        for name, version in pins(f"deploy/{lock}.lock").items():
            assert tested.get(name, version) == version, name
    direct = {
        re.split(r"[<>=\[;]", line)[0] for line in re.findall(r'^    "([a-z][^"]+)",', _dependencies(), re.MULTILINE)
    }
    assert direct <= pins("deploy/requirements.lock").keys()


def _dependencies() -> str:
    text = (ROOT / "pyproject.toml").read_text()
    return text[text.index("dependencies = [") : text.index("[project.optional-dependencies]")]
