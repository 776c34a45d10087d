"""Serves TensorZero's HTTP gateway from inside its wheel: `python start_tensorzero.py CONFIG ADDRESS_FILE`.

Run by the peer's own interpreter, so it imports nothing of the benchmark. The address is written when it listens.
"""

import sys
import time
from pathlib import Path

from tensorzero.tensorzero import _start_http_gateway  # type: ignore[import-not-found]

gateway = _start_http_gateway(
    config_file=sys.argv[1], clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False
)
Path(sys.argv[2]).write_text(gateway.base_url)
while True:
    time.sleep(3600)
