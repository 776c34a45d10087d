"""Keys that are none: references that nobody filled in, placeholders, empty variables. None of them opens a gateway."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from liftgate.errors import ConfigError
from liftgate.settings import Settings, load_settings

KEYED = {"GEMINI_API_KEY": "google-key-1", "HOME": "/home/somebody"}
MODEL = {"model_name": "m", "litellm_params": {"model": "gemini/gemini-2.5-flash"}}

NO_KEYS = {
    "${MASTER_KEY}": "os.environ/MASTER_KEY",
    "$MASTER_KEY": "os.environ/MASTER_KEY",
    "${MASTER_KEY:-}": "os.environ/MASTER_KEY",
    "${env:MASTER_KEY}": "os.environ/MASTER_KEY",
    "sk-${MASTER_KEY}": "os.environ/MASTER_KEY",
    "sk-$MASTER_KEY": "os.environ/MASTER_KEY",
    "sk-%MASTER_KEY%": "os.environ/MASTER_KEY",
    "sk-os.environ/MASTER_KEY": "os.environ/MASTER_KEY",
    "$(MASTER_KEY)": "os.environ/MASTER_KEY",
    "$env:MASTER_KEY": "os.environ/MASTER_KEY",
    "%MASTER_KEY%": "os.environ/MASTER_KEY",
    "{{ MASTER_KEY }}": "os.environ/MASTER_KEY",
    "{{ .Values.masterKey }}": "os.environ/",
    "os.environ.MASTER_KEY": "os.environ/MASTER_KEY",
    "os.environ['MASTER_KEY']": "os.environ/MASTER_KEY",
    "os.environ:MASTER_KEY": "os.environ/MASTER_KEY",
    "os.enviorn/MASTER_KEY": "os.environ/MASTER_KEY",
    "OS.ENVIRON/MASTER_KEY": "os.environ/MASTER_KEY",
    "os.getenv('MASTER_KEY')": "os.environ/MASTER_KEY",
    "env/MASTER_KEY": "os.environ/MASTER_KEY",
    "process.env.MASTER_KEY": "os.environ/MASTER_KEY",
    "!ENV MASTER_KEY": "os.environ/MASTER_KEY",
    " os.environ/MASTER_KEY": "os.environ/MASTER_KEY",
    "#{MASTER_KEY}#": "os.environ/MASTER_KEY",
    "#{MASTER_KEY}": "os.environ/MASTER_KEY",
    "$ENV{MASTER_KEY}": "os.environ/MASTER_KEY",
    "%(MASTER_KEY)s": "os.environ/MASTER_KEY",
    "__MASTER_KEY__": "os.environ/MASTER_KEY?",
    "@MASTER_KEY@": "os.environ/MASTER_KEY?",
    "@@MASTER_KEY@@": "os.environ/MASTER_KEY?",
    "sk-<random>": "placeholder",
    "sk-{random}": "placeholder",
    "sk-[some letters]": "placeholder",
    "oidc/google/key": "secret store",
    "ENC[AES256_GCM,data:abcdef]": "secret store",
    '"sk-abcdefgh"': "quotation marks",
    "'sk-abcdefgh'": "quotation marks",
    "MASTER_KEY": "is the word MASTER_KEY",
    "GEMINI_API_KEY": "is the word GEMINI_API_KEY",
    "HOME": "is the word HOME",
    "<your key>": "placeholder",
    "[your key]": "placeholder",
    "your-api-key": "placeholder",
    "YOUR_KEY_HERE": "",
    "sk-your-key-here": "placeholder",
    "changeme": "placeholder",
    "CHANGE-ME": "placeholder",
    "sk-...": "placeholder",
    "sk-…": "placeholder",
    "********": "placeholder",
    "xxxxxxxx": "placeholder",
    "None": "placeholder",
    "undefined": "placeholder",
    "api_key": "placeholder",
    "master-key": "placeholder",
    "vault:secret/data/key": "secret store",
    "op://vault/item/key": "secret store",
    "arn:aws:secretsmanager:eu:1:secret:x": "secret store",
    "/run/secrets/master_key": "secret store",
    "": "is empty",
    "   ": "is empty",
    "\n": "is empty",
    "a-good-long-key\n": "white space",
    " a-good-long-key": "white space",
    "a good long key": "white space",
    "a-good-long-ключ": "no header",
    "a-good\x1b[2Jkey": "no header",
}

GOOD = [
    "sk-1234",
    "correct-horse-battery",
    "AbC$d1eFgh",
    "%7Bx%7Dyz",
    "JBSWY3DPEHPK3PXP",
    "sk-live_9f86d081884c7d65",
    "a.b/c+d==",
]


def load(tmp_path: Path, environ: Mapping[str, str] = KEYED, **document: object) -> Settings:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"model_list": [MODEL], **document}, allow_unicode=True))
    return load_settings(path, {}, environ)[0]


def refusal(tmp_path: Path, environ: Mapping[str, str] = KEYED, **document: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, environ, **document)
    return str(caught.value)


@pytest.mark.parametrize("key", NO_KEYS)
def test_no_key_of_a_config_is_a_text_that_stands_for_one(tmp_path: Path, key: str) -> None:
    params = {**MODEL["litellm_params"], "api_key": key}  # type: ignore[dict-item]
    for document, place in (
        ({"general_settings": {"master_key": key}}, "general_settings.master_key: "),
        ({"liftgate_settings": {"keys": [{"name": "ann", "key": key}]}}, "liftgate_settings.keys[0].key: "),
        ({"model_list": [{**MODEL, "litellm_params": params}]}, "model_list[0].litellm_params.api_key: "),
    ):
        said = refusal(tmp_path, **document)
        assert place in said and NO_KEYS[key] in said


@pytest.mark.parametrize("key", [key for key in NO_KEYS if "\x1b" not in key])
@pytest.mark.parametrize("variable", ["LIFTGATE_MASTER_KEY", "LITELLM_MASTER_KEY", "GEMINI_API_KEY", "ANN"])
def test_no_key_of_the_environment_is_one(tmp_path: Path, variable: str, key: str) -> None:
    keys = [{"name": "ann", "key": "os.environ/ANN"}]
    environ = {**KEYED, "ANN": "a-good-long-key", variable: key}
    said = refusal(tmp_path, environ, liftgate_settings={"keys": keys})
    assert variable in said


@pytest.mark.parametrize("key", GOOD)
def test_a_key_that_is_one_is_taken(tmp_path: Path, key: str) -> None:
    settings = load(tmp_path, {**KEYED, "GEMINI_API_KEY": "google-" + key}, general_settings={"master_key": key})
    assert settings.auth.master_key == key
    assert settings.deployments[0].api_key == "google-" + key


@pytest.mark.parametrize("key", ["k", "abc", "12345", 12345678, True, ["sk-secret-one"], {"a": "sk-secret-one"}])
def test_what_is_too_short_or_no_text_is_refused_and_not_repeated(tmp_path: Path, key: object) -> None:
    for document in (
        {"general_settings": {"master_key": key}},
        {"liftgate_settings": {"keys": [{"name": "ann", "key": key}]}},
    ):
        said = refusal(tmp_path, **document)
        assert "key: " in said and "sk-secret-one" not in said and "12345678" not in said


def test_an_empty_section_of_keys_is_no_open_gateway(tmp_path: Path) -> None:
    documents: tuple[dict[str, object], ...] = (
        {"general_settings": {"master_key": None}},
        {"liftgate_settings": {"keys": None}},
        {"liftgate_settings": {"keys": []}},
    )
    for document in documents:
        refusal(tmp_path, KEYED, **document)
    keyed = {**KEYED, "LITELLM_MASTER_KEY": "from-the-environment"}
    assert load(tmp_path, keyed, general_settings={"master_key": None}).auth.master_key == "from-the-environment"


def test_an_empty_variable_is_said_to_be_empty(tmp_path: Path) -> None:
    for variable in ("LIFTGATE_MASTER_KEY", "LITELLM_MASTER_KEY"):
        assert f"{variable}: is empty" in refusal(tmp_path, {**KEYED, variable: ""})
    said = refusal(tmp_path, {**KEYED, "EMPTY": ""}, general_settings={"master_key": "os.environ/EMPTY"})
    assert "EMPTY is set, and is empty" in said
    assert "GEMINI_API_KEY is set, and is empty" in refusal(tmp_path, {"HOME": "/", "GEMINI_API_KEY": ""})
    with pytest.raises(ConfigError, match="GOOGLE_API_KEY is set, and is empty"):
        load_settings(None, {}, {"HOME": "/", "GOOGLE_API_KEY": ""})
    assert "names no environment variable" in refusal(tmp_path, general_settings={"master_key": "os.environ/"})


def test_an_empty_address_of_the_catalogue_is_told() -> None:
    """A database whose address did not arrive is not the one that the files are in."""
    empty = {**KEYED, "LIFTGATE_DATABASE_URL": ""}
    assert "LIFTGATE_DATABASE_URL is set, and is empty" in load_settings(None, {}, empty)[1][0]
    assert load_settings(None, {"database_url": "sqlite:////x.db"}, empty)[0].storage.database_url


def test_a_misspelt_variable_of_googles_key_is_seen(tmp_path: Path) -> None:
    said = refusal(tmp_path, {"HOME": "/", "GEMINI_APIKEY": "google-key-1"})
    assert "GEMINI_APIKEY is set" in said and "GEMINI_API_KEY" in said


@pytest.mark.parametrize(
    ("document", "secret"),
    [
        ({"liftgate_settings": {"public_base_url": "https://user:geheim1@h/?x=1"}}, "geheim1"),
        ({"liftgate_settings": {"public_base_url": ["geheim1"]}}, "geheim1"),
        ({"liftgate_settings": {"port": "http://u:geheim1@h"}}, "geheim1"),
        ({"liftgate_settings": {"max_file_bytes": {"a": "geheim1"}}}, "geheim1"),
        (
            {
                "model_list": [
                    {"model_name": "m", "litellm_params": {"model": "gemini/a", "api_base": "ftp://u:geheim1@h"}}
                ]
            },
            "geheim1",
        ),
        (
            {
                "model_list": [
                    {"model_name": "m", "litellm_params": {"model": "gemini/a", "api_base": "http://h?key=geheim1"}}
                ]
            },
            "geheim1",
        ),
        ({"model_list": [{"model_name": ["geheim1"], "litellm_params": {"model": "gemini/a"}}]}, "geheim1"),
    ],
)
def test_no_sentence_repeats_a_password(tmp_path: Path, document: dict[str, object], secret: str) -> None:
    assert secret not in refusal(tmp_path, KEYED, **document)


@pytest.mark.parametrize("setting", ["data_dir", "blob_store", "host"])
@pytest.mark.parametrize("value", ["${HOME}/x", "$DATA", "os.environ.DATA", "{{ data }}", "$HOME/x", "s3://%BUCKET%/p"])
def test_a_reference_in_another_setting_is_refused_too(tmp_path: Path, setting: str, value: str) -> None:
    assert "os.environ/" in refusal(tmp_path, liftgate_settings={setting: value})


def test_a_reference_within_an_address_or_a_name_is_refused_too(tmp_path: Path) -> None:
    for url in ("postgresql://u:$PASSWORD@h/db", "postgresql://u:p@$HOST/db", "sqlite:///$DATA/catalog.db"):
        said = refusal(tmp_path, liftgate_settings={"database_url": url})
        assert "os.environ/" in said and "$" not in said
    for name in ("$OWNER", "${OWNER}"):
        said = refusal(tmp_path, liftgate_settings={"keys": [{"name": name, "key": "sk-a-good-long-key"}]})
        assert "liftgate_settings.keys[0].name: " in said and "os.environ/OWNER" in said
    kept = load(
        tmp_path, liftgate_settings={"database_url": "postgresql://u:pa$$WORD%24X@h/db", "data_dir": "/a/b$c/$d"}
    )
    assert kept.storage.database_url.endswith("pa$$WORD%24X@h/db") and kept.storage.data_dir == Path("/a/b$c/$d")
