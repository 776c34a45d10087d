"""Small real media made with the standard library, with facts that the tests know because they made them."""

import io
import struct
import wave
import zlib


def wav(seconds: float, rate: int, channels: int) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(b"\x01\x02" * channels * int(seconds * rate))
    return buffer.getvalue()


def png(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\x00" + b"\x10\x20\x30" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def jpeg(width: int, height: int) -> bytes:
    """The markers of a JPEG up to its frame header."""
    app = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
    frame = b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width) + b"\x03" + b"\x01\x11\x00" * 3
    return b"\xff\xd8" + app + frame + b"\xff\xd9"


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x00\x00\x00\x3b"


def webp(width: int, height: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x00\x00\x00\x00" + size
    return b"RIFF" + struct.pack("<I", len(body)) + body


def pdf(pages: int) -> bytes:
    objects = "".join(f"{number + 3} 0 obj << /Type /Page /Parent 2 0 R >> endobj\n" for number in range(pages))
    return f"%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\n2 0 obj << /Type /Pages >> endobj\n{objects}%%EOF".encode()


def packed_pdf(pages: int) -> bytes:
    """As writers of today do it: the pages lie in a compressed stream of objects."""
    packed = zlib.compress(b"<< /Type /Page /Parent 2 0 R >>\n" * pages)
    return (
        b"%PDF-1.5\n4 0 obj << /Type /ObjStm /Filter /FlateDecode >> stream\n" + packed + b"\nendstream endobj\n%%EOF"
    )


def mp4(seconds: int) -> bytes:
    def box(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content) + 8) + name + content

    header = box(b"mvhd", bytes(12) + struct.pack(">II", 1000, seconds * 1000) + bytes(80))
    return box(b"ftyp", b"isom\x00\x00\x02\x00isomiso2") + box(b"mdat", b"\x07" * 1000) + box(b"moov", header)


def flac(seconds: int, rate: int, channels: int) -> bytes:
    packed = rate << 44 | (channels - 1) << 41 | 15 << 36 | rate * seconds
    info = bytes(10) + packed.to_bytes(8, "big") + bytes(16)
    return b"fLaC\x80\x00\x00\x22" + info


def ogg_vorbis(seconds: int, rate: int, channels: int) -> bytes:
    def page(granule: int, content: bytes) -> bytes:
        return b"OggS\x00\x00" + struct.pack("<qIII", granule, 1, 0, 0) + bytes([1, len(content)]) + content

    head = b"\x01vorbis" + struct.pack("<IBI", 0, channels, rate) + bytes(13)
    return page(0, head) + page(seconds * rate, b"\x00" * 20)


def mp3(frames: int) -> bytes:
    """MPEG 1 layer III, 128 kbit/s, 44100 Hz, mono: 417 bytes a frame of 1152 samples."""
    return (b"\xff\xfb\x90\xc4" + bytes(413)) * frames
