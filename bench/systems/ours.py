"""What needs no installation: a direct call, a hop through nginx, and Liftgate with all that is on by default."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench import processes
from bench.load.one import Line, post
from bench.machine import first_line, free_port
from bench.standin import nginx
from bench.systems.requests import KEY, MODEL, Door
from bench.systems.system import Site, System


def direct() -> System:
    return System("direct", "", lambda site: (None, Door(site.upstream, gemini=True)))


def nginx_hop() -> System:
    def launch(site: Site) -> tuple[processes.Started, Door]:
        port = free_port()
        command = nginx.hop(site.run_dir, port, site.upstream)
        return processes.start("nginx", command, run_dir=site.run_dir, cores=site.cores), Door(port, gemini=True)

    return System("nginx", first_line(["nginx", "-v"]).rpartition("/")[2], launch)


def config(upstream: int, data_dir: Path) -> dict[str, object]:
    """A plain set-up: one deployment, a master key, SQLite and local blobs."""
    return {
        "model_list": [deployment("bench", MODEL, upstream)],
        "general_settings": {"master_key": KEY},
        "liftgate_settings": {"data_dir": str(data_dir)},
    }


def deployment(name: str, model: str, upstream: int, key: str = "x") -> dict[str, object]:
    base = f"http://127.0.0.1:{upstream}/v1beta"
    return {"model_name": name, "litellm_params": {"model": f"gemini/{model}", "api_key": key, "api_base": base}}


def liftgate(
    home: Path, *, name: str = "liftgate", settings: Mapping[str, object] | None = None, under: Sequence[str] = ()
) -> System:
    """`home` is the environment; `settings` replaces sections of the plain set-up; `under`: a program that runs it. Its
    data directory starts empty."""

    def launch(site: Site) -> tuple[processes.Started, Door]:
        data_dir = site.run_dir / f"{name}-data"
        shutil.rmtree(data_dir, ignore_errors=True)
        return launch_on(home, site, {**config(site.upstream, data_dir), **(settings or {})}, name, under)

    version = first_line([str(home / "bin/liftgate"), "--version"]).split(" ")[-1]
    return System(name, version, launch, workers=True, home=home)


COUNTED = {"spend": True, "metrics": True, "access_log": True, "json_logs": True}
BUDGET = {"key_alias": "bench", "max_budget": 1e6, "budget_duration": "1mo"}


KEY_ALONE = {"key_alias": "bench"}
PARTS: Mapping[str, tuple[Mapping[str, object], Mapping[str, object] | None]] = {
    "key": ({}, KEY_ALONE),
    "budget": ({}, BUDGET),
    "spend": ({"spend": True}, None),
    "metrics": ({"metrics": True}, None),
    "log": ({"access_log": True, "json_logs": True}, None),
}
"""What is on, and the key that asks; None: the config's."""


def counted(home: Path, under: Sequence[str] = ()) -> System:
    """Liftgate with all that operators count on: a key of the catalogue that has a budget, what calls cost, metrics,
    the log as JSON."""
    return _with(home, "counted", COUNTED, BUDGET, under)


def with_part(home: Path, part: str) -> System:
    """With one of them."""
    return _with(home, part, *PARTS[part])


def _with(
    home: Path,
    name: str,
    settings: Mapping[str, object],
    key: Mapping[str, object] | None,
    under: Sequence[str] = (),
) -> System:
    def launch(site: Site) -> tuple[processes.Started, Door]:
        data_dir = site.run_dir / f"{name}-data"
        shutil.rmtree(data_dir, ignore_errors=True)
        document = config(site.upstream, data_dir)
        ours = {"data_dir": str(data_dir), **settings}
        return launch_on(home, site, {**document, "liftgate_settings": ours}, name, under)

    def make_key(door: Door) -> None:
        """From now on this door is asked with it."""
        with Line(door.port) as line:
            made = line.ask(post(door.port, "/key/generate", json.dumps(key).encode(), door.headers))
        door.headers["Authorization"] = f"Bearer {json.loads(made.body)['key']}"

    return System(name, "", launch, home=home, ready=None if key is None else make_key)


def launch_on(
    home: Path, site: Site, document: object, name: str, under: Sequence[str] = ()
) -> tuple[processes.Started, Door]:
    """Start Liftgate with this config; JSON is YAML too."""
    port = free_port()
    path = site.run_dir / f"{name}.yaml"
    path.write_text(json.dumps(document, indent=1))
    command = [*under, str(home / "bin/liftgate"), "--config", str(path), "--port", str(port)]
    command += ["--num-workers", str(site.workers)]
    return processes.start(name, command, run_dir=site.run_dir, cores=site.cores), Door(port)
