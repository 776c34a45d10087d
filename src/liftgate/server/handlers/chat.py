"""`/v1/chat/completions`."""

from __future__ import annotations

from liftgate.dialects.chat.dialect import CHAT
from liftgate.server.handlers.generate import answers, counts

create_completion = answers(CHAT)
count_tokens = counts(CHAT)
