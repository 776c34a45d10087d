"""`/v1/chat/completions`."""

from __future__ import annotations

from liftgate.dialects.chat.dialect import CHAT
from liftgate.server.handlers.generate import answer_in, count_in

create_completion = answer_in(CHAT)
count_tokens = count_in(CHAT)
