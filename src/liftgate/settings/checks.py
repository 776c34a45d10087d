"""What no single value can get wrong: the settings beside each other. And which addresses are this machine's own."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from liftgate.settings.faults import Faults
from liftgate.settings.origins import Origins
from liftgate.settings.sections import BudgetSettings, CountingSettings, ServerSettings, Settings
from liftgate.settings.values import shown

SHORT_KEY = 16
KNOWN_EXAMPLES = frozenset({"sk-1234", "sk-12345", "sk-123456", "sk-12345678", "sk-1234567890", "123456", "12345678"})
"""Keys of documentation, which whoever finds an open port tries first."""


def loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_values(sections: Mapping[str, object], faults: Faults, name: Callable[[str], str], *, listens: bool) -> None:
    """Each by itself: those whose form the table of options cannot say. They are told with the faults of reading;
    what could not be read has its default, which has no fault. `name` and `listens` as in `check`."""
    server, counting, budgets = sections["server"], sections["counting"], sections["budgets"]
    assert isinstance(server, ServerSettings) and isinstance(counting, CountingSettings)
    assert isinstance(budgets, BudgetSettings)
    _check_zone(budgets.budget_time_zone, faults, name)
    if not listens:
        return
    for option, port in (("port", server.port), ("metrics_port", counting.metrics_port or 0)):
        if port > 65535:
            faults.add(f"{name(option)}: expected at most 65535, got {port}.")
    if server.public_base_url and not _is_origin(server.public_base_url):
        faults.add(
            f"{name('public_base_url')}: expected an address such as https://files.example.com, "
            f"got {shown(server.public_base_url)}."
        )
    for trusted in server.trusted_proxies:
        if not _is_network(trusted):
            faults.add(
                f"{name('trusted_proxies')}: expected addresses or networks such as 10.0.0.0/8, or *, got"
                f" {shown(trusted)}."
            )
    try:
        Origins(server.cors_origins)
    except ValueError as wrong:
        faults.add(
            f"{name('cors_origins')}: expected origins such as https://app.example.com, https://*.example.com or "
            f"http://localhost:*, without a path, or null, or *; got {shown(str(wrong))}."
        )
    if server.log_client_ip not in ("none", "prefix", "full"):
        faults.add(f"{name('log_client_ip')}: expected none, prefix or full, got {shown(server.log_client_ip)}.")
    if server.log_names not in ("liftgate", "otel"):
        faults.add(f"{name('log_names')}: expected liftgate or otel, got {shown(server.log_names)}.")


def check(settings: Settings, faults: Faults, name: Callable[[str], str], *, listens: bool) -> None:
    """`name`: an option's, as whoever gave it knows it. `listens`: whether an address is listened on."""
    jobs = settings.jobs
    if jobs.lease_renew_seconds * 2 > jobs.lease_seconds:
        faults.add(
            f"{name('lease_renew_seconds')}: expected at most half of lease_seconds, so that one missed renewal does no"
            " harm."
        )
    _check_budgets(settings.budgets, faults, name)
    if listens:
        _check_server(settings, faults, name)


def _check_server(settings: Settings, faults: Faults, name: Callable[[str], str]) -> None:
    server = settings.server
    if not settings.auth.required and {"*", "null"} & set(server.cors_origins):
        faults.add(
            f"{name('cors_origins')}: without a key, * (or null, which any page can be) would let every page of the "
            "web read and delete the files. Configure a key, or name the origins."
        )
    _check_logs(server, faults, name)
    _check_metrics_port(settings, faults, name)
    _check_traces(settings.counting, faults, name)
    if not loopback(server.host):
        _check_keys(settings, faults, name("host"))


def _check_keys(settings: Settings, faults: Faults, host: str) -> None:
    """Of a gateway that other machines can reach."""
    address = settings.server.host
    if not settings.auth.required:
        faults.add(
            f"{host}: other machines could reach the gateway at {address}, and no key is configured. "
            "Set LIFTGATE_MASTER_KEY (or general_settings.master_key), or listen on 127.0.0.1."
        )
    secrets = settings.auth.owners()
    if public := sorted(owner for secret, owner in secrets.items() if secret in KNOWN_EXAMPLES):
        faults.add(
            f"{host}: other machines could reach the gateway at {address}, and the key of {', '.join(public)} is an "
            "example of documentation, which strangers try first. Choose another one, or listen on 127.0.0.1."
        )
    if short := sorted(owner for secret, owner in secrets.items() if len(secret) < SHORT_KEY):
        faults.warn(f"The key of {', '.join(short)} is short enough to be guessed.")


def _check_metrics_port(settings: Settings, faults: Faults, name: Callable[[str], str]) -> None:
    port = settings.counting.metrics_port
    if port is None:
        return
    where = name("metrics_port")
    if port == settings.server.port:
        faults.add(f"{where}: {port} is the port of the gateway itself. Choose another one.")
    if not settings.counting.metrics:
        faults.warn(f"{where}: nothing listens there while `metrics` is off.")


def _check_logs(server: ServerSettings, faults: Faults, name: Callable[[str], str]) -> None:
    silent = ServerSettings()
    has_lines = server.access_log or server.debug
    for option, acts, needs in (
        ("log_client_ip", has_lines, "access_log no line says anything of a call"),
        ("log_user_secret", has_lines and server.json_logs, "access_log and json_logs no line has a user"),
        ("log_names", server.json_logs, "json_logs no line has names"),
    ):
        if getattr(server, option) != getattr(silent, option) and not acts:
            faults.warn(f"{name(option)}: without {needs}, so it does nothing.")
    if 0 < len(server.log_user_secret) < SHORT_KEY:
        faults.warn(f"{name('log_user_secret')}: it is short enough to be guessed, and users with it.")


def _check_traces(counting: CountingSettings, faults: Faults, name: Callable[[str], str]) -> None:
    if counting.traces_endpoint:
        return
    silent = CountingSettings()
    for option in ("traces_headers", "traces_ratio", "traces_names"):
        if getattr(counting, option) != getattr(silent, option):
            faults.warn(f"{name(option)}: without traces_endpoint nothing is traced, so it does nothing.")


def _check_budgets(budgets: BudgetSettings, faults: Faults, name: Callable[[str], str]) -> None:
    if budgets.budget_duration is not None and budgets.max_budget is None:
        faults.warn(f"{name('budget_duration')}: there is no max_budget, so it bounds nothing.")


def _check_zone(zone: str, faults: Faults, name: Callable[[str], str]) -> None:
    from zoneinfo import ZoneInfo  # for the gateway alone, of all that reads the settings' table

    try:
        ZoneInfo(zone)
    except (LookupError, OSError, ValueError):
        faults.add(
            f"{name('budget_time_zone')}: expected a time zone such as UTC or Europe/Berlin, got {shown(zone)}. On a"
            " system without any, install tzdata."
        )


def _is_origin(url: str) -> bool:
    """Whether it can stand before a path: a scheme and a host, no credentials, nothing behind the path."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and not {"@", "?", "#", " "} & set(url)
    return plain and parts.scheme in ("http", "https") and bool(parts.hostname) and port != 0


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return text == "*"
    return True
