"""Names of the access log's fields by OpenTelemetry's conventions: what a span has too has its name (`traces`)."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

REQUEST_ID = "liftgate.request_id"

OTEL: Mapping[str, str] = {
    "request_id": REQUEST_ID,
    "worker": "process.pid",
    "method": "http.request.method",
    "route": "http.route",
    "status": "http.response.status_code",
    "error": "error.type",
    "bytes_in": "http.request.body.size",
    "bytes_out": "http.response.body.size",
    "client_ip": "client.address",
    "key": "liftgate.key",
    "owner": "liftgate.owner",
    "user": "user.id",
    "operation": "gen_ai.operation.name",
    "upstream_model": "gen_ai.request.model",
    "deployment": "liftgate.deployment",
    "account": "liftgate.account",
    "finish": "gen_ai.response.finish_reasons",
    "upstream_id": "gen_ai.response.id",
    "own": "liftgate.own_ms",
    "in": "gen_ai.usage.input_tokens",
    "cached": "gen_ai.usage.cache_read.input_tokens",
    "out": "gen_ai.usage.output_tokens",
    "reasoning": "gen_ai.usage.reasoning.output_tokens",
    "cost_usd": "operation.cost",
    "files": "liftgate.file.ids",
    "paged_in_bytes": "liftgate.files.paged_in_bytes",
}
"""Our name → theirs, where it means the same, in the same unit. Two values differ: output tokens include those of
reasoning, and finish reasons are a list."""
OTEL_OF_DIGESTS: Mapping[str, str] = {**OTEL, "user": "user.hash"}


def renamed(of: type[msgspec.Struct], names: Mapping[str, str]) -> type[msgspec.Struct]:
    """A struct as `of`, with other names where it is written."""
    fields = [
        (
            each.name,
            each.type,
            msgspec.field(name=names.get(each.encode_name, each.encode_name), default=each.default),
        )
        for each in msgspec.structs.fields(of)
    ]
    return msgspec.defstruct(f"{of.__name__}ByOtherNames", fields, bases=(of,), omit_defaults=True, gc=False)
