"""`liftgate chat` against a real gateway and the sandbox, which says what it was sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateways import MODEL, SandboxServer, client_for, deployments, gateway_server, sandbox_server, settings_for
from liftgate.sandbox.app import SandboxSettings
from terminal import Cli


@dataclass(frozen=True)
class Bench:
    cli: Cli
    url: str
    sandbox: SandboxServer

    def script(self, *texts: str, **more: Any) -> None:
        """What the next answer streams, a chunk for each text."""
        chunks = [{"candidates": [{"content": {"role": "model", "parts": [{"text": text}]}}]} for text in texts]
        chunks[-1]["candidates"][0]["finishReason"] = more.pop("finish", "STOP")
        self.sandbox.control("scripts", {"chunks": chunks, **more})


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, SandboxServer]]:
    with sandbox_server() as sandbox:
        several = (*deployments(sandbox.url), *deployments(sandbox.url, ("key-b",), "gemini-2.0-flash"))
        data = tmp_path_factory.mktemp("gateway")
        with gateway_server(settings_for(sandbox, data / "data", deployments=several)) as url:
            yield url, sandbox


@pytest.fixture
def bench(gateway: tuple[str, SandboxServer], tmp_path: Path) -> Bench:
    """A home of its own, where the last answer is remembered; a sandbox as new."""
    url, sandbox = gateway
    sandbox.control("reset", {})
    return Bench(Cli(tmp_path / "home", url, "sk-ann"), url, sandbox)


def test_the_answer_is_written_to_standard_output_and_nothing_else(bench: Bench) -> None:
    bench.script("Four.", " As ", "always.")
    done = bench.cli.run("chat", "What is 2 + 2?")
    assert (done.stdout, done.stderr) == (b"Four. As always.\n", b"")


def test_the_answer_is_shown_as_it_comes(bench: Bench) -> None:
    bench.script("first\n", "second", delays=[0, 30])
    with bench.cli.started("chat", "Slowly, please") as process:
        assert process.stdout is not None
        # Thirty seconds pass before the rest: a command that waits for it does not come so far.
        assert process.stdout.readline() == b"first\n"
        process.kill()


@pytest.mark.parametrize("option", ["--no-stream", "--json"])
def test_a_whole_answer_is_the_streamed_one(bench: Bench, option: str) -> None:
    streamed = bench.cli.out("chat", "Hello", "--system", "Be brief", "--model", MODEL)
    assert "Be brief" in streamed and "Hello" in streamed and MODEL in streamed
    whole = bench.cli.out("chat", "Hello", "--system", "Be brief", "--model", MODEL, option)
    if option == "--json":
        answer = json.loads(whole)
        assert answer["object"] == "chat.completion"
        whole = answer["choices"][0]["message"]["content"] + "\n"
    assert whole == streamed


def test_the_question_may_come_from_standard_input(bench: Bench) -> None:
    assert "Wie geht's?" in bench.cli.out("chat", "-", stdin=b"Wie geht's?\n")
    assert b"UTF-8" in bench.cli.run("chat", "-", stdin=b"\xff\xfe", code=2).stderr


def test_paths_are_uploaded_and_ids_are_used_in_their_order(bench: Bench) -> None:
    first, second = bench.cli.home / "first.txt", bench.cli.home / "second.txt"
    first.write_text("the first one")
    second.write_text("the second one")
    known = bench.cli.out("files", "upload", second).split()[0]
    done = bench.cli.run("chat", "What is in these?", "-f", first, "-f", known, "-f", first)
    answer = done.stdout.decode()
    assert answer.index("the first one") < answer.index("the second one") < answer.rindex("the first one")
    told = done.stderr.decode()
    (uploaded,) = [line.split()[-1] for line in told.splitlines() if " is file-" in line]
    with client_for(bench.url) as client:
        assert client.files.content(uploaded).read() == b"the first one"
        # The one that was uploaded twice, once.
        assert {uploaded, known} == {
            file.id for file in client.files.list() if file.filename in (first.name, second.name)
        }


def test_a_film_on_the_web_is_asked_about_by_its_address(bench: Bench) -> None:
    bench.cli.out("chat", "Who speaks?", "--file", "http://www.youtube.com/embed/abcdefghijk", "--model", MODEL)
    parts = bench.sandbox.control("bodies")["bodies"][-1]["body"]["contents"][0]["parts"]
    assert parts[1]["fileData"]["fileUri"] == "https://www.youtube.com/watch?v=abcdefghijk"


def test_behind_a_wildcard_the_usual_model_is_asked(tmp_path: Path) -> None:
    """As after `liftgate` with a key and nothing else, and after `liftgate --sandbox`."""
    with sandbox_server() as sandbox:
        [every] = deployments(sandbox.url, model="*")
        with gateway_server(settings_for(sandbox, tmp_path / "data", deployments=(every,))) as url:
            cli = Cli(tmp_path / "home", url, "sk-ann")
            recording = tmp_path / "talk.wav"
            recording.write_bytes(b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0" + bytes(100))
            assert "talk.wav" in cli.run("chat", "What is said?", "--file", str(recording)).stderr.decode()
            assert sandbox.control("bodies")["bodies"][-1]["model"] == "gemini-flash-latest"
    with sandbox_server(
        SandboxSettings(models=("gemini-embedding-001", "gemini-2.5-flash-image", "gemini-3.5-flash"))
    ) as sandbox:
        [every] = deployments(sandbox.url, model="*")
        with gateway_server(settings_for(sandbox, tmp_path / "other", deployments=(every,))) as url:
            Cli(tmp_path / "home", url, "sk-ann").out("chat", "Hello")
            assert sandbox.control("bodies")["bodies"][-1]["model"] == "gemini-3.5-flash"


def test_the_model_is_the_first_that_the_gateway_lists(bench: Bench) -> None:
    assert MODEL in bench.cli.out("chat", "Who are you?")
    assert "gemini-2.0-flash" in bench.cli.out("chat", "Who are you?", "-m", "gemini-2.0-flash")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["", "-m", MODEL], 2, "empty"),
        (["Hm?", "--file", "nowhere.pdf"], 2, "'nowhere.pdf' is neither a file, nor the id of one, nor an address"),
        (["Hm?", "--file", "file-aaaaaaaaaaaaaaaaaaaaaaaa"], 1, "file-aaaaaaaaaaaaaaaaaaaaaaaa"),
        (["Hm?", "--model", "gpt-4o"], 1, "gpt-4o"),
        (["Hm?", "--api-key", "wrong"], 1, "Incorrect API key"),
        (["Hm?", "--base-url", "http://127.0.0.1:9"], 3, "cannot be reached"),
        (["Hm?", "--file", "empty.txt"], 1, "empty.txt"),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_an_exit_code(
    bench: Bench, arguments: list[str], code: int, said: str
) -> None:
    (bench.cli.home / "empty.txt").touch()
    done = bench.cli.run("chat", *arguments, code=code)
    assert said in done.stderr.decode() and done.stdout == b""


def test_an_answer_that_breaks_off_is_a_failure_and_what_came_is_shown(bench: Bench) -> None:
    bench.script("The beginning", "the end", delays=[0, 0.2])
    bench.sandbox.control("faults", {"kind": "stream_error", "operation": "stream", "after_events": 1})
    done = bench.cli.run("chat", "Hm?", code=1)
    assert done.stdout == b"The beginning\n" and done.stderr.startswith(b"liftgate: ")


def test_an_answer_that_was_cut_short_says_why(bench: Bench) -> None:
    bench.script("And so on, and", finish="MAX_TOKENS")
    done = bench.cli.run("chat", "Hm?")
    assert b"limit of length" in done.stderr


@pytest.mark.parametrize("options", [(), ("--no-stream",)], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    ("model", "what", "text"),
    [("gemini-2.5-flash-image", b"images", b"Hm?"), ("gemini-2.5-flash-preview-tts", b"sound", b"")],
)
def test_what_an_answer_has_beside_text_is_told(
    bench: Bench, tmp_path: Path, model: str, what: bytes, text: bytes, options: tuple[str, ...]
) -> None:
    served = deployments(bench.sandbox.url, model=model)
    with gateway_server(settings_for(bench.sandbox, tmp_path / "data", deployments=served)) as url:
        done = Cli(tmp_path, url, "sk-ann").run("chat", "Hm?", "-m", model, *options)
    assert b"the answer has " + what + b" too" in done.stderr
    assert text in done.stdout and (text != b"" or done.stdout == b"")


def test_a_models_text_does_not_command_the_terminal(bench: Bench) -> None:
    evil = "\x1b]0;owned\x07\x1b[2Jfine\n\tindented"
    bench.script(evil)
    code, shown = bench.cli.in_terminal("chat", "Hm?", "-m", MODEL)
    assert code == 0 and b"fine" in shown and b"indented" in shown
    assert b"\x1b]0;" not in shown and b"\x1b[2J" not in shown and b"\x07" not in shown
    bench.script(evil)
    assert bench.cli.out("chat", "Hm?") == evil + "\n", "a pipe gets the bytes as they are"


def test_ctrl_c_ends_an_answer(bench: Bench) -> None:
    bench.script("I will count to a million.", "One.", delays=[0, 60])
    code, shown = bench.cli.in_terminal("chat", "Count", "-m", MODEL, interrupt_at=b"million")
    assert code == 130 and b"interrupted" in shown and b"Traceback" not in shown


# ── going on from the last answer ────────────────────────────────────────────────────────────────


def turns(bench: Bench) -> list[str]:
    """What each content that Gemini got last says, shortened."""
    contents = bench.sandbox.control("bodies")["bodies"][-1]["body"]["contents"]
    return ["".join(part.get("text", "[file]") for part in content["parts"])[:9] for content in contents]


def test_a_question_goes_on_from_the_last_answer(bench: Bench) -> None:
    note = bench.cli.home / "note.txt"
    note.write_text("of the note")
    bench.script("A note.")
    bench.cli.run("chat", "Question1", "--file", note, "--system", "Be brief", "-m", "gemini-2.0-flash")
    bench.script("A second.")
    assert bench.cli.out("chat", "--continue", "Question2") == "A second.\n"
    assert turns(bench) == ["Question1[file]"[:9], "A note.", "Question2"]
    assert bench.sandbox.control("bodies")["bodies"][-1]["model"] == "gemini-2.0-flash"
    for number, option in ((3, "--no-stream"), (4, "--json"), (5, "-c")):
        shown = bench.cli.out("chat", "-c", f"Question{number}", option)
        assert f"Question{number}" in shown
        assert turns(bench)[::2] == [f"Question{each}" for each in range(1, number + 1)]
        body = bench.sandbox.control("bodies")["bodies"][-1]["body"]
        assert body["systemInstruction"]["parts"] == [{"text": "Be brief"}]
        assert "fileData" in body["contents"][0]["parts"][1]
        if option == "--json":
            assert json.loads(shown)["object"] == "response"
    # Another first question begins anew.
    bench.cli.out("chat", "Question6", "-m", MODEL)
    bench.cli.out("chat", "-c", "Question7")
    assert turns(bench)[::2] == ["Question6", "Question7"]


def test_each_gateway_and_key_has_its_own_last_answer(bench: Bench) -> None:
    other = Cli(bench.cli.home, bench.url, "sk-bob")
    told = other.run("chat", "-c", "Hm?", code=2)
    assert b"nothing was asked" in told.stderr
    bench.cli.out("chat", "Question1")
    assert b"nothing was asked" in other.run("chat", "-c", "Hm?", code=2).stderr
    other.out("chat", "Question2")
    bench.cli.out("chat", "-c", "Question3")
    assert turns(bench)[::2] == ["Question1", "Question3"]


def test_what_is_remembered_is_the_users_own_and_holds_no_key(bench: Bench) -> None:
    bench.cli.out("chat", "Question1")
    (kept,) = bench.cli.home.rglob("last-*.json")
    assert kept.stat().st_mode & 0o077 == 0 and "sk-ann" not in kept.read_text()
    bench.cli.out("chat", "-c", "Question2")
    assert "Question" not in kept.read_text() and "resp_" in kept.read_text()
    kept.write_text("{")
    assert b"nothing was asked" in bench.cli.run("chat", "-c", "Hm?", code=2).stderr


def test_a_failure_leaves_the_last_answer_where_it_was(bench: Bench) -> None:
    bench.cli.out("chat", "Question1")
    for _ in range(2):
        bench.script("The beginning", "the end", delays=[0, 0.2])
        bench.sandbox.control("faults", {"kind": "stream_error", "operation": "stream", "after_events": 1})
        assert bench.cli.run("chat", "-c", "Lost one", code=1).stdout == b"The beginning\n"
    bench.script("Cut", finish="MAX_TOKENS")
    assert b"limit of length" in bench.cli.run("chat", "-c", "Question2").stderr
    assert turns(bench)[::2] == ["Question1", "Question2"]
    bench.cli.out("chat", "-c", "Question3")
    assert turns(bench)[::2] == ["Question1", "Question2", "Question3"]
