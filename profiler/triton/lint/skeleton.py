"""An ONNX file without its weights, read in place, so that gigabytes cost no memory.

The wire format is protobuf's (https://protobuf.dev/programming-guides/encoding). Of the fields above 4 KiB, messages
are parsed and others are skipped, because only tensor contents and comments are that long.
"""

import os
from dataclasses import dataclass, field

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError
from onnx import ModelProto, TensorProto

from profiler.common.errors import ModelError

KEPT_FIELD_BYTES = 1 << 12
KEPT_BYTES, KEPT_FIELDS = 1 << 25, 1_000_000
# Protobuf's own limits.
DEPTH, LARGEST_FILE_BYTES, VARINT_BYTES = 100, (1 << 31) - 1, 10
FIXED = {1: 8, 5: 4}
MESSAGE = 11


@dataclass
class Skeleton:
    """The kept part of a model, and the sizes in bytes of the skipped tensor contents by tensor name."""

    model: ModelProto = field(default_factory=ModelProto)
    left_out: dict[str, int] = field(default_factory=dict)


def read_skeleton(descriptor: int) -> Skeleton:
    """The skeleton of an open file; raises `ModelError` for a file that is truncated, too large or not ONNX."""
    size = os.fstat(descriptor).st_size
    if size > LARGEST_FILE_BYTES:
        raise ModelError(f"it has {size:,} bytes, and protobuf reads 2 GiB: store its weights as external data")
    walk = Walk(descriptor)
    try:
        walk.skeleton.model.ParseFromString(walk.message(ModelProto.DESCRIPTOR, 0, size, 0))
    except DecodeError as error:
        raise ModelError("it is truncated or no ONNX file: export it again") from error
    return walk.skeleton


class Walk:
    """One pass over a file from its first byte to its last."""

    def __init__(self, descriptor: int) -> None:
        self.skeleton, self._descriptor = Skeleton(), descriptor
        self._kept = self._fields = 0

    def message(self, kind: Descriptor, at: int, end: int, depth: int) -> bytes:
        """The message of a kind between two offsets, without the skipped fields."""
        if end - at <= KEPT_FIELD_BYTES:
            return self._bytes(at, end - at)
        if depth > DEPTH:
            raise DecodeError("nested too deeply")
        kept, dropped = bytearray(), 0
        while at < end:
            start = at
            tag, at = self._field(at, end)
            number, wire = tag >> 3, tag & 7
            if wire != 2:
                at = self._varint(at, end)[1] if wire == 0 else at + fixed_width(wire)
                kept += self._bytes(start, at - start)
                continue
            length, at = self._varint(at, end)
            if length > end - at:
                raise DecodeError("truncated")
            known = kind.fields_by_number.get(number)
            if length <= KEPT_FIELD_BYTES:
                kept += self._bytes(start, at + length - start)
            elif known is not None and known.type == MESSAGE:
                inner = self.message(known.message_type, at, at + length, depth + 1)
                kept += varint(tag) + varint(len(inner)) + inner
            elif kind is TensorProto.DESCRIPTOR and number == TensorProto.RAW_DATA_FIELD_NUMBER:
                dropped = length
            at += length
        if dropped:
            self.skeleton.left_out[TensorProto.FromString(bytes(kept)).name] = dropped
        return bytes(kept)

    def _field(self, at: int, end: int) -> tuple[int, int]:
        """A field's tag and the offset of its end."""
        self._fields += 1
        if self._fields > KEPT_FIELDS:
            raise ModelError(f"its graph has more than {KEPT_FIELDS:,} parts: it is not checked")
        tag, at = self._varint(at, end)
        if tag < 8:
            raise DecodeError("field number 0")
        return tag, at

    def _bytes(self, at: int, count: int) -> bytes:
        self._kept += count
        if self._kept > KEPT_BYTES:
            raise ModelError(f"its graph without weights is larger than {KEPT_BYTES:,} bytes: it is not checked")
        content = os.pread(self._descriptor, count, at)
        if len(content) < count:
            raise DecodeError("truncated")
        return content

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        """A number and the offset of its end."""
        value = 0
        for index, byte in enumerate(os.pread(self._descriptor, min(VARINT_BYTES, end - at), at)):
            value |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                return value, at + index + 1
        raise DecodeError("a number that does not end")


def fixed_width(wire: int) -> int:
    """The size of a number of fixed width; raises `DecodeError` for another wire type."""
    if wire not in FIXED:
        raise DecodeError(f"wire type {wire}")
    return FIXED[wire]


def varint(value: int) -> bytes:
    """A number in protobuf's encoding."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
