"""What a plan can be made from: the clean predictions that are there already, whatever the study says by now."""

from pathlib import Path

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.cohorts import seeds_of
from scripts.lib.study.study import Study

FEWEST = 6  # dense models that tell how much models differ: audit/error_parts.py


def predictions_there(study: Study, results: str | Path, published: dict) -> list[str]:
    """The files of clean predictions of the study's levels below a folder, each model once; the study may have named other cohorts then.

    None where the study assumes a churn to plan with instead. published: what counts.py knows of its data. Raises InputError where there are
    no predictions and no such assumption, naming what to make first, and where it is not known how many images the assumption is for.
    """
    assumption = study.config["plan"]
    if assumption["churn"] is not None:
        if assumption["images"] is None and "test" not in published:
            raise InputError(
                "config key `plan.images` is missing: with `plan.churn` say how many test images the study will have."
            )
        return []
    found = []
    for level in study.populations.levels:
        taken: set[int] = set()
        files = Path(results, "predictions", level).glob("*/clean.parquet")
        for path in sorted(files, key=lambda path: (-len(seeds_of(path.parent.name)), path)):
            seeds = set(seeds_of(path.parent.name))
            if not seeds & taken:
                taken |= seeds
                found.append(str(path))
    if not found:
        raise InputError(
            f"nothing is predicted yet to plan with: first have snakemake predict {_few(study, results)}, or say in `plan.churn` on what share of the "
            "images two models disagree."
        )
    return found


def written(files: list[str]) -> tuple[int, float]:
    """How many predictions there are and when the newest was written: what a plan hangs on."""
    return len(files), max((Path(file).stat().st_mtime for file in files), default=0.0)


def _few(study: Study, results: str | Path) -> str:
    """The first cohorts of dense models that are enough, and of a pair also the first compressed file, as targets for snakemake."""
    populations, targets, models = study.populations, [], 0
    single = study.compares_files
    for cohort in populations.cohorts("dense"):
        if models < (1 if single else FEWEST):
            targets.append(("dense", cohort))
            models += len(seeds_of(cohort))
    if single:
        targets += [(level, populations.cohorts(level)[0]) for level in populations.compressed if level != "control"][
            :1
        ]
    paths = " ".join(f"{results}/predictions/{level}/{cohort}/clean.parquet" for level, cohort in targets)
    who = f"{models} dense model{'s' if models > 1 else ''}{' and a compressed one' if single else ''}"
    return f"{who} (target{'s' if len(targets) > 1 else ''} {paths})"
