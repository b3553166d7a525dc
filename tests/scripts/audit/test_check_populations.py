"""What is checked over all levels before the audit: pairs, models that stand in two places, levels that are the dense models."""

import json
import re
from pathlib import Path
from types import SimpleNamespace as Names

import numpy as np
import pytest

from scripts.audit.check_populations import main
from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.predictions import RANKS, rows, save_ledger

N, CLASSES = 300, 10
LABEL = np.arange(N) % CLASSES
EXAMPLE = np.array([f"{i:04d}" for i in range(N)])


def votes_of(count, seed):
    random = np.random.default_rng(seed)
    hard = random.beta(0.5, 1.0, N)
    return np.where(random.random((count, N)) < hard, random.integers(0, CLASSES, (count, N)), LABEL)


def ledger(folder, level, votes, seeds=None, digests=None, names="m"):
    """A level as it is imported with top-1 alone."""
    seeds = range(len(votes)) if seeds is None else seeds
    top = np.full((N, RANKS), -1, dtype=np.int16)
    nothing = np.full((N, RANKS), np.nan, dtype=np.float32)
    blocks = []
    for seed, of_model in zip(seeds, votes, strict=True):
        top[:, 0] = of_model
        blocks.append(rows(EXAMPLE, LABEL, seed, "clean", 0, top.copy(), nothing, nothing[:, 0]))
    path = folder / f"{level}.parquet"
    about = {"level": level, "undefined": ["p1"], "file_by_seed": {seed: f"{names}{seed}.csv" for seed in seeds}}
    save_ledger(path, blocks, about | {"models_sha256_by_seed": digests or {}})
    return str(path)


def check(folder, paths, **designs):
    designs = {"dense": "independent", "control": "independent"} | designs
    output = Names(populations=str(folder / "populations.json"))
    main(Names(ledger=paths), output, Names(designs=designs, brought=[name for name in designs if name != "dense"]))
    return json.loads((folder / "populations.json").read_text())


DENSE, CONTROL = votes_of(3, 0), votes_of(3, 1)
PRUNED = np.where(np.random.default_rng(2).random(DENSE.shape) < 0.02, 0, DENSE)  # the dense models, changed a little


def test_who_is_who(tmp_path, capsys):
    paths = [
        ledger(tmp_path, "dense", DENSE),
        ledger(tmp_path, "control", CONTROL),
        ledger(tmp_path, "q", DENSE, names="q"),  # nothing changed, which pairs may
    ]
    found = check(tmp_path, paths, q="paired")
    assert found["q"] == {"design": "paired", "models": {"0": "q0.csv", "1": "q1.csv", "2": "q2.csv"}}
    assert "q, seed 1: q1.csv ↔ m1.csv (dense)\n" in capsys.readouterr().out


WRONG = {
    "the dense models as control": (
        {"control": (DENSE, {})},
        {},
        "model 0 of level control says the same as model 0 of level dense on all 300 images, with errors that no model trained from another "
        "seed would share, and 3 of its models have such a double there: every model may count once, so bring another.",
    ),
    "the dense models as a level": (
        {"q": (DENSE, {})},
        {"q": "independent"},
        "so bring another; if q is made of the dense models, write `of: dense` in its entry.",
    ),
    "the dense models changed": (
        {"q": (PRUNED, {})},
        {"q": "independent"},
        "level q: each of its models agrees with one dense model far more than with all others",
    ),
    "one model twice": (
        {"control": (CONTROL[[0, 1, 1]], {})},
        {},
        "model 2 of level control says the same as model 1 of level control on all 300 images",
    ),
    "pairs of other seeds": (
        {"q": (PRUNED, {"seeds": [4, 5, 6]}), "r": (PRUNED, {"seeds": [7, 8, 9]})},
        {"q": "paired", "r": "paired"},
        "q: the level is made of the dense models, but seed 0 is in one of the two levels only",
    ),
    "one digest twice": (
        {"q": (votes_of(3, 7), {"digests": {"0": "a"}}), "dense": (DENSE, {"digests": {"0": "a"}})},
        {"q": "independent"},
        "model 0 of level q is the same as model 0 of level dense: every model may count once, so bring another; if q is made of the dense models, "
        "write `of: dense` in its entry.",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_once(tmp_path, what):
    levels, designs, sentence = WRONG[what]
    given = {"dense": (DENSE, {}), "control": (CONTROL, {})} | levels
    with pytest.raises(InputError) as error:
        check(tmp_path, [ledger(tmp_path, level, votes, **more) for level, (votes, more) in given.items()], **designs)
    assert sentence in str(error.value) and "\n" not in str(error.value)
    assert not (tmp_path / "populations.json").exists()


def test_models_that_are_right_everywhere_may_be_equal_and_are_named(tmp_path, capsys):
    right = np.tile(LABEL, (3, 1))
    paths = [ledger(tmp_path, level, votes) for level, votes in (("dense", right), ("control", right), ("q", PRUNED))]
    check(tmp_path, paths, q="independent")
    assert "too little to differ in to tell whether they are one: 0 of dense, 1 of dense, 2 of dense, 0 of control" in (
        capsys.readouterr().out
    )


def test_every_rule_of_the_audit_waits_for_the_check():
    """So that one rule fails where populations do not fit, and not each that reads them."""
    rules = Path(__file__).parents[3] / "rules"
    text = "".join((rules / file).read_text() for file in ("audit.smk", "compare.smk"))
    rules = re.findall(r"^rule (\w+):\n    input:\n((?:        .*\n)+)", text, flags=re.MULTILINE)
    waiting = {name for name, inputs in rules if "checked=STUDY.checked" in inputs or "tables/" in inputs}
    reading = {name for name, inputs in rules if "ledger=STUDY.ledger(" in inputs}
    assert len(reading) > 10 and reading - waiting == {"check_populations"}


def test_equal_digests_of_pairs_are_no_fault(tmp_path):
    paths = [
        ledger(tmp_path, "dense", DENSE, digests={"0": "a", "1": "b"}),
        ledger(tmp_path, "control", CONTROL),
        ledger(tmp_path, "q", DENSE, digests={"0": "a", "1": "b"}),
    ]
    assert check(tmp_path, paths, q="paired")["q"]["design"] == "paired"
