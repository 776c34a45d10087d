"""A multipart body as it comes: text fields collected, the one file's bytes handed on at once, nothing held whole.

The byte length of a file that is the body's last part is known before its first byte: the content length, less what
stands before it, less the closing delimiter. It knows no field's meaning (`file_form` does).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    parse_options_header,
)

from liftgate.errors import InvalidRequest, UnknownParameter
from liftgate.files.filename import bare_filename, decoded_name, extended_filename
from liftgate.server.form_parser import FormParser
from liftgate.server.transfer_encoding import Decoder, decoder_of

MAX_FIELD_BYTES = 64 * 1024
MAX_BOUNDARY = 200
MAX_PREAMBLE = 4096

Fields = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class FilePart:
    """The head of the part that is the file. `size`: its bytes, if it is the last part, as is usual."""

    filename: str | None
    mime_type: str
    size: int | None


class Sink(Protocol):
    """Takes the file's bytes in order; awaiting it is the back-pressure."""

    async def write(self, piece: bytes | memoryview) -> None: ...


OpenFile = Callable[[FilePart, Fields], Sink]
"""Called once, when the file's first byte is next, with the fields that came before it."""


def boundary_of(content_type: str, file_field: str = "file") -> str:
    """Raises InvalidRequest when this is no multipart form."""
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data":
        raise InvalidRequest(f"The body must be multipart/form-data, with the bytes in a part named '{file_field}'.")
    boundary: str = options.get("boundary", "")
    if not boundary or len(boundary) > MAX_BOUNDARY or not boundary.isascii() or not boundary.isprintable():
        raise InvalidRequest("The Content-Type multipart/form-data needs a boundary of 1 to 200 ASCII characters.")
    return boundary


async def read_form(
    pieces: AsyncIterator[bytes], boundary: str, length: int | None, *, file_field: str, open_file: OpenFile
) -> Fields:
    """Reads to the end and returns the text fields in order; the file's bytes went to what `open_file` gave.

    Raises InvalidRequest for anything that is no form within the bounds above, and what `pieces` and the sink raise.
    """
    try:
        form = _Form(boundary, length, file_field, open_file)
        async for piece in pieces:
            for feed in form.feeds(piece):
                for event in form.parser.parse(feed):
                    if isinstance(event, MultipartSegment):
                        form.begin(event)
                    elif form.sink is not None and form.in_file:
                        if content := form.of_file(event):
                            await form.sink.write(content)
                    elif event is None:
                        form.end()
                    else:
                        form.take(event)
        form.parser.close()
    except ParserLimitReached as error:
        raise InvalidRequest(f"The multipart body is too complex: {error}.") from None
    except MultipartError as error:
        raise InvalidRequest(f"The multipart body is malformed: {error}.") from None
    return form.fields


@dataclass(slots=True)
class _Form:
    """Where the reading stands. `offset`: bytes of the body given to the parser so far."""

    boundary: str
    length: int | None
    file_field: str
    open_file: OpenFile
    parser: FormParser = field(init=False)
    fields: Fields = field(default_factory=list)
    sink: Sink | None = None
    in_file: bool = False
    offset: int = 0
    _name: str = ""
    _value: bytearray = field(default_factory=bytearray)
    _field_bytes: int = 0
    _begun: bool = False
    _decoder: Decoder | None = None
    _tail: bytes = b""

    def __post_init__(self) -> None:
        self.parser = FormParser(self.boundary)

    def feeds(self, piece: bytes) -> Iterator[bytes]:
        """`piece` cut behind every empty line until the file has begun, so that `offset` is exact when it begins."""
        start = 0
        while self.sink is None:
            stop = self._empty_line(piece, start)
            if stop < 0:
                break
            yield self._fed(piece[start:stop])
            start = stop
        if start < len(piece):
            yield self._fed(piece[start:] if start else piece)

    def _fed(self, feed: bytes) -> bytes:
        self.offset += len(feed)
        if self.sink is None:
            self._tail = (self._tail + feed)[-3:]
            if not self._begun and self.offset - len(feed) > MAX_PREAMBLE:
                raise InvalidRequest("The multipart body is malformed: its boundary does not come.")
        return feed

    def _empty_line(self, piece: bytes, start: int) -> int:
        """Where the next CRLF CRLF ends, also one that began in what was fed before; -1: not in this piece."""
        tail = self._tail
        crossing = (tail + piece[start : start + 3]).find(b"\r\n\r\n")
        if crossing >= 0:
            return start + crossing + 4 - len(tail)
        found = piece.find(b"\r\n\r\n", start)
        return found + 4 if found >= 0 else -1

    def begin(self, segment: MultipartSegment) -> None:
        self._begun = True
        self._name = _text(segment.name or "")
        if not self._name:
            raise InvalidRequest("The multipart body is malformed: a part has no name.")
        self._decoder = decoder_of(
            segment.header("Content-Transfer-Encoding"), segment.header("Content-Encoding"), self._name
        )
        if self._name != self.file_field:
            if segment.filename is not None:
                raise UnknownParameter(self._name)
            return
        if self.sink is not None:
            raise InvalidRequest(f"Duplicate parameter: '{self._name}'.", param=self._name, code="duplicate_parameter")
        self.in_file = True
        filename, mime_type = _filename(segment), segment.header("Content-Type") or ""
        if filename is None and mime_type.lower().startswith("multipart/"):
            raise InvalidRequest(
                f"The part '{self._name}' holds parts of its own ({mime_type[:80]}). Send each file in a form.",
                param=self._name,
            )
        self.sink = self.open_file(FilePart(filename, mime_type, self._size()), self.fields)

    def _size(self) -> int | None:
        # A form whose file comes first may go on behind it; every client that puts it last has sent a field before.
        if self.length is None or not self.fields or self._decoder is not None:
            return None
        closing = len("\r\n--" + self.boundary + "--\r\n")
        size = self.length - self.offset - closing
        return size if size >= 0 else None

    def take(self, piece: bytes | bytearray) -> None:
        self._field_bytes += len(piece)
        if self._field_bytes > MAX_FIELD_BYTES:
            raise InvalidRequest(
                f"The text fields of the form are larger than {MAX_FIELD_BYTES} bytes in all.", param=self._name
            )
        self._value += piece

    def of_file(self, event: Any) -> bytes | memoryview:
        """The file's next bytes; None: its part ends."""
        if event is None:
            self.in_file = False
            return b"" if self._decoder is None else self._decoder.end()
        content: bytes | memoryview = event
        return content if self._decoder is None else self._decoder.feed(bytes(event))

    def end(self) -> None:
        value = bytes(self._value)
        if self._decoder is not None:
            value = self._decoder.feed(value) + self._decoder.end()
        try:
            self.fields.append((self._name, value.decode()))
        except UnicodeDecodeError:
            raise InvalidRequest(f"The field '{self._name}' is not UTF-8 text.", param=self._name) from None
        self._value.clear()


def _filename(segment: MultipartSegment) -> str | None:
    disposition: str = segment.header("Content-Disposition") or ""
    plain = bare_filename(disposition)
    if plain is None and segment.filename is not None:
        plain = _text(segment.filename)
    if "filename*" in disposition.lower():
        return extended_filename(disposition, alone=plain is None) or plain
    return plain


def _text(value: str) -> str:
    """A name out of a part's header, whose bytes `value` has as characters."""
    try:
        return decoded_name(value.encode("latin-1"))
    except UnicodeEncodeError:
        return value
