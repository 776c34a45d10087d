"""Every metric that the gateway has: its name, kind, labels and sentence. docs/metrics.md is held to it, and so are the
dashboard and the alerts of `deploy/`.

The labels have few values: names of the config, classes of errors, templates of routes; never what a caller may choose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import msgspec

Kind = Literal["counter", "gauge", "histogram", "exemplar"]

HTTP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""OpenTelemetry's for HTTP."""
CALL_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""OpenTelemetry's for models."""
OWN_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1)
LAG_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
FILE_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
QUICK_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
TOKENS = tuple(float(4**power) for power in range(14))
"""OpenTelemetry's: 1 to 67,108,864."""
OTHER = "other"
"""The value of a label for all that have none of their own."""


class Family(msgspec.Struct, frozen=True):
    """`name`: of a counter without its ending `_total`. `buckets`: upper bounds, of a histogram."""

    name: str
    kind: Kind
    says: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def cells(self) -> int:
        """Numbers that one series has: of a histogram its buckets, the one without a bound, and the sum; of an exemplar
        the four words of a trace's id, the value, and when it was (unix seconds)."""
        return len(self.buckets) + 2 if self.kind == "histogram" else 6 if self.kind == "exemplar" else 1


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
PER_CHUNK = _histogram(
    "gen_ai_client_operation_time_per_output_chunk_seconds",
    "How long Google took to each further piece of a streamed answer; the pieces of one answer count with their mean.",
    _CALL,
    QUICK_SECONDS,
)
TOKEN_USAGE = _histogram("gen_ai_client_token_usage", "Tokens of a call.", (*_CALL, "gen_ai_token_type"), TOKENS)
TOKENS_TOTAL = Family(
    "liftgate_tokens",
    "counter",
    "Tokens by kind; `type`: input, output or reasoning; `cache`: read, for input that came from a cache.",
    ("model", "type", "modality", "cache"),
)
UPLOADS = Family(
    "liftgate_uploads",
    "counter",
    "Files, parts and chunks that came in; `inline`: inside a call, `fetched`: from a URL that a call names.",
    ("door", "outcome"),
)
UPLOAD_BYTES = Family("liftgate_upload_bytes", "counter", "Bytes of requests that bring files.", ("door",))
UPLOAD_SECONDS = _histogram("liftgate_upload_seconds", "How long such a request took.", ("door",), FILE_SECONDS)
LOOKUPS = Family(
    "liftgate_replica_lookups",
    "counter",
    "Files that calls needed: `hit`, a copy was at the account; `processing`, one was on its way; `expired`, its time "
    "there was nearly over; `lost`, Google had it no more; `refused`, Google cannot use it; `miss`, there was none.",
    ("account", "result"),
)
PAGE_INS = Family(
    "liftgate_page_ins",
    "counter",
    "Copies that were made. `reason`: for a call (`chat`), at an upload (`asked`), in use and expiring (`renew`), lost "
    "or left unfinished (`repair`). `outcome`: `done`, `resumed` (another's beginning was finished), `failed`, "
    "`given_up` (no time was left, or another took over).",
    ("account", "reason", "outcome"),
)
PAGE_IN_BYTES = Family("liftgate_page_in_bytes", "counter", "Bytes of files that were carried to Google.", ("account",))
PAGE_IN_SECONDS = _histogram(
    "liftgate_page_in_seconds",
    "How long the steps of a page-in took: until this process may make it (`lease`), the bytes (`send`), until Google "
    "can use it (`active`).",
    ("phase",),
    FILE_SECONDS,
)
EVICTIONS = Family(
    "liftgate_evictions",
    "counter",
    "Copies that were given up: for room (`quota`), unfinished and unused (`idle`), past their end (`expired`), denied "
    "by Google (`lost`).",
    ("account", "reason"),
)
RENEWALS = Family("liftgate_renewals", "counter", "Page-ins with the reason `renew`.", ("account", "outcome"))
DELETIONS = Family(
    "liftgate_deletions",
    "counter",
    "Deletes at Google: `done`, `failed` (it is due again), `forgotten` (Google has removed it by itself by now).",
    ("account", "outcome"),
)
LEASES_HELD = Family(
    "liftgate_leases_held",
    "gauge",
    "Pieces of work that a process does for all: `replica`, `job`, `reply`, `carry` (an upload's prefetch).",
    ("kind",),
)
LEASES_LOST = Family("liftgate_leases_lost", "counter", "Those that another process took over.", ("kind",))
FILE_WAIT = _histogram(
    "liftgate_file_wait_seconds", "What a call that needed files waited for them.", ("outcome",), FILE_SECONDS
)
ATTEMPTS = Family(
    "liftgate_upstream_attempts",
    "counter",
    "Tries at a deployment: `ok`, `retried` (the same one was tried again), `fell_back` (another one followed) or "
    "`failed` (none did).",
    ("deployment", "outcome"),
)
COOLDOWNS = Family(
    "liftgate_cooldowns", "counter", "How often a deployment was left alone, by the class of the error.",
    ("deployment", "reason"),
)  # fmt: skip
UPSTREAM_REFUSALS = Family(
    "liftgate_upstream_refusals", "counter", "Answers of Google's that a quota is used up.", ("account", "quota_id")
)
CONNECTIONS = Family("liftgate_upstream_connections", "gauge", "Connections to Google: `busy`, `free`.", ("state",))
SPEND = Family("liftgate_spend_usd", "counter", "US dollars that calls cost.", ("key", "model"))
UNPRICED = Family("liftgate_spend_unpriced", "counter", "Calls whose cost is not known: no price.", ("model",))
REFUSALS = Family(
    "liftgate_refusals",
    "counter",
    "Requests that were refused, by the class of the error. `kind`: the limit that was reached, requests, tokens, "
    "parallel, usd or bytes; model or route, where the key may not; empty for other errors.",
    ("key", "error", "kind"),
)
STARTS = Family("liftgate_worker_starts", "counter", "Processes that began to serve.")
LOOP_LAG = _histogram("liftgate_loop_lag_seconds", "How late the event loop came to what was due.", (), LAG_SECONDS)
UNSETTLED = Family("liftgate_unsettled_usd", "gauge", "US dollars that only a journal has yet.")
LEASED = Family("liftgate_leased_usd", "gauge", "US dollars of budgets that processes hold for calls.")
JOURNAL_LAG = Family("liftgate_journal_lag_seconds", "gauge", "Since when spend is in a journal only.")
CATALOG_SECONDS = _histogram(
    "liftgate_catalog_seconds",
    "How long the catalogue took, waiting for a turn included. `outcome`: ok, refused (a conflict, say) or failed.",
    ("kind", "outcome"),
    QUICK_SECONDS,
)
BLOB_SECONDS = _histogram(
    "liftgate_blob_seconds",
    "How long the object store took. `op`: store (from the first byte that arrives), read (all of a reading), delete.",
    ("op", "outcome"),
    FILE_SECONDS,
)
JOB_SECONDS = _histogram(
    "liftgate_job_seconds", "How long a round of a background job took.", ("job", "outcome"), FILE_SECONDS
)
CPU = Family("process_cpu_seconds", "counter", "CPU time of the processes, those that ended included.")
MEMORY = Family("process_resident_memory_bytes", "gauge", "Memory of a process.", ("worker",))
OPEN_FILES = Family("process_open_fds", "gauge", "Open files of a process.", ("worker",))
FDS_LIMIT = Family("process_max_fds", "gauge", "How many it may open.", ("worker",))
STARTED = Family("process_start_time_seconds", "gauge", "When it began, in unix seconds.", ("worker",))

BUILD = Family("liftgate_build_info", "gauge", "1.", ("version", "commit"))
AVAILABLE = Family(
    "liftgate_deployment_available",
    "gauge",
    "1, or 0 while the process that is asked leaves a deployment alone.",
    ("deployment",),
)
FILES = Family("liftgate_files", "gauge", "Files by owner.", ("owner",))
STORED = Family("liftgate_stored_bytes", "gauge", "Their bytes.", ("owner",))
REPLICAS = Family("liftgate_replicas", "gauge", "Copies at Google.", ("account", "state"))
REPLICA_BYTES = Family("liftgate_replica_bytes", "gauge", "Their bytes.", ("account",))
QUOTA = Family("liftgate_account_quota_bytes", "gauge", "What Google keeps of a project's files.", ("account",))
DOOMED = Family("liftgate_doomed", "gauge", "Names at Google that wait to be deleted.", ("account",))
DOOMED_OLDEST = Family("liftgate_doomed_oldest_seconds", "gauge", "How long the oldest of them waits.", ("account",))
UPLOADS_OPEN = Family(
    "liftgate_uploads_open", "gauge", "Uploads that have begun and not ended: `parts` or `native`.", ("kind",)
)
REPLIES_OPEN = Family(
    "liftgate_background_responses", "gauge", "Responses in the background that have not ended.", ("state",)
)


class BudgetFamilies(NamedTuple):
    """Of what bounds the callers of one kind. The gateway has no soft budget."""

    amount: Family
    left: Family
    reset: Family
    soft: Family
    soft_left: Family


def _budgets(whose: str, stem: str = "", *labels: str) -> BudgetFamilies:
    def gauge(name: str, says: str, *more: str) -> Family:
        return Family(f"liftgate_{stem}{name}", "gauge", says, (*labels, *more))

    return BudgetFamilies(
        gauge("budget_usd", f"Budgets of {whose}, in US dollars.", "window"),
        gauge("budget_left_usd", "What is left of them.", "window"),
        gauge("budget_reset_timestamp_seconds", "When they begin anew, in unix seconds.", "window"),
        gauge("soft_budget_usd", f"Soft budgets of {whose}, in US dollars."),
        gauge("soft_budget_left_usd", "What is left of them; below 0 when more is spent."),
    )


KEY_BUDGETS = _budgets("keys", "", "key")
OWNER_BUDGETS = _budgets("owners", "owner_", "owner")
GATEWAY_BUDGETS = _budgets("the gateway", "gateway_")
SPOOL = Family("liftgate_spool_bytes", "gauge", "Bytes of uploads that are arriving.")
DISK = Family("liftgate_disk_free_bytes", "gauge", "Free bytes where `data_dir` is.")
PAGING = Family("liftgate_page_ins_under_way", "gauge", "Copies that the process which was asked is making.")
STALE = Family(
    "liftgate_catalog_stale_seconds", "gauge", "Since when changes of other processes do not arrive; 0 while they do."
)
CATALOG_UP = Family("liftgate_catalog_up", "gauge", "1, or 0 while the catalogue gives no answer.")

COUNTED: Sequence[Family] = (
    HTTP, ACTIVE, OVERHEAD, CALLS, FIRST, PER_CHUNK, TOKEN_USAGE, TOKENS_TOTAL, UPLOADS, UPLOAD_BYTES, UPLOAD_SECONDS,
    LOOKUPS, PAGE_INS, PAGE_IN_BYTES, PAGE_IN_SECONDS, FILE_WAIT, EVICTIONS, RENEWALS, DELETIONS, LEASES_HELD,
    LEASES_LOST, ATTEMPTS, COOLDOWNS, UPSTREAM_REFUSALS, CONNECTIONS, SPEND, UNPRICED, REFUSALS, STARTS, LOOP_LAG,
    CATALOG_SECONDS, BLOB_SECONDS, JOB_SECONDS, UNSETTLED, LEASED, JOURNAL_LAG, CPU, MEMORY, OPEN_FILES, FDS_LIMIT,
    STARTED,
)  # fmt: skip
"""Each process counts them for itself; a scrape adds them up."""
OF_CATALOGUE: Sequence[Family] = (
    FILES, STORED, REPLICAS, REPLICA_BYTES, QUOTA, DOOMED, DOOMED_OLDEST, UPLOADS_OPEN, REPLIES_OPEN,
    *KEY_BUDGETS, *OWNER_BUDGETS, *GATEWAY_BUDGETS[:3],
)  # fmt: skip
"""Of all machines that share a catalogue. Each tells the same, so no two of them are ever added up."""
LOOKED_UP: Sequence[Family] = (BUILD, AVAILABLE, *OF_CATALOGUE, SPOOL, DISK, PAGING, STALE, CATALOG_UP)
"""Found when they are asked for, by the process that is asked."""
FAMILIES: Mapping[str, Family] = {family.name: family for family in (*COUNTED, *LOOKED_UP)}
EXEMPLARS: Mapping[str, Family] = {
    family.name: Family(f"{family.name} exemplar", "exemplar", "", family.labels) for family in (HTTP, CALLS)
}
"""By the histogram whose series have one, in OpenMetrics' form: the last of its calls that is traced."""
KEPT: Mapping[str, Family] = {**FAMILIES, **{family.name: family for family in EXEMPLARS.values()}}
"""All that has cells."""
