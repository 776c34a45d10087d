"""The classes of answers, at the places where programs written for LiteLLM import them: `liftgate.types.utils` is this
module too.
"""

from __future__ import annotations

import sys

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
from liftgate.sdk.streams import AsyncChunkStream, ChunkStream

__all__ = [
    "AsyncChunkStream",
    "ChatCompletionDeltaToolCall",
    "ChatCompletionMessageToolCall",
    "Choices",
    "ChunkStream",
    "CustomStreamWrapper",
    "Delta",
    "FileDeleted",
    "FileList",
    "FileObject",
    "Function",
    "Message",
    "ModelResponse",
    "ModelResponseStream",
    "StreamingChoices",
    "Usage",
]

ChatCompletionMessageToolCall = ChatCompletionDeltaToolCall = ToolCall
CustomStreamWrapper = ChunkStream

utils = sys.modules[f"{__name__}.utils"] = sys.modules[__name__]
