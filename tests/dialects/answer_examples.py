"""For every mapped field of Gemini's answer an example: the reply, and where its value must stand in the completion."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

PCM = bytes(range(48))
PNG = "iVBORw0KGgoAAAANSUhEUg=="
# RIFF of 24 samples, 16 bits, mono, 24000 Hz: written down from the format, not from the code.
WAV = (
    b"RIFF" + (36 + 48).to_bytes(4, "little") + b"WAVEfmt " + (16).to_bytes(4, "little") + b"\x01\x00\x01\x00"
    + (24000).to_bytes(4, "little") + (48000).to_bytes(4, "little") + b"\x02\x00\x10\x00data"
    + (48).to_bytes(4, "little") + PCM
)  # fmt: skip


@dataclass(frozen=True)
class AnswerExample:
    """`expected`: dotted path in the completion → value. `question`: what the answer's side knew of the request."""

    fields: str
    reply: dict[str, Any]
    expected: dict[str, Any]
    question: dict[str, Any] = field(default_factory=dict)
    signatures: dict[str, str] = field(default_factory=dict)


MESSAGE = "choices.0.message"
GOOGLE = f"{MESSAGE}.extra_content.google"


def _candidate(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    content = {"role": "model", "parts": list(parts)}
    return {"candidates": [{"content": content, "finishReason": "STOP", **more}]}


def _whole(kind: str, part: dict[str, Any]) -> AnswerExample:
    """A part that OpenAI has no slot for is kept whole, at its place."""
    reply = _candidate({"text": "Grüße"}, part, {"text": "!"})
    return AnswerExample(
        f"Part.{kind}",
        reply,
        {f"{GOOGLE}.parts": [{"index": 0, "content_index": 5, **part}], f"{MESSAGE}.content": "Grüße!"},
    )


def _finish(native: str, reason: str) -> AnswerExample:
    expected: dict[str, Any] = {"choices.0.finish_reason": reason, f"{MESSAGE}.content": "Half"}
    if native not in ("STOP", "MAX_TOKENS"):
        expected |= {f"{GOOGLE}.finish_reason": native, f"{GOOGLE}.finish_message": "why"}
    reply = _candidate({"text": "Half"}, finishReason=native, finishMessage="why")
    return AnswerExample("Candidate.finishReason Candidate.finishMessage", reply, expected)


GROUNDING: dict[str, Any] = {
    "searchEntryPoint": {"renderedContent": "<p>", "sdkBlob": "e30="},
    "groundingChunks": [
        {"web": {"uri": "https://a.example", "title": "A"}},
        {"maps": {"uri": "https://m.example", "title": "M", "text": "t", "placeId": "p",
                  "placeAnswerSources": {}, "route": {}}},
        {"retrievedContext": {"uri": "https://r.example", "title": "R", "text": "t", "pageNumber": 2, "mediaId": "m",
                              "fileSearchStore": "fileSearchStores/s", "customMetadata": []}},
        {"image": {"sourceUri": "https://i.example", "imageUri": "https://x.example", "title": "I"}},
        {"retrievedContext": {"fileSearchStore": "fileSearchStores/s", "text": "no address"}},
    ],
    "groundingSupports": [
        {"segment": {"endIndex": 7, "text": "Größe"}, "groundingChunkIndices": [0, 1], "confidenceScores": [0.5, 0.6]},
        {"segment": {"partIndex": 1, "startIndex": 8, "endIndex": 10, "text": "ü"}, "groundingChunkIndices": [2, 3, 4],
         "renderedParts": [0]},
    ],
    "retrievalMetadata": {"googleSearchDynamicRetrievalScore": 0.25},
    "webSearchQueries": ["q"],
    "imageSearchQueries": ["i"],
    "sourceFlaggingUris": [{"sourceId": "s"}],
    "googleMapsWidgetContextToken": "w",
}  # fmt: skip


def _cited(start: int, end: int, url: str, title: str) -> dict[str, Any]:
    return {
        "type": "url_citation",
        "url_citation": {"start_index": start, "end_index": end, "url": url, "title": title},
    }


_USAGE = {
    "promptTokenCount": 100,
    "cachedContentTokenCount": 40,
    "candidatesTokenCount": 20,
    "toolUsePromptTokenCount": 7,
    "thoughtsTokenCount": 30,
    "totalTokenCount": 157,
    "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 10},
        {"modality": "AUDIO", "tokenCount": 60},
        {"modality": "IMAGE", "tokenCount": 20},
        {"modality": "DOCUMENT", "tokenCount": 10},
        {"modality": "VIDEO"},
    ],
    "toolUsePromptTokensDetails": [{"modality": "TEXT", "tokenCount": 7}],
    "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 12}, {"modality": "IMAGE", "tokenCount": 8}],
    "serviceTier": "priority",
}

ANSWER_EXAMPLES = [
    AnswerExample(
        "GenerateContentResponse.candidates GenerateContentResponse.modelVersion Candidate.content Content.parts"
        " Part.text Candidate.index Candidate.finishReason",
        {
            "candidates": [
                {"content": {"parts": [{"text": "B"}]}, "index": 1, "finishReason": "MAX_TOKENS"},
                {"content": {"parts": [{"text": "A"}]}, "finishReason": "STOP"},
            ],
            "modelVersion": "gemini-x",
        },
        {
            "choices.0.index": 0,
            f"{MESSAGE}.content": "A",
            "choices.1.message.content": "B",
            "choices.1.finish_reason": "length",
            "system_fingerprint": "gemini-x",
            "model": "m",
            "id": "chatcmpl-1",
            "usage.total_tokens": 0,
        },
    ),
    AnswerExample(
        "Part.text Part.thought Part.thoughtSignature",
        _candidate({"text": "Hm. ", "thought": True}, {"text": "So.", "thoughtSignature": "c2ln"}),
        {f"{MESSAGE}.reasoning_content": "Hm. ", f"{MESSAGE}.content": "So.", f"{GOOGLE}.thought_signature": "c2ln"},
    ),
    AnswerExample(
        "Part.functionCall Part.thoughtSignature FunctionCall.name FunctionCall.args",
        _candidate(
            {"functionCall": {"name": "f", "args": {"a": [1, "ü"]}, "id": "theirs"}, "thoughtSignature": "c2ln"},
            {"functionCall": {"name": "g"}},
        ),
        {
            f"{MESSAGE}.content": None,
            f"{MESSAGE}.tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a":[1,"ü"]}'}},
                {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ],
            "choices.0.finish_reason": "tool_calls",
        },
        signatures={"call_1": "c2ln"},
    ),
    AnswerExample(
        "Part.functionCall",
        _candidate({"functionCall": {"name": "sql", "args": {"input": "select 1"}}}),
        {f"{MESSAGE}.tool_calls.0": {"id": "call_1", "type": "custom", "custom": {"name": "sql", "input": "select 1"}}},
        question={"custom_tools": frozenset({"sql"})},
    ),
    AnswerExample(
        "Part.functionCall",
        _candidate({"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "c2ln"}),
        {
            f"{MESSAGE}.function_call": {"name": "f", "arguments": "{}"},
            "choices.0.finish_reason": "function_call",
            f"{GOOGLE}.thought_signature": "c2ln",
        },
        question={"legacy_functions": True},
    ),
    AnswerExample(
        "Part.inlineData",
        _candidate(
            {"text": "A cat:"}, {"inlineData": {"mimeType": "image/png", "data": PNG}, "thoughtSignature": "c2ln"}
        ),
        {
            f"{MESSAGE}.images": [
                {
                    "index": 0,
                    "type": "image_url",
                    "image_url": {"url": f"data:image/png;base64,{PNG}"},
                    "content_index": 6,
                    "extra_content": {"google": {"thought_signature": "c2ln"}},
                }
            ],
        },
    ),
    AnswerExample(
        "Part.inlineData Part.audioTranscription",
        _candidate(
            {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": base64.b64encode(PCM[:20]).decode()}},
            {
                "inlineData": {
                    "mimeType": "audio/L16;codec=pcm;rate=24000",
                    "data": base64.b64encode(PCM[20:]).decode(),
                },
                "audioTranscription": {"text": "Hello"},
            },
        ),
        {
            f"{MESSAGE}.audio": {
                "id": "audio_1",
                "data": base64.b64encode(WAV).decode(),
                "expires_at": 1760000000,
                "transcript": "Hello",
            },
            f"{MESSAGE}.content": None,
        },
    ),
    AnswerExample(
        "Part.inlineData",
        _candidate(
            {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": base64.b64encode(PCM).decode()}}
        ),
        {f"{MESSAGE}.audio.data": base64.b64encode(PCM).decode()},
        question={"audio_format": "pcm16"},
    ),
    _whole("inlineData", {"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}),
    _whole("fileData", {"fileData": {"fileUri": "https://x.example/a", "mimeType": "video/mp4"}}),
    _whole("functionResponse", {"functionResponse": {"name": "f", "response": {"a": 1}}}),
    _whole("executableCode", {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "c2ln"}),
    _whole("codeExecutionResult", {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}),
    _whole("toolCall", {"toolCall": {"id": "a", "toolType": "URL_CONTEXT"}, "thoughtSignature": "c2ln"}),
    _whole("toolResponse", {"toolResponse": {"id": "a", "toolType": "URL_CONTEXT"}}),
    *(
        _whole(side, {"fileData": {"fileUri": "https://x.example/a"}, side: {"k": 1}})
        for side in (
            "videoMetadata",
            "partMetadata",
            "mediaResolution",
            "mediaProcessing",
            "speechMetadata",
            "documentMetadata",
            "spreadsheetMetadata",
            "audioMetadata",
        )
    ),
    *(
        _finish(native, "content_filter")
        for native in (
            "SAFETY",
            "RECITATION",
            "LANGUAGE",
            "OTHER",
            "BLOCKLIST",
            "PROHIBITED_CONTENT",
            "SPII",
            "IMAGE_SAFETY",
            "IMAGE_PROHIBITED_CONTENT",
            "IMAGE_OTHER",
            "NO_IMAGE",
            "IMAGE_RECITATION",
            "ESCALATION",
            "PUP_LIMITED_DISABLED",
            "MODEL_ARMOR",
            "SOMETHING_NEW",
        )
    ),
    _finish("STOP", "stop"),
    _finish("MAX_TOKENS", "length"),
    _finish("CONTINUATION", "length"),
    AnswerExample(
        "Candidate.finishMessage Candidate.safetyRatings SafetyRating.category SafetyRating.probability"
        " SafetyRating.blocked",
        {
            "candidates": [
                {
                    "content": {},
                    "finishReason": "SAFETY",
                    "finishMessage": "Too hot.",
                    "safetyRatings": [{"category": "C", "probability": "LOW", "blocked": True}],
                }
            ]
        },
        {
            f"{MESSAGE}.content": None,
            f"{MESSAGE}.refusal": "Too hot.",
            f"{GOOGLE}.safety_ratings": [{"category": "C", "probability": "LOW", "blocked": True}],
        },
    ),
    AnswerExample(
        "GenerateContentResponse.promptFeedback PromptFeedback.blockReason PromptFeedback.safetyRatings",
        {"promptFeedback": {"blockReason": "SAFETY", "safetyRatings": [{"category": "C"}]}},
        {
            "choices.0.finish_reason": "content_filter",
            f"{MESSAGE}.content": None,
            f"{MESSAGE}.refusal": "Gemini blocked the prompt: SAFETY.",
            f"{GOOGLE}.prompt_feedback": {"blockReason": "SAFETY", "safetyRatings": [{"category": "C"}]},
        },
    ),
    AnswerExample(
        "PromptFeedback.blockReasonMessage",
        {"promptFeedback": {"blockReason": "OTHER", "blockReasonMessage": "Not this."}},
        {f"{MESSAGE}.refusal": "Not this."},
    ),
    AnswerExample(
        " ".join(f"UsageMetadata.{name}" for name in _USAGE)
        + " GenerateContentResponse.usageMetadata ModalityTokenCount.modality ModalityTokenCount.tokenCount",
        {**_candidate({"text": "x"}), "usageMetadata": _USAGE},
        {
            "usage.prompt_tokens": 107,
            "usage.completion_tokens": 50,
            "usage.total_tokens": 157,
            "usage.prompt_tokens_details": {
                "cached_tokens": 40,
                "audio_tokens": 60,
                "text_tokens": 17,
                "image_tokens": 30,
            },
            "usage.completion_tokens_details": {
                "reasoning_tokens": 30,
                "audio_tokens": 12,
                "image_tokens": 8,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
            "service_tier": "priority",
        },
    ),
    AnswerExample(
        "Candidate.groundingMetadata GroundingMetadata.groundingChunks GroundingMetadata.groundingSupports"
        " GroundingMetadata.searchEntryPoint GroundingMetadata.retrievalMetadata GroundingMetadata.webSearchQueries"
        " GroundingMetadata.imageSearchQueries GroundingMetadata.googleMapsWidgetContextToken"
        " GroundingMetadata.sourceFlaggingUris SearchEntryPoint.renderedContent SearchEntryPoint.sdkBlob"
        " GroundingChunk.web GroundingChunk.retrievedContext GroundingChunk.maps GroundingChunk.image Web.uri Web.title"
        " RetrievedContext.uri RetrievedContext.title RetrievedContext.text RetrievedContext.customMetadata"
        " RetrievedContext.fileSearchStore RetrievedContext.pageNumber RetrievedContext.mediaId Maps.uri Maps.title"
        " Maps.text Maps.placeId Maps.placeAnswerSources Maps.route GroundingSupport.segment"
        " GroundingSupport.groundingChunkIndices GroundingSupport.confidenceScores GroundingSupport.renderedParts"
        " Segment.partIndex Segment.startIndex Segment.endIndex Segment.text"
        " RetrievalMetadata.googleSearchDynamicRetrievalScore",
        _candidate({"text": "Größe über alles"}, groundingMetadata=GROUNDING),
        {
            f"{MESSAGE}.annotations": [
                _cited(0, 5, "https://a.example", "A"),
                _cited(0, 5, "https://m.example", "M"),
                _cited(6, 7, "https://r.example", "R"),
                _cited(6, 7, "https://i.example", "I"),
            ],
            f"{GOOGLE}.grounding_metadata": GROUNDING,
        },
    ),
    AnswerExample(
        "Candidate.citationMetadata CitationMetadata.citationSources CitationMetadata.citations"
        " CitationSource.startIndex CitationSource.endIndex CitationSource.uri CitationSource.title"
        " CitationSource.license CitationSource.publicationDate",
        _candidate(
            {"text": "äbc"},
            citationMetadata={
                "citationSources": [{"startIndex": 2, "endIndex": 4, "uri": "https://c.example", "license": "MIT"}],
                "citations": [
                    {"endIndex": 2, "uri": "https://d.example", "title": "D", "publicationDate": {"year": 2020}}
                ],
            },
        ),
        {
            f"{MESSAGE}.annotations": [
                _cited(1, 3, "https://c.example", "https://c.example"),
                _cited(0, 1, "https://d.example", "D"),
            ],
            f"{GOOGLE}.citation_metadata.citationSources.0.license": "MIT",
        },
    ),
    AnswerExample(
        "Candidate.urlContextMetadata UrlContextMetadata.urlMetadata UrlMetadata.retrievedUrl"
        " UrlMetadata.urlRetrievalStatus",
        _candidate(
            {"text": "x"},
            urlContextMetadata={
                "urlMetadata": [{"retrievedUrl": "u", "urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"}]
            },
        ),
        {f"{GOOGLE}.url_context_metadata.urlMetadata.0.urlRetrievalStatus": "URL_RETRIEVAL_STATUS_SUCCESS"},
    ),
    AnswerExample(
        "Candidate.continuationToken",
        _candidate({"text": "x"}, continuationToken="abc="),
        {f"{GOOGLE}.continuation_token": "abc="},
    ),
    AnswerExample(
        "Candidate.logprobsResult LogprobsResult.topCandidates LogprobsResult.chosenCandidates TopCandidates.candidates"
        " LogprobsResult.Candidate.token LogprobsResult.Candidate.logProbability",
        _candidate(
            {"text": "ü."},
            logprobsResult={
                "topCandidates": [
                    {"candidates": [{"token": "ü", "logProbability": -0.5}, {"token": "u", "logProbability": -2}]}
                ],
                "chosenCandidates": [
                    {"token": "ü", "tokenId": 5, "logProbability": -0.5},
                    {"token": ".", "logProbability": "-Infinity"},
                ],
            },
        ),
        {
            "choices.0.logprobs": {
                "content": [
                    {
                        "token": "ü",
                        "logprob": -0.5,
                        "bytes": [195, 188],
                        "top_logprobs": [
                            {"token": "ü", "logprob": -0.5, "bytes": [195, 188]},
                            {"token": "u", "logprob": -2.0, "bytes": [117]},
                        ],
                    },
                    {"token": ".", "logprob": -9999.0, "bytes": [46], "top_logprobs": []},
                ],
                "refusal": None,
            }
        },
    ),
]
