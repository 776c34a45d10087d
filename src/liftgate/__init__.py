"""Liftgate lifts heavy files to Gemini.

    from liftgate import completion, create_file

What is named in `__all__` is loaded when it is first asked for, so that `import liftgate` costs nothing.
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from liftgate.errors import ConfigError as ConfigError
    from liftgate.errors import LiftgateError as LiftgateError
    from liftgate.exceptions import APIConnectionError as APIConnectionError
    from liftgate.exceptions import APIError as APIError
    from liftgate.exceptions import APIResponseValidationError as APIResponseValidationError
    from liftgate.exceptions import AuthenticationError as AuthenticationError
    from liftgate.exceptions import BadGatewayError as BadGatewayError
    from liftgate.exceptions import BadRequestError as BadRequestError
    from liftgate.exceptions import BlockedPiiEntityError as BlockedPiiEntityError
    from liftgate.exceptions import BudgetExceededError as BudgetExceededError
    from liftgate.exceptions import ConflictError as ConflictError
    from liftgate.exceptions import ContentPolicyViolationError as ContentPolicyViolationError
    from liftgate.exceptions import ContextWindowExceededError as ContextWindowExceededError
    from liftgate.exceptions import GuardrailRaisedException as GuardrailRaisedException
    from liftgate.exceptions import ImageFetchError as ImageFetchError
    from liftgate.exceptions import InternalServerError as InternalServerError
    from liftgate.exceptions import InvalidRequestError as InvalidRequestError
    from liftgate.exceptions import JSONSchemaValidationError as JSONSchemaValidationError
    from liftgate.exceptions import LiteLLMUnknownProvider as LiteLLMUnknownProvider
    from liftgate.exceptions import MidStreamFallbackError as MidStreamFallbackError
    from liftgate.exceptions import NotFoundError as NotFoundError
    from liftgate.exceptions import OpenAIError as OpenAIError
    from liftgate.exceptions import PermissionDeniedError as PermissionDeniedError
    from liftgate.exceptions import RateLimitError as RateLimitError
    from liftgate.exceptions import RejectedRequestError as RejectedRequestError
    from liftgate.exceptions import ServiceUnavailableError as ServiceUnavailableError
    from liftgate.exceptions import Timeout as Timeout
    from liftgate.exceptions import UnprocessableEntityError as UnprocessableEntityError
    from liftgate.exceptions import UnsupportedParamsError as UnsupportedParamsError
    from liftgate.sdk.chunk_builder import stream_chunk_builder as stream_chunk_builder
    from liftgate.sdk.client import AsyncLiftgate as AsyncLiftgate
    from liftgate.sdk.client import Liftgate as Liftgate
    from liftgate.sdk.content import FileContent as FileContent
    from liftgate.sdk.costs import completion_cost as completion_cost
    from liftgate.sdk.costs import cost_per_token as cost_per_token
    from liftgate.sdk.functions import abatch_completion as abatch_completion
    from liftgate.sdk.functions import acompletion as acompletion
    from liftgate.sdk.functions import acreate_file as acreate_file
    from liftgate.sdk.functions import adelete_responses as adelete_responses
    from liftgate.sdk.functions import afile_content as afile_content
    from liftgate.sdk.functions import afile_delete as afile_delete
    from liftgate.sdk.functions import afile_list as afile_list
    from liftgate.sdk.functions import afile_retrieve as afile_retrieve
    from liftgate.sdk.functions import aget_responses as aget_responses
    from liftgate.sdk.functions import aresponses as aresponses
    from liftgate.sdk.functions import atoken_counter as atoken_counter
    from liftgate.sdk.functions import batch_completion as batch_completion
    from liftgate.sdk.functions import completion as completion
    from liftgate.sdk.functions import create_file as create_file
    from liftgate.sdk.functions import delete_responses as delete_responses
    from liftgate.sdk.functions import file_content as file_content
    from liftgate.sdk.functions import file_delete as file_delete
    from liftgate.sdk.functions import file_list as file_list
    from liftgate.sdk.functions import file_retrieve as file_retrieve
    from liftgate.sdk.functions import get_responses as get_responses
    from liftgate.sdk.functions import responses as responses
    from liftgate.sdk.functions import token_counter as token_counter
    from liftgate.sdk.model_info import get_max_tokens as get_max_tokens
    from liftgate.sdk.model_info import get_model_info as get_model_info
    from liftgate.sdk.model_info import get_supported_openai_params as get_supported_openai_params
    from liftgate.sdk.model_info import model_cost as model_cost
    from liftgate.sdk.model_info import supports_audio_input as supports_audio_input
    from liftgate.sdk.model_info import supports_audio_output as supports_audio_output
    from liftgate.sdk.model_info import supports_function_calling as supports_function_calling
    from liftgate.sdk.model_info import supports_parallel_function_calling as supports_parallel_function_calling
    from liftgate.sdk.model_info import supports_pdf_input as supports_pdf_input
    from liftgate.sdk.model_info import supports_prompt_caching as supports_prompt_caching
    from liftgate.sdk.model_info import supports_reasoning as supports_reasoning
    from liftgate.sdk.model_info import supports_response_schema as supports_response_schema
    from liftgate.sdk.model_info import supports_system_messages as supports_system_messages
    from liftgate.sdk.model_info import supports_tool_choice as supports_tool_choice
    from liftgate.sdk.model_info import supports_url_context as supports_url_context
    from liftgate.sdk.model_info import supports_video_input as supports_video_input
    from liftgate.sdk.model_info import supports_vision as supports_vision
    from liftgate.sdk.model_info import supports_web_search as supports_web_search
    from liftgate.sdk.model_info import validate_environment as validate_environment
    from liftgate.sdk.response_results import DeleteResponseResult as DeleteResponseResult
    from liftgate.sdk.response_results import ResponsesAPIResponse as ResponsesAPIResponse
    from liftgate.sdk.response_results import ResponsesEvent as ResponsesEvent
    from liftgate.sdk.results import FileDeleted as FileDeleted
    from liftgate.sdk.results import FileList as FileList
    from liftgate.sdk.results import FileObject as FileObject
    from liftgate.sdk.results import ModelResponse as ModelResponse
    from liftgate.sdk.results import ModelResponseStream as ModelResponseStream
    from liftgate.sdk.streams import AsyncChunkStream as AsyncChunkStream
    from liftgate.sdk.streams import AsyncEventStream as AsyncEventStream
    from liftgate.sdk.streams import ChunkStream as ChunkStream
    from liftgate.sdk.streams import EventStream as EventStream
    from liftgate.types import Choices as Choices
    from liftgate.types import CustomStreamWrapper as CustomStreamWrapper
    from liftgate.types import Delta as Delta
    from liftgate.types import Function as Function
    from liftgate.types import Message as Message
    from liftgate.types import StreamingChoices as StreamingChoices
    from liftgate.types import Usage as Usage

_FUNCTIONS = (
    *("completion", "batch_completion", "token_counter"),
    *("responses", "get_responses", "delete_responses"),
    *("create_file", "file_retrieve", "file_list", "file_delete", "file_content"),
)
_FACTS = (
    *("get_model_info", "model_cost", "get_max_tokens", "get_supported_openai_params", "validate_environment"),
    *("supports_function_calling", "supports_parallel_function_calling", "supports_response_schema"),
    *("supports_reasoning", "supports_vision", "supports_pdf_input", "supports_audio_input", "supports_audio_output"),
    *("supports_video_input", "supports_web_search", "supports_url_context", "supports_system_messages"),
    *("supports_tool_choice", "supports_prompt_caching"),
)
_EXCEPTIONS = (
    *("APIConnectionError", "APIError", "APIResponseValidationError", "AuthenticationError", "BadGatewayError"),
    *("BadRequestError", "BlockedPiiEntityError", "BudgetExceededError", "ConflictError"),
    *("ContentPolicyViolationError", "GuardrailRaisedException", "ImageFetchError", "LiteLLMUnknownProvider"),
    *("MidStreamFallbackError", "RejectedRequestError"),
    *("ContextWindowExceededError", "InternalServerError", "InvalidRequestError", "JSONSchemaValidationError"),
    *("NotFoundError", "OpenAIError", "PermissionDeniedError", "RateLimitError", "ServiceUnavailableError"),
    *("Timeout", "UnprocessableEntityError", "UnsupportedParamsError"),
)
_HOMES = {
    "liftgate.sdk.functions": (*_FUNCTIONS, *("a" + name for name in _FUNCTIONS)),
    "liftgate.sdk.client": ("Liftgate", "AsyncLiftgate"),
    "liftgate.types": ("CustomStreamWrapper", "Choices", "Delta", "Function", "Message", "StreamingChoices", "Usage"),
    "liftgate.sdk.results": ("FileObject", "FileList", "FileDeleted", "ModelResponse", "ModelResponseStream"),
    "liftgate.sdk.response_results": ("ResponsesAPIResponse", "ResponsesEvent", "DeleteResponseResult"),
    "liftgate.sdk.streams": ("ChunkStream", "AsyncChunkStream", "EventStream", "AsyncEventStream"),
    "liftgate.sdk.content": ("FileContent",),
    "liftgate.sdk.costs": ("completion_cost", "cost_per_token"),
    "liftgate.sdk.chunk_builder": ("stream_chunk_builder",),
    "liftgate.sdk.model_info": _FACTS,
    "liftgate.exceptions": _EXCEPTIONS,
    "liftgate.errors": ("LiftgateError", "ConfigError"),
}
_PLACES = (
    *("utils", "main", "cost_calculator", "_logging", "caching", "caching.caching", "llms", "llms.custom_llm"),
    *("integrations", "integrations.custom_logger"),
)
"""Modules of LiteLLM's from which its users import what is here, or read what to use instead of it: `from
liftgate.utils import token_counter`."""
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _HOME_OF:
        value = getattr(import_module(_HOME_OF[name]), name)
        globals()[name] = value
        return value
    if name in _PLACES:
        return sys.modules[__name__]
    if name in ("types", "exceptions"):
        return import_module(f"{__name__}.{name}")
    if name == "_turn_on_debug":
        from liftgate.sdk.module_settings import turn_on_debug

        return turn_on_debug
    if name == "verbose_logger":
        import logging

        return logging.getLogger(__name__)
    if not name.startswith("_"):
        from importlib.util import find_spec

        from liftgate.sdk.absent import ABSENT, instead
        from liftgate.sdk.module_settings import default_of

        advice = ABSENT.get(name)
        if advice is None:
            try:
                return default_of(name)
            except KeyError:
                advice = instead(name)
        if advice:
            sentence = f"liftgate has no {name}. {advice}"
            # `from liftgate import X` would say only that X cannot be imported: it passes over an AttributeError.
            if sys._getframe(1).f_code.co_name == "_handle_fromlist" and find_spec(f"{__name__}.{name}") is None:
                raise ImportError(sentence, name=__name__)
            raise AttributeError(sentence)
    raise AttributeError(f"module 'liftgate' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({name for name in globals() if name.startswith("__")} | set(__all__))


class _Module(ModuleType):
    """Checks LiteLLM's settings where they are set: `liftgate.drop_params = True`."""

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_") and not isinstance(value, ModuleType) and name not in _HOME_OF:
            from liftgate.sdk.module_settings import check_setting

            check_setting(name, value)
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Module
sys.modules.update({f"{__name__}.{place}": sys.modules[__name__] for place in _PLACES})
