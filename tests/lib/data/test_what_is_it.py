"""Files are called by their names: real heads of each format, as the programs that write them make them."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import tarfile
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from scripts.lib.jobs.what_is_it import HEAD, what_file_is, what_is_it


def written(write):
    content = io.BytesIO()
    write(content)
    return content.getvalue()


def as_tar(content):
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("x"))


def as_zip(content):
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("x.txt", "x")


def picture(kind):
    return written(lambda content: Image.new("RGB", (4, 4)).save(content, kind))


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
WEIGHTS = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"", "an empty file"),
        (POINTER, "a Git LFS pointer, which stands for the file (`git lfs pull` gets it)"),
        (b"\n<!DOCTYPE html>\n<html lang='en'>", "an HTML page"),
        (b"\xef\xbb\xbf<!-- saved -->\n<HTML><body>404", "an HTML page"),
        (b"<!DocType HTML PUBLIC", "an HTML page"),
        (written(lambda content: np.save(content, np.zeros(3))), "a NumPy array"),
        (written(lambda content: np.save(content, np.array([{}, "a"], object))), "a NumPy object array"),
        *((pickle.dumps({b"data": 1, b"labels": [1]}, protocol), "a pickle") for protocol in (2, 3, 4, 5)),
        (pickle.dumps([1, 2], 4), "a pickle"),
        (pickle.dumps(np.arange(3), 2), "a pickle"),
        (b"\x00\x00\x08\x03" + (12).to_bytes(4, "big"), "an idx file"),
        (b"\x00\x00\x08\x01" + (12).to_bytes(4, "big"), "an idx file"),
        (written(as_zip), "a ZIP archive"),
        (written(as_tar), "a tar archive"),
        (gzip.compress(b"x"), "a gzip file"),
        (bz2.compress(b"x"), "a bzip2 file"),
        (lzma.compress(b"x"), "an xz file"),
        (written(lambda content: pq.write_table(pa.table({"a": [1]}), content)), "a parquet file"),
        (picture("PNG"), "a PNG picture"),
        (picture("JPEG"), "a JPEG picture"),
        (picture("GIF"), "a GIF picture"),
        (picture("WEBP"), "a WebP picture"),
        (picture("TIFF"), "a TIFF picture"),
        (len(WEIGHTS).to_bytes(8, "little") + WEIGHTS, "a safetensors file"),
        (b'{"error": "not found"}', "a JSON text"),
        ("\ufeffant\nbücher\n".encode(), "a text"),
        ("ant\n".encode("utf-16"), "a text in UTF-16"),
        (("x" * (HEAD - 1) + "ü").encode()[:HEAD], "a text"),  # a letter cut in two
        (bytes(range(128, 256)), None),
        (bytes(64), None),
    ],
    ids=lambda value: (
        "head" if isinstance(value, bytes) else None
    ),  # archives say when they were made, and names of tests must not
)
def test_by_its_first_bytes(head, name):
    assert what_is_it(head[:HEAD]) == name


def test_files_on_disk(tmp_path):
    np.savez(tmp_path / "x.npz", a=np.zeros(2))
    assert what_file_is(tmp_path / "x.npz") == "an .npz archive of NumPy arrays"
    (tmp_path / "x.zip").write_bytes(written(as_zip))
    assert what_file_is(tmp_path / "x.zip") == "a ZIP archive"
    (tmp_path / "cut.zip").write_bytes(written(as_zip)[:40])
    assert what_file_is(tmp_path / "cut.zip") == "a ZIP archive"
    assert what_file_is(tmp_path / "nothing") is None
