"""Text files from any system give the same lines."""

import pytest

from scripts.lib.data.text_file import read_lines
from scripts.lib.jobs.errors import InputError

TEXT = "ä\n\n b \n"


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        TEXT.rstrip("\n").encode(),
        (TEXT + "\n \n").encode(),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
    ],
)
def test_lines(tmp_path, content):
    (tmp_path / "x.txt").write_bytes(content)
    assert read_lines(tmp_path / "x.txt", "a list") == ["ä", "", " b "]


def test_what_is_no_text(tmp_path):
    (tmp_path / "x.txt").write_bytes("ä".encode("latin-1"))
    with pytest.raises(InputError, match=r"x\.txt cannot be read \(.*\): give a list, in UTF-8\."):
        read_lines(tmp_path / "x.txt", "a list")
    with pytest.raises(InputError, match=r"y\.txt cannot be read \(.*No such file"):
        read_lines(tmp_path / "y.txt", "a list")
    (tmp_path / "empty").touch()
    assert read_lines(tmp_path / "empty", "a list") == []
