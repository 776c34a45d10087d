"""`/v1/messages`."""

from __future__ import annotations

from liftgate.dialects.messages.answer import counted
from liftgate.dialects.messages.dialect import COUNTED, MESSAGES
from liftgate.server.handlers.generate import answers, counts

BETA = "beta"
"""`?beta=true`, which older clients put behind the paths of what is in beta."""

create_message = answers(MESSAGES, BETA)
count_tokens = counts(COUNTED, BETA, form=counted)
