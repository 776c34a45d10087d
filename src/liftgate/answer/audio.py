"""Speech: Gemini's headerless PCM → what `message.audio.data` carries, whole as a .wav or as raw pcm16.

Gemini's L16 is little-endian, mono, its rate stands in the MIME type (docs/protocol/gemini.md, "Speech").
"""

from __future__ import annotations

import binascii
import re
import struct

from liftgate.errors import UpstreamProtocolError
from liftgate.large_bodies import STEP, joined

DEFAULT_RATE = 24000
_TRIPLES = STEP // 3 * 3
_PCM = re.compile(r"audio/(?:l16|pcm)\b", re.IGNORECASE)
_RATE = re.compile(r"rate=(\d{4,6})\b", re.IGNORECASE)
_CHANNELS = re.compile(r"channels=(\d)\b", re.IGNORECASE)


def is_pcm(mime_type: str) -> bool:
    return _PCM.match(mime_type) is not None


def form_of(mime_type: str) -> tuple[int, int]:
    """(samples a second, channels)."""
    rate, channels = _RATE.search(mime_type), _CHANNELS.search(mime_type)
    return int(rate[1]) if rate else DEFAULT_RATE, int(channels[1]) or 1 if channels else 1


def pcm_bytes(data: str, place: str) -> bytes:
    try:
        return binascii.a2b_base64(data) if len(data) <= STEP else _in_steps(data)
    except (ValueError, UnicodeError):
        raise UpstreamProtocolError(f"Gemini's answer has no base64 at {place}.") from None


def wav(pcm: bytes, *, rate: int, channels: int) -> bytes:
    """A RIFF file of 16-bit samples: 44 bytes of header and the samples, padded to an even length."""
    size = len(pcm)
    block = 2 * channels
    header = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF", min(36 + size + size % 2, 2**32 - 1), b"WAVE",
        b"fmt ", 16, 1, channels, rate, rate * block, block, 16,
        b"data", min(size, 2**32 - 1),
    )  # fmt: skip
    return b"".join((header, pcm, b"\0" * (size % 2)))


def encode(data: bytes) -> str:
    if len(data) <= STEP:
        return binascii.b2a_base64(data, newline=False).decode("ascii")
    pieces = (data[at : at + _TRIPLES] for at in range(0, len(data), _TRIPLES))
    return joined(binascii.b2a_base64(piece, newline=False).decode("ascii") for piece in pieces)


def _in_steps(data: str) -> bytes:
    """No single call gets more than a step; the whole where its groups do not lie where they should."""
    whole = bytearray()
    for at in range(0, len(data), STEP):
        piece = data[at : at + STEP]
        read = binascii.a2b_base64(piece)
        if at + STEP < len(data) and len(read) != STEP * 3 // 4:
            return binascii.a2b_base64(data)
        whole += read
    return bytes(whole)
