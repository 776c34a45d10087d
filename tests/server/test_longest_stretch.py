"""One large request holds up nobody: no single call of a C library gets more of it than a step, or what bounds it.

What the loop is kept waiting in seconds depends on the machine, so those figures are printed and not asserted.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liftgate import large_bodies, large_json
from liftgate.errors import InvalidRequest
from liftgate.large_bodies import STEP, behind, contains, encoded, joined
from liftgate.large_json import LONGEST_WIDE, MOST_VALUES, checked, decoded, tokens
from liftgate.sandbox.app import create_app
from processes import GatewayProcess, gateway_processes, write_config
from raw_http import Answer, call
from running import MODEL, Running
from serving import serve

MIB = 1024 * 1024
REFUSED = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
CHARACTERS = 'a"\\/\n{}[],: é中😀'
BREAKS = (
    *(b",", b'"', b"[", b"]", b"{", b"}", b":", b"\\", b" " * 40, b"\xff", b"\x80", b"\xed\xa0\x80", b"\x01"),
    *(b"\\ud83d", b"\\udc00", b"\\ud83d\\ude00", b"\\u12", b"NaN", b"-", b"01", b"1e999", b"null", b"\xef\xbb\xbf"),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(CHARACTERS, max_size=90),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(CHARACTERS, max_size=40), inner, max_size=6),
    max_leaves=40,
)


def outcome(read: Callable[[bytes], Any], body: bytes) -> Any:
    """With the order of keys, and apart from the words of a refusal."""
    try:
        return repr(read(body))
    except REFUSED:
        return "refused"


@settings(max_examples=300, deadline=None)
@given(
    value=json_values,
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, None, 1, 30]),
    breaks=st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(BREAKS), st.integers(0, 2)), max_size=2),
    step=st.sampled_from([16, 48, 64]),
)
def test_in_steps_it_is_read_as_msgspec_reads_the_whole(
    value: Any, ascii_only: bool, indent: int | None, breaks: list[tuple[int, bytes, int]], step: int
) -> None:
    body = bytearray(json.dumps(value, ensure_ascii=ascii_only, indent=indent).encode())
    for place, what, gone in breaks:
        at = place % (len(body) + 1)
        body[at : at + gone] = what
    whole = bytes(body)
    with pytest.MonkeyPatch.context() as patch:
        # A bound, made small enough that short bodies are cut everywhere.
        for module in (large_bodies, large_json):
            patch.setattr(module, "STEP", step)
        patch.setattr(large_json, "LONG", step // 4)
        expected = outcome(msgspec.json.decode, whole)
        assert outcome(decoded, whole) == expected
        assert (outcome(checked, whole) == "refused") == (expected == "refused")
        if expected != "refused":
            read = msgspec.json.decode(whole)
            assert encoded(read) == msgspec.json.encode(read)


LARGE_BODIES = {
    "escapes": b'{"a":"' + b"\\u4e2d\\ud83d\\ude00\\\\\\n" * 60_000 + b'"}',
    "wide": b'{"a":"' + "x中é😀".encode() * 150_000 + b'"}',
    "lone surrogate at the end": b'["' + b"x" * (2 * STEP) + b'\\ud83d"]',
    "broken UTF-8 in the middle": b'["' + b"x" * STEP + b"\xe4\xb8" + b"x" * STEP + b'"]',
    "control character": b'["' + b"x" * STEP + b"\n" + b"x" * STEP + b'"]',
    "long key": b'{"' + b"k" * (2 * STEP) + b'":{"a":1,"a":2},"b":"' + b"v" * STEP + b'"}',
    "two long keys": b'{"' + b"k" * (2 * STEP) + b'":1,"' + b"k" * (2 * STEP) + b'":2}',
    "long where a key belongs": b"{[" + b"1," * (STEP // 2 + 9) + b'1]:"x"}',
    "space": b" " * STEP + b'{"a":' + b" \n" * STEP + b"[1" + b"\t" * STEP + b", 2]}" + b" " * STEP,
    "only space": b" " * (3 * STEP),
    "empty and wide": b"[" + b" " * (3 * STEP) + b"]",
    "trailing comma": b'["' + b"x" * (2 * STEP) + b'",]',
    "leading comma": b'[,"' + b"x" * (2 * STEP) + b'"]',
    "two long ones without a comma": b'["' + b"x" * STEP + b'" "' + b"x" * STEP + b'"]',
    "trailing garbage": b'["' + b"x" * (2 * STEP) + b'"]]',
    "not closed": b'["' + b"x" * (2 * STEP),
    "ends in a backslash": b'["' + b"x" * (2 * STEP) + b"\\",
    "the wrong bracket": b'["' + b"x" * (2 * STEP) + b'"}',
    "many in the middle": b"[" + b'{"a":"' + b"x" * 1000 + b'"},' + b'{"b":"' + b"y" * 9000 + b'"},' * 200 + b"1]",
    "a bare string": b'"' + b"x" * (2 * STEP) + b'"',
}


@pytest.mark.parametrize("name", LARGE_BODIES)
def test_large_ones_too(name: str) -> None:
    body = LARGE_BODIES[name]
    assert outcome(decoded, body) == outcome(msgspec.json.decode, body)


def test_no_call_gets_more_than_two_steps() -> None:
    """Counted where `checked` hands bytes over; `decoded` differs in what it keeps."""
    longest = 0

    def decode(text: bytes) -> Any:
        nonlocal longest
        longest = max(longest, len(text))
        return msgspec.json.decode(text)

    many = [{"role": "user", "content": "x" * size} for size in (10, 5_000, 60_000) * 40]
    for body in (
        *LARGE_BODIES.values(),
        json.dumps({"messages": many}).encode(),
        json.dumps({"messages": many}, indent=40).encode(),
        b'{"a":"' + b"x" * (16 * MIB) + b'"}',
        b"[" + b"1," * 100_000 + b"1]",
    ):
        try:
            checked(body, decode)
        except REFUSED:
            continue
    assert 0 < longest <= 2 * STEP + 64


def test_a_long_text_grows_in_place() -> None:
    """Else each piece would copy all before it."""
    tracemalloc.start()
    try:
        text = joined("x" * STEP for _ in range(64))
        assert behind(text, 5) == text[5:]
        del text
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[1]
        kept = joined("x" * STEP for _ in range(64))
        assert tracemalloc.get_traced_memory()[1] - before < 1.5 * len(kept)
    finally:
        tracemalloc.stop()


def test_words_across_steps_are_found() -> None:
    for at in range(STEP - 8, STEP + 2):
        assert contains(b"x" * at + b"/files/" + b"x" * STEP, b"/files/")
    assert not contains(b"x" * (3 * STEP), b"/files/")
    assert list(tokens(b'["' + b"x" * (2 * STEP) + b'",1]'))[1] == (1, 2 * STEP + 3)


@pytest.mark.parametrize("values", [b"[],", b"1,", b'{"a":1},', b'"",'])
def test_the_number_of_values_is_bounded(values: bytes) -> None:
    with pytest.raises(InvalidRequest, match=str(MOST_VALUES)):
        decoded(b"[" + values * MOST_VALUES + b"1]")
    assert len(decoded(b"[" + values * (MOST_VALUES // 4) + b"1]")) == MOST_VALUES // 4 + 1


# ── by the wire ───────────────────────────────────────────────────────────────────────────────────────────────────────


CHAT = "/v1/chat/completions"
NATIVE = f"/v1beta/models/{MODEL}:generateContent"
DOORS = (CHAT, CHAT + "/input_tokens", NATIVE, f"/v1beta/models/{MODEL}:countTokens")


def asked(door: str, text: str, *more: Any) -> bytes:
    if door.startswith("/v1beta"):
        return json.dumps({"contents": [{"parts": [{"text": text}]}, *more]}).encode()
    return json.dumps({"model": MODEL, "messages": [{"role": "user", "content": text}, *more]}).encode()


@pytest.mark.parametrize("door", DOORS)
def test_a_large_text_arrives_as_it_was_sent(gateway: Running, door: str) -> None:
    text = 'é中😀"\\\n' * 150_000
    answer = call(gateway.base, "POST", door, asked(door, text))
    assert answer.status == 200, answer.body[:500]
    if door == CHAT:
        sent = json.dumps(gateway.told("bodies")["bodies"][-1]["body"])
        assert hashlib.sha256(text.encode()).hexdigest() in sent


@pytest.mark.parametrize("door", [CHAT, CHAT + "/input_tokens"])
def test_too_many_values_are_refused_by_name(gateway: Running, door: str) -> None:
    body = b'{"model":"m","messages":[' + b"[]," * (2 * MOST_VALUES) + b"1]}"
    answer = call(gateway.base, "POST", door, body)
    assert answer.status == 400
    assert str(MOST_VALUES) in answer.error()["message"]


def test_too_many_values_in_geminis_words(gateway: Running) -> None:
    body = b'{"contents":[{"fileData":{"fileUri":"x"}},' + b"[]," * (2 * MOST_VALUES) + b"1]}"
    answer = call(gateway.base, "POST", NATIVE, body)
    assert answer.status == 400
    assert str(MOST_VALUES) in answer.json()["error"]["message"]


def test_a_long_wide_text_is_refused_by_its_length(gateway: Running) -> None:
    answer = call(gateway.base, "POST", CHAT, asked(CHAT, "x" * LONGEST_WIDE + "é"))
    assert (answer.status, answer.error()["code"]) == (400, "string_above_max_length")


def test_a_name_of_a_file_cannot_hide_behind_its_length(gateway: Running) -> None:
    for uri in (" " * 2 * MIB + "files/abc", "files/" + "a" * 2 * MIB):
        body = json.dumps({"contents": [{"parts": [{"fileData": {"fileUri": uri}}]}]}).encode()
        answer = call(gateway.base, "POST", NATIVE, body)
        assert answer.status == 400, answer.body[:300]


@pytest.mark.parametrize("depth", [*range(880, 1000, 8)])
@pytest.mark.parametrize("padding", [0, 2 * MIB], ids=["small", "large"])
def test_what_is_too_deep_is_the_callers_fault(gateway: Running, depth: int, padding: int) -> None:
    """Some of it can be read, and not be written with what Gemini's form puts round it."""
    deep = '{"a":' * depth + "1" + "}" * depth
    properties = '{"type":"object","properties":{"a":' * (depth // 2) + "{}" + "}}" * (depth // 2)
    text = "x" * padding
    for rest in (
        f'"extra_body":{{"labels":{deep}}}',
        f'"tools":[{{"type":"function","function":{{"name":"f","parameters":{properties}}}}}]',
    ):
        body = f'{{"model":"{MODEL}","messages":[{{"role":"user","content":"hi{text}"}}],{rest}}}'
        answer = call(gateway.base, "POST", CHAT, body.encode())
        assert answer.status in (200, 400), (depth, answer.status, answer.body[:300])


@pytest.mark.parametrize("depth", [960, 976, 984])
def test_an_error_repeats_nothing_that_is_too_deep(gateway: Running, depth: int) -> None:
    """An object in place of a word, at every door: the caller's fault, and in its words."""
    deep = '{"a":' * depth + "1" + "}" * depth
    for door, body in (
        ("/v1/conversations", f'{{"items":[{{"role":"user","content":[{{"type":{deep}}}]}}]}}'),
        ("/v1/conversations", f'{{"items":[{{"type":{deep}}}]}}'),
        ("/v1/responses", f'{{"model":"{MODEL}","input":[{{"role":"user","content":[{{"type":{deep}}}]}}]}}'),
        (CHAT, f'{{"model":"{MODEL}","messages":[{{"role":{deep},"content":"x"}}]}}'),
    ):
        answer = call(gateway.base, "POST", door, body.encode())
        assert answer.status == 400, (depth, door, answer.body[:300])


# ── in seconds ────────────────────────────────────────────────────────────────────────────────────────────────────────

PROBE = """
import http.client, sys, time
host, port = sys.argv[1].split(":")
line, worst, end = http.client.HTTPConnection(host, int(port)), [], None
line.request("GET", "/health/liveness"); line.getresponse().read()
print("ready", flush=True)
while True:
    begun = time.perf_counter()
    line.request("GET", "/health/liveness"); line.getresponse().read()
    worst.append(time.perf_counter() - begun)
    if len(worst) == 20 or worst[-1] > 0.02:
        print(max(worst), flush=True); worst.clear()
    time.sleep(0.003)
"""


def longest_wait(gateway: GatewayProcess, work: Callable[[], object]) -> float:
    """The longest answer of /health/liveness, in milliseconds, while `work` goes on."""
    host = gateway.url.removeprefix("http://")
    probe = subprocess.Popen([sys.executable, "-c", PROBE, host], stdout=subprocess.PIPE, text=True)
    assert probe.stdout is not None
    try:
        assert probe.stdout.readline() == "ready\n"
        work()
        time.sleep(0.2)
    finally:
        probe.terminate()
        said, _ = probe.communicate()
    return 1000 * max((float(line) for line in said.split() if line != "ready"), default=0.0)


def post(gateway: GatewayProcess, door: str, body: bytes) -> Answer:
    return call(gateway.url, "POST", door, body, {"Authorization": "Bearer sk-ann"})


def keep(answers: list[Answer], gateway: GatewayProcess, door: str, body: bytes) -> None:
    answers.append(post(gateway, door, body))


def large_bodies_of(size: int) -> Iterator[tuple[str, str, bytes]]:
    text = "The heron stands. " * (size // 18)
    yield "text", CHAT, asked(CHAT, text)
    yield "native", NATIVE, asked(NATIVE, text, {"parts": [{"fileData": {"fileUri": "https://youtu.be/abcdefghijk"}}]})
    del text
    data = (
        "data:image/png;base64,"
        + base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * (size * 3 // 1024)).decode()
    )
    image = [{"type": "image_url", "image_url": {"url": data}}]
    yield "image", CHAT, json.dumps({"model": MODEL, "messages": [{"role": "user", "content": image}]}).encode()
    del data, image
    few = [{"role": "user", "content": "x" * 60_000}] * (size // 60_040)
    yield "many messages", CHAT, json.dumps({"model": MODEL, "messages": few}).encode()
    function = {
        "name": "f",
        "parameters": {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(60)}},
    }
    tools = [{"type": "function", "function": {**function, "name": f"f{n}"}} for n in range(512)]
    yield (
        "tools",
        CHAT,
        json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "hi"}], "tools": tools}).encode(),
    )
    yield "dense", CHAT, b'{"model":"m","messages":[' + b"[]," * (MOST_VALUES * 9 // 20) + b" " * (MIB) + b"1]}"
    yield "too dense", CHAT, b'{"model":"m","messages":[' + b"[]," * (size // 3) + b"1]}"


@pytest.mark.full
@pytest.mark.parametrize("size", [16 * MIB, 120 * MIB], ids=["16 MiB", "120 MiB"])
def test_figures(tmp_path: Path, size: int, capsys: pytest.CaptureFixture[str]) -> None:
    with serve(create_app()) as sandbox:
        config = write_config(tmp_path / "config.yaml", sandbox, model=MODEL)
        with gateway_processes(config, tmp_path / "data") as (gateway,):
            idle = longest_wait(gateway, partial(time.sleep, 3))
            figures = [f"idle {idle:.0f}"]
            for name, door, body in large_bodies_of(size):
                answers = list[Answer]()
                wait = longest_wait(gateway, partial(keep, answers, gateway, door, body))
                figures.append(f"{name} {wait:.0f} (status {answers[0].status})")
            assert post(gateway, CHAT, asked(CHAT, "hi")).status == 200
    with capsys.disabled():
        print(f"\nlongest wait in ms, {size // MIB} MiB: " + ", ".join(figures))
