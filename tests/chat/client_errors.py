"""A program for either major version of the official client: makes calls that fail, and prints what the client raised.

Arguments: the gateway's URL and the sandbox's. Standard input: JSON, a list of {"orders": [[path, body]…], "body": …}.
Standard output: JSON, for each the exception's class and fields.
"""

from __future__ import annotations

import json
import sys
import urllib.request
from typing import Any

import openai


def order(sandbox: str, path: str, body: object) -> None:
    request = urllib.request.Request(
        f"{sandbox}/sandbox/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=30).close()


def raised(client: openai.OpenAI, body: dict[str, Any]) -> dict[str, Any]:
    try:
        answer: Any = client.chat.completions.create(**body)
        for _ in answer if body.get("stream") else ():
            pass
    except openai.APIStatusError as error:
        return {
            "class": type(error).__name__,
            "status": error.status_code,
            "type": error.type,
            "code": error.code,
            "param": error.param,
            "body": error.body,
            "retry_after": error.response.headers.get("retry-after"),
            "should_retry": error.response.headers.get("x-should-retry"),
            "request_id": error.request_id,
        }
    return {"class": "none"}


def main() -> None:
    gateway, sandbox = sys.argv[1:]
    found = []
    with openai.OpenAI(base_url=f"{gateway}/v1", api_key="any", max_retries=0, timeout=30) as client:
        for case in json.load(sys.stdin):
            for path, body in case["orders"]:
                order(sandbox, path, body)
            found.append(raised(client, case["body"]))
    print(json.dumps({"version": openai.__version__, "found": found}))


if __name__ == "__main__":
    main()
