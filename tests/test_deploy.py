"""The files in ``deploy/`` say what is true, and what their own tools accept."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from actors.config import Settings

_DEPLOY = Path(__file__).parents[1] / "deploy"
_UNIT = _DEPLOY / "agent-surfaces.service"
_METRIC = re.compile(r"\bsurfaces_[a-z_]+\b")
_ENDINGS = ("_bucket", "_total")


def _known_metrics() -> set[str]:
    """Every metric that our code names, as Prometheus calls its family."""
    actors = _DEPLOY.parent / "actors"
    figures = (actors / "ops" / "web" / "figures.py").read_text()
    ours = set(_METRIC.findall((actors / "metrics.py").read_text() + figures))
    short = re.findall(r'_(?:one|by_actor|by_state)\(\s*"(\w+)"', figures)
    return {_family(name) for name in ours | {f"surfaces_{name}" for name in short}}


def _family(name: str) -> str:
    for ending in _ENDINGS:
        name = name.removesuffix(ending)
    return name


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  # ours


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    # Its program is not installed here; any that exists will do.
    unit = tmp_path / _UNIT.name
    text = _UNIT.read_text().replace("/opt/agent-surfaces/.venv/bin/python", sys.executable)
    unit.write_text(text)

    done = _run("systemd-analyze", "verify", str(unit))

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")
def test_systemd_calls_the_unit_hardened() -> None:
    done = _run("systemd-analyze", "security", "--offline=true", "--threshold=20", str(_UNIT))

    assert done.returncode == 0, done.stdout


def test_the_dockerfile_has_no_fault_that_a_linter_knows() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    if not hadolint.exists():
        pytest.skip("hadolint has no build for this machine")

    done = _run(str(hadolint), str(_DEPLOY / "Dockerfile"))

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", ["compose.yaml", "Dockerfile", "agent-surfaces.service"])
def test_only_settings_that_exist_are_set(name: str) -> None:
    text = (_DEPLOY / name).read_text()
    known = {setting.upper() for setting in Settings.model_fields}

    named = set(re.findall(r"(?:Environment=|^ +|ENV )([A-Z]+_[A-Z_]+)[=:]", text, re.MULTILINE))

    assert named
    assert named <= known


@pytest.mark.parametrize("name", ["grafana/dashboard.json", "alerts.yml"])
def test_only_metrics_that_exist_are_shown(name: str) -> None:
    named = {_family(metric) for metric in _METRIC.findall((_DEPLOY / name).read_text())}

    assert named
    assert named <= _known_metrics()


def test_every_metric_of_ours_is_on_the_dashboard() -> None:
    shown = {
        _family(one)
        for one in _METRIC.findall((_DEPLOY / "grafana" / "dashboard.json").read_text())
    }
    ours = set(_METRIC.findall((_DEPLOY.parent / "actors" / "metrics.py").read_text()))

    assert {_family(one) for one in ours} <= shown


def test_the_dashboard_has_a_title_and_a_unit_for_each_panel() -> None:
    dashboard = json.loads((_DEPLOY / "grafana" / "dashboard.json").read_text())

    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    for panel in dashboard["panels"]:
        assert panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"]


def test_whatever_the_compose_file_mounts_is_there() -> None:
    services = yaml.safe_load((_DEPLOY / "compose.yaml").read_text())["services"]

    mounts = [mount for service in services.values() for mount in service["volumes"]]
    files = [mount.partition(":")[0] for mount in mounts if mount.startswith("./")]
    assert files
    assert all((_DEPLOY / file).exists() for file in files)


def test_the_other_yaml_files_can_be_read() -> None:
    for path in (_DEPLOY / "prometheus.yml", _DEPLOY / "alerts.yml"):
        assert yaml.safe_load(path.read_text())
