"""`/v1/messages`."""

from __future__ import annotations

from liftgate.dialects.messages.answer import counted
from liftgate.dialects.messages.dialect import COUNTED, MESSAGES
from liftgate.server.handlers.generate import answer_in, count_in

BETA = "beta"
"""`?beta=true`, which older clients put behind the paths of what is in beta."""

create_message = answer_in(MESSAGES, BETA)
count_tokens = count_in(COUNTED, BETA, form=counted)
