"""Fetching published files, from a server on this machine: whole and right, or one sentence that says what to do by hand."""

import errno
import hashlib
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import SimpleNamespace as Names

import pytest

from scripts.data import download_data
from scripts.lib.data import downloading
from scripts.lib.data.downloading import download
from scripts.lib.jobs.errors import InputError
from scripts.lib.study.downloads import DOWNLOADS, Published

CONTENT = bytes(range(256)) * 40
MD5 = hashlib.md5(CONTENT).hexdigest()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path):
    """The address of a folder that has the file."""
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "file").write_bytes(CONTENT)
    serving = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{serving.server_port}"
    serving.shutdown()
    serving.server_close()


def test_a_file_is_fetched_to_its_place(server, tmp_path, monkeypatch):
    monkeypatch.setattr(downloading, "AT_ONCE", 1000)  # in parts
    monkeypatch.setitem(DOWNLOADS, "mnist/x.gz", Published(f"{server}/file", MD5))
    path = tmp_path / "downloads" / "mnist" / "x.gz"
    download_data.main(Names(file=str(path)), "mnist/x.gz")
    assert path.read_bytes() == CONTENT and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("file", "md5", "sentence"),
    [
        (
            "file",
            "0" * 32,
            rf"/file gave a file with the MD5 checksum {MD5}: fetch .*/file by hand, or the same .*\(MD5 0+\)",
        ),
        ("missing", MD5, r"/missing cannot be fetched \(HTTP Error 404: File not found\): fetch .*/missing by hand"),
    ],
)
def test_what_is_not_the_file_is_not_kept(server, tmp_path, file, md5, sentence):
    path = tmp_path / "downloads" / "x"
    with pytest.raises(InputError, match=sentence) as error:
        download(str(path), f"{server}/{file}", md5)
    assert str(error.value).endswith(f"and put it at {path}.") and "\n" not in str(error.value)
    assert list(path.parent.iterdir()) == []


def test_without_a_way_to_the_host(server, tmp_path):
    with pytest.raises(
        InputError, match=r"http://127.0.0.1:1/x cannot be fetched \(.*refused.*\): fetch http.* by hand"
    ):
        download(str(tmp_path / "x"), "http://127.0.0.1:1/x", MD5)


def test_a_full_disk_is_no_fault_of_the_host(server, tmp_path, monkeypatch):
    def full(*_):
        yield b"x"
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(downloading, "_parts", full)
    with pytest.raises(InputError, match=r"/x cannot be written \(No space left on device\): make room and run again"):
        download(str(tmp_path / "x"), f"{server}/file", MD5)
    assert not (tmp_path / "x").exists()
