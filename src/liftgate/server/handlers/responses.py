"""`/v1/responses`."""

from __future__ import annotations

from liftgate.dialects.responses.compaction import COMPACTION
from liftgate.dialects.responses.dialect import COUNTED, RESPONSES
from liftgate.server.handlers.generate import answers, counts, whole_answers

create_response = answers(RESPONSES)
count_tokens = counts(COUNTED)
compact = whole_answers(COMPACTION)
