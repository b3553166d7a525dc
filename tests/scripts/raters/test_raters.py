"""From the PIEs to a page that does not say which they are, and from what raters say to a table."""

import csv
import json
import re
from types import SimpleNamespace as Names

import numpy as np
import pandas as pd
import pytest
from made_kit import CLASSES, CONTROL_PIES, IDS, MARGIN, PIES, make_kit
from scipy.stats import fisher_exact
from sklearn.metrics import cohen_kappa_score

from scripts.lib.audit.intervals import rate
from scripts.lib.jobs.errors import InputError
from scripts.lib.pages import rater as rater_page
from scripts.lib.study.raters import COLUMNS, QUESTIONS
from scripts.lib.tables.table import load_table
from scripts.raters import measure_raters


@pytest.fixture(scope="module")
def kit(tmp_path_factory):
    return make_kit(tmp_path_factory.mktemp("kit"))


@pytest.fixture(scope="module")
def key(kit):
    return load_table(kit.key)


def data_of(page):
    text = page.read_text().partition('id="data">')[2].partition("</script>")[0]
    return json.loads(text)


def write(path, key, rater, says, change=None):
    """The answers of a rater who says `says(question, group)` of each image, with the cells of the first row that `change` names."""
    rows = [
        {"kit": row.kit, "rater": rater, "image": row.image}
        | {question: "yes" if says(question, row.group) else "no" for question in QUESTIONS}
        for row in key.drop_duplicates("image").itertuples()
    ]
    rows[0] |= change or {}
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def measured(kit, files, folder):
    output = Names(table=folder / "rater.csv")
    measure_raters.main(Names(answers=files, key=kit.key), output, Names(resamples=200, significance=0.05))
    return load_table(output.table)


def test_the_groups_are_the_pies_the_controls_and_images_of_their_margins(key):
    of = {group: set(rows.example) for group, rows in key.groupby("group")}
    assert of["pie"] == set(IDS[PIES]) and of["control_pie"] == set(IDS[CONTROL_PIES])
    matched = key[key.group == "matched"]
    assert not set(matched.example) & (of["pie"] | of["control_pie"]) and matched.level.unique().tolist() == ["none"]
    assert sorted(matched.dense_margin) == sorted(MARGIN[PIES])
    levels = key[key.group == "pie"].set_index("example").level
    assert levels[IDS[PIES]].tolist() == ["half", "half;tenth", "tenth", "tenth"]


def test_the_page_says_nothing_of_groups_and_cannot_be_broken_by_names(kit, key):
    text = kit.page.read_text()
    for word in ("pie", "control", "matched", "half", "tenth", "test/0", CLASSES[1]):
        assert word not in re.sub(r'"png":"[^"]+"', "", text).lower(), word
    data = data_of(kit.page)
    assert [card["image"] for card in data["cards"]] == sorted(set(key.image))
    assert {card["label"] for card in data["cards"]} == set(CLASSES)
    assert set(data["cards"][0]) == {"image", "label", "png", "width", "height"} and data["kit"] == key.kit[0]
    assert "http" not in text.replace("http-equiv", "")


def test_an_image_of_two_groups_is_shown_once_and_counts_in_both(tmp_path):
    made = make_kit(tmp_path, {"control": [0, 4], "half": [0, 1], "tenth": []})
    key = load_table(made.key)
    assert key[key.example == IDS[0]].group.tolist() == ["control_pie", "pie"] and len(key) == 6
    assert len(data_of(made.page)["cards"]) == key.image.nunique() == 5
    assert not set(key[key.group == "matched"].example) & set(IDS[[0, 1, 4]])
    answers = write(tmp_path / "a.csv", key, "Ada", lambda question, group: True)
    table = measured(made, [answers], tmp_path)
    assert (table.images == 2).all() and (table.share == 1).all()


def test_other_images_are_another_kit_and_a_kit_needs_pies(kit, key, tmp_path):
    (tmp_path / "same").mkdir()
    (tmp_path / "other").mkdir()
    assert load_table(make_kit(tmp_path / "same").key).equals(key)
    other = load_table(make_kit(tmp_path / "other", {"control": [], "half": [0], "tenth": [3]}).key)
    assert other.kit[0] != key.kit[0] and other.group.value_counts().to_dict() == {"pie": 2, "matched": 2}
    with pytest.raises(InputError, match="none of the levels half, tenth has a PIE"):
        make_kit(tmp_path, {"control": [1], "half": [], "tenth": []})


def test_shares_differences_tests_and_agreement(kit, key, tmp_path):
    """Two raters: both find half of what is asked in PIEs only, and the second finds everything hard."""
    files = [
        write(tmp_path / "a.csv", key, "Ada", lambda question, group: question == "abstract" and group == "pie"),
        write(
            tmp_path / "b.csv",
            key,
            "Bea",
            lambda question, group: question == "hard" or (question == "abstract" and group == "pie"),
        ),
    ]
    table = measured(kit, files, tmp_path).set_index(["question", "group"])
    assert len(table) == 3 * len(QUESTIONS) and (table.images == 4).all() and (table.raters == 2).all()
    pie = table.loc["abstract", "pie"]
    assert (pie.share, table.share["abstract", "matched"], pie.less_control, pie.less_matched) == (1, 0, 1, 1)
    assert [pie.share_low, pie.share_high] == pytest.approx(rate(4, 4, 0.05)[1:], rel=1e-5)
    p = fisher_exact([[4, 0], [0, 4]]).pvalue
    assert [pie.p_control, pie.p_matched] == pytest.approx([p, p], rel=1e-5)
    assert pie.p_control_bh == pytest.approx(6 * p, rel=1e-5)  # of six questions, the others with p = 1
    assert pie.kappa == pie.kappa_low == pie.kappa_high == 1
    hard = table.loc[
        "hard", "pie"
    ]  # the one always yes, the other never: half of them, and agreement is what chance gives
    assert hard.share == 0.5 and hard.less_control == 0 and hard.kappa == 0 and hard.p_control == 1
    assert np.isnan(table.kappa["corrupt", "pie"])  # both always say no
    assert table.loc["abstract", "matched"].loc[["less_control", "less_matched", "p_control"]].isna().all()
    assert table.less_matched["abstract", "control_pie"] == 0 and np.isnan(
        table.less_control["abstract", "control_pie"]
    )
    cells = rater_page.page(table.reset_index()).cells
    assert len(cells) == len(table) and "nan" not in cells.to_string().lower()


def test_raters_who_did_not_finish(kit, key, tmp_path):
    """Their images count; agreement is of those that all judged."""
    whole = write(tmp_path / "a.csv", key, "Ada", lambda question, group: group == "pie")
    part = write(tmp_path / "b.csv", key, "Bea", lambda question, group: group != "matched")
    lines = part.read_text().splitlines(keepends=True)
    part.write_text("".join(lines[:7]))
    table = measured(kit, [whole, part], tmp_path)
    assert (table.agreed_on == 6).all() and (table.images == 4).all()
    both = [pd.read_csv(path).set_index("image").hard for path in (whole, part)]
    common = both[1].index
    assert table.kappa[0] == pytest.approx(cohen_kappa_score(both[0][common], both[1]), rel=1e-5)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kit": "0123"}, "is of the rater kit 0123 and the study's is"),
        ({"image": "ffff"}, "judges the image ffff, which is not in the rater kit: export the file again."),
        ({"hard": "maybe"}, "line 2: `hard` is 'maybe': it must be yes or no."),
        ({"hard": ""}, "line 2: `hard` is '': it must be yes or no."),
        ({"rater": " "}, "line 2: the rater has no name: write one."),
    ],
)
def test_what_is_wrong_with_a_file_is_one_sentence(kit, key, tmp_path, change, sentence):
    file = write(tmp_path / "a.csv", key, "Ada", lambda question, group: False, change)
    with pytest.raises(InputError, match=r"a\.csv") as error:
        measured(kit, [str(file)], tmp_path)
    assert sentence in str(error.value)


def test_nobody_judges_an_image_twice(kit, key, tmp_path):
    files = [str(write(tmp_path / name, key, "Ada", lambda question, group: True)) for name in ("a.csv", "b.csv")]
    with pytest.raises(InputError, match=r"b.csv, line 2: Ada judged image \w+ already in .*a.csv, line 2: keep one"):
        measured(kit, files, tmp_path)
