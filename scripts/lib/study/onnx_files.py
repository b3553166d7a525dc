"""What can be said of an ONNX file without reading its weights: it is walked over as protobuf, values are skipped.

An ONNX file is a message of Protocol Buffers. Only the fields that are asked for here are known, by their numbers in
https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Weights beyond 2 GB, or wherever somebody chose it, lie in files beside it.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path

from scripts.lib.jobs.errors import InputError

VARINT, EIGHT_BYTES, BYTES, FOUR_BYTES = 0, 1, 2, 5  # wire types
GRAPH = 7  # of ModelProto
NODE, INITIALIZER = 1, 5  # of GraphProto
OPERATOR, ATTRIBUTE = 4, 5  # of NodeProto
TENSOR, SUBGRAPH = 5, 6  # of AttributeProto
EXTERNAL = 13  # of TensorProto
KEY, VALUE = 1, 2  # of StringStringEntryProto


class _Cut(Exception):
    """The file ends where a value goes on, or holds what no protobuf does."""


def external_files(path: str | Path) -> list[Path]:
    """The files beside an ONNX file in which some of its weights are, sorted.

    Raises InputError if the file is damaged, or names one that is not there or that does not lie in its folder.
    """
    path = Path(path)
    places = {place for graph in _graphs(path) for place in graph[1]}
    for place in sorted(places):
        if ".." in Path(place).parts or Path(place).is_absolute():
            raise InputError(f"{path} names {place!r}, which does not lie beside it: put all files into one folder.")
        if not (path.parent / place).is_file():
            raise InputError(f"{path} names {place}, and that is not beside it: get all files of the network.")
    return [path.parent / place for place in sorted(places)]


def operators(path: str | Path) -> set[str]:
    """The kinds of an ONNX file's operations, such as `Conv`; InputError if it is damaged."""
    return {operator for graph in _graphs(Path(path)) for operator in graph[0]}


def _graphs(path: Path) -> list[tuple[set[str], set[str]]]:
    """Of the file's graph and those inside it: kinds of operations, and places of weights."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found = [
                each
                for number, start, end in _fields(data, 0, len(data))
                if number == GRAPH
                for each in _graph(data, start, end)
            ]
    except (_Cut, OSError, ValueError) as error:
        raise InputError(f"{path} is damaged or no ONNX file ({error}): get or export it again.") from None
    if not found:
        raise InputError(f"{path} is no ONNX file, as there is no graph in it: get or export it again.")
    return found


def _graph(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[set[str], set[str]]]:
    kinds, places = set(), set()
    for number, begin, stop in _fields(data, start, end):
        if number == INITIALIZER:
            places |= _places(data, begin, stop)
        if number == NODE:
            for part, first, last in _fields(data, begin, stop):
                if part == OPERATOR:
                    kinds.add(_text(data, first, last))
                if part == ATTRIBUTE:
                    for kind, inner, after in _fields(data, first, last):
                        if kind == TENSOR:
                            places |= _places(data, inner, after)
                        if kind == SUBGRAPH:
                            yield from _graph(data, inner, after)
    yield kinds, places


def _places(data: mmap.mmap, start: int, end: int) -> set[str]:
    """Where the values of a tensor lie, if not in the file."""
    found = set()
    for number, begin, stop in _fields(data, start, end):
        if number == EXTERNAL:
            entry = {part: _text(data, first, last) for part, first, last in _fields(data, begin, stop)}
            if entry.get(KEY) == "location":
                found.add(entry.get(VALUE, ""))
    return found


def _text(data: mmap.mmap, start: int, end: int) -> str:
    return data[start:end].decode("utf-8", errors="replace")


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, begin and end of the values of a message that are texts, bytes or messages; the others are skipped."""
    at = start
    while at < end:
        tag, at = _varint(data, at, end)
        kind = tag & 7
        if kind == VARINT:
            _, at = _varint(data, at, end)
            continue
        if kind not in (EIGHT_BYTES, BYTES, FOUR_BYTES):
            raise _Cut(f"byte {at} is of no message")
        length, at = _varint(data, at, end) if kind == BYTES else (8 if kind == EIGHT_BYTES else 4, at)
        if at + length > end:
            raise _Cut("it ends too early")
        if kind == BYTES:
            yield tag >> 3, at, at + length
        at += length


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    """A whole number in groups of 7 bits, the lowest first, and where it ends."""
    value = shift = 0
    while at < end and shift < 64:
        byte = data[at]
        value |= (byte & 127) << shift
        at += 1
        if byte < 128:
            return value, at
        shift += 7
    raise _Cut("it ends too early")
