"""The plan from files of predictions to its page: populations, pairs, assumptions, and what is too little."""

from types import SimpleNamespace as Names

import numpy as np
import pandas as pd
import pytest

from scripts.lib.audit.power import images_needed, mcnemar_power, smallest_change
from scripts.lib.jobs.errors import InputError
from scripts.lib.ledger.predictions import block, save_ledger
from scripts.plan import plan_study

N, CLASSES = 400, 3
LABEL = np.arange(N) % CLASSES
IDS = np.array([f"{i:03d}" for i in range(N)])


def wrong(share, models, seed):
    """Which images each model gets wrong, bool[models, N]: on a fifth of the images, by chance."""
    random = np.random.default_rng(seed)
    return (random.random((models, N)) < share) & (np.arange(N) < N // 5)


def ledger(folder, level, wrong):
    """A level's clean predictions of all models in one file."""
    blocks = []
    for seed, missed in enumerate(wrong):
        probability = np.full((N, CLASSES), 0.1, np.float32)
        probability[np.arange(N), np.where(missed, (LABEL + 1) % CLASSES, LABEL)] = 0.8
        blocks.append(block(IDS, LABEL, seed, "clean", 0, probability))
    path = folder / f"{level}.parquet"
    save_ledger(path, blocks, {"level": level, "suite": "clean", "classes": list("abc"), "training": {}})
    return str(path)


def planned(folder, files, levels, models, **changed):
    """plan.csv and plan.md of a study."""
    params = Names(study="mine", ledger=files, levels=list(levels), designs=levels, models=models, published={})
    params.plan = {"changes": [0.02, 0.1], "churn": None, "images": None}
    params.compares_files = models == 1
    params.significance, params.permutations, params.tie_rule = 0.05, 200, "largest"
    for name, value in changed.items():
        setattr(params, name, value)
    output = Names(table=folder / "plan.csv", page=folder / "plan.md")
    plan_study.main(output, params)
    return pd.read_csv(output.table, keep_default_na=False, na_values="NaN"), output.page.read_text(encoding="utf-8")


DESIGNS = {"control": "independent", "int8": "paired"}


def test_a_population_has_a_plan_for_its_own_seeds_and_one_for_each_paired_level(tmp_path):
    dense = wrong(0.5, 7, 0)
    files = [
        ledger(tmp_path, "dense", dense),
        ledger(tmp_path, "control", wrong(0.5, 7, 1)),
        ledger(tmp_path, "int8", dense ^ wrong(0.1, 7, 2)),
    ]
    table, page = planned(tmp_path, files, DESIGNS, 12)
    own, paired = (table[table.level == level] for level in (plan_study.INDEPENDENT, "int8"))
    assert (own.known_models.unique() == 14).all() and (paired.known_models.unique() == 7).all()
    for rows in (own, paired):
        (here,) = rows[rows.this_study].itertuples()
        assert here.models == 12 and here.examples == N and f"{100 * here.change:.2f} points" in page
    assert 0 < paired[paired.this_study].change.item() < own[own.this_study].change.item()
    needed = own[(own.asked == "models") & (own.change == 0.1)].models.item()
    grid = own[(own.asked == "smallest") & (own.examples == N)].set_index("models").change
    assert (grid.diff().dropna() < 0).all()  # more models show less
    assert (grid[grid.index >= needed] <= 0.1).all() and not (grid[grid.index < needed] <= 0.1).any()


def test_without_a_control_dense_models_alone_are_enough(tmp_path):
    table, page = planned(tmp_path, [ledger(tmp_path, "dense", wrong(0.5, 6, 0))], DESIGNS, 6)
    assert table.level.unique().tolist() == [plan_study.INDEPENDENT] and (table.known_models == 6).all()
    assert "int8 is made of the dense models" in page


def test_a_pair_is_planned_from_its_discordant_images(tmp_path):
    dense = np.arange(N)[None] < 30
    files = [ledger(tmp_path, "dense", dense), ledger(tmp_path, "int8", dense ^ (np.arange(N) % 20 == 0))]
    table, page = planned(tmp_path, files, {"int8": "paired"}, 1)
    assert (table.discordance == 0.05).all() and (table.level == "int8").all() and "K =" not in page
    (here,) = table[table.this_study].itertuples()
    assert here.change == pytest.approx(smallest_change(N, 0.05, 0.05), rel=1e-4) and f"n = {N}" in page
    needed = table[table.asked == "images"].set_index("change").examples
    assert needed[0.02] == images_needed(0.02, 0.05, 0.05)
    assert needed[0.1] == images_needed(0.1, 0.1, 0.05)  # such a change makes more images discordant than were found


def test_of_two_files_that_never_differ_only_changes_in_one_direction_are_known(tmp_path):
    same = wrong(0.5, 1, 0)
    files = [ledger(tmp_path, "dense", same), ledger(tmp_path, "int8", same)]
    table, _ = planned(tmp_path, files, {"int8": "paired"}, 1)
    (here,) = table[table.this_study].itertuples()
    assert mcnemar_power(N, here.change, 0, 0.05) == pytest.approx(0.8, abs=1e-3)


def test_of_several_pairs_the_mean_counts(tmp_path):
    dense = wrong(0.5, 3, 0)
    level = dense.copy()
    level[0] ^= np.arange(N) < 40
    files = [ledger(tmp_path, "dense", dense), ledger(tmp_path, "int8", level)]
    table, _ = planned(tmp_path, files, {"int8": "paired"}, 3, compares_files=True)
    assert table.discordance.unique() == pytest.approx(40 / N / 3, rel=1e-4)


@pytest.mark.parametrize("models", [1, 10])
def test_an_assumed_churn_needs_no_predictions(tmp_path, models):
    plan = {"changes": [0.01], "churn": 0.08, "images": 5000}
    table, page = planned(tmp_path, [], DESIGNS, models, plan=plan)
    (here,) = table[table.this_study].itertuples()
    assert here.examples == 5000 and here.models == models and 0 < here.change < 0.08 and "assumed" in page.lower()
    table, _ = planned(tmp_path, [], DESIGNS, models, plan=plan | {"images": None}, published={"test": 50_000})
    assert table[table.this_study].examples.item() == 50_000


def test_what_is_too_little_to_plan_with_is_said(tmp_path):
    few = ledger(tmp_path, "dense", wrong(0.5, 3, 0))
    with pytest.raises(InputError, match="3 uncompressed models are too few"):
        planned(tmp_path, [few], {"control": "independent"}, 3)
    with pytest.raises(InputError, match="only the dense model"):
        planned(tmp_path, [ledger(tmp_path, "dense", wrong(0.5, 1, 0))], {"int8": "paired"}, 1)
    with pytest.raises(InputError, match="a plan begins with it"):
        planned(tmp_path, [ledger(tmp_path, "control", wrong(0.5, 3, 0))], {"control": "independent"}, 3)
