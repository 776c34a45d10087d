"""The classes of answers, at the places where programs written for LiteLLM import them: `liftgate.types.utils` is this
module too.
"""

from __future__ import annotations

import sys

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
    "AsyncChunkStream",
    "AsyncEventStream",
    "ChatCompletionDeltaToolCall",
    "ChatCompletionMessageToolCall",
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

utils = sys.modules[f"{__name__}.utils"] = sys.modules[__name__]
