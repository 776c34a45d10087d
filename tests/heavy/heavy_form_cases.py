"""Hostile and broken forms at `POST /v1/files`, by family."""

from __future__ import annotations

import gzip
from collections.abc import Iterator

from heavy_cases import Case, sent
from heavy_wire import ANN, request

B = b"--b0\r\n"
END = b"--b0--\r\n"
FORM = "multipart/form-data; boundary=b0"
TARGET = "/v1/files"


def part(head: bytes, content: bytes = b"content") -> bytes:
    return B + head + b"\r\n\r\n" + content + b"\r\n"


def named(name: str, value: bytes) -> bytes:
    return part(f'Content-Disposition: form-data; name="{name}"'.encode(), value)


def disposed(disposition: bytes, content: bytes = b"content") -> bytes:
    return part(b"Content-Disposition: " + disposition, content)


PURPOSE = named("purpose", b"user_data")
FILE = disposed(b'form-data; name="file"; filename="a.txt"')
WHOLE = PURPOSE + FILE + END


def form(body: bytes, content_type: str | bytes = FORM, *, length: object = ()) -> bytes:
    return request("POST", TARGET, {**ANN, "Content-Type": content_type}, body, length=length)


def boundaries() -> Iterator[Case]:
    refused = {
        "none": "multipart/form-data",
        "empty": "multipart/form-data; boundary=",
        "empty in quotes": 'multipart/form-data; boundary=""',
        "another": "multipart/form-data; boundary=b1",
        "longer than the body's": "multipart/form-data; boundary=b00",
        "shorter than the body's": "multipart/form-data; boundary=b",
        "of 300 characters": "multipart/form-data; boundary=" + "b" * 300,
        "of 60,000 characters": "multipart/form-data; boundary=" + "b" * 60_000,
        "not ASCII": "multipart/form-data; boundary=bé",
        "extended": "multipart/form-data; boundary*=UTF-8''b0",
        "unclosed quote": 'multipart/form-data; boundary="b0',
        "with a tab": 'multipart/form-data; boundary="b\t0"',
        "with its dashes": "multipart/form-data; boundary=--b0",
        "comma for semicolon": "multipart/form-data, boundary=b0",
        "twice, the second right": "multipart/form-data; boundary=b1; boundary=b0",
        "in another parameter": "multipart/form-data; charset=boundary=b0",
        "a slash too many": "multipart/form-data/x; boundary=b0",
    }
    for name, content_type in refused.items():
        yield sent(f"boundary {name}", form(WHOLE, content_type), passes="twice" in name)
    yield sent("boundary in bytes", form(WHOLE, b"multipart/form-data; boundary=\xff\xfe"))
    yield sent("boundary in capitals elsewhere", form(WHOLE, "MULTIPART/FORM-DATA; BOUNDARY=b0"), passes=True)
    for name, body in {
        "without dashes": WHOLE.replace(b"--b0", b"b0"),
        "with one dash": WHOLE.replace(b"--b0", b"-b0"),
        "with three dashes": WHOLE.replace(b"--b0", b"---b0"),
        "with spaces behind": WHOLE.replace(b"--b0\r\n", b"--b0  \r\n"),
        "with junk behind": WHOLE.replace(b"--b0\r\n", b"--b0x\r\n"),
        "after a preamble": b"This is a message in MIME format.\r\n" + WHOLE,
        "after a long preamble": b"x" * 10_000 + b"\r\n" + WHOLE,
        "after an empty line": b"\r\n" + WHOLE,
        "with an epilogue": WHOLE + b"epilogue",
        "with a second form behind": WHOLE + WHOLE,
        "closed at once": END,
        "closed twice": WHOLE + END,
        "closed with four dashes": PURPOSE + FILE + b"--b0----\r\n",
        "closed with one dash": PURPOSE + FILE + b"--b0-\r\n",
        "never closed, many lines": PURPOSE + FILE[:-9] + b"\r\n--b" * 5000,
    }.items():
        # Ignored (RFC 2046, 5.1.1): what stands before the first and behind the last delimiter, and spaces behind one.
        ignored = name.startswith(
            ("after ", "with spaces", "with an epilogue", "with a second", "closed twice", "closed with four")
        )
        yield sent(f"delimiter {name}", form(body), passes=ignored)


def line_ends() -> Iterator[Case]:
    yield sent("LF only", form(WHOLE.replace(b"\r\n", b"\n")))
    yield sent("CR only", form(WHOLE.replace(b"\r\n", b"\r")))
    yield sent("LF CR", form(WHOLE.replace(b"\r\n", b"\n\r")))
    yield sent("LF in the heads", form(WHOLE.replace(b'"a.txt"\r\n\r\n', b'"a.txt"\n\n')))
    for at in [at for at in range(len(WHOLE)) if WHOLE.startswith(b"\r\n", at)]:
        end = at + 2 == len(WHOLE)
        without, bare = WHOLE[:at] + WHOLE[at + 2 :], WHOLE[:at] + b"\n" + WHOLE[at + 2 :]
        # Without one of its ends a value runs on, which may still be a form, of another value.
        yield sent(f"no CRLF at {at}", form(without), passes=end)
        yield sent(f"LF at {at}", form(bare), passes=end)


def heads() -> Iterator[Case]:
    file = b'form-data; name="file"; filename="a"'
    heads = {
        "no disposition": b"Content-Type: text/plain",
        "an attachment": b'Content-Disposition: attachment; name="file"; filename="a"',
        "no name": b'Content-Disposition: form-data; filename="a"',
        "an empty name": b'Content-Disposition: form-data; name=""; filename="a"',
        "only an extended name": b"Content-Disposition: form-data; name*=UTF-8''file; filename=a",
        "a name of NUL": b'Content-Disposition: form-data; name="fi\x00le"; filename="a"',
        "no value": b"Content-Disposition:",
        "no colon": b"Content-Disposition form-data; name=file",
        "a colon first": b": form-data; name=file",
        "NUL in a header's name": b"X\x00: y\r\nContent-Disposition: " + file,
        "a header of 1 MB": b"X: " + b"y" * 1_000_000 + b"\r\nContent-Disposition: " + file,
        "a name of 1 MB": b'Content-Disposition: form-data; name="' + b"y" * 1_000_000 + b'"',
        "1,000 headers": b"X: y\r\n" * 1000 + b"Content-Disposition: " + file,
        "two dispositions": b"Content-Disposition: " + file + b'\r\nContent-Disposition: form-data; name="purpose"',
        "two names": b'Content-Disposition: form-data; name="file"; name="purpose"; filename="a"',
        "a length that is too small": b"Content-Length: 3\r\nContent-Disposition: " + file,
        "a length that is too large": b"Content-Length: 300\r\nContent-Disposition: " + file,
        "a length that is negative": b"Content-Length: -3\r\nContent-Disposition: " + file,
        "a length that is no number": b"Content-Length: x\r\nContent-Disposition: " + file,
    }
    for name, head in heads.items():
        yield sent(f"a part with {name}", form(PURPOSE + part(head) + END))
    tolerated = {
        "1,500 parameters": b"Content-Disposition: " + file + b"; x=y" * 1500,
        "a folded line": b'Content-Disposition: form-data;\r\n name="file"; filename="a"',
        "a space before the colon": b"Content-Disposition : " + file,
        "no quotes": b"Content-Disposition: form-data; name=file; filename=a",
        "an unclosed quote": b'Content-Disposition: form-data; name="file"; filename="a',
        "two filenames": b"Content-Disposition: " + file + b'; filename="b"',
        "capitals": b'CONTENT-DISPOSITION: FORM-DATA; NAME="file"; FILENAME="a"',
        "base64": b"Content-Transfer-Encoding: base64\r\nContent-Disposition: " + file,
        "a type of junk": b"Content-Type: \x01\x02;;;==\r\nContent-Disposition: " + file,
        "a type of 7,000 letters": b"Content-Type: " + b"x" * 7000 + b"\r\nContent-Disposition: " + file,
        "a type of a nested form": b"Content-Type: multipart/mixed; boundary=b0\r\nContent-Disposition: " + file,
        "a type that breaks lines": b"Content-Type: text/plain\rX-Evil: 1\r\nContent-Disposition: " + file,
    }
    for name, head in tolerated.items():
        yield sent(f"a part with {name}", form(PURPOSE + part(head) + END), passes=True)


def names() -> Iterator[Case]:
    plain = [
        *(
            b"../../etc/passwd",
            b"/etc/passwd",
            b"..\\..\\boot.ini",
            b"C:\\x\\y.txt",
            b"\\\\host\\share\\a",
            b"a/..",
            b"..",
        ),
        *(b".", b"/", b"//", b"a/", b" ", b"\t", b"~/.ssh/id_rsa", b"%2e%2e%2fa", b"%00", b"a%0d%0aX-Evil: 1", b"con"),
        *(
            b"nul.txt",
            b"a;b=c",
            b"a\\",
            b'a\\"b',
            b"%22",
            b"$(reboot)",
            b"`id`",
            b"<script>",
            b"-rf",
            b"a\x7fb",
            b"a\x01b",
        ),
        *(
            "é".encode("latin-1"),
            "報告.pdf".encode(),
            "\u202egpj.exe".encode(),
            "\ufeffa".encode(),
            "a\u2028b".encode(),
        ),
        *(
            "👩‍👩‍👧‍👦".encode(),
            "e\u0301".encode() * 100,
            "\u0085".encode(),
            b"x" * 500,
            b"\xc0\xaf",
            b"\xed\xa0\x80",
            b"\xff",
        ),
        *(b"a\x00b", b"x" * 600, b"x" * 7000, b"a\rb", b"file://a", b"a?b#c", b"=?utf-8?B?YQ==?="),
    ]
    for number, raw in enumerate(plain):
        yield sent(
            f"named {number} {raw[:40]!r}",
            form(PURPOSE + disposed(b'form-data; name="file"; filename="%s"' % raw) + END),
            passes=b"\x00" not in raw and len(raw) <= 512,
        )
    extended = [
        *(
            b"UTF-8''%E2%82%AC",
            b"UTF-8''..%2F..%2Fetc%2Fpasswd",
            b"UTF-8''a%00b",
            b"UTF-8''%ff%fe",
            b"UTF-8''%zz",
            b"UTF-8'",
        ),
        *(
            b"''a",
            b"nonsense''a",
            b"utf-7''+AAA-",
            b"UTF-16''a",
            b"idna''a",
            b"rot13''a",
            b"zip''a",
            b"base64''YQ==",
            b"UTF-8'en'a",
        ),
        *(
            b"UTF-8''%0d%0aX-Evil%3a1",
            b"UTF-8''" + b"%41" * 2000,
            b"\"UTF-8''a\"",
            b"undefined''%41",
            b"unicode_escape''%5cud800",
        ),
    ]
    for raw in extended:
        # NUL is in no name, and 512 characters are the most that one has.
        fits = b"%00" not in raw and len(raw) < 2000
        head = b'form-data; name="file"; filename*=' + raw
        yield sent(f"named * {raw[:40]!r}", form(PURPOSE + disposed(head) + END), passes=fits)
        both = b'form-data; name="file"; filename="b"; filename*=' + raw
        yield sent(f"named both {raw[:40]!r}", form(PURPOSE + disposed(both) + END), passes=fits)
    for head in (b"filename*0=a; filename*1=b", b"filename*0*=UTF-8''a%2F; filename*1=b", b"filename*9999999999=a"):
        yield sent(
            f"continued {head!r}", form(PURPOSE + disposed(b'form-data; name="file"; ' + head) + END), passes=True
        )


def fields() -> Iterator[Case]:
    inner = b"--b1\r\nContent-Disposition: form-data; name=x\r\n\r\ny\r\n--b1--\r\n"
    nested = part(b'Content-Disposition: form-data; name="file"\r\nContent-Type: multipart/mixed; boundary=b1', inner)
    refused = {
        "no purpose": FILE + END,
        "no file": PURPOSE + END,
        "two purposes": PURPOSE + PURPOSE + FILE + END,
        "two purposes around": PURPOSE + FILE + PURPOSE + END,
        "two files": PURPOSE + FILE + FILE + END,
        "fifty files": PURPOSE + FILE * 50 + END,
        "a file by another name": PURPOSE + FILE.replace(b'"file"', b'"photo"') + END,
        "an array of files": PURPOSE + FILE.replace(b'"file"', b'"file[]"') + END,
        "an unknown field": PURPOSE + named("colour", b"red") + FILE + END,
        "an unknown field behind": PURPOSE + FILE + named("colour", b"red") + END,
        "10,000 parts": PURPOSE + named("metadata[x]", b"y") * 10_000 + FILE + END,
        "10,000 parts behind": PURPOSE + FILE + named("metadata[x]", b"y") * 10_000 + END,
        "10,000 empty parts": PURPOSE + (B + b"\r\n\r\n") * 10_000 + END,
        "a field of 10 MB": PURPOSE + named("metadata[x]", b"y" * 10_000_000) + FILE + END,
        "a field of 10 MB behind": PURPOSE + FILE + named("metadata[x]", b"y" * 10_000_000) + END,
        "a purpose that is no UTF-8": named("purpose", b"\xff") + FILE + END,
        "a purpose of NUL": named("purpose", b"user_data\x00") + FILE + END,
        "a purpose that is a file": FILE.replace(b'"file"', b'"purpose"') + FILE + END,
        "a purpose in an array": named("purpose[]", b"user_data") + FILE + END,
        "an empty file": PURPOSE + disposed(b'form-data; name="file"; filename="a"', b"") + END,
        "an empty file first": disposed(b'form-data; name="file"; filename="a"', b"") + PURPOSE + END,
        "a model that is not there": PURPOSE + named("target_model_names", b"no-such-model") + FILE + END,
        "a model that is not there, behind": PURPOSE + FILE + named("target_model_names", b"no-such-model") + END,
        "models that are deep JSON": PURPOSE + named("target_model_names", b"[" * 50_000) + FILE + END,
        "models that are an object": PURPOSE + named("target_model_names", b'["a",{}]') + FILE + END,
        "65 models": PURPOSE + named("target_model_names", b",".join(b"m%d" % n for n in range(65))) + FILE + END,
        "an anchor without seconds": PURPOSE + named("expires_after[anchor]", b"created_at") + FILE + END,
        "expires_after in JSON": PURPOSE
        + named("expires_after", b'{"anchor":"created_at","seconds":3600}')
        + FILE
        + END,
        "another provider": PURPOSE + named("custom_llm_provider", b"openai") + FILE + END,
        "nothing in the body": b"",
        "one byte": b"-",
        "only empty lines": b"\r\n" * 5000,
        "a megabyte of NUL": bytes(1_000_000),
        "a form in gzip": gzip.compress(WHOLE),
        "JSON": b'{"purpose": "user_data", "file": "content"}',
        "urlencoded": b"purpose=user_data&file=content",
    }
    for name, body in refused.items():
        yield sent(f"a form with {name}", form(body), status=404 if "a model that is not there" in name else 400)
    for seconds in (b"-1", b"0", b"3599", b"2592001", b"1e9", b"\xd9\xa3" * 4, b"9" * 5000, b"NaN", b""):
        life = named("expires_after[anchor]", b"created_at") + named("expires_after[seconds]", seconds)
        yield sent(f"a life of {seconds[:20]!r}", form(PURPOSE + life + FILE + END))
    yield sent("a form with purpose behind", form(FILE + PURPOSE + END), passes=True)
    yield sent("a form with a nested form", form(PURPOSE + nested + END))


def types() -> Iterator[Case]:
    kinds: tuple[str, ...] = (
        "",
        "text/plain",
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/mixed; boundary=b0",
    )
    kinds += ("multipart/related; boundary=b0", "multipart/; boundary=b0", "form-data; boundary=b0", ";;;", "*/*")
    kinds += (
        "multipart/form-data boundary=b0",
        "application/octet-stream",
        "x" * 5000,
        "multipart/form-datax; boundary=b0",
    )
    for kind in kinds:
        yield sent(f"sent as {kind[:40]!r}", form(WHOLE, kind))
    yield sent("sent as nothing", request("POST", TARGET, ANN, WHOLE))
    gzipped = {**ANN, "Content-Type": FORM, "Content-Encoding": "gzip"}
    yield sent("sent in gzip", request("POST", TARGET, gzipped, gzip.compress(WHOLE)), passes=True)
    brotli = {**gzipped, "Content-Encoding": "br"}
    yield sent("sent in Brotli", request("POST", TARGET, brotli, WHOLE), status=415)


FAMILIES = {
    "boundaries": boundaries,
    "line ends": line_ends,
    "part heads": heads,
    "names": names,
    "fields": fields,
    "types": types,
}
