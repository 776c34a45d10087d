"""The other gateways, each in its cheapest set-up: no database, no cache, a key where it wants one.

TensorZero and MLflow have Gemini's address built in, so they are measured through their OpenAI provider.
"""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from bench import processes
from bench.machine import free_port
from bench.systems import install
from bench.systems.requests import KEY, MODEL, Door
from bench.systems.system import Site, Skipped, System

START_SECONDS = 60.0


def all_peers(names: Collection[str]) -> list[System]:
    """Those of `names` that can be installed here; of the others it is printed why not."""
    found = []
    for name in names:
        try:
            found.append(_MAKERS[name](install.peer(name)))
        except Skipped as reason:
            print(f"skipped {name}: {reason}", flush=True)
    return found


def _launched(
    site: Site, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
) -> processes.Started:
    return processes.start(name, command, run_dir=site.run_dir, cores=site.cores, environment=environment)


def litellm(home: Path) -> System:
    def launch(site: Site) -> tuple[processes.Started, Door]:
        port = free_port()
        base = f"http://127.0.0.1:{site.upstream}/v1beta"
        models = [
            {"model_name": "bench", "litellm_params": {"model": f"gemini/{MODEL}", "api_key": "x", "api_base": base}}
        ]
        config = site.run_dir / "litellm.yaml"
        config.write_text(json.dumps({"model_list": models, "general_settings": {"master_key": KEY}}))
        command = [str(home / "bin/litellm"), "--config", str(config), "--host", "127.0.0.1", "--port", str(port)]
        environment = {
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOG": "ERROR",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
            "NO_DOCS": "True",
            "GEMINI_API_KEY": "x",
        }
        return _launched(site, "litellm", [*command, "--num_workers", str(site.workers)], environment), Door(port)

    return System("litellm", install.version("litellm"), launch, peer=True, workers=True, home=home)


def tensorzero(home: Path) -> System:
    def launch(site: Site) -> tuple[processes.Started, Door]:
        rows = [
            "[gateway]",
            "observability.enabled = false",
            "[models.bench]",
            'routing = ["standin"]',
            "[models.bench.providers.standin]",
            'type = "openai"',
            'model_name = "gpt-bench"',
            f'api_base = "http://127.0.0.1:{site.upstream}/v1/"',
            'api_key_location = "none"',
        ]
        config, address = site.run_dir / "tensorzero.toml", site.run_dir / "tensorzero.address"
        config.write_text("\n".join(rows))
        address.unlink(missing_ok=True)
        script = Path(__file__).with_name("start_tensorzero.py")
        started = _launched(site, "tensorzero", [str(home / "bin/python"), str(script), str(config), str(address)])
        end = time.monotonic() + START_SECONDS
        while not (address.exists() and (text := address.read_text())):
            if started.process.poll() is not None or time.monotonic() > end:
                started.stop()
                raise Skipped(f"tensorzero did not start: {started.tail()}")
            time.sleep(0.005)
        port = urlsplit(text).port or 0
        return started, Door(port, "/openai/v1/chat/completions", "tensorzero::model_name::bench", headers={})

    return System("tensorzero", install.version("tensorzero"), launch, peer=True, threads=True, home=home)


def ferrogw(home: Path) -> System:
    def launch(site: Site) -> tuple[processes.Started, Door]:
        port = free_port()
        config = site.run_dir / "ferrogw.yaml"
        config.write_text(json.dumps({"strategy": {"mode": "fallback"}, "targets": [{"virtual_key": "gemini"}]}))
        environment = {
            "GATEWAY_CONFIG": str(config),
            "GEMINI_API_KEY": "x",
            "GEMINI_BASE_URL": f"http://127.0.0.1:{site.upstream}/v1beta",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "MASTER_KEY": KEY,
            "RATE_LIMIT_RPS": "0",
            "LOG_LEVEL": "error",
        }
        started = _launched(site, "ferrogw", [str(home / "bin/ferrogw"), "serve"], environment)
        return started, Door(port, model=MODEL)

    return System("ferrogw", install.version("ferrogw"), launch, peer=True, threads=True, home=home)


def portkey(home: Path) -> System:
    def launch(site: Site) -> tuple[processes.Started, Door]:
        port = free_port()
        script = home / "node_modules/@portkey-ai/gateway/build/start-server.js"
        headers = {
            "Authorization": "Bearer x",
            "x-portkey-provider": "google",
            "x-portkey-custom-host": f"http://127.0.0.1:{site.upstream}/v1beta",
        }
        command = ["node", str(script), f"--port={port}", "--headless"]
        started = _launched(site, "portkey", command, {"NODE_ENV": "production"})
        return started, Door(port, model=MODEL, headers=headers)

    return System("portkey", install.version("portkey"), launch, peer=True, home=home)


def mlflow(home: Path) -> System:
    def launch(site: Site) -> tuple[processes.Started, Door]:
        port = free_port()
        upstream = {"openai_api_key": "x", "openai_api_base": f"http://127.0.0.1:{site.upstream}/v1"}
        endpoints = [
            {
                "name": "bench",
                "endpoint_type": "llm/v1/chat",
                "model": {"provider": "openai", "name": "gpt-bench", "config": upstream},
            }
        ]
        config = site.run_dir / "mlflow.yaml"
        config.write_text(json.dumps({"endpoints": endpoints}))
        command = [str(home / "bin/mlflow"), "gateway", "start", "--config-path", str(config), "--host", "127.0.0.1"]
        command += ["--port", str(port), "--workers", str(site.workers)]
        path = f"{home / 'bin'}:/usr/local/bin:/usr/bin:/bin"
        started = _launched(site, "mlflow", command, {"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path})
        return started, Door(port)

    return System("mlflow", install.version("mlflow"), launch, peer=True, workers=True, home=home)


def lmproxy(home: Path) -> System:
    def launch(site: Site) -> tuple[processes.Started, Door]:
        port = free_port()
        config = site.run_dir / "lmproxy.json"
        document = {
            "host": "127.0.0.1",
            "port": port,
            "connections": {"google": {"api_type": "google_ai_studio", "api_key": "x"}},
            "routing": {"*": "google.*"},
            "groups": {"default": {"api_keys": [KEY]}},
        }
        config.write_text(json.dumps(document))
        environment = {"GOOGLE_GEMINI_BASE_URL": f"http://127.0.0.1:{site.upstream}"}
        started = _launched(site, "lmproxy", [str(home / "bin/lm-proxy"), "--config", str(config)], environment)
        return started, Door(port, model=MODEL, limit="max_output_tokens")

    return System("lmproxy", install.version("lmproxy"), launch, peer=True, home=home)


_MAKERS = {
    "tensorzero": tensorzero,
    "ferrogw": ferrogw,
    "portkey": portkey,
    "mlflow": mlflow,
    "lmproxy": lmproxy,
    "litellm": litellm,
}
NAMES = tuple(_MAKERS)
