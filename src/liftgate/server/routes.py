"""Every path of the gateway and what answers it, and nothing else.

`TABLES` is all of it, by the API that a request speaks. `{name}` is one segment of the path, `{name:path}` the rest of
it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from liftgate.dialects.dialect import Errors
from liftgate.dialects.gemini.errors import GEMINI
from liftgate.dialects.messages.errors import ANTHROPIC
from liftgate.dialects.openai_errors import OPENAI
from liftgate.keys.key import INFO, LLM_API, MANAGEMENT
from liftgate.server.auth import anthropics_key, presented_key
from liftgate.server.dialects import ANTHROPIC_PATHS, GEMINI_PATHS, speaks_anthropic, speaks_gemini
from liftgate.server.handlers import (
    activity,
    anthropic_files,
    anthropic_models,
    calculate,
    chat,
    content,
    conversations,
    files,
    gemini_files,
    gemini_models,
    gemini_uploads,
    health,
    keys,
    litellm,
    messages,
    metrics,
    models,
    overview,
    owners,
    page,
    responses,
    sign_in,
    uploads,
    usage,
)
from liftgate.server.request import ID_HEADERS, Request
from liftgate.server.responses import Response

Handler = Callable[[Request], Awaitable[Response]]


SEEN = (LLM_API, INFO)
LOOKED_AT = (LLM_API, MANAGEMENT, INFO)


@dataclass(frozen=True, slots=True)
class Route:
    """`handlers` by method; whoever answers GET answers HEAD too. `public`: needs no key. `capability`: a parameter of
    the query that stands for the key where it is given; the handler judges it. `purposes`: what it is for, which says
    the types of keys that open it."""

    path: str
    handlers: dict[str, Handler]
    public: bool = False
    capability: str | None = None
    purposes: tuple[str, ...] = (LLM_API,)

    @property
    def methods(self) -> tuple[str, ...]:
        found: list[str] = []
        for method in self.handlers:
            found += ("GET", "HEAD") if method == "GET" else (method,)
        return tuple(found)


OPENAI_ROUTES = (
    Route("/chat/completions", {"POST": chat.create_completion}),
    Route("/chat/completions/input_tokens", {"POST": chat.count_tokens}),
    Route("/files", {"GET": files.list_files, "POST": files.create_file}),
    Route("/files/{file_id}", {"GET": files.retrieve_file, "DELETE": files.delete_file}),
    Route("/files/{file_id}/content", {"GET": content.file_content}),
    Route("/responses", {"POST": responses.create_response}),
    Route("/responses/compact", {"POST": responses.compact}),
    Route("/responses/input_tokens", {"POST": responses.count_tokens}),
    Route("/responses/{response_id}", {"GET": responses.retrieve_response, "DELETE": responses.delete_response}),
    Route("/responses/{response_id}/cancel", {"POST": responses.cancel_response}),
    Route("/responses/{response_id}/input_items", {"GET": responses.list_input_items}),
    Route("/conversations", {"POST": conversations.create_conversation}),
    Route(
        "/conversations/{conversation_id}",
        {
            "GET": conversations.retrieve_conversation,
            "POST": conversations.update_conversation,
            "DELETE": conversations.delete_conversation,
        },
    ),
    Route(
        "/conversations/{conversation_id}/items",
        {"GET": conversations.list_items, "POST": conversations.create_items},
    ),
    Route(
        "/conversations/{conversation_id}/items/{item_id}",
        {"GET": conversations.retrieve_item, "DELETE": conversations.delete_item},
    ),
    Route("/uploads", {"POST": uploads.create_upload}),
    Route("/uploads/{upload_id}/parts", {"POST": uploads.add_part}),
    Route("/uploads/{upload_id}/complete", {"POST": uploads.complete_upload}),
    Route("/uploads/{upload_id}/cancel", {"POST": uploads.cancel_upload}),
    Route("/models", {"GET": models.list_models}, purposes=SEEN),
    Route("/models/{model:path}", {"GET": models.retrieve_model}, purposes=SEEN),
    Route("/model/info", {"GET": litellm.model_info}, purposes=SEEN),
    Route("/model_group/info", {"GET": litellm.model_groups}, purposes=SEEN),
    Route("/engines/{model:path}/chat/completions", {"POST": chat.create_completion}),
)

CALL_METHOD = Route("/models/{model:path}:{method}", {"POST": gemini_models.call_method})

GEMINI_ROUTES = (
    Route("/files", {"GET": gemini_files.list_files}),
    Route("/files/{name}:download", {"GET": gemini_files.download_file}),
    Route("/files/{name}", {"GET": gemini_files.get_file, "DELETE": gemini_files.delete_file}),
    Route("/models", {"GET": gemini_models.list_models}, purposes=SEEN),
    CALL_METHOD,
    Route("/models/{model:path}", {"GET": gemini_models.get_model}, purposes=SEEN),
)

GEMINI_UPLOAD_ROUTES = (Route("/files", {"POST": gemini_uploads.upload_file}, capability="upload_id"),)

ANTHROPIC_ROUTES = (
    Route("/messages", {"POST": messages.create_message}),
    Route("/messages/count_tokens", {"POST": messages.count_tokens}),
    Route("/files", {"GET": anthropic_files.list_files, "POST": anthropic_files.create_file}),
    Route("/files/{file_id}", {"GET": anthropic_files.retrieve_file, "DELETE": anthropic_files.delete_file}),
    Route("/files/{file_id}/content", {"GET": anthropic_files.file_content}),
    Route("/models", {"GET": anthropic_models.list_models}, purposes=SEEN),
    Route("/models/{model:path}", {"GET": anthropic_models.retrieve_model}, purposes=SEEN),
)

AZURE_ROUTES = (Route("/openai/deployments/{model:path}/chat/completions", {"POST": chat.create_completion}),)

OPERATOR_ROUTES = (
    Route("/health", {"GET": litellm.health}, purposes=SEEN),
    Route("/health/liveness", {"GET": health.liveness}, public=True),
    Route("/health/liveliness", {"GET": health.liveness}, public=True),
    Route("/health/readiness", {"GET": health.readiness}, public=True),
    Route("/metrics", {"GET": metrics.show_metrics}, purposes=(MANAGEMENT, INFO)),
)

LIFTGATE_ROUTES = (
    Route("/files", {"GET": overview.find_files}),
    Route("/files/{file_id}", {"GET": overview.show_file}),
    Route("/files/{file_id}/copies", {"GET": overview.list_copies}),
    Route("/files/{file_id}/preview", {"GET": content.preview}),
    Route("/accounts", {"GET": overview.list_accounts}, purposes=SEEN),
    Route("/health", {"GET": overview.health}, purposes=SEEN),
    Route("/usage", {"GET": usage.list_usage}, purposes=LOOKED_AT),
    Route("/session", {"GET": sign_in.show, "POST": sign_in.sign_in, "DELETE": sign_in.sign_out}, public=True),
)

KEY_ROUTES = (
    Route("/key/generate", {"POST": keys.generate}, purposes=(MANAGEMENT,)),
    Route("/key/info", {"GET": keys.info}, purposes=LOOKED_AT),
    Route("/v2/key/info", {"POST": keys.infos}, purposes=(MANAGEMENT, INFO)),
    Route("/key/list", {"GET": keys.list_keys}, purposes=(MANAGEMENT, INFO)),
    Route("/key/aliases", {"GET": keys.list_aliases}, purposes=(MANAGEMENT, INFO)),
    Route("/key/update", {"POST": keys.update}, purposes=(MANAGEMENT,)),
    Route("/key/delete", {"POST": keys.delete}, purposes=(MANAGEMENT,)),
    Route("/key/block", {"POST": keys.block}, purposes=(MANAGEMENT,)),
    Route("/key/unblock", {"POST": keys.unblock}, purposes=(MANAGEMENT,)),
    Route("/key/regenerate", {"POST": keys.regenerate}, purposes=(MANAGEMENT,)),
    Route("/key/{key}/regenerate", {"POST": keys.regenerate}, purposes=(MANAGEMENT,)),
    Route("/key/{key}/reset_spend", {"POST": keys.reset_spend}, purposes=(MANAGEMENT,)),
    Route("/key/bulk_update", {"POST": keys.bulk_update}, purposes=(MANAGEMENT,)),
    Route("/key/service-account/generate", {"POST": keys.service_account}, purposes=(MANAGEMENT,)),
)

OWNER_ROUTES = tuple(
    route
    for noun, owner in (("user", owners.USERS), ("team", owners.TEAMS))
    for route in (
        Route(f"/{noun}/new", {"POST": owner.new}, purposes=(MANAGEMENT,)),
        Route(f"/{noun}/update", {"POST": owner.update}, purposes=(MANAGEMENT,)),
        Route(f"/{noun}/delete", {"POST": owner.delete}, purposes=(MANAGEMENT,)),
        Route(f"/{noun}/info", {"GET": owner.info}, purposes=LOOKED_AT),
        Route(f"/{noun}/list", {"GET": owner.list}, purposes=(MANAGEMENT, INFO)),
    )
)

SPEND_ROUTES = (
    Route("/spend/logs", {"GET": usage.spend_logs}, purposes=LOOKED_AT),
    Route("/spend/calculate", {"POST": calculate.calculate}),
    Route("/spend/keys", {"GET": usage.spend_keys}, purposes=LOOKED_AT),
    Route("/spend/users", {"GET": usage.spend_users}, purposes=LOOKED_AT),
    Route("/global/spend", {"GET": usage.global_spend}, purposes=LOOKED_AT),
    Route("/global/spend/models", {"GET": usage.global_models}, purposes=LOOKED_AT),
    Route("/global/spend/keys", {"GET": usage.global_keys}, purposes=LOOKED_AT),
    Route("/global/spend/teams", {"GET": usage.global_teams}, purposes=LOOKED_AT),
    Route("/global/spend/report", {"GET": usage.spend_report}, purposes=LOOKED_AT),
    Route("/global/activity", {"GET": activity.global_activity}, purposes=LOOKED_AT),
    Route("/global/activity/model", {"GET": activity.model_activity}, purposes=LOOKED_AT),
    Route("/user/daily/activity", {"GET": activity.user_activity}, purposes=LOOKED_AT),
    Route("/team/daily/activity", {"GET": activity.team_activity}, purposes=LOOKED_AT),
)

PAGE_ROUTES = (
    Route("/", {"GET": page.lead_to_page}, public=True),
    Route("/ui", {"GET": page.show_page}, public=True),
    Route("/ui/{name}", {"GET": page.show_asset}, public=True),
)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """The routes of one API. A request is this API's when its path begins with one of `paths`, or when it `speaks` so.
    `groups`: routes, and the prefixes that they have. `key_of`: the key that a request carries. `id_headers`: where
    its answers tell the request's id."""

    dialect: Errors
    groups: Sequence[tuple[Sequence[Route], Sequence[str]]]
    paths: tuple[str, ...] = ()
    speaks: Callable[[Request], bool] | None = None
    key_of: Callable[[Request], bytes] = presented_key
    id_headers: tuple[bytes, ...] = ID_HEADERS


TABLES: tuple[Table, ...] = (
    Table(
        ANTHROPIC,
        ((ANTHROPIC_ROUTES, ("/v1",)),),
        paths=ANTHROPIC_PATHS,
        speaks=speaks_anthropic,
        key_of=anthropics_key,
        id_headers=(b"request-id", *ID_HEADERS),
    ),
    Table(
        GEMINI,
        (
            (GEMINI_ROUTES, ("/v1beta", "/v1")),
            (GEMINI_UPLOAD_ROUTES, ("/upload/v1beta", "/upload/v1")),
            ((CALL_METHOD,), ("",)),
        ),
        paths=GEMINI_PATHS,
        speaks=speaks_gemini,
    ),
    Table(
        OPENAI,
        (
            (OPENAI_ROUTES, ("/v1", "")),
            (AZURE_ROUTES, ("",)),
            (OPERATOR_ROUTES, ("",)),
            (LIFTGATE_ROUTES, ("/liftgate",)),
            (KEY_ROUTES, ("",)),
            (OWNER_ROUTES, ("",)),
            (SPEND_ROUTES, ("",)),
            (PAGE_ROUTES, ("",)),
        ),
        paths=("",),
    ),
)
"""In order: the first table that a request belongs to serves it, and the last serves all others."""


def table_of(request: Request, tables: Sequence[Table] = TABLES) -> Table:
    path = request.path
    for table in tables:
        if path.startswith(table.paths) or (table.speaks is not None and table.speaks(request)):
            return table
    return tables[-1]


def table_of_path(path: str, tables: Sequence[Table] = TABLES) -> Table:
    """The table for a request of which only the path was read."""
    return next((table for table in tables if path.startswith(table.paths)), tables[-1])
