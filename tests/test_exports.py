"""What `import liftgate` gives, and what it costs."""

import inspect
import subprocess
import sys

import pytest

import liftgate

FUNCTIONS = (
    "completion",
    "token_counter",
    "create_file",
    "file_retrieve",
    "file_list",
    "file_delete",
    "file_content",
    "responses",
    "get_responses",
    "delete_responses",
)


@pytest.mark.parametrize("name", liftgate.__all__)
def test_every_exported_name_is_there(name: str) -> None:
    assert getattr(liftgate, name) is not None
    assert name in dir(liftgate)


def test_every_function_has_an_awaited_twin_with_the_same_arguments() -> None:
    for name in FUNCTIONS:
        plain, awaited = getattr(liftgate, name), getattr(liftgate, "a" + name)
        assert inspect.signature(plain).parameters == inspect.signature(awaited).parameters
        assert inspect.iscoroutinefunction(awaited) and not inspect.iscoroutinefunction(plain)
        assert plain.__doc__ and awaited.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nosuch"):
        liftgate.nosuch  # noqa: B018
    with pytest.raises(ImportError):
        exec("from liftgate import nosuch")


def _loaded_by(code: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sys.modules)"], capture_output=True, text=True, check=True
    )
    return set(run.stdout.split())


def test_importing_liftgate_loads_none_of_its_rooms_and_none_of_the_drivers() -> None:
    heavy = {"aiohttp", "asyncio", "obstore", "psycopg", "sqlite3", "uvicorn", "msgspec", "yaml", "rich", "click"}
    loaded = _loaded_by("import liftgate")
    assert not heavy & loaded
    places = {f"liftgate.{place}" for place in liftgate._PLACES}  # other names of the module itself
    assert {name for name in loaded if name.startswith("liftgate")} == {"liftgate", *places}
    assert all(sys.modules[place] is liftgate for place in places)


def test_the_functions_load_no_server_and_no_store() -> None:
    heavy = {"uvicorn", "obstore", "psycopg", "sqlite3", "yaml", "rich", "click"}
    heavy |= {f"liftgate.{room}" for room in ("server", "catalog", "blobs", "sandbox", "cli", "gateway", "engine")}
    assert not heavy & _loaded_by("from liftgate import completion, create_file")
