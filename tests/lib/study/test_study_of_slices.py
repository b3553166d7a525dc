"""What a study may say of slices, and what follows from it."""

import pytest
from test_study import brought_predictions, study

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.work import not_counted


def test_without_being_asked_nothing_is_looked_for():
    for found in (study(), study(slices={})):
        assert "slices" not in found.tables and "slices" not in found.pictures


def test_slices_have_a_table_and_a_picture():
    found = study(slices={"clusters": 20})
    assert "slices" in found.tables and found.pictures == ["exemplars", "slices"]
    assert found.config["slices"] == {"clusters": 20, "most": 10, "smallest": 50}
    assert "slices" in not_counted(found)
    assert found.populations.first_dense_networks == "<results>/models/dense/000-009.safetensors"


@pytest.mark.parametrize(
    ("slices", "sentence"),
    [
        (
            {"clusters": 1},
            "`slices.clusters` is 1, and one cluster is all images: write 2 or more, or 0 for no slices.",
        ),
        ({"clusters": -1}, "`slices.clusters` is -1: it must be at least 0."),
        ({"clusters": 2.5}, "`slices.clusters` is 2.5: it must be a whole number."),
        ({"clusters": 20, "smallest": 1}, "`slices.smallest` is 1: it must be at least 2."),
        ({"cluster": 20}, "`slices.cluster` is unknown: did you mean `clusters`?"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(slices, sentence):
    with pytest.raises(InputError, match="config key") as error:
        study(slices=slices)
    assert sentence in str(error.value)


def test_slices_need_images_networks_and_something_compressed(tmp_path):
    with pytest.raises(InputError, match="the study has no images, only predictions: write 0, or name the images"):
        brought_predictions(tmp_path, slices={"clusters": 20})
    (tmp_path / "1.csv").write_text("example,label,top1\n")
    dense = {"name": "dense", "method": "none", "predictions": f"{tmp_path}/1.csv"}
    others = [{"name": "control", "method": "none"}, {"name": "half", "method": "float16"}]
    with pytest.raises(InputError, match="no networks to see the images: write 0, or bring `checkpoints`"):
        study(levels=[dense, *others], slices={"clusters": 20})
    levels = [{"name": name, "method": "none"} for name in ("dense", "control")]
    with pytest.raises(InputError, match="nothing is compressed: write 0, or add a level to `levels`"):
        study(levels=levels, slices={"clusters": 20})
