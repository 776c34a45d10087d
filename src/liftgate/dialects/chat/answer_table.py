"""The other half of the table: what becomes of every field of Gemini's answer (docs/protocol/gemini.md, "Answers").

Rows are `Type.field`. `extra_content.google` is Google's own place for what OpenAI's objects have no slot for; it
is only there when it has something to say.
"""

from __future__ import annotations

from liftgate.dialects.fates import Fate, Row

_RAW = "extra_content.google.grounding_metadata, whole"
_STATISTIC = "a statistic that the usage already holds"


def _type(owner: str, /, **fields: tuple[Fate, str]) -> tuple[Row, ...]:
    return tuple(Row(f"{owner}.{field}", fate, note) for field, (fate, note) in fields.items())


def _raw(name: str, fields: str, note: str) -> tuple[Row, ...]:
    return tuple(Row(f"{name}.{field}", "mapped", note) for field in fields.split())


ANSWER: tuple[Row, ...] = (
    *_type(
        "GenerateContentResponse",
        candidates=("mapped", "choices"),
        promptFeedback=("mapped", "finish_reason content_filter, message.refusal"),
        usageMetadata=("mapped", "usage"),
        modelVersion=("mapped", "system_fingerprint; model is the public name that was asked for"),
        responseId=("ignored", "the completion has its own id; Google's is for Google's support"),
        turnToken=("ignored", "a handle of Google's Interactions store; no request field takes it"),
        modelStatus=("ignored", "news about the model's life cycle; the operator reads it at Google"),
    ),
    *_type(
        "PromptFeedback",
        blockReason=("mapped", "finish_reason content_filter; extra_content.google.prompt_feedback"),
        blockReasonMessage=("mapped", "message.refusal"),
        safetyRatings=("mapped", "extra_content.google.prompt_feedback"),
    ),
    *_type(
        "UsageMetadata",
        promptTokenCount=("mapped", "usage.prompt_tokens"),
        toolUsePromptTokenCount=("mapped", "usage.prompt_tokens"),
        cachedContentTokenCount=("mapped", "usage.prompt_tokens_details.cached_tokens"),
        candidatesTokenCount=("mapped", "usage.completion_tokens"),
        thoughtsTokenCount=("mapped", "usage.completion_tokens and completion_tokens_details.reasoning_tokens"),
        totalTokenCount=("mapped", "usage.total_tokens, as the sum of the two"),
        promptTokensDetails=("mapped", "usage.prompt_tokens_details.{audio,image,text}_tokens"),
        toolUsePromptTokensDetails=("mapped", "usage.prompt_tokens_details.{audio,image,text}_tokens"),
        candidatesTokensDetails=("mapped", "usage.completion_tokens_details.{audio,image}_tokens"),
        cacheTokensDetails=("ignored", "OpenAI counts cached tokens as one number"),
        serviceTier=("mapped", "service_tier"),
        trafficType=("ignored", "how Google bills its own customers"),
    ),
    *_type(
        "ModalityTokenCount",
        modality=("mapped", "the name of the detail; VIDEO and DOCUMENT count as image_tokens"),
        tokenCount=("mapped", "the detail"),
    ),
    *_type(
        "Candidate",
        index=("mapped", "choices[].index"),
        content=("mapped", "choices[].message"),
        finishReason=("mapped", "finish_reason; extra_content.google.finish_reason where OpenAI has no such word"),
        finishMessage=("mapped", "extra_content.google.finish_message, message.refusal; not for an ordinary end"),
        safetyRatings=("mapped", "extra_content.google.safety_ratings"),
        citationMetadata=("mapped", "message.annotations; extra_content.google.citation_metadata"),
        groundingMetadata=("mapped", f"message.annotations; {_RAW}"),
        urlContextMetadata=("mapped", "extra_content.google.url_context_metadata"),
        logprobsResult=("mapped", "choices[].logprobs"),
        continuationToken=("mapped", "extra_content.google.continuation_token"),
        tokenCount=("ignored", _STATISTIC),
        avgLogprobs=("ignored", "a mean of what logprobs gives token by token"),
        groundingAttributions=("ignored", "only filled by GenerateAnswer, which is not called"),
    ),
    *_type(
        "Content",
        parts=("mapped", "message.content and its neighbours"),
        role=("ignored", "always model, as the message is always assistant"),
    ),
    *_type(
        "Part",
        text=("mapped", "message.content; reasoning_content for thoughts"),
        thought=("mapped", "message.reasoning_content"),
        thoughtSignature=("mapped", "kept by tool call id; on other parts extra_content.google"),
        functionCall=("mapped", "message.tool_calls[]"),
        inlineData=("mapped", "message.images[], message.audio, else extra_content.google.parts[]"),
        fileData=("mapped", "extra_content.google.parts[]"),
        functionResponse=("mapped", "extra_content.google.parts[]: a tool that Google ran"),
        executableCode=("mapped", "extra_content.google.parts[]"),
        codeExecutionResult=("mapped", "extra_content.google.parts[]"),
        toolCall=("mapped", "extra_content.google.parts[]: a tool that Google ran"),
        toolResponse=("mapped", "extra_content.google.parts[]: a tool that Google ran"),
        audioTranscription=("mapped", "message.audio.transcript; whole in extra_content.google.parts[]"),
        videoMetadata=("mapped", "extra_content.google.parts[], with its part"),
        partMetadata=("mapped", "extra_content.google.parts[], with its part"),
        mediaResolution=("mapped", "extra_content.google.parts[], with its part"),
        mediaProcessing=("mapped", "extra_content.google.parts[], with its part"),
        speechMetadata=("mapped", "extra_content.google.parts[], with its part"),
        documentMetadata=("mapped", "extra_content.google.parts[], with its part"),
        spreadsheetMetadata=("mapped", "extra_content.google.parts[], with its part"),
        audioMetadata=("mapped", "extra_content.google.parts[], with its part"),
    ),
    *_type(
        "FunctionCall",
        name=("mapped", "tool_calls[].function.name"),
        args=("mapped", "tool_calls[].function.arguments"),
        id=("ignored", "the call gets an id of ours, under which its signature is kept"),
    ),
    *_raw("SafetyRating", "category probability blocked", "extra_content.google.safety_ratings"),
    *_raw("CitationMetadata", "citationSources citations", "message.annotations"),
    *_raw("CitationSource", "startIndex endIndex uri title", "message.annotations[].url_citation"),
    *_raw("CitationSource", "license publicationDate", "extra_content.google.citation_metadata"),
    *_raw("GroundingMetadata", "groundingChunks groundingSupports", f"message.annotations; {_RAW}"),
    *_raw(
        "GroundingMetadata",
        "searchEntryPoint retrievalMetadata webSearchQueries imageSearchQueries googleMapsWidgetContextToken"
        " sourceFlaggingUris",
        _RAW,
    ),
    *_raw("SearchEntryPoint", "renderedContent sdkBlob", _RAW),
    *_raw("GroundingChunk", "web retrievedContext maps image", f"message.annotations; {_RAW}"),
    *_raw("Web", "uri title", "message.annotations[].url_citation"),
    *_raw("RetrievedContext", "uri title", "message.annotations[].url_citation"),
    *_raw("RetrievedContext", "text customMetadata fileSearchStore pageNumber mediaId", _RAW),
    *_raw("Maps", "uri title", "message.annotations[].url_citation"),
    *_raw("Maps", "text placeId placeAnswerSources route", _RAW),
    *_raw("GroundingSupport", "segment groundingChunkIndices", "message.annotations[]"),
    *_raw("GroundingSupport", "confidenceScores renderedParts", _RAW),
    *_raw("Segment", "partIndex startIndex endIndex text", "url_citation.start_index, end_index, in characters"),
    *_raw("RetrievalMetadata", "googleSearchDynamicRetrievalScore", _RAW),
    *_raw("LogprobsResult", "topCandidates chosenCandidates", "choices[].logprobs.content"),
    Row("LogprobsResult.logProbabilitySum", "ignored", "the sum of what logprobs gives token by token"),
    *_raw("TopCandidates", "candidates", "logprobs.content[].top_logprobs"),
    *_raw("LogprobsResult.Candidate", "token logProbability", "token, logprob; bytes are the token's UTF-8"),
    Row("LogprobsResult.Candidate.tokenId", "ignored", "a number of Gemini's tokenizer; OpenAI has no slot"),
    *_raw("UrlContextMetadata", "urlMetadata", "extra_content.google.url_context_metadata"),
    *_raw("UrlMetadata", "retrievedUrl urlRetrievalStatus", "extra_content.google.url_context_metadata"),
)
