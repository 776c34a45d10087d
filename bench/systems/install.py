"""Environments under .cache/bench: Liftgate as its users install it, and each peer with its version pinned."""

from __future__ import annotations

import os
from pathlib import Path

from bench.systems.system import run

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "bench"
UV = str(ROOT / ".tools" / "bin" / "uv")

# LiteLLM stays at 1.106.2: a later release is reported to have been tampered with.
PYPI = {
    "litellm": ("litellm[proxy]", "1.106.2"),
    "tensorzero": ("tensorzero", "2026.6.0"),
    "ferrogw": ("ferrogw", "1.5.10"),
    "mlflow": ("mlflow[genai]", "3.17.2"),
    "lmproxy": ("lm-proxy[google]", "3.3.2"),
}
NPM = {"portkey": ("@portkey-ai/gateway", "1.15.2")}


def liftgate() -> Path:
    """The environment's directory, with the wheel of this checkout and the locked versions of what it needs."""
    home = CACHE / "liftgate"
    dist = CACHE / "dist"
    for old in dist.glob("*.whl"):
        old.unlink()
    build = ["build", "--quiet", "--wheel", "--no-build-isolation", "--python", str(ROOT / ".venv/bin/python")]
    run([UV, *build, "--out-dir", str(dist), str(ROOT)])
    wheel = next(dist.glob("*.whl"))
    if not (home / "bin" / "python").exists():
        _venv(home)
    _pip(home, "--constraint", str(ROOT / "requirements.lock"), str(wheel))
    # The version does not change with every commit, so the wheel is put in anew.
    _pip(home, "--no-deps", "--reinstall-package", "liftgate", str(wheel))
    return home


def tool(name: str, version: str) -> Path:
    """A program from PyPI that helps to measure."""
    home = CACHE / "tools" / name
    if not (home / "bin" / name).exists():
        _venv(home)
        _pip(home, f"{name}=={version}")
    return home / "bin" / name


def peer(name: str) -> Path:
    """The environment's directory; installed when it is not there. Skipped when that fails."""
    home = CACHE / "peers" / name
    package, version = PYPI.get(name) or NPM[name]
    stamp = home / ".installed"
    wanted = f"{package}=={version}"
    if stamp.exists() and stamp.read_text() == wanted:
        return home
    print(f"installing {wanted} …", flush=True)
    home.mkdir(parents=True, exist_ok=True)
    if name in NPM:
        run(
            [
                "npm",
                "install",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--prefix",
                str(home),
                f"{package}@{version}",
            ]
        )
    else:
        _venv(home)
        _pip(home, wanted)
    stamp.write_text(wanted)
    return home


def version(name: str) -> str:
    return (PYPI.get(name) or NPM[name])[1]


def _venv(home: Path) -> None:
    run([UV, "venv", "--quiet", "--clear", "--python", str(ROOT / ".venv/bin/python"), str(home)])


def _pip(home: Path, *arguments: str) -> None:
    command = [UV, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(home / "bin/python")]
    run([*command, *arguments], env={**os.environ, "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(CACHE / "uv"))})
