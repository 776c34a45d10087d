"""Sixty and more kinds of what an upstream, or whatever stands before it, can say in place of an answer of Gemini's."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping

from hostile_upstream import WORDS, candidate, generated, reply

DEEP = 200_000

GOOD = generated()

NO_OBJECT: Mapping[str, bytes] = {
    "a page": b"<!doctype html><html><title>Sign in</title></html>",
    "a page that begins like JSON": b"{<html>}",
    "XML": b"<?xml version='1.0'?><error/>",
    "plain text": b"Service temporarily unavailable",
    "nothing": b"",
    "white space": b" \r\n\t ",
    "null": b"null",
    "a list": b"[]",
    "a list of an answer": b"[" + GOOD + b"]",
    "a text": b'"candidates"',
    "a number": b"12",
    "true": b"true",
    "half an object": GOOD[: len(GOOD) // 2],
    "an object without its end": GOOD[:-1],
    "an object and more": GOOD + b"}",
    "two objects": GOOD + GOOD,
    "lists without end": b"[" * DEEP,
    "lists within lists": b"[" * DEEP + b"]" * DEEP,
    "objects within objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep inside an answer": b'{"candidates":' + b"[" * DEEP + b"]" * DEEP + b"}",
    "bytes that are no UTF-8": b'{"candidates": "\xff\xfe"}',
    "a name that is no UTF-8": b'{"\xff": 1}',
    "a surrogate in bytes": b'{"a": "\xed\xa0\x80"}',
    "UTF-16": GOOD.decode().encode("utf-16"),
    "NaN": b'{"candidates": NaN}',
    "Infinity": b'{"candidates": [], "x": -Infinity}',
    "a number beyond floats": b'{"candidates": [], "x": 1e999}',
    "a number of 5,000 digits": b'{"candidates": [], "x": ' + b"9" * 5000 + b"}",
    "half a surrogate pair": b'{"candidates": [], "x": "\\ud800"}',
    "single quotes": b"{'candidates': []}",
    "a comma too many": b'{"candidates": [],}',
    "a comment": b"// hello\n" + GOOD,
    "a guard against scripts": b")]}'\n" + GOOD,
    "NUL bytes": b"\0" * 100,
    "NUL in a text": b'{"candidates": "\x00"}',
    "packed and not said so": gzip.compress(GOOD),
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 10,
}
"""Bodies with status 200 that are no JSON object."""

NO_HTTP: Mapping[str, bytes] = {
    "nothing at all": b"",
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "a bare page": b"<html>\r\n\r\n",
    "half a status line": b"HTTP/1.1 20",
    "a status of letters": b"HTTP/1.1 two OK\r\n\r\n",
    "a head without an end": b"HTTP/1.1 200 OK\r\nx: y\r\n",
    "a header without a colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n{}",
    "a head of a megabyte": b"HTTP/1.1 200 OK\r\nx: " + b"y" * 1_000_000 + b"\r\n\r\n{}",
    "less than its length": b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + GOOD,
    "a length of letters": b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n" + GOOD,
    "a length below zero": b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n" + GOOD,
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 5\r\n\r\n" + GOOD,
    "a chunk of letters": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "chunks without an end": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n",
    "only announcements": b"HTTP/1.1 100 Continue\r\n\r\n" * 50,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    "switching": b"HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n" + GOOD,
}
"""What is no answer of HTTP."""

STATUSES: Mapping[str, bytes] = {
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\n\r\n",
    "a part": reply(GOOD[:10], 206),
    "created": reply(GOOD, 201),
    "a redirect": reply(b"", 302, "location: https://login.example/"),
    "a redirect to itself": reply(b"", 307, "location: /v1beta/models"),
    "a status above all": reply(b"{}", 799),
}
"""A status that is no success, and no error either."""

ERROR_BODIES: Mapping[str, bytes] = {
    **{name: NO_OBJECT[name] for name in NO_OBJECT if name not in ("a list", "true")},
    "an error that is a text": b'{"error": "out of order"}',
    "an error that is a list": b'{"error": [1]}',
    "an error of wrong types": json.dumps(
        {"error": {"code": "x", "status": 3, "message": {"a": []}, "details": {"b": 1}}}
    ).encode(),
    "details of wrong types": json.dumps(
        {
            "error": {
                "code": 10**30,
                "status": "X",
                "message": "m",
                "details": [
                    3,
                    None,
                    {"@type": 5},
                    {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": {}},
                    {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": 3},
                    {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": {"seconds": "x"}},
                ],
            }
        }
    ).encode(),
    "a delay beyond floats": b'{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "m", "details": '
    b'[{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "' + b"9" * 400 + b's"}]}}',
    "a message of a megabyte": json.dumps({"error": {"code": 400, "status": "X", "message": "m" * 10**6}}).encode(),
    "details of a megabyte": json.dumps(
        {
            "error": {
                "code": 400,
                "status": "X",
                "message": "m",
                "details": [{"fieldViolations": [{"field": "f" * 10**6}]}],
            }
        }
    ).encode(),
    "a message of control characters": json.dumps({"error": {"status": "X", "message": "a\r\nb\0\u2028"}}).encode(),
}

SHAPES: Mapping[str, object] = {
    "no field": {},
    "candidates null": {"candidates": None},
    "candidates a number": {"candidates": 3},
    "candidates a text": {"candidates": "x"},
    "candidates an object": {"candidates": {}},
    "a candidate null": {"candidates": [None]},
    "a candidate a list": {"candidates": [[]]},
    "content a text": {"candidates": [{"content": "x"}]},
    "parts a text": {"candidates": [{"content": {"parts": "x"}}]},
    "a part null": {"candidates": [{"content": {"parts": [None]}}]},
    "a part a number": {"candidates": [{"content": {"parts": [1]}}]},
    "a text a number": {"candidates": [{"content": {"parts": [{"text": 1}]}}]},
    "a call a text": {"candidates": [{"content": {"parts": [{"functionCall": "f"}]}}]},
    "arguments a text": {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": "x"}}]}}]},
    "data that is none": {"candidates": [{"content": {"parts": [{"inlineData": {"mimeType": 1, "data": 2}}]}}]},
    "a reason a number": {"candidates": [{**candidate(), "finishReason": 1}]},
    "an index of text": {"candidates": [{**candidate(), "index": "x"}]},
    "an index beyond all": {"candidates": [{**candidate(), "index": 10**12}]},
    "an index below zero": {"candidates": [{**candidate(), "index": -1}]},
    "usage a list": {"candidates": [candidate()], "usageMetadata": []},
    "usage of texts": {"candidates": [candidate()], "usageMetadata": {"promptTokenCount": "x"}},
    "usage beyond all": {"candidates": [candidate()], "usageMetadata": {"promptTokenCount": 2**62}},
    "feedback a text": {"promptFeedback": "x"},
    "a name of a model that is a list": {"candidates": [candidate()], "modelVersion": []},
    "an identity that is an object": {"candidates": [candidate()], "responseId": {}},
    "grounding a text": {"candidates": [{**candidate(), "groundingMetadata": "x"}]},
    "citations a text": {"candidates": [{**candidate(), "citationMetadata": {"citationSources": "x"}}]},
    "probabilities a text": {"candidates": [{**candidate(), "logprobsResult": "x"}]},
    "an error with status 200": {"error": {"code": 503, "status": "UNAVAILABLE", "message": WORDS}},
}
"""JSON objects, as an answer of `generateContent` not of the contract."""

FILES: Mapping[str, object] = {
    "no file": {},
    "a file of text": {"file": "files/x"},
    "a file of nothing": {"file": {}},
    "a name that is a number": {"file": {"name": 3}},
    "a size of letters": {"file": {"name": "files/s0", "sizeBytes": "many"}},
    "a size of 5,000 digits": {"file": {"name": "files/s0", "sizeBytes": "9" * 5000}},
    "a size that is a list": {"file": {"name": "files/s0", "sizeBytes": []}},
    "a hash of nothing": {"file": {"name": "files/s0", "sizeBytes": "1", "sha256Hash": "!!"}},
    "a time before all": {"file": {"name": "files/s0", "expirationTime": "0001-01-01T00:00:00+23:59"}},
    "a time of letters": {"file": {"name": "files/s0", "expirationTime": "soon"}},
    "a state that is a list": {"file": {"name": "files/s0", "state": []}},
    "an error of text": {"file": {"name": "files/s0", "state": "FAILED", "error": "x"}},
}
"""JSON objects, as the answer of an upload's end not of the contract."""
