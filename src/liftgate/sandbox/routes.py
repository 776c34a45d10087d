"""Which request is which operation: paths of the three API versions, uploads and downloads.

Only recognises; `app` calls what belongs to it. A path that is not in here is Google's 404.
"""

import re
from dataclasses import dataclass

from liftgate.sandbox.files.uploads import operation_of
from liftgate.sandbox.wire.http import Exchange

VERSION = r"(?P<version>v1beta|v1alpha|v1)"
_PATHS = (
    ("upload", "POST", re.compile(rf"/upload/{VERSION}/files")),
    ("files.list", "GET", re.compile(rf"/{VERSION}/files")),
    ("files.create", "POST", re.compile(rf"/{VERSION}/files")),
    ("files.register", "POST", re.compile(rf"/{VERSION}/files:register")),
    ("files.get", "GET", re.compile(rf"/{VERSION}/files/(?P<id>[^/:]+)")),
    ("files.delete", "DELETE", re.compile(rf"/{VERSION}/files/(?P<id>[^/:]+)")),
    ("files.redirect", "GET", re.compile(rf"/{VERSION}/files/(?P<id>[^/:]+):download")),
    ("files.download", "GET", re.compile(rf"/download/{VERSION}/files/(?P<id>[^/:]+):download")),
    ("models.list", "GET", re.compile(rf"/{VERSION}/models")),
    ("models.get", "GET", re.compile(rf"/{VERSION}/models/(?P<id>[^/:]+)")),
    ("method", "POST", re.compile(rf"/{VERSION}/models/(?P<id>[^/:]+):(?P<method>[a-zA-Z]+)")),
)
METHODS = {
    "generateContent": "generate",
    "streamGenerateContent": "stream",
    "countTokens": "countTokens",
    "embedContent": "embed",
    "batchEmbedContents": "embed",
}


@dataclass(frozen=True)
class Route:
    """`operation` is the name for faults and counters, `handler` the one for the app's dispatch."""

    operation: str
    handler: str
    version: str
    id: str = ""
    method: str = ""


def route_of(exchange: Exchange) -> Route | None:
    for handler, method, pattern in _PATHS:
        match = pattern.fullmatch(exchange.path) if exchange.method == method else None
        if match is None:
            continue
        found = match.groupdict()
        version, name, verb = found["version"], found.get("id", ""), found.get("method", "")
        if handler == "upload":
            operation = operation_of(exchange)
            return Route(operation, operation, version)
        if handler == "method":
            if verb not in METHODS:
                return None
            return Route(METHODS[verb], METHODS[verb], version, name, verb)
        operation = "models" if handler.startswith("models") else handler
        return Route("files.download" if handler == "files.redirect" else operation, handler, version, name)
    return None
