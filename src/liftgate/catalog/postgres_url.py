"""PostgreSQL's URL, read here and not by libpq, whose sentences quote pieces of it: and any piece may be the password.

Only what can be read in one way is taken. A password with an '@' or a '/' that is not percent-encoded would otherwise
become part of the host, and be shown wherever the host is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from liftgate.errors import ConfigError

Parameters = dict[str, Any]
"""What libpq is given, by its own names."""

MASK = "…"
OURS: Parameters = {
    "application_name": "liftgate",
    "connect_timeout": 3,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    "client_encoding": "UTF8",
}
"""What holds where the URL says nothing."""
NUMBERS = frozenset({"connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count"})
SECRET = ("password", "sslpassword")
_HOST = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.%a-z]+)\]|(?P<name>[^:\[\]]*))(?::(?P<port>\d*))?")
_REASONS = (
    (r"connection refused", "the connection is refused"),
    (r"failed to resolve|could not translate|name or service not known", "the host's name is not known"),
    (r"timeout|timed out", "it does not answer"),
    (r"network is unreachable|no route to host", "the network does not lead there"),
    (r"no such file or directory", "there is no such socket"),
    (r"password authentication failed", "it does not accept this user with this password"),
    (r"no password supplied", "it asks for a password, and there is none"),
)
"""What the driver says → what we say. Anything else is repeated as far as no secret is in it."""


@dataclass(frozen=True, slots=True)
class PostgresUrl:
    """`parameters` are libpq's, ours among them, and hold the password. `where`: host, port, database, for people."""

    parameters: Parameters = field(repr=False)
    where: str

    def reason(self, error: BaseException) -> str:
        """Why there is no connection, in half a sentence: no password, nor anything of the URL but what `where` has."""
        text = str(error)
        for pattern, says in _REASONS:
            if re.search(pattern, text, re.IGNORECASE):
                return says
        sentence = re.split(r"\bFATAL:\s*|\bfailed:\s*", text.strip().splitlines()[0] if text.strip() else "")[-1]
        for name in SECRET:
            if secret := str(self.parameters.get(name) or ""):
                sentence = sentence.replace(secret, MASK)
        return sentence.strip().rstrip(".") or type(error).__name__


def read_postgres_url(url: str, known: frozenset[str]) -> PostgresUrl:
    """`known`: the parameters that libpq has. Raises `ConfigError`, which names the part and never its text."""
    rest = url.partition("://")[2]
    if "://" not in url:
        raise _wrong("it has no '://'")
    if any(character <= " " or character == "\x7f" for character in rest):
        raise _wrong("a blank or a control character in it must be percent-encoded (a blank: %20)")
    _check_escapes(rest)
    given: Parameters = {}
    credentials = re.match(r"([^/@]*)@", rest)
    if credentials:
        rest = rest[credentials.end() :]
        user, colon, password = credentials[1].partition(":")
        given |= {"user": unquote(user)} if user else {}
        given |= {"password": unquote(password)} if colon else {}
    authority, separator, tail = _split(rest)
    path, _, query = tail.partition("?") if separator == "/" else ("", "", tail)
    if "@" in authority or "@" in path or (not credentials and "@" in tail.partition("?")[0]):
        raise _wrong("a '@', '/' or '?' within the user or the password must be percent-encoded (%40, %2F, %3F)")
    hosts, ports = _hosts(authority)
    given |= {"host": hosts} if hosts else {}
    given |= {"port": ports} if ports.strip(",") else {}
    given |= {"dbname": unquote(path)} if path else {}
    given |= _query(query, known)
    return PostgresUrl({**OURS, **given}, _where(given))


def _split(rest: str) -> tuple[str, str, str]:
    """(authority, '/' or '?' or '', what is behind it)."""
    match = re.search(r"[/?]", rest)
    return (rest, "", "") if match is None else (rest[: match.start()], match[0], rest[match.end() :])


def _check_escapes(rest: str) -> None:
    if re.search(r"%(?![0-9A-Fa-f]{2})", rest):
        raise _wrong("a '%' in it that begins no escape must be written %25")
    if re.search(r"%00", rest):
        raise _wrong("it holds %00, which no name or password may")
    try:
        unquote(rest, errors="strict")
    except UnicodeDecodeError:
        raise _wrong("its escapes are not UTF-8") from None


def _hosts(authority: str) -> tuple[str, str]:
    """(hosts, ports), each with commas between where there are several."""
    hosts, ports = [], []
    for one in authority.split(","):
        match = _HOST.fullmatch(one)
        if match is None:
            raise _wrong("the host or its port cannot be read: expected host:port, an IPv6 address in brackets")
        if match["port"] and not 0 < int(match["port"][:6]) < 65536:
            raise _wrong("the port is not between 1 and 65535")
        hosts.append(unquote(match["six"] or match["name"] or ""))
        ports.append(match["port"] or "")
    return ",".join(hosts), ",".join(ports)


def _query(query: str, known: frozenset[str]) -> Parameters:
    found: Parameters = {}
    for pair in query.split("&") if query else ():
        name, equals, value = pair.partition("=")
        name, value = unquote(name), unquote(value)
        if name == "ssl" and value == "true":
            name, value = "sslmode", "require"
        if name not in known or not equals:
            shown = name if equals and re.fullmatch(r"[a-z][a-z_]{0,30}", name) else ""
            raise _wrong(f"there is no parameter {shown!r}" if shown else "a parameter behind the '?' cannot be read")
        if name in NUMBERS and not re.fullmatch(r"\d{1,9}", value):
            raise _wrong(f"the parameter {name!r} is no number")
        if name == "port" and not re.fullmatch(r"\d{1,5}(,\d{1,5})*", value):
            raise _wrong("the port is no number")
        found[name] = value
    return found


def _where(given: Parameters) -> str:
    hosts = str(given.get("host") or given.get("hostaddr") or "").split(",")
    ports = str(given.get("port") or "5432").split(",")
    shown = []
    for index, host in enumerate(hosts):
        port = (ports[index] if len(ports) > index else ports[0]) or "5432"
        shown.append(f"[{host}]:{port}" if ":" in host else f"{host or 'the local socket'}:{port}")
    database = given.get("dbname") or given.get("user")
    return ", ".join(shown) + (f", database {database!r}" if database else "")


def _wrong(what: str) -> ConfigError:
    return ConfigError(f"database_url: this is no URL of PostgreSQL's: {what}.")
