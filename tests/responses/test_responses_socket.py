"""A client that asks for a WebSocket is told in HTTP that there is none, and what to send instead."""

from __future__ import annotations

import pytest
from websockets.exceptions import InvalidStatus

from gateways import MODEL, client_for
from openai_schema import check
from responses_rig import KEY, call

OFFER = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/v1/responses/compact", "/v1/chat/completions"])
def test_an_offer_gets_a_sentence(gateway: str, path: str) -> None:
    got = call(gateway, "GET", path, headers={**KEY, **OFFER})
    assert got.status == 405
    check("ErrorResponse", got.json())
    error = got.json()["error"]
    assert "WebSocket" in error["message"] and "POST" in error["message"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "method_not_supported")
    # Without the offer it is a wrong method and no more.
    assert "WebSocket" not in call(gateway, "GET", path).json()["error"]["message"]


def test_without_a_key_it_is_the_key_that_is_missing(gateway: str) -> None:
    assert call(gateway, "GET", "/v1/responses/resp_x", headers=OFFER).status == 401


def test_the_official_client_fails_at_once(gateway: str) -> None:
    client = client_for(gateway)
    with pytest.raises(InvalidStatus) as failed, client.responses.connect():
        pass
    assert failed.value.response.status_code == 405
    assert b"WebSocket" in bytes(failed.value.response.body or b"")
    assert client.responses.create(model=MODEL, input="x", store=False).output_text
