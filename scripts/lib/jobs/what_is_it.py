"""What a file looks like by its first bytes, so that a wrong one can be called by its name."""

import re
import zipfile
from pathlib import Path

HEAD = 1024  # bytes that are looked at

# The first bytes of a file -> what it is. Sources: the formats' own specifications.
MAGIC: tuple[tuple[bytes, str], ...] = (
    (
        b"version https://git-lfs.github.com/spec/",
        "a Git LFS pointer, which stands for the file (`git lfs pull` gets it)",
    ),
    (b"\x93NUMPY", "a NumPy array"),
    (b"PAR1", "a parquet file"),
    (b"ARROW1", "an Arrow file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x1f\x8b", "a gzip file"),
    (b"BZh", "a bzip2 file"),
    (b"\xfd7zXZ\x00", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"MATLAB 5.0 MAT-file", "a MATLAB file"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"II*\x00", "a TIFF picture"),
    (b"MM\x00*", "a TIFF picture"),
    (b"%PDF-", "a PDF document"),
)
# The third byte of an idx file says what its numbers are, the fourth how many dimensions they have.
IDX = re.compile(rb"\x00\x00[\x08\x09\x0b\x0c\x0d\x0e][\x01-\x08]", re.DOTALL)
# Protocol 2 and later: the opcode PROTO, the protocol, and a frame or what is pickled.
PICKLE = re.compile(rb"\x80[\x02-\x05][\x95cX}\]\)(]", re.DOTALL)
OBJECTS = re.compile(rb"'descr': *'\|O")
LITERT, OPENVINO = "a LiteRT file", "an OpenVINO file"
NET = re.compile(rb"\s*(<\?xml[^>]*>\s*)?<net\b")  # the root of OpenVINO's XML
HTML = re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*<(!doctype html|html|head|body)\b", re.IGNORECASE | re.DOTALL)


def what_is_it(head: bytes) -> str | None:
    """What a file looks like whose first bytes (HEAD of them, or all) are these, as `a pickle` or `an HTML page`; None if unknown."""
    if not head:
        return "an empty file"
    for magic, name in MAGIC:
        if head.startswith(magic):
            return "a NumPy object array" if magic == b"\x93NUMPY" and OBJECTS.search(head) else name
    if head[257:262] == b"ustar":
        return "a tar archive"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a WebP picture"
    if head[4:8] == b"TFL3":  # the identifier of its flatbuffers
        return LITERT
    if IDX.match(head):
        return "an idx file"
    if PICKLE.match(head):
        return "a pickle"
    if NET.match(head):
        return OPENVINO
    if HTML.match(head.removeprefix(b"\xef\xbb\xbf")):
        return "an HTML page"
    if head[8:10] == b'{"' and int.from_bytes(head[:8], "little") < 2**32:
        return "a safetensors file"
    return _text(head)


def _text(head: bytes) -> str | None:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "a text in UTF-16"
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.end < len(head) - 3:  # else a letter is cut off at the end of the head
            return None
        text = head[: error.start].decode("utf-8-sig")
    if not all(letter.isprintable() or letter in "\r\n\t\f" for letter in text):
        return None
    return "a JSON text" if text.lstrip()[:1] in ("{", "[") else "a text"


def what_file_is(path: str | Path) -> str | None:
    """What the file at a path looks like; None if that is unknown, or if it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            head = file.read(HEAD)
    except OSError:
        return None
    found = what_is_it(head)
    return "an .npz archive of NumPy arrays" if found == "a ZIP archive" and _holds_arrays(path) else found


def _holds_arrays(path: str | Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False
    return bool(names) and all(name.endswith(".npy") for name in names)
