"""The settings as small frozen sections: what each part of Liftgate gets at start, with its default and a sentence.

Nothing here reads a file or the environment (`load` does), and nothing changes after start. The metadata of the fields
is the one table behind `--help`, `LIFTGATE_X`, `liftgate_settings` and docs/settings.md (`options`, `describe`).
Times are seconds, sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liftgate.deployments import Deployment
from liftgate.settings.auth import LOCAL as LOCAL
from liftgate.settings.auth import MASTER as MASTER
from liftgate.settings.auth import AuthSettings as AuthSettings
from liftgate.settings.values import shown_url

if TYPE_CHECKING:
    from liftgate.records import Owner

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


def _says(
    says: str, *, name: str = "", minimum: float | None = None, size: bool = False, shown: str = "", kind: str = ""
) -> dict[str, Any]:
    """The row of an option: its sentence; its name where the field's own says too little outside its section; `shown`
    where the default is decided at start; `kind` where the annotation does not say how it is read.
    """
    return {"says": says, "name": name, "minimum": minimum, "size": size, "shown": shown, "kind": kind}


def _option(default: Any, says: str, *, secret: bool = False, **more: Any) -> Any:
    """`secret`: it is not shown where the settings are."""
    return field(default=default, repr=not secret, metadata=_says(says, **more))


@dataclass(frozen=True, slots=True)
class RouterSettings:
    """How deployments of one `model_name` stand in for each other. `fallbacks`: LiteLLM's form, each entry one
    model_name (or `*`, any other) → the model_names that stand in for it, in their order.
    """

    num_retries: int = _option(
        2, "how often a failed call is tried again, over all deployments of the model", minimum=0
    )
    timeout: float = _option(
        600.0, "the deadline of a call to Gemini, in seconds", name="request_timeout", minimum=0.001
    )
    stream_timeout: float = _option(
        120.0, "how long a stream may be silent before it is given up, in seconds", minimum=0.001
    )
    cooldown_time: float = _option(5.0, "how long a failing deployment is left alone, in seconds", minimum=0)
    allowed_fails: int = _option(3, "failures in a minute after which a deployment is left alone", minimum=0)
    fallbacks: tuple[Mapping[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class ModelNames:
    """Names beside the deployments' own. `aliases`: name → model_name, of which the `hidden` are not listed.
    `left_out`: model_name of an entry of another provider → that provider. `longer`: model_name → those that are asked
    when a prompt is too long for it.
    """

    aliases: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    left_out: Mapping[str, str] = field(default_factory=dict)
    longer: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Where files live."""

    data_dir: Path = field(
        default=Path("liftgate-data"),
        metadata=_says(
            "the directory for uploads in progress, and, by default, for the catalogue and the files",
            shown="~/.local/share/liftgate, or as the platform has it",
        ),
    )
    database_url: str = _option(
        "",
        "the catalogue: `sqlite:///absolute/path` or `postgresql://…`; by default SQLite in the data directory",
        secret=True,
    )
    blob_store: str = _option(
        "local", "where the bytes are kept: `local`, `s3://bucket/prefix`, `gs://…` or `az://…`", secret=True
    )

    @property
    def shown_store(self) -> str:
        """`blob_store` for people: without what may be a secret in its URL."""
        if self.blob_store == "local":
            return f"the directory {self.data_dir.absolute() / 'blobs'}"
        return shown_url(self.blob_store)

    @property
    def catalog_url(self) -> str:
        """`database_url`, or SQLite in the data directory."""
        return self.database_url or "sqlite:///" + (self.data_dir.absolute() / "catalog.db").as_posix().lstrip("/")


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """What is too large. The two maps hold what `liftgate_settings.keys` says of an owner."""

    max_file_bytes: int = _option(
        2 * GIB, "the largest file that is taken; Gemini's own limit is 2 GiB", minimum=1, size=True
    )
    inline_limit: int = _option(
        10 * MIB,
        "media sent inside a chat request above this size, all parts together, is stored and sent to Gemini as a file",
        minimum=0,
        size=True,
    )
    max_body_bytes: int = _option(
        128 * MIB,
        "the largest JSON body that is taken; a large one has 250,000 values at most, and no text beyond 16 MiB that "
        "is not ASCII; one of names and numbers alone (uploads, keys, users, teams, metadata) has 4 MiB at most",
        minimum=1,
        size=True,
    )
    owner_max_bytes: int | None = _option(
        None, "how much one owner may store; no limit by default", minimum=1, size=True
    )
    max_pending_uploads: int = _option(
        1000, "uploads in parts and resumable ones that one owner may have begun and not ended", minimum=1
    )
    decoded_bytes_limit: int = _option(
        512 * MIB,
        "JSON bodies that a process holds at the same time, in bytes; beyond it a request is 503 with Retry-After. One"
        " body of `max_body_bytes` is always taken, and with keys no owner takes the room of another's",
        minimum=1,
        size=True,
    )
    fetch_max_bytes: int = _option(
        100 * MIB, "the largest file that is fetched from a URL in a chat request", minimum=1, size=True
    )
    fetch_timeout: float = _option(60.0, "how long fetching one may take, in seconds", minimum=0.1)
    fetch_allowed_hosts: tuple[str, ...] = _option(
        (), "hosts that may be fetched from although their addresses are not public, with commas between"
    )
    max_header_bytes: int = _option(
        64 * KIB, "the largest head of a request: its line and its headers", minimum=1024, size=True
    )
    file_bytes_by_owner: Mapping[Owner, int] = field(default_factory=dict)
    stored_bytes_by_owner: Mapping[Owner, int] = field(default_factory=dict)

    def largest_file(self, owner: Owner) -> int:
        return self.file_bytes_by_owner.get(owner, self.max_file_bytes)

    def storage_quota(self, owner: Owner) -> int | None:
        return self.stored_bytes_by_owner.get(owner, self.owner_max_bytes)


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where and how the gateway listens."""

    host: str = _option("127.0.0.1", "the address to listen on; anything but loopback needs a key")
    port: int = _option(4000, "the port to listen on; 0 takes a free one", minimum=0)
    num_workers: int = _option(1, "processes that share the port", minimum=1)
    public_base_url: str | None = _option(None, "our address as clients see it, where a proxy stands in front")
    trusted_proxies: tuple[str, ...] = _option(
        (), "addresses whose X-Forwarded-* headers are believed, with commas between"
    )
    cors_origins: tuple[str, ...] = _option(
        (),
        "origins whose web pages may call the gateway, with commas between: `https://app.example.com`, "
        "`https://*.example.com`, `http://localhost:*`, `null`, or `*` for all; none by default",
    )
    access_log: bool = _option(False, "write one line for every request")
    json_logs: bool = _option(False, "write the log as JSON, an object for each line, the access log's lines too")
    log_client_ip: str = _option(
        "none", "the client's address in lines of the access log: `none`, `prefix` (IPv4 /24, IPv6 /48) or `full`"
    )
    log_user_secret: str = _option(
        "", "a secret by which JSON lines have a digest in place of the `user` that a request names", secret=True
    )
    log_names: str = _option(
        "liftgate",
        "how JSON lines of calls name what they have: `liftgate`, or `otel`, as spans name the same",
    )
    debug: bool = _option(False, "write the log in detail, each failed try included, and the access log")
    read_timeout: float = _option(
        30.0, "how long a client may leave us waiting for the next bytes, in seconds", minimum=0.001
    )
    keep_alive: float = _option(75.0, "how long an idle connection is kept open, in seconds", minimum=0)
    drain_seconds: float = _option(
        30.0,
        "after SIGTERM, how long running requests and copies to Gemini may go on, in seconds",
        minimum=0,
    )


@dataclass(frozen=True, slots=True)
class CountingSettings:
    """What is counted of calls, and shown."""

    spend: bool = _option(
        False, "count what calls cost: in a header of each answer, in a stream's usage, and by key, model and day"
    )
    metrics: bool = _option(
        False, "count for Prometheus, at `/metrics`: for the master key, and keys of the types management and read_only"
    )
    traces_endpoint: str = _option(
        "", "where spans of sampled calls are sent, by OTLP over HTTP: `http://collector:4318/v1/traces`"
    )
    traces_ratio: float = _option(
        0.01, "the part of the calls that is sampled, of those whose caller has no trace: 0 to 1", minimum=0
    )
    traces_names: str = _option(
        "gen_ai",
        "how spans name what a model was asked and answered: `gen_ai` (OpenTelemetry's conventions), or "
        "`openinference` for those names too, as Phoenix reads them",
    )
    traces_headers: tuple[str, ...] = _option((), "headers for it, `name=value` with commas between", secret=True)
    metrics_host: str = _option("127.0.0.1", "the address of `metrics_port`")
    metrics_port: int | None = _option(
        None, "a port of its own for `/metrics`, where it needs no key; none by default", minimum=1
    )
    usage_write_seconds: float = _option(5.0, "how often what was spent is added to the catalogue", minimum=0.05)


@dataclass(frozen=True, slots=True)
class BudgetSettings:
    """What all callers together may spend, and how the limits of keys and owners are kept. Nano-dollars.
    `of_provider`: a second budget of the same kind, LiteLLM's for Gemini as a provider: (amount, window)."""

    max_budget: int | None = _option(
        None,
        "US dollars that all callers together may spend, in all or in each window of `budget_duration`",
        kind="nano-dollars",
    )
    budget_duration: str | None = _option(
        None,
        "the window of `max_budget`: `1d` (from midnight), `1w` (Monday), `1mo` (the first), `30d`, `12h` …",
        kind="duration",
    )
    of_provider: tuple[int, str | None] | None = None
    budget_time_zone: str = _option(
        "UTC", "where budgets of days, weeks and months begin: a name such as `Europe/Berlin`"
    )
    serve_when_limits_are_away: bool = _option(
        False, "answer callers with limits also while the catalogue is away; what they spend is counted afterwards"
    )
    unpriced_within_budget: bool = _option(
        True, "answer within a budget also where a model has no price; such answers count as nothing spent"
    )


@dataclass(frozen=True, slots=True)
class JobSettings:
    """What happens in the background and how long things wait for it."""

    lease_seconds: float = _option(60.0, "how long one process holds the right to upload a copy", minimum=1)
    lease_renew_seconds: float = _option(15.0, "how often that right is renewed", minimum=0.1)
    lease_poll_seconds: float = _option(
        2.0,
        "how often a process looks whether another has finished a copy, should the announcement be lost",
        minimum=0.01,
    )
    page_in_seconds: float = _option(3600.0, "how long carrying one file to Gemini may take", minimum=1)
    stream_commit_seconds: float = _option(
        15.0, "a stream that waits for a file is answered with 200 and comment lines after this long", minimum=0
    )
    stream_ping_seconds: float = _option(
        15.0, "how long a stream may be silent before a comment line keeps its connection alive", minimum=0.01
    )
    expiry_margin_seconds: float = _option(600.0, "a copy closer to its end than this is not used any more", minimum=0)
    failed_seconds: float = _option(
        300.0, "how long Gemini's refusal of a file is believed before it is tried again", minimum=0
    )
    renew_seconds: float = _option(300.0, "how often copies that expire soon are looked for", minimum=1)
    renew_ahead_seconds: float = _option(
        7200.0, "a copy in use is made again when it is closer to its end than this", minimum=0
    )
    renew_used_seconds: float = _option(21600.0, "a copy is in use when a request used it within this time", minimum=0)
    evict_idle_seconds: float = _option(
        900.0, "a copy used within this time stays when a project's storage is full", minimum=0
    )
    use_write_seconds: float = _option(10.0, "how often the times of use are written to the catalogue", minimum=0.1)
    purge_seconds: float = _option(
        30.0, "how often copies at Gemini that have no use any more are deleted", minimum=0.1
    )
    sweep_seconds: float = _option(300.0, "how often expired files and orphaned bytes are looked for", minimum=0.1)
    orphan_grace_seconds: float = _option(
        86400.0,
        "how long bytes that no file names are kept: an hour or more, and longer than a backup takes; of gateways that"
        " share a catalogue, the longest holds",
        minimum=3600,
    )
    cache_stale_seconds: float = _option(
        60.0, "how long cached answers are used while the catalogue is unreachable", minimum=0
    )


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a `Gateway`."""

    deployments: tuple[Deployment, ...] = ()
    auth: AuthSettings = field(default_factory=AuthSettings)
    router: RouterSettings = field(default_factory=RouterSettings)
    storage: StorageSettings = field(default_factory=StorageSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    server: ServerSettings = field(default_factory=ServerSettings)
    counting: CountingSettings = field(default_factory=CountingSettings)
    jobs: JobSettings = field(default_factory=JobSettings)
    budgets: BudgetSettings = field(default_factory=BudgetSettings)
    names: ModelNames = field(default_factory=ModelNames)
    drop_params: bool = _option(False, "drop request parameters that a model cannot do, in place of refusing them")
