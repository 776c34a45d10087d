"""What is asked of a system: a chat of about 600 bytes, whole or streamed, in OpenAI's or Gemini's form."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from bench.load.one import post

KEY = "sk-bench"
MODEL = "gemini-2.5-flash"
QUESTION = (
    "You are given the minutes of a meeting. Say in three sentences what was decided, who has to do what until when, "
    "and which questions stayed open. Minutes: the team met on Tuesday; the new gateway goes to production in two "
    "weeks; Ana writes the runbook, Bo measures the load, Chen asks the provider for more quota; whether uploads "
    "above one gigabyte are needed in spring was not decided."
)


@dataclass(frozen=True, slots=True)
class Door:
    """Where a system takes chats. `model` is what its clients name the model. `limit`: the field
    that bounds the answer, where OpenAI's own is not understood.
    """

    port: int
    path: str = "/v1/chat/completions"
    model: str = "bench"
    gemini: bool = False
    limit: str = "max_tokens"
    headers: dict[str, str] = field(default_factory=lambda: {"Authorization": f"Bearer {KEY}"})

    def chat(self, *, question: str = QUESTION, file_id: str = "", model: str = "") -> bytes:
        if self.gemini:
            return self._gemini(f"{MODEL}:generateContent", question)
        return self._openai(model or self.model, question, file_id, stream=False)

    def message(self, *, file_id: str = "", stream: bool = False) -> bytes:
        """The same chat in Anthropic's form, for a system that takes it."""
        content: list[object] = [{"type": "text", "text": QUESTION}]
        if file_id:
            content.append({"type": "document", "source": {"type": "file", "file_id": file_id}})
        body = {
            "model": self.model,
            "system": "Answer briefly and in plain words.",
            "messages": [{"role": "user", "content": content}],
            "temperature": 0.2,
            "max_tokens": 400,
            "stream": stream,
        }
        headers = {**self.headers, "anthropic-version": "2023-06-01"}
        return post(self.port, "/v1/messages", json.dumps(body).encode(), headers)

    def response(self, *, store: bool, stream: bool = False) -> bytes:
        """The same chat as a response of OpenAI's Responses."""
        body = {
            "model": self.model,
            "instructions": "Answer briefly and in plain words.",
            "input": [{"role": "user", "content": QUESTION}],
            "temperature": 0.2,
            "max_output_tokens": 400,
            "store": store,
            "stream": stream,
        }
        return post(self.port, "/v1/responses", json.dumps(body).encode(), self.headers)

    def stream(self, pace: str = "") -> bytes:
        """`pace` stands at the end of the question, where the stand-in looks for it."""
        if self.gemini:
            return self._gemini(f"{MODEL}:streamGenerateContent?alt=sse", QUESTION + pace)
        return self._openai(self.model, QUESTION + pace, "", stream=True)

    def _gemini(self, call: str, question: str) -> bytes:
        body = {
            "systemInstruction": {"parts": [{"text": "Answer briefly and in plain words."}]},
            "contents": [{"role": "user", "parts": [{"text": question}]}],
            "generationConfig": {"temperature": 0.2, "maxOutputTokens": 400},
        }
        return post(self.port, f"/v1beta/models/{call}", json.dumps(body).encode(), {"x-goog-api-key": "x"})

    def _openai(self, model: str, question: str, file_id: str, *, stream: bool) -> bytes:
        content: object = question
        if file_id:
            content = [{"type": "text", "text": question}, {"type": "file", "file": {"file_id": file_id}}]
        body: dict[str, object] = {
            "model": model,
            "messages": [
                {"role": "system", "content": "Answer briefly and in plain words."},
                {"role": "user", "content": content},
            ],
            "temperature": 0.2,
            self.limit: 400,
        }
        if stream:
            body["stream"] = True
        return post(self.port, self.path, json.dumps(body).encode(), self.headers)
