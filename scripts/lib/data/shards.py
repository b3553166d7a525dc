"""Training sets that are too large for memory: JPEG pictures in a few files, the shards, that are decoded when a batch asks for them.

A shard is the JPEG files one after the other, then an index as numpy writes an array, one row a picture, and at the very end where the index
begins and a mark. So a shard that is cut off has no mark. The index has a checksum of each picture, which is looked at whenever it is
read, and the manifest a digest of each index: what is read is what was written, and nobody reads 50 GB to know it.

Pictures are read by `pread` and not mapped: the memory of a job is that of a batch, and a file that shrinks is an error and no crash.
"""

import hashlib
import io
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, features
from PIL import __version__ as pillow

from scripts.lib.data.dataset import Examples, load_examples, load_manifest
from scripts.lib.data.pictures import DAMAGED
from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import replacing

MARK = b"LACUNA01"
END = np.dtype([("index", "<i8"), ("mark", "S8")])  # the last bytes of a shard
COLUMNS = [
    ("offset", "<i8"),
    ("length", "<i8"),
    ("crc32", "<u4"),
    ("label", "<i8"),
    ("height", "<i4"),
    ("width", "<i4"),
]
EVALUATED = 224 / 256  # of a side, what networks see of a picture that is not augmented, as in preparations.py
TURN = 8  # pictures that a thread decodes before it asks for others
AGAIN = "delete it, and snakemake makes it again"


@dataclass(frozen=True)
class Stored:
    """A picture as a shard keeps it."""

    data: bytes  # a JPEG file in RGB
    height: int
    width: int


class Shard:
    """A shard that is being written."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.rows, self.ids = file, [], []
        self.length, self.sha256, self.index_sha256 = 0, hashlib.sha256(), ""

    def put(self, example: str, label: int, picture: Stored) -> None:
        """Add a picture."""
        size, checksum = len(picture.data), zlib.crc32(picture.data)
        self.rows.append((self.length, size, checksum, label, picture.height, picture.width))
        self.ids.append(example.encode())
        self._write(picture.data)
        self.length += size

    def finish(self) -> None:
        """Write the index and the mark."""
        longest = max(map(len, self.ids), default=1)
        index = np.zeros(len(self.rows), dtype=[*COLUMNS, ("id", f"S{longest}")])
        for name, values in zip(index.dtype.names, [*zip(*self.rows, strict=True), self.ids], strict=False):
            index[name] = values
        begin, content = self.length, io.BytesIO()
        np.save(content, index, allow_pickle=False)
        self.index_sha256 = hashlib.sha256(content.getvalue()).hexdigest()
        self._write(content.getvalue())
        self._write(np.array((begin, MARK), END).tobytes())

    def description(self) -> dict:
        """What the manifest says of it."""
        return {"images": len(self.rows), "sha256": self.sha256.hexdigest(), "index_sha256": self.index_sha256}

    def _write(self, content: bytes) -> None:
        self.file.write(content)
        self.sha256.update(content)


@contextmanager
def writing_shards(paths: Sequence[str | Path]) -> Iterator[list[Shard]]:
    """Yield a shard for each path; all appear when the block ends well, and none if it does not. A full disk raises InputError."""
    with ExitStack() as whole:
        yield [whole.enter_context(_writing_shard(path)) for path in paths]


@contextmanager
def _writing_shard(path: str | Path) -> Iterator[Shard]:
    with replacing(path) as beside, beside.open("wb") as file:
        shard = Shard(file)
        yield shard
        shard.finish()


def digest_of(shards: dict[str, dict]) -> str:
    """One SHA-256 for all shards; shards: their descriptions by name."""
    lines = [f"{shards[name]['sha256']}  {name}\n" for name in sorted(shards)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_index(path: str | Path) -> tuple[np.ndarray, str]:
    """The index of a shard, one row a picture with COLUMNS and `id`, and its SHA-256; InputError for a shard that is cut off or damaged."""
    try:
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - END.itemsize))
            last = file.read()
            if len(last) < END.itemsize or last[-len(MARK) :] != MARK:
                raise InputError(f"{path} is truncated or no shard: {AGAIN}.")
            begin = int(np.frombuffer(last, END)["index"][0])
            file.seek(begin)
            content = file.read(size - END.itemsize - begin)
        index = np.load(io.BytesIO(content), allow_pickle=False)
        ends = np.cumsum(index["length"])
        whole = np.array_equal(index["offset"], ends - index["length"]) and (ends[-1] if len(ends) else 0) == begin
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise InputError(f"{path} is damaged or cannot be read ({error}): {AGAIN}.") from None
    if not whole:
        raise InputError(f"{path} is damaged, because its index is about {begin} other bytes: {AGAIN}.")
    return index, hashlib.sha256(content).hexdigest()


class ShardedImages:
    """The N pictures of some shards, shard after shard.

    labels: int64[N]. sizes: int64[N, 2], heights and widths of the stored pictures. Raises InputError for a shard that is cut off or
    damaged, and for one that is not described so.
    """

    def __init__(self, paths: Sequence[str | Path], described: dict[str, dict] | None = None) -> None:
        """paths: the shards in their order. described: what the manifest says of each by its file's name; None checks nothing against it."""
        self.paths = [Path(path) for path in paths]
        indices = []
        for path in self.paths:
            index, digest = read_index(path)
            if described is not None and described.get(path.name, {}).get("index_sha256") != digest:
                raise InputError(f"{path} is not the file that its manifest describes: {AGAIN}.")
            indices.append(index)
        self._files = [path.open("rb") for path in self.paths]
        self._shard = np.repeat(np.arange(len(indices)), [len(index) for index in indices])
        columns = {name: np.concatenate([index[name] for index in indices]) for name in indices[0].dtype.names}
        self._offset, self._length, self._crc32 = columns["offset"], columns["length"], columns["crc32"]
        self._ids = columns["id"]
        self.labels = columns["label"]
        self.sizes = np.stack([columns["height"], columns["width"]], axis=1).astype(np.int64)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def ids(self) -> np.ndarray:
        """The examples' ids, str[N]."""
        return np.array([example.decode() for example in self._ids.tolist()], dtype=object)

    def batch(
        self,
        chosen: np.ndarray,
        boxes: np.ndarray | None,
        size: int,
        flips: np.ndarray | None = None,
        threads: int = 1,
    ) -> np.ndarray:
        """Parts of some pictures, resized bilinearly with antialias, uint8[B, size, size, 3]: the same bytes for any number of threads.

        chosen: positions int64[B]. boxes: float or int [B, 4], left, top, right and bottom in pixels of the stored picture; None for
        `centre_squares`. flips: bool[B], whether left and right are exchanged; None for no. Raises InputError
        for a picture whose bytes are not those that were written, and ValueError for a box beyond its picture.
        """
        boxes = centre_squares(self.sizes[chosen]) if boxes is None else boxes
        images = np.empty((len(chosen), size, size, 3), dtype=np.uint8)

        def fill(first: int) -> None:
            for row in range(first, min(first + TURN, len(chosen))):
                flip = flips is not None and bool(flips[row])
                images[row] = self._part(int(chosen[row]), boxes[row], size, flip)

        turns = range(0, len(chosen), TURN)
        if threads == 1:
            for first in turns:
                fill(first)
        else:  # Pillow lets others run while it decodes and resizes
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(fill, turns))
        return images

    def _part(self, position: int, box: np.ndarray, size: int, flip: bool) -> np.ndarray:
        """The box of a picture as uint8[size, size, 3]."""
        height, width = self.sizes[position].tolist()
        left, top, right, bottom = box.tolist()
        if not (0 <= left < right <= width and 0 <= top < bottom <= height):
            raise ValueError(f"the box {box.tolist()} is not within a picture of {width} x {height} pixels.")
        try:
            with Image.open(io.BytesIO(self._read(position)), formats=["JPEG"]) as picture:
                # libjpeg decodes to a half, a quarter or an eighth of the size as exactly, and faster.
                halved = int(min(right - left, bottom - top) // size)
                scale = 1.0
                if halved >= 2:
                    drafted = picture.draft("RGB", (max(1, width // halved), max(1, height // halved)))
                    scale = drafted[1][2] / width if drafted else 1.0
                part = (left * scale, top * scale, right * scale, bottom * scale)
                image = picture.resize((size, size), Image.Resampling.BILINEAR, part)
                # Pillow turns pixels, numpy would turn bytes and take ten times as long.
                return np.asarray(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else image)
        except DAMAGED as error:
            raise InputError(f"{self._where(position)} cannot be decoded ({error}): {AGAIN}.") from None

    def _read(self, position: int) -> bytes:
        """A picture's JPEG file."""
        shard, length = int(self._shard[position]), int(self._length[position])
        data = os.pread(self._files[shard].fileno(), length, int(self._offset[position]))
        if zlib.crc32(data) != self._crc32[position]:
            raise InputError(f"{self._where(position)} has other bytes than were written: {AGAIN}.")
        return data

    def _where(self, position: int) -> str:
        return f"{self.paths[self._shard[position]]}, picture {self._ids[position].decode()},"


def centre_squares(sizes: np.ndarray) -> np.ndarray:
    """The centre squares of 224/256 of the shorter side, float64[B, 4]; sizes: int64[B, 2], heights and widths."""
    return _centred(np.repeat(sizes.min(axis=1, keepdims=True), 2, axis=1) * EVALUATED, sizes)


def centre_parts(sizes: np.ndarray) -> np.ndarray:
    """The central 87.5 % of each side, float64[B, 4]; sizes: int64[B, 2], heights and widths."""
    return _centred(sizes * EVALUATED, sizes)


def whole_pictures(sizes: np.ndarray) -> np.ndarray:
    """All of each picture, float64[B, 4]; sizes: int64[B, 2], heights and widths."""
    return _centred(sizes.astype(np.float64), sizes)


def _centred(parts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Boxes from the heights and widths of parts and of pictures, [B, 2] each."""
    begin = (sizes - parts) / 2
    return np.concatenate([begin[:, ::-1], (begin + parts)[:, ::-1]], axis=1)


# Preparation -> the part of a stored picture that it shows.
EVALUATION: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "resize_then_crop": centre_squares,
    "crop_then_resize": centre_parts,
    "squeeze": whole_pictures,
}


def decoder() -> str:
    """What decodes the pictures, for logs: other versions may decode to other bytes."""
    turbo = features.check_feature("libjpeg_turbo")
    return f"Pillow {pillow} with {'libjpeg-turbo' if turbo else 'libjpeg'} {features.version('jpg')}"


def load_shards(
    paths: Sequence[str | Path], examples: str | Path, manifest: str | Path
) -> tuple[ShardedImages, Examples, dict]:
    """Pictures, examples and manifest of a training split in shards; InputError unless all three belong together."""
    description = load_manifest(manifest)
    images = ShardedImages(paths, description.get("shards", {}))
    table = load_examples(examples, "train", description["sha256"]["examples"])
    if not np.array_equal(images.ids, table.example) or not np.array_equal(images.labels, table.label):
        raise InputError(f"{examples} describes other pictures than {Path(paths[0]).parent} holds: make both anew.")
    print(f"{len(images)} training pictures in {len(paths)} shards, decoded by {decoder()}")
    return images, table, description
