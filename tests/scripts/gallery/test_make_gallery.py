"""From the files of a study to the gallery's page: what it says of each image is what the audit says."""

import base64
import json
import re
from types import SimpleNamespace as Names

import numpy as np
import pytest
from made_gallery import IDS, LABEL, LEVELS, SAYS, K, make_files, make_page

from scripts.audit import find_pies
from scripts.lib.jobs.errors import InputError
from scripts.lib.tables.table import load_table

TYPES = {"Uint8": "<u1", "Uint16": "<u2", "Uint32": "<u4", "Int32": "<i4", "Float32": "<f4"}


def back(column):
    return np.frombuffer(base64.b64decode(column["data"]), TYPES[column["type"]])


def data_of(path):
    return json.loads(re.search(r'<script[^>]*id="data"[^>]*>(.*?)</script>', path.read_text(), re.DOTALL)[1])


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return make_files(tmp_path_factory.mktemp("gallery"))


@pytest.mark.parametrize("tie_rule", ["largest", "smallest", "excluded"])
def test_changed_images_are_the_pies_of_the_audit(files, tmp_path, tie_rule):
    make_page(files, tmp_path / "gallery.html", tie_rule)
    params = Names(levels=LEVELS, tie_rule=tie_rule, permutations=10, significance=0.05, deals=10)
    params.designs = dict.fromkeys(LEVELS, "independent")
    find_pies.main(files, Names(table=tmp_path / "pies.csv"), params)
    pies = load_table(tmp_path / "pies.csv")
    page = data_of(tmp_path / "gallery.html")
    for level in page["levels"]:
        changed = set(pies[(pies.level == level["name"]) & pies.pie].example)
        assert {IDS[i] for i in np.flatnonzero(back(level["flip"]))} == changed
    assert page["changed"] == page["changed_shown"] == len(set(pies[pies.pie].example))
    pruned = page["levels"][1]
    # Label 1 of image 1 is the smaller of the two that two models each say: under `largest` it is a PIE, without a modal label it is none.
    assert (back(pruned["flip"])[1] > 0) == (tie_rule == "largest")
    assert back(pruned["modal"])[1] == {"largest": 2, "smallest": 1, "excluded": 65535}[tie_rule]


def test_what_the_page_says_of_each_image(files, tmp_path):
    make_page(files, tmp_path / "gallery.html")
    page = data_of(tmp_path / "gallery.html")
    control, pruned = page["levels"]
    assert page["example"] == IDS.tolist() and back(page["label"]).tolist() == LABEL.tolist()
    assert back(page["dense"]["modal"]).tolist() == SAYS["dense"].tolist()
    assert [page["directions"][back(pruned["flip"])[i]] for i in (0, 7)] == ["right to wrong", "wrong to right"]
    assert [page["directions"][number] for number in back(control["flip"])[:4]] == ["right to wrong"] * 3 + [""]
    assert back(pruned["moved"])[[0, 1, 2, 7]].tolist() == [-1, -0.5, 0, 1]
    assert back(pruned["confidence"])[[0, 1, 2]].tolist() == [50, 475, 900]
    start, said, count = (back(pruned["bars"][name]) for name in ("start", "said", "count"))
    assert said[start[1] : start[2]].tolist() == [1, 2] and count[start[1] : start[2]].tolist() == [2, 2]
    assert pruned["bars"]["models"] == K
    scores = load_table(files.scores)
    for level in page["levels"]:
        own = scores[scores.level == level["name"]]
        assert np.allclose(back(level["scores"]["taxicab"]), own.taxicab)
    light, sky = page["columns"]
    assert np.isnan(back(light["values"])[59]) and back(light["values"])[:3].tolist() == [0, 1, 2]
    assert sky["names"] == ["dark", "light"] and back(sky["values"]).tolist() == [0] * 20 + [1] * 40
    strip = page["strip"]
    assert strip["names"] == ["fog", "gaussian noise"] and back(strip["row"]).tolist() == [0, 1, 2, 3] + [-1] * 56


@pytest.mark.parametrize("file", ["scores", "images", "variants"])
def test_files_that_do_not_belong_together_are_refused(tmp_path, file):
    files = make_files(tmp_path / "made")
    if file == "scores":
        text = files.scores.read_text().replace("test/03", "test/3")
        files.scores.write_text(text)
    elif file == "images":
        images = np.load(files.images)
        images[5, 0, 0, 0] ^= 1
        np.save(files.images, images)
    else:
        files.chosen.write_text(files.chosen.read_text() + "\n")
    with pytest.raises(InputError, match=r"other (examples|images)"):
        make_page(files, tmp_path / "gallery.html")
    assert not (tmp_path / "gallery.html").exists()
