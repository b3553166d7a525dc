"""What a study may say of raters, and what follows from it."""

import pytest
from test_study import brought_predictions, study

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.raters import COLUMNS

HEAD = ",".join(COLUMNS)
ROW = "k,Ada,{image},yes,no,no,no,no,yes\n"


def answers(path, *images, head=HEAD):
    path.write_text(f"{head}\n" + "".join(ROW.format(image=image) for image in images))
    return str(path)


def test_without_answers_there_is_a_kit_and_no_table():
    for found in (study(), study(raters={})):
        assert "rater" not in found.tables and found.rater_answers == []
        assert found.rated_levels == ["magnitude-0.50", "magnitude-0.90", "block-0.80", "int8-static"]
        found.check_rater_kit()
    assert study(raters={"levels": ["block-0.80"]}).rated_levels == ["block-0.80"]
    assert study().dense_ledger == ["<results>/predictions/dense/000-009/clean.parquet"]


def test_answers_become_a_table(tmp_path):
    answers(tmp_path / "10.csv", "a")
    answers(tmp_path / "9.csv", "b", "c")
    found = study(raters={"answers": [f"{tmp_path}/*.csv", f"{tmp_path}/9.csv"]})
    assert found.rater_answers == [f"{tmp_path}/9.csv", f"{tmp_path}/10.csv"] and "rater" in found.tables


@pytest.mark.parametrize(
    ("raters", "sentence"),
    [
        ({"levels": ["control"]}, "`raters.levels` names 'control', which is no compressed level of the study"),
        ({"levels": ["half"]}, "`raters.levels` names 'half', which is no compressed level of the study"),
        ({"answers": ["nowhere/*.csv"]}, "`raters.answers` names 'nowhere/*.csv', and there is no such file"),
        ({"images": 0}, "`raters.images` is 0: it must be at least 1."),
        ({"answer": []}, "`raters.answer` is unknown: did you mean `answers`?"),
    ],
)
def test_what_cannot_be_is_refused(raters, sentence):
    with pytest.raises(InputError, match="config key") as error:
        study(raters=raters)
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("images", "head", "sentence"),
    [
        ([], HEAD, "no image was judged"),
        (["a"], "kit,rater,image", "has the columns kit, rater, image and needs kit, rater, image, label_correct"),
        (["a,b"], HEAD, "line 2: there are more or fewer cells than columns"),
        (["a", "b", "a"], HEAD, "line 4: Ada judged image a already in"),
    ],
)
def test_files_are_read_at_the_door(tmp_path, images, head, sentence):
    path = answers(tmp_path / "a.csv", *images, head=head)
    with pytest.raises(InputError, match=r"a\.csv") as error:
        study(raters={"answers": [path]})
    assert sentence in str(error.value)


def test_raters_need_images_populations_and_something_compressed(tmp_path):
    with pytest.raises(InputError, match="no images, only predictions: name the images in `data`"):
        brought_predictions(tmp_path).check_rater_kit()
    pair = study(
        population={"models": 1},
        levels=[
            {"name": name, "method": "none"} | more
            for name, more in {"dense": {}, "half": {"method": "float16", "of": "dense"}}.items()
        ],
    )
    with pytest.raises(InputError, match="the study compares networks one with one"):
        pair.check_rater_kit()
    levels = [{"name": name, "method": "none"} for name in ("dense", "control")]
    with pytest.raises(InputError, match="nothing is compressed: add a level to `levels`"):
        study(levels=levels).check_rater_kit()
    with pytest.raises(InputError, match="nothing is compressed"):
        study(levels=levels, raters={"answers": [answers(tmp_path / "a.csv", "a")]})
