"""Liftgate lifts heavy files to Gemini.

    from liftgate import completion, create_file

What is named in `__all__` is loaded when it is first asked for, so that `import liftgate` costs nothing.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from liftgate.errors import ConfigError as ConfigError
    from liftgate.errors import LiftgateError as LiftgateError
    from liftgate.sdk.client import AsyncLiftgate as AsyncLiftgate
    from liftgate.sdk.client import Liftgate as Liftgate
    from liftgate.sdk.content import FileContent as FileContent
    from liftgate.sdk.functions import acompletion as acompletion
    from liftgate.sdk.functions import acreate_file as acreate_file
    from liftgate.sdk.functions import afile_content as afile_content
    from liftgate.sdk.functions import afile_delete as afile_delete
    from liftgate.sdk.functions import afile_list as afile_list
    from liftgate.sdk.functions import afile_retrieve as afile_retrieve
    from liftgate.sdk.functions import atoken_counter as atoken_counter
    from liftgate.sdk.functions import completion as completion
    from liftgate.sdk.functions import create_file as create_file
    from liftgate.sdk.functions import file_content as file_content
    from liftgate.sdk.functions import file_delete as file_delete
    from liftgate.sdk.functions import file_list as file_list
    from liftgate.sdk.functions import file_retrieve as file_retrieve
    from liftgate.sdk.functions import token_counter as token_counter
    from liftgate.sdk.results import FileDeleted as FileDeleted
    from liftgate.sdk.results import FileList as FileList
    from liftgate.sdk.results import FileObject as FileObject
    from liftgate.sdk.results import ModelResponse as ModelResponse
    from liftgate.sdk.results import ModelResponseStream as ModelResponseStream
    from liftgate.sdk.streams import AsyncChunkStream as AsyncChunkStream
    from liftgate.sdk.streams import ChunkStream as ChunkStream

_FUNCTIONS = (
    *("completion", "token_counter"),
    *("create_file", "file_retrieve", "file_list", "file_delete", "file_content"),
)
_HOMES = {
    "liftgate.sdk.functions": (*_FUNCTIONS, *("a" + name for name in _FUNCTIONS)),
    "liftgate.sdk.client": ("Liftgate", "AsyncLiftgate"),
    "liftgate.sdk.results": ("FileObject", "FileList", "FileDeleted", "ModelResponse", "ModelResponseStream"),
    "liftgate.sdk.streams": ("ChunkStream", "AsyncChunkStream"),
    "liftgate.sdk.content": ("FileContent",),
    "liftgate.errors": ("LiftgateError", "ConfigError"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'liftgate' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
