"""`from liftgate import completion, create_file, …`: the methods of one `Liftgate` that keeps nothing.

The one object that lives in a module, because a plain function has nowhere else to keep its connections. It holds no
settings (key, root and the module's settings are read at each call) and has no thread before its first use; it is
closed when the process ends.
"""

from __future__ import annotations

import atexit

from liftgate.json_types import JsonObject
from liftgate.sdk.client import Liftgate
from liftgate.sdk.module_settings import with_settings


class _Shared(Liftgate):
    def _settled(self, arguments: JsonObject, *, chat: bool) -> JsonObject:
        return with_settings(arguments, chat=chat)


_shared = _Shared()
atexit.register(_shared.close)

completion = _shared.completion
acompletion = _shared.acompletion
batch_completion = _shared.batch_completion
abatch_completion = _shared.abatch_completion
create_file = _shared.create_file
acreate_file = _shared.acreate_file
file_retrieve = _shared.file_retrieve
afile_retrieve = _shared.afile_retrieve
file_list = _shared.file_list
afile_list = _shared.afile_list
file_delete = _shared.file_delete
afile_delete = _shared.afile_delete
file_content = _shared.file_content
afile_content = _shared.afile_content
responses = _shared.responses
aresponses = _shared.aresponses
get_responses = _shared.get_responses
aget_responses = _shared.aget_responses
delete_responses = _shared.delete_responses
adelete_responses = _shared.adelete_responses
token_counter = _shared.token_counter
atoken_counter = _shared.atoken_counter
