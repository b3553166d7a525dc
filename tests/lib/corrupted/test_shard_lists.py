"""The list of a corruption's shards: it names them wherever the folder lies, and notices when one is another."""

import shutil

import pytest

from scripts.lib.corrupted.shard_lists import read_shard_lists, write_shard_list
from scripts.lib.jobs.errors import InputError


@pytest.fixture
def listed(tmp_path):
    """The list, and the shards' files and manifests."""
    folder = tmp_path / "made" / "fog"
    folder.mkdir(parents=True)
    files, manifests = ([folder / f"{number}.{ending}" for number in range(2)] for ending in ("sha256", "json"))
    for path in (*files, *manifests):
        path.write_text(path.name)
    path = tmp_path / "made/fog.json"
    write_shard_list(path, list(map(str, files)), list(map(str, manifests)))
    return path, files, manifests


def test_a_list_names_all_shards_in_their_order(listed, tmp_path):
    path, files, manifests = listed
    assert read_shard_lists([str(path)]) == (list(map(str, files)), list(map(str, manifests)))
    shutil.move(tmp_path / "made", tmp_path / "moved")
    moved = [str(tmp_path / "moved" / "fog" / each.name) for each in files]
    assert read_shard_lists([str(tmp_path / "moved/fog.json")])[0] == moved


def test_a_shard_that_changed_changes_the_list(listed):
    path, files, manifests = listed
    before = path.read_text()
    files[1].write_text("x")
    write_shard_list(path, list(map(str, files)), list(map(str, manifests)))
    assert path.read_text() != before


def test_what_is_not_listed_is_refused(listed):
    path, _, manifests = listed
    manifests[0].write_text("x")
    with pytest.raises(InputError, match=r"is not the one that .*fog.json lists"):
        read_shard_lists([str(path)])
    path.write_text("[{")
    with pytest.raises(InputError, match=r"fog.json cannot be read"):
        read_shard_lists([str(path)])
