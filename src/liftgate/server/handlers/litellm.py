"""LiteLLM's own routes that clients and images use: what the models are, and how they do."""

from __future__ import annotations

from liftgate.json_types import JsonObject
from liftgate.names import litellm_model
from liftgate.server.request import Request
from liftgate.server.responses import Response, json_response

PROVIDER = "gemini"


async def model_info(request: Request) -> Response:
    """`/model/info`: each entry of `model_list`, with what is known of its model. The operator's own words on a model
    (`model_info` of the config) go before the table's."""
    wanted = request.query("key", "litellm_model_id").get("litellm_model_id")
    models = request.gateway.models
    entries = [
        {
            "model_name": each.model_name,
            "litellm_params": {"model": litellm_model(each.model)},
            "model_info": {"id": each.id, "db_model": False, **models.facts(each)},
        }
        for each in models.deployments()
        if wanted in (None, each.id)
    ]
    return json_response({"data": entries})


async def model_groups(request: Request) -> Response:
    """`/model_group/info`: each public name, with what its entries are known to do: the most that one of them does."""
    wanted = request.query("key", "model_group").get("model_group")
    models = request.gateway.models
    groups: dict[str, JsonObject] = {}
    for each in models.deployments():
        name = each.model_name
        if wanted not in (None, name):
            continue
        group = groups.setdefault(name, {"model_group": name, "providers": [PROVIDER], "tpm": None, "rpm": None})
        for fact, value in models.facts(each).items():
            known = group.get(fact)
            is_more = isinstance(value, int | float) and isinstance(known, int | float) and value > known
            if known is None or is_more:
                group[fact] = value
    return json_response({"data": list(groups.values())})


async def health(request: Request) -> Response:
    """`/health`: which deployments answer. LiteLLM asks each model something; here it shows what requests met, so
    asking costs nothing."""
    request.query("key", "model")
    models = request.gateway.models
    healthy: list[JsonObject] = []
    unhealthy: list[JsonObject] = []
    for each in models.deployments():
        entry = {"model": litellm_model(each.model), "model_name": each.model_name, "model_id": each.id}
        if failures := models.failures(each):
            unhealthy.append({**entry, "error": f"It failed {failures} times in a row and is left alone for a while."})
        else:
            healthy.append(entry)
    return json_response(
        {
            "healthy_endpoints": healthy,
            "unhealthy_endpoints": unhealthy,
            "healthy_count": len(healthy),
            "unhealthy_count": len(unhealthy),
        }
    )
