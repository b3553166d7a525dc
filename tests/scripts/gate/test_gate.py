"""The gate from ledger files to its verdicts, in all their forms."""

import json
from types import SimpleNamespace as Names
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from documented import undocumented

from scripts.gate import judge_promises, pass_gate
from scripts.lib.data.dataset import save_manifest
from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.predictions import block, save_ledger
from scripts.lib.pages.gate import page
from scripts.lib.tables.table import load_table

N, CLASSES = 400, 4
NAMES = ["a|b", "<b>", "c", "d"]
LABEL = np.arange(N) % CLASSES
WRONG = {"dense": [], "good": [0], "bad": range(0, 200, 4)}  # of `bad` half the first class


@pytest.fixture(scope="module", params=[1, 3])
def made(request, tmp_path_factory):
    """gate.csv and its folder, of one network each and of populations of three."""
    folder, models = tmp_path_factory.mktemp("gate"), request.param
    save_manifest(folder / "data.json", {"classes": NAMES})
    for level, wrong in WRONG.items():
        blocks = []
        for seed in range(models):
            said = LABEL.copy()
            said[list(wrong)] = (LABEL[list(wrong)] + 1) % CLASSES
            said[399 - seed] = (LABEL[399 - seed] + 1) % CLASSES  # an error of each seed's own
            probability = np.full((N, CLASSES), 0.02, np.float32)
            probability[np.arange(N), said] = 0.94
            blocks.append(block(np.arange(N).astype(str), LABEL, seed, "clean", 0, probability))
        save_ledger(
            folder / f"{level}.parquet", blocks, {"level": level, "suite": "clean", "classes": NAMES, "training": {}}
        )
    cost = pd.DataFrame(
        {"level": list(WRONG), "batch_size": 1, "weight_bytes": [100, 50, 25], "rounds": 9, "timing": "measured"}
    )
    cost["speedup"], cost["speedup_low"], cost["speedup_high"] = 2.0, 1.8, 2.2
    cost.to_csv(folder / "cost.csv", index=False)
    promised = [
        ("top1_loss", 0.03),
        ("flips", 0.03),
        ("lost", 0.03),
        ("worst_class", 0.12),
        ("latency", 0.6),
        ("bytes", 0.3),
        ("top5_loss", 0.1),
    ]
    params = Names(
        promises=[
            {"metric": metric, "margin": margin, "levels": ["good", "bad"], "batch_size": 1}
            for metric, margin in promised
        ],
        designs={"good": "paired", "bad": "paired"},
        significance=0.05,
        smallest_group=20,
        subgroups=[],
        study="<mine>",
        inconclusive="passes",
    )
    ledger = [folder / f"{level}.parquet" for level in WRONG]
    given = Names(
        ledger=ledger, data=folder / "data.json", annotations=[], cost=folder / "cost.csv", pies=[], robustness=[]
    )
    given.cost = str(given.cost)
    outputs = {
        name: folder / f"gate.{ending}"
        for name, ending in (("table", "csv"), ("json", "json"), ("markdown", "md"), ("junit", "xml"))
    }
    judge_promises.main(given, Names(**outputs), params)
    return folder, load_table(folder / "gate.csv"), models


def test_every_column_is_documented(made):
    assert undocumented("gate", made[1]) == []


def test_verdicts(made):
    _, table, models = made
    found = table.set_index(["level", "metric"]).verdict
    kept = {metric: found["good", metric] for metric in table.metric}
    assert {kept.pop("bytes"), found["bad", "top1_loss"], found["bad", "flips"], found["bad", "worst_class"]} == {
        "rejected"
    }
    assert kept.pop("top5_loss") == "inconclusive"  # four classes have no top-5
    assert set(kept.values()) == {"accepted"} and found["bad", "bytes"] == "accepted"
    assert (table.models[table.metric == "top1_loss"] == models).all()


def test_numbers_are_those_of_the_images(made):
    _, table, _ = made
    rows = table.set_index(["level", "metric"])
    assert rows.estimate["bad", "top1_loss"] == 50 / N and rows.estimate["good", "flips"] == 1 / N
    assert rows.estimate["bad", "worst_class"] == 0.5 and rows.about["bad", "worst_class"] == "a|b"
    assert rows.estimate["good", "latency"] == 0.5 and rows.estimate["bad", "bytes"] == 0.25
    assert rows.reason["good", "top5_loss"] == "no top-5 of these predictions"
    assert np.isnan(rows.p["bad", "bytes"])
    assert (table.p_holm.dropna() >= table.p.dropna()).all()


def test_a_page_a_summary_and_a_report_for_ci(made):
    folder, table, _ = made
    assert page(table).cells.map(lambda cell: isinstance(cell, str)).all(axis=None)
    text = (folder / "gate.md").read_text()
    assert text.startswith("# Gate of <mine>: closed: ") and "a\\|b" in text
    suite = ElementTree.parse(folder / "gate.xml").getroot()
    cases = suite.findall("testcase")
    assert len(cases) == int(suite.get("tests")) == len(table)
    assert int(suite.get("failures")) == len(suite.findall("testcase/failure")) == (table.verdict == "rejected").sum()
    assert (
        int(suite.get("skipped")) == len(suite.findall("testcase/skipped")) == (table.verdict == "inconclusive").sum()
    )


def test_what_closes_the_gate_is_named(made):
    folder, *_ = made
    gate = json.loads((folder / "gate.json").read_text())
    assert not gate["passes"]
    with pytest.raises(InputError, match=r"good: bytes is 0.5, promised 0.3, rejected.*: gate.md has all promises"):
        pass_gate.check(gate, "gate.md")
    unsure = [row | {"verdict": "inconclusive"} for row in gate["promises"]]
    with pytest.raises(InputError, match="top5_loss is unknown"):
        pass_gate.check(gate | {"inconclusive": "fails", "promises": unsure}, "gate.md")
    pass_gate.check(gate | {"passes": True}, "gate.md")
