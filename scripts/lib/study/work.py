"""What a study has to do, counted before any of it is done: one row for each kind of job."""

from pathlib import Path

from scripts.lib.study.images import ARRAYS, CLEAN, NATURAL
from scripts.lib.study.pruned_levels import has_blocks
from scripts.lib.study.study import Study


def work_of(study: Study) -> list[dict]:
    """Rows with `rule`, `what`, `level`, `models`, `images` and `jobs`, the last a list of the jobs as their benchmarks are called.

    models: of all jobs together. images: how many are looked at by each model, as {split: times}; `test` is the test split, `chosen`
    those that are corrupted. Levels that were brought and natural sets are not counted: what they hold is not known before it is read.
    """
    images, populations = study.images, study.populations
    models = study.config["population"]["models"]

    def row(rule: str, what: str, jobs: list[str], level: str = "", models: int = 0, **seen: int) -> dict:
        return {"rule": rule, "what": what, "level": level, "models": models, "images": seen, "jobs": jobs}

    here = [level for level in populations.modelled if level in populations.trained + populations.quantized]
    trained = populations.trained if "train" in images.splits else []
    networks = [level for level in here if "train" in images.splits]
    rows = [row("prepare_data", "all images", ["prepare_data"], test=1, train=1)] if images.splits else []
    for level in trained:
        jobs = [f"train/{level}/{cohort}" for cohort in populations.cohorts(level)]
        rows.append(row("train", level, jobs, level, models))
    for rule, levels in {
        "quantize": [level for level in networks if level in populations.quantized],
        "pack": [level for level in networks if has_blocks(populations.levels[level])],
    }.items():
        rows += [
            row(rule, level, [f"{rule}/{level}/{cohort}" for cohort in populations.cohorts(level)], level, models)
            for level in levels
        ]
    in_arrays = study.config["corruptions"]["layout"] == ARRAYS
    for corruption in images.clean_and_corruptions:
        rule = "corrupt" if in_arrays else "corrupt_to_folders"
        jobs = [
            f"{rule}/{corruption}" + ("" if in_arrays else f"/{shard}")
            for shard in (images.shards if not in_arrays else [""])
        ]
        variants = 1 if corruption == CLEAN else len(study.config["corruptions"]["severities"])
        rows.append(row(rule, corruption, jobs, chosen=variants))
    for level in networks:
        for suite in images.suites:
            if suite != NATURAL:
                jobs = [f"predict/{level}/{cohort}/{suite}" for cohort in populations.cohorts(level)]
                seen = {"test": 1} if suite == CLEAN else {"chosen": len(images.variants_of_suites[suite])}
                rows.append(row("predict", f"{suite} with {level}", jobs, level, models, **seen))
    if networks:
        rows.append(row("measure_cost", "all levels", ["measure_cost"], models=len(networks)))
        rows.append(row("tables", "tables, figures, report", ["tables"], models=models * len(networks)))
    return rows


def levels_to_train(study: Study) -> dict[str, tuple[dict, dict, dict]]:
    """By level what its training needs to be told: the level's entry, the network and the settings of pruning."""
    populations = study.populations
    trained = populations.trained if "train" in study.images.splits else []
    return {
        level: (populations.entry_for_training(level), populations.network(level), populations.pruning(level))
        for level in trained
    }


def finished_jobs(work: list[dict], benchmarks: str | Path) -> tuple[int, float]:
    """How many jobs have a benchmark in a folder, and when the newest of these was written: what the times of earlier runs hang on."""
    files = [Path(benchmarks, f"{job}.tsv") for row in work for job in row["jobs"]]
    written = [file.stat().st_mtime for file in files if file.is_file()]
    return len(written), max(written, default=0.0)


def not_counted(study: Study) -> list[str]:
    """What `work_of` leaves out, a phrase each."""
    brought = [
        level
        for level in study.populations.levels
        if level in study.populations.brought or level in study.populations.imported
    ]
    return [
        *([f"levels that were trained elsewhere ({', '.join(brought)})"] if brought else []),
        *(["natural test sets"] if study.images.natural else []),
        *(
            [f"layers compressed one by one ({', '.join(asked)})"]
            if (asked := study.config["audit"]["layers"]["levels"])
            else []
        ),
        *(
            [f"extras ({', '.join(name for name, on in study.config['extras'].items() if on)})"]
            if any(study.config["extras"].values())
            else []
        ),
    ]
