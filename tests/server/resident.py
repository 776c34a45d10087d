"""A gateway of its own before `hostile_gemini`, whose memory is looked at from outside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hostile_gemini import hostile_gemini
from processes import GatewayProcess

MIB = 1024 * 1024
JSON = {"Content-Type": "application/json", "Authorization": "Bearer sk-master-0123456789"}
CONFIG = """
model_list:
  - {model_name: "*", litellm_params: {model: "gemini/*", api_base: "UPSTREAM", api_key: key-0123456789}}
general_settings: {master_key: sk-master-0123456789}
litellm_settings: {num_retries: 0}
router_settings: {cooldown_time: 0, allowed_fails: 100000}
"""


@contextmanager
def watched_gateway(folder: Path, *flags: str) -> Iterator[GatewayProcess]:
    """Not forked: what the tests' own process holds would be counted with it."""
    with hostile_gemini() as upstream:
        config = folder / "config.yaml"
        config.write_text(CONFIG.replace("UPSTREAM", upstream))
        process = GatewayProcess(config, folder / "data", *flags, fresh=True)
        try:
            process.wait_ready()
            yield process
        finally:
            process.stop()


def resident(process: GatewayProcess) -> int:
    """In bytes."""
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024
