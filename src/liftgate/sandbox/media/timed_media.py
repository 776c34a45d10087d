"""Durations out of audio and video containers, with nothing but the standard library.

Reads a few headers of a seekable binary stream; never the whole file. A function returns None for what it cannot
tell. Called by `media_facts` and at the end of a video's upload.
"""

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MP3_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
MP3_BITRATES_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
MP3_BITRATES_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)


@dataclass(frozen=True)
class Timing:
    seconds: float
    rate: int = 0
    channels: int = 0


def timing(stream: BinaryIO) -> Timing | None:
    """Duration, and sample rate and channels of audio, read from the container's magic."""
    stream.seek(0)
    head = stream.read(64)
    for magic, at, reader in (
        (b"RIFF", 0, _wav),
        (b"fLaC", 0, _flac),
        (b"OggS", 0, _ogg),
        (b"ftyp", 4, _mp4),
        (b"ID3", 0, _mp3),
        (b"FORM", 0, _aiff),
    ):
        if head[at : at + len(magic)] == magic:
            return _safely(reader, stream)
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return _safely(_mp3, stream)
    return None


def video_seconds(path: Path) -> float | None:
    """Duration of an MP4 or MOV file on disk."""
    with path.open("rb") as stream:
        found = timing(stream)
    return None if found is None else found.seconds


def _safely(reader: Callable[[BinaryIO], Timing | None], stream: BinaryIO) -> Timing | None:
    try:
        return reader(stream)
    except (struct.error, LookupError, ArithmeticError, ValueError):
        return None


def _size(stream: BinaryIO) -> int:
    return stream.seek(0, os.SEEK_END)


def _wav(stream: BinaryIO) -> Timing | None:
    size = _size(stream)
    stream.seek(12)
    rate = channels = byte_rate = 0
    while len(header := stream.read(8)) == 8:
        name, length = header[:4], struct.unpack("<I", header[4:])[0]
        if name == b"fmt ":
            _, channels, rate, byte_rate = struct.unpack("<HHII", stream.read(12))
            stream.seek(length - 12 + length % 2, os.SEEK_CUR)
        elif name == b"data":
            # Streams written without a seek leave 0 or 0xFFFFFFFF here.
            present = size - stream.tell()
            length = present if length in (0, 0xFFFFFFFF) else min(length, present)
            return Timing(length / byte_rate, rate, channels)
        else:
            stream.seek(length + length % 2, os.SEEK_CUR)
    return None


def _flac(stream: BinaryIO) -> Timing:
    stream.seek(8)
    info = stream.read(34)
    packed = int.from_bytes(info[10:18], "big")
    rate = packed >> 44
    return Timing((packed & ((1 << 36) - 1)) / rate, rate, (packed >> 41 & 7) + 1)


def _ogg(stream: BinaryIO) -> Timing | None:
    stream.seek(0)
    first = stream.read(512)
    stream.seek(max(0, _size(stream) - 65536))
    last = stream.read()
    granule = struct.unpack("<q", last[last.rindex(b"OggS") + 6 :][:8])[0]
    opus, vorbis = first.find(b"OpusHead"), first.find(b"\x01vorbis")
    if opus >= 0:
        channels, skip = first[opus + 9], struct.unpack("<H", first[opus + 10 : opus + 12])[0]
        return Timing((granule - skip) / 48000, 48000, channels)
    if vorbis >= 0:
        channels, rate = struct.unpack("<BI", first[vorbis + 11 : vorbis + 16])
        return Timing(granule / rate, rate, channels)
    return None


def _mp3(stream: BinaryIO) -> Timing | None:
    size = _size(stream)
    stream.seek(0)
    head = stream.read(10)
    start = 0
    if head[:3] == b"ID3":
        start = 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9])
    stream.seek(start)
    data = stream.read(4096)
    frames = (i for i in range(len(data) - 4) if data[i] == 0xFF and data[i + 1] & 0xE6 == 0xE2)
    if (at := next(frames, None)) is None:
        return None
    version, bits, mode = data[at + 1] >> 3 & 3, data[at + 2], data[at + 3] >> 6
    rate = MP3_RATES[version][bits >> 2 & 3]
    bitrate = (MP3_BITRATES_1 if version == 3 else MP3_BITRATES_2)[bits >> 4] * 1000
    channels = 1 if mode == 3 else 2
    samples = 1152 if version == 3 else 576
    for tag in (b"Xing", b"Info"):
        mark = data.find(tag, at, at + 200)
        if mark >= 0 and data[mark + 7] & 1:
            count = struct.unpack(">I", data[mark + 8 : mark + 12])[0]
            return Timing(count * samples / rate, rate, channels)
    return Timing((size - start - at) * 8 / bitrate, rate, channels)


def _aiff(stream: BinaryIO) -> Timing | None:
    stream.seek(12)
    while len(header := stream.read(8)) == 8:
        length = struct.unpack(">I", header[4:])[0]
        if header[:4] == b"COMM":
            channels, frames, _, exponent, mantissa = struct.unpack(">hIhHQ", stream.read(18))
            rate = round(mantissa * 2.0 ** ((exponent & 0x7FFF) - 16383 - 63))
            return Timing(frames / rate, rate, channels)
        stream.seek(length + length % 2, os.SEEK_CUR)
    return None


def _mp4(stream: BinaryIO) -> Timing | None:
    found = _box(stream, 0, _size(stream), b"moov")
    header = found and _box(stream, *found, b"mvhd")
    if not header:
        return None
    stream.seek(header[0])
    data = stream.read(32)
    if data[0] == 1:
        scale, length = struct.unpack(">IQ", data[20:32])
    else:
        scale, length = struct.unpack(">II", data[12:20])
    return Timing(length / scale)


def _box(stream: BinaryIO, start: int, end: int, wanted: bytes) -> tuple[int, int] | None:
    """(start, end) of the content of the first box of that name between two offsets."""
    at = start
    while at + 8 <= end:
        stream.seek(at)
        length, name = struct.unpack(">I4s", stream.read(8))
        header = 8
        if length == 1:
            length, header = struct.unpack(">Q", stream.read(8))[0], 16
        elif length == 0:
            length = end - at
        if name == wanted:
            return at + header, at + length
        if length < header:
            return None
        at += length
    return None
