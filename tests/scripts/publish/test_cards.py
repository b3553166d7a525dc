"""What the first screen of the report says of each level, from tables with known numbers."""

import base64
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from scripts.lib.data.dataset import Examples
from scripts.lib.pages.card import scale_of
from scripts.lib.pages.cards import cards_of_populations
from scripts.lib.pages.gains import NOT_TIMED, gains
from scripts.lib.pages.pair_cards import cards_of_files
from scripts.lib.pages.strips import LENGTH, strips_of

NAN = float("nan")


def summary(level, verdict, excess=(0.05, 0.04, 0.06), design="independent"):
    """A row of pie_summary.csv, as far as the cards read it."""
    named = dict(zip(("excess_rate", "excess_rate_low", "excess_rate_high"), excess, strict=True))
    rates = {"pie_rate": 0.1, "pie_rate_low": 0.08, "pie_rate_high": 0.12}
    top1 = {"dense_top1_all": 0.9, "level_top1_all": 0.8, "level_top1_all_low": 0.7, "level_top1_all_high": 0.85}
    counts = {"pies": 1200, "control_pies": 300, "examples": 12000, "dense_models": 10, "level_models": 10}
    return {"level": level, "design": design, "verdict_study": verdict, "p_holm": 0.002} | named | rates | top1 | counts


def population(*rows, **more):
    """The tables of a study of populations, as far as the cards read them."""
    classes = pd.DataFrame(
        {
            "level": "pruned",
            "class": ["4", "<b>", "7", "none"],
            "examples": [10, 10, 10, 0],
            "own_mean_q": [0.01, 0.01, 0.2, NAN],
            "relative_change": [-0.1, 0.1, -0.3, NAN],
            "significance": 0.05,
        }
    )
    groups = pd.DataFrame({"level": [], "metric": [], "q": [], "verdict": [], "grouping": [], "group": []})
    return {"pie_summary": pd.DataFrame(rows), "class_impact": classes, "subgroups": groups} | more


def test_a_level_that_exceeds_the_control_is_certain_and_says_who_pays():
    planted = pd.DataFrame(
        {
            "level": "pruned",
            "grouping": ["kind", "kind", "kind", "class_frequency"],
            "group": ["typical", "low_quality", "abstract", "tail"],
            "verdict": [
                "is the reference",
                "larger excess than typical",
                "cannot be told from typical",
                "larger excess than head",
            ],
        }
    )
    frames = population(summary("control", "is the control"), summary("pruned", "exceeds the control"), planted=planted)
    (card,) = cards_of_populations(frames)
    assert (card.sure, card.number, card.ends) == ("certain", "5.0 %", "from 4.0 % to 6.0 %")
    said = " ".join(card.forgot)
    assert "1,200 of 12,000 images" in said and "changes 300." in said and "80.0 % [70.0, 85.0]" in said
    assert "typical ones: “low quality”." in said and "Rare classes (the tail) pay more than frequent ones." in said
    # The class that gains and the one that cannot be told are not named, the one without images is not counted.
    assert "average class, adjusted for how many there are: “4” (1 of 3 tested)." in said
    assert "more answers than training anew" in card.because and "p = 0.002" in card.because
    assert card.gained == (NOT_TIMED,)


@pytest.mark.parametrize(
    ("verdict", "word", "because"),
    [
        ("below the control", "certain", "fewer answers than training anew"),
        ("cannot be told from the control", "cannot be told", "no proof that nothing is forgotten"),
        ("has too few models to be told from the control", "too few", "too few models"),
        ("has too few images to be told from the control", "too few", "too few images"),
    ],
)
def test_every_verdict_has_a_word(verdict, word, because):
    (card,) = cards_of_populations(population(summary("pruned", verdict, (-0.05, -0.06, -0.04))))
    assert card.sure == word and because in card.because


def test_groups_of_the_annotations_stand_in_where_nothing_was_planted():
    groups = pd.DataFrame(
        {
            "level": "pruned",
            "metric": ["top-1", "top-1", "false positive rate"],
            "q": [0.01, 0.6, 0.01],
            "grouping": "colour",
            "group": ["red", "blue", "green"],
            "verdict": ["pays more than the others", "cannot be told from the others", "pays more than the others"],
        }
    )
    (card,) = cards_of_populations(population(summary("pruned", "exceeds the control"), subgroups=groups))
    assert "Groups that pay more than the others: “colour red” (1 of 2 tested)." in card.forgot


def test_levels_made_of_the_dense_models_are_on_no_scale_with_the_others():
    """Theirs is a share of images, that of the others an excess over other seeds."""
    rows = summary("pruned", "exceeds the control"), summary("int8", "cannot be told from the control", design="paired")
    pruned, int8 = cards = cards_of_populations(population(*rows))
    assert (int8.number, int8.on_scale, pruned.on_scale) == ("10.0 %", False, True)
    assert "Whether it stands further from networks that are trained anew" in int8.because
    scale = scale_of(cards)
    assert scale.least < 0 and 0.06 < scale.most < 0.08
    assert 0 < scale.at(0.0) < scale.at(0.04) < scale.at(0.06) < 100
    assert scale_of([int8]) is None


def test_promises_are_counted():
    gate = pd.DataFrame({"level": "pruned", "verdict": ["accepted", "rejected", "accepted"]})
    (card,) = cards_of_populations(population(summary("pruned", "exceeds the control"), gate=gate))
    assert "Promises: 2 kept, 1 broken." in card.forgot


def costs(**columns):
    """Rows of cost_and_forgetting.csv for one level, as far as the cards read it."""
    made = {"level": "pruned", "batch_size": [1, 8, 256], "timing": "measured", "weights_relative": 1.0}
    made |= {"speedup": [2.0, 3.0, 0.5], "speedup_low": [0.9, 2.0, 0.4], "speedup_high": [3.0, 4.0, 0.6]}
    return pd.DataFrame(made | columns)


def test_what_is_gained_is_said_of_the_smallest_and_the_largest_batch():
    row = next(pd.DataFrame({"level": ["pruned"]}).itertuples())
    assert gains(row, costs()) == (
        "Bytes: as many as dense.",
        "Batches of 1: no faster that can be told, 2.00x [0.90, 3.00] the dense speed.",
        "Batches of 256: slower, 0.50x [0.40, 0.60] the dense speed.",
    )
    assert gains(row, costs(weights_relative=0.25, timing="not timed: why", speedup=NAN)) == (
        "Bytes: 25.0 % of the dense ones.",
        "Speed: not timed: why.",
    )
    assert "25.0 % of the dense ones as built for batches of 256" in gains(row, costs(weights_relative=[1, 1, 0.25]))[0]
    assert gains(row, costs(level="another")) == gains(row, None) == (NOT_TIMED,)


def pair(verdict, change):
    """The tables of two networks, as far as the cards read them."""
    row = {
        "level": "int4",
        "seed": 0,
        "examples": 3000,
        "flips": 170,
        "lost": 35,
        "gained": 31,
        "moved": 104,
        "verdict": verdict,
    }
    row |= {
        "flip_rate": 0.0567,
        "flip_rate_low": 0.049,
        "flip_rate_high": 0.066,
        "dense_top1": 0.507,
        "level_top1": 0.505,
    }
    row |= dict(zip(("top1_change", "top1_change_low", "top1_change_high"), change, strict=True))
    row |= {"p_top1": 0.7, "p_top1_holm": NAN, "smallest_top1_change": 0.008}
    classes = {
        "level": "int4",
        "seed": 0,
        "class": ["a", "b"],
        "q": [0.01, NAN],
        "change": [-0.2, -0.5],
        "significance": 0.05,
    }
    return {"pair_summary": pd.DataFrame([row]), "pair_classes": pd.DataFrame(classes)}


def test_a_pair_says_what_flips_and_what_could_have_been_seen():
    (card,) = cards_of_files(pair("cannot be told", (-0.002, -0.007, 0.004)))
    assert (card.sure, card.number) == ("cannot be told", "5.7 %")
    assert "170 of 3,000 images: 35 were right and are wrong now" in card.forgot[0]
    assert "-0.2 points [-0.7, +0.4]" in card.forgot[1] and "Classes that lose: “a” (1 of 1 tested)." in card.forgot
    assert "exact p = 0.700" in card.because and "0.8 points four times of five" in card.because
    (card,) = cards_of_files(pair("loses top-1", (-0.02, -0.03, -0.01)))
    assert card.sure == "certain" and "loses top-1" in card.because


def test_a_strip_has_the_pies_that_most_models_stand_behind():
    count = LENGTH + 3
    names = np.array([f"test/{place}" for place in range(count)])
    pies = pd.DataFrame(
        {
            "level": "pruned",
            "example": names,
            "label": 0,
            "dense_modal": 1,
            "level_modal": 2,
            "dense_votes": range(count),
            "level_votes": 5,
            "pie": [*[True] * (count - 1), False],  # the one that most stand behind is none
        }
    )
    images = np.zeros((count, 8, 8, 3), np.uint8)
    images[:, :, :, 0] = np.arange(count)[:, None, None]
    nothing = np.zeros(count, np.int64)
    examples = Examples(names[::-1], nothing, nothing, nothing, nothing, nothing)  # in another order than the table
    strips = strips_of({"pies": pies}, images, examples, ["a", "<b>", "c"])
    (strip,) = strips.values()
    assert [still.example for still in strip] == [f"test/{place}" for place in range(count - 2, count - 2 - LENGTH, -1)]
    assert {(still.label, still.before, still.after) for still in strip} == {("a", "<b>", "c")}
    assert (
        decoded(strip[0].picture).getpixel((0, 0))[0] == 1
    )  # the second image from the front is the second name from the end


def decoded(picture):
    """The picture of a still."""
    return Image.open(io.BytesIO(base64.b64decode(picture)))
