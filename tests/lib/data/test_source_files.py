"""Where the pictures of test images lie, by source."""

from pathlib import Path

from scripts.lib.data.source_files import FILES, picture_files
from scripts.lib.study.celeba_files import PICTURES
from scripts.lib.study.sources import FILES as SOURCES


def put(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return str(path)


def test_an_id_of_an_image_folder_is_a_path_in_it(tmp_path):
    picture = put(tmp_path / "cats" / "a b.png")
    assert picture_files("image_folder", {"test": str(tmp_path)}, ["cats/a b.png"]) == [picture]


def test_pictures_of_imagenet_are_found_in_class_folders_and_without(tmp_path):
    inside, beside = (
        put(tmp_path / "n01440764" / "ILSVRC2012_val_00000001.JPEG"),
        put(tmp_path / "ILSVRC2012_val_00000002.JPEG"),
    )
    found = picture_files(
        "imagenet", {"test": str(tmp_path)}, [Path(inside).name, Path(beside).name, "ILSVRC2012_val_00000003.JPEG"]
    )
    assert found == [inside, beside, None]


def test_pictures_of_celeba_lie_in_one_folder(tmp_path):
    picture = put(tmp_path / PICTURES / "000001.jpg")
    assert picture_files("celeba", {"path": str(tmp_path)}, ["000001.jpg"]) == [picture]


def test_of_arrays_there_are_no_files():
    for source in set(SOURCES) - set(FILES):
        assert picture_files(source, {}, ["0", "1"]) == [None, None]
