"""Small real media that the sandbox's speaking and drawing models return: a tone as PCM, a square as PNG.

Both are functions of their text, so that different prompts give different bytes.
"""

import hashlib
import math
import struct
import zlib

RATE = 24_000
PCM_TYPE = f"audio/L16;codec=pcm;rate={RATE}"
AUDIO_TOKENS_PER_SECOND = 25
SIDE = 64


def tone(text: str, voice: str) -> bytes:
    """Little-endian 16-bit mono PCM at 24 kHz: 60 ms a word, at least 0.3 s, pitched by the voice."""
    seconds = max(0.3, 0.06 * len(text.split()))
    pitch = 180 + hashlib.sha256(voice.encode()).digest()[0]
    count = int(RATE * min(seconds, 30.0))
    turn = 2 * math.pi * pitch / RATE
    return struct.pack(f"<{count}h", *(int(9000 * math.sin(turn * index)) for index in range(count)))


def picture(text: str) -> bytes:
    """A PNG of `SIDE` pixels square whose colour follows from the text."""
    red, green, blue = hashlib.sha256(text.encode()).digest()[:3]
    rows = b"".join(b"\x00" + bytes((red, green, blue)) * SIDE for _ in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
