"""The classes of answers and the types of messages, at the places where programs written for LiteLLM import them:
`liftgate.types.utils` and `liftgate.types.llms.openai` are this module too.
"""

from __future__ import annotations

import sys
from typing import Any

from liftgate.sdk.response_results import (
    DeleteResponseResult,
    ResponseAPIUsage,
    ResponsesAPIResponse,
    ResponsesEvent,
)
from liftgate.sdk.results import (
    Choices,
    Delta,
    FileDeleted,
    FileList,
    FileObject,
    Function,
    Message,
    ModelResponse,
    ModelResponseStream,
    StreamingChoices,
    ToolCall,
    Usage,
)
from liftgate.sdk.streams import AsyncChunkStream, AsyncEventStream, ChunkStream, EventStream

__all__ = [
    "AllMessageValues",
    "AsyncChunkStream",
    "AsyncEventStream",
    "ChatCompletionAssistantMessage",
    "ChatCompletionDeltaToolCall",
    "ChatCompletionMessageToolCall",
    "ChatCompletionSystemMessage",
    "ChatCompletionToolMessage",
    "ChatCompletionToolParam",
    "ChatCompletionUserMessage",
    "Choices",
    "ChunkStream",
    "CustomStreamWrapper",
    "DeleteResponseResult",
    "Delta",
    "EventStream",
    "FileDeleted",
    "FileList",
    "FileObject",
    "Function",
    "Message",
    "ModelResponse",
    "ModelResponseStream",
    "ResponseAPIUsage",
    "ResponsesAPIResponse",
    "ResponsesEvent",
    "StreamingChoices",
    "Usage",
]

ChatCompletionMessageToolCall = ChatCompletionDeltaToolCall = ToolCall
CustomStreamWrapper = ChunkStream

AllMessageValues = ChatCompletionUserMessage = ChatCompletionSystemMessage = dict[str, Any]
ChatCompletionAssistantMessage = ChatCompletionToolMessage = ChatCompletionToolParam = dict[str, Any]

utils = llms = openai = sys.modules[__name__]
sys.modules.update({f"{__name__}.{place}": utils for place in ("utils", "llms", "llms.openai")})
