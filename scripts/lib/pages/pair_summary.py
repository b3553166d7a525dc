"""The page of pair_summary.csv: what two networks say of the same images."""

import math

import pandas as pd

from scripts.lib.pages.page import Note, Page
from scripts.lib.pages.vocabulary import (
    UNDEFINED,
    count,
    estimate,
    estimated_number,
    p_value,
    percent,
    sentences,
)
from scripts.lib.tables.table import coverage

CONTROL = "control"


def page(table: pd.DataFrame) -> Page:
    """pair_summary.csv has a row for each network beside the dense one."""
    cells = pd.DataFrame(
        {
            "level": table.level,
            "seed": table.seed.astype(str),
            "flips": table.flips.astype(str),
            "of the images": estimate(table, "flip_rate"),
            "right to wrong": table.lost.astype(str),
            "wrong to right": table.gained.astype(str),
            "wrong to another wrong": table.moved.astype(str),
            "dense top-1": estimate(table, "dense_top1"),
            "its top-1": estimate(table, "level_top1"),
            "change": estimate(table, "top1_change", sign=True),
            "p": table.p_top1.map(p_value),
            "p (Holm)": table.p_top1_holm.map(p_value),
            "verdict": table.verdict,
            "smallest change to be seen": [percent(value) for value in table.smallest_top1_change],
            "flips beside": [UNDEFINED if math.isnan(each) else count(each) for each in table.beside_flips],
            "more than these": estimate(table, "flips_beyond", sign=True),
            "p (more)": table.p_flips_beyond.map(p_value),
            "top-5": estimate(table, "level_top5"),
            "change of top-5": estimate(table, "top5_change", sign=True),
            "p (top-5)": table.p_top5.map(p_value),
            "confidence": estimated_number(table, "confidence_change", sign=True),
            "probability of the label": estimated_number(table, "p_label_change", sign=True),
            "KL, nats": estimated_number(table, "kullback_leibler"),
            "JS, nats": estimated_number(table, "jensen_shannon"),
            "what is undefined": table.reason,
        }
    )
    first = table.iloc[0]
    beside = {
        "none": "",
        CONTROL: "Beside it are the flips between the dense network and the control, another dense network: what no compression does.",
    }.get(
        first.beside,
        f"Beside it are the flips of {first.beside}, the dense network in half precision: the floor of harmless change.",
    )
    note = Note(
        what=f"What each network says of n = {first.examples} test images, beside the dense one: the images on which they say something else, and which way.",
        evidence=sentences(
            "p is the exact McNemar test of the images lost and gained; Holm: adjusted for all networks of the study but the control.",
            "Smallest change to be seen: what exactly this test shows with a probability of 80 % on as many images with as many of them lost or gained.",
            beside,
            "Confidence: of the class that is said, and probability of the label: means over images after less before.",
            "KL and JS: divergences of the probabilities of all classes from the dense network's, means over images.",
        ),
        brackets=f"{coverage(table)} intervals over images, these networks taken as they are: Wilson's of shares, Tango's of changes, Student's of means.",
        limits="One network each: nothing here says what other trainings of it would give, or what the method of compression does in general.",
    )
    return Page("Two files: where they say something else", note, cells)
