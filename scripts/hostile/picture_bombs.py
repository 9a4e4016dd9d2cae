"""Hostile pictures: small files that are large in memory."""

import io
import struct
import zlib
from collections.abc import Callable


def png(width: int, height: int, data: bytes = b"", kind: int = 2, depth: int = 8, more: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", width % (1 << 32), height % (1 << 32), depth, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + more + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def picture(kind: str, size: tuple[int, int] = (16, 16), mode: str = "RGB") -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind)
    return buffer.getvalue()


def packed_zeros(count: int) -> bytes:
    maker = zlib.compressobj(9)
    piece = bytes(1 << 20)
    return b"".join([maker.compress(piece) for _ in range(count >> 20)]) + maker.flush()


def bombs() -> dict[str, Callable[[], bytes]]:
    rows = 12_000 * (12_000 * 3 + 1)
    return {
        "PNG of 60000 × 60000": lambda: png(60_000, 60_000),
        "PNG of 2^31": lambda: png(2**31 - 1, 2**31 - 1),
        "PNG of 0": lambda: png(0, 0),
        "PNG of -1": lambda: png(-1, -1),
        "PNG of 12000 × 12000, whole": lambda: png(12_000, 12_000, packed_zeros(rows)),
        "PNG of 1 × 10^8": lambda: png(1, 10**8, packed_zeros(1 << 28)),
        "PNG with a text of 1 GB": lambda: png(
            16, 16, packed_zeros(1 << 20), more=chunk(b"zTXt", b"k\0\0" + packed_zeros(1 << 30))
        ),
        "PNG with a profile of 1 GB": lambda: png(
            16, 16, packed_zeros(1 << 20), more=chunk(b"iCCP", b"k\0\0" + packed_zeros(1 << 30))
        ),
        "GIF of 65535 × 65535": lambda: (
            b"GIF89a\xff\xff\xff\xff\x80\x00\x00" + bytes(6) + b"\x2c\0\0\0\0\xff\xff\xff\xff\0\x08\x00;"
        ),
        "BMP of 2^31": lambda: (
            b"BM" + struct.pack("<IHHIIiiHHIIiiII", 54, 0, 0, 54, 40, 2**31 - 1, 2**31 - 1, 1, 24, 0, 0, 0, 0, 0, 0)
        ),
        "TIFF of 2^31": lambda: tiff(2**31),
        "JPEG of 65535 × 65535": lambda: resized(picture("JPEG")),
        "WebP, cut": lambda: picture("WEBP")[:30],
    }


def tiff(side: int) -> bytes:
    entries = [
        (256, 4, 1, side),
        (257, 4, 1, side),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (279, 4, 1, 4),
    ]
    body = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", len(entries)) + body + bytes(4)


def resized(data: bytes) -> bytes:
    """A JPEG whose header has another size."""
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + b"\xff\xff\xff\xff" + data[place + 4 :]
