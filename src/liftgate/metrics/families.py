"""Every metric that the gateway has: its name, kind, labels and sentence. docs/metrics.md is held to it, and so are the
dashboard and the alerts of `deploy/`.

The labels have few values: names of the config, classes of errors, templates of routes; never what a caller may choose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

Kind = Literal["counter", "gauge", "histogram"]

HTTP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""OpenTelemetry's for HTTP."""
CALL_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""OpenTelemetry's for models."""
OWN_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1)
LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
FILE_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
TOKENS = tuple(float(4**power) for power in range(14))
"""OpenTelemetry's: 1 to 67,108,864."""


class Family(msgspec.Struct, frozen=True):
    """`name`: of a counter without its ending `_total`. `buckets`: upper bounds, of a histogram."""

    name: str
    kind: Kind
    says: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def cells(self) -> int:
        """Numbers that one series has: of a histogram its buckets, the one without a bound, and the sum."""
        return len(self.buckets) + 2 if self.kind == "histogram" else 1


def _histogram(name: str, says: str, labels: tuple[str, ...], buckets: tuple[float, ...]) -> Family:
    return Family(name, "histogram", says, labels, buckets)


_CALL = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")

HTTP = _histogram(
    "http_server_request_duration_seconds",
    "How long requests took, from their head to the end of the answer.",
    ("http_request_method", "http_route", "http_response_status_code"),
    HTTP_SECONDS,
)
ACTIVE = Family("http_server_active_requests", "gauge", "Requests that are being answered.")
OVERHEAD = _histogram(
    "liftgate_overhead_seconds",
    "What a call took here: without Google, files and the client.",
    ("operation",),
    OWN_SECONDS,
)
CALLS = _histogram(
    "gen_ai_client_operation_duration_seconds",
    "How long Google took for a call of a model, all tries together.",
    (*_CALL, "error_type"),
    CALL_SECONDS,
)
FIRST = _histogram(
    "gen_ai_client_operation_time_to_first_chunk_seconds",
    "How long Google took to the first piece of a streamed answer.",
    _CALL,
    CALL_SECONDS,
)
TOKEN_USAGE = _histogram("gen_ai_client_token_usage", "Tokens of a call.", (*_CALL, "gen_ai_token_type"), TOKENS)
TOKENS_TOTAL = Family(
    "liftgate_tokens",
    "counter",
    "Tokens by kind; `type`: input, output or reasoning; `cache`: read, for input that came from a cache.",
    ("model", "type", "modality", "cache"),
)
UPLOADS = Family("liftgate_uploads", "counter", "Files, parts and chunks that came in.", ("door", "outcome"))
UPLOAD_BYTES = Family("liftgate_upload_bytes", "counter", "Bytes of requests that bring files.", ("door",))
UPLOAD_SECONDS = _histogram("liftgate_upload_seconds", "How long such a request took.", ("door",), FILE_SECONDS)
LOOKUPS = Family(
    "liftgate_replica_lookups",
    "counter",
    "Files that calls needed: `hit`, a copy was at the account; `miss`, one had to be made.",
    ("account", "result"),
)
PAGE_IN_BYTES = Family(
    "liftgate_page_in_bytes", "counter", "Bytes of files whose copy a call had to wait for.", ("account",)
)
FILE_WAIT = _histogram(
    "liftgate_file_wait_seconds", "What a call that needed files waited for them.", ("outcome",), FILE_SECONDS
)
ATTEMPTS = Family(
    "liftgate_upstream_attempts",
    "counter",
    "Tries at a deployment: `ok`, `retried` (another followed) or `failed` (none did).",
    ("deployment", "outcome"),
)
SPEND = Family("liftgate_spend_usd", "counter", "US dollars that calls cost.", ("key", "model"))
UNPRICED = Family("liftgate_spend_unpriced", "counter", "Calls whose cost is not known: no price.", ("model",))
REFUSALS = Family(
    "liftgate_refusals", "counter", "Requests that were refused, by the class of the error.", ("key", "error")
)
STARTS = Family("liftgate_worker_starts", "counter", "Processes that began to serve.")
LOOP_LAG = _histogram("liftgate_loop_lag_seconds", "How late the event loop came to what was due.", (), LAG_SECONDS)
UNSETTLED = Family("liftgate_unsettled_usd", "gauge", "US dollars that only a journal has yet.")
JOURNAL_LAG = Family("liftgate_journal_lag_seconds", "gauge", "Since when spend is in a journal only.")
CPU = Family("process_cpu_seconds", "counter", "CPU time of the processes, those that ended included.")
MEMORY = Family("process_resident_memory_bytes", "gauge", "Memory of a process.", ("worker",))
OPEN_FILES = Family("process_open_fds", "gauge", "Open files of a process.", ("worker",))
FDS_LIMIT = Family("process_max_fds", "gauge", "How many it may open.", ("worker",))
STARTED = Family("process_start_time_seconds", "gauge", "When it began, in unix seconds.", ("worker",))

BUILD = Family("liftgate_build_info", "gauge", "1.", ("version",))
AVAILABLE = Family(
    "liftgate_deployment_available", "gauge", "1, or 0 while a deployment is left alone.", ("deployment",)
)
FILES = Family("liftgate_files", "gauge", "Files by owner.", ("owner",))
STORED = Family("liftgate_stored_bytes", "gauge", "Their bytes.", ("owner",))
REPLICAS = Family("liftgate_replicas", "gauge", "Copies at Google.", ("account", "state"))
REPLICA_BYTES = Family("liftgate_replica_bytes", "gauge", "Their bytes.", ("account",))
QUOTA = Family("liftgate_account_quota_bytes", "gauge", "What Google keeps of a project's files.", ("account",))
DOOMED = Family("liftgate_doomed", "gauge", "Names at Google that wait to be deleted.", ("account",))
SPOOL = Family("liftgate_spool_bytes", "gauge", "Bytes of uploads that are arriving.")
DISK = Family("liftgate_disk_free_bytes", "gauge", "Free bytes where `data_dir` is.")
PAGING = Family("liftgate_page_ins_under_way", "gauge", "Copies that the process which was asked is making.")
STALE = Family(
    "liftgate_catalog_stale_seconds", "gauge", "Since when changes of other processes are not heard; 0 while they are."
)
CATALOG_UP = Family("liftgate_catalog_up", "gauge", "1, or 0 while the catalogue gives no answer.")

COUNTED: Sequence[Family] = (
    HTTP, ACTIVE, OVERHEAD, CALLS, FIRST, TOKEN_USAGE, TOKENS_TOTAL, UPLOADS, UPLOAD_BYTES, UPLOAD_SECONDS, LOOKUPS,
    PAGE_IN_BYTES, FILE_WAIT, ATTEMPTS, SPEND, UNPRICED, REFUSALS, STARTS, LOOP_LAG, UNSETTLED, JOURNAL_LAG, CPU,
    MEMORY, OPEN_FILES, FDS_LIMIT, STARTED,
)  # fmt: skip
"""Each process counts them for itself; a scrape adds them up."""
LOOKED_UP: Sequence[Family] = (
    BUILD, AVAILABLE, FILES, STORED, REPLICAS, REPLICA_BYTES, QUOTA, DOOMED, SPOOL, DISK, PAGING, STALE, CATALOG_UP,
)  # fmt: skip
"""Found when they are asked for, by the process that is asked."""
FAMILIES: Mapping[str, Family] = {family.name: family for family in (*COUNTED, *LOOKED_UP)}
