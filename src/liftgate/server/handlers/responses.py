"""`/v1/responses`."""

from __future__ import annotations

from liftgate.dialects.responses.dialect import COUNTED, RESPONSES
from liftgate.server.handlers.generate import answers, counts

create_response = answers(RESPONSES)
count_tokens = counts(COUNTED)
