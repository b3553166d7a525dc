"""What a plan can be made from: the clean predictions that are there already, whatever the study says by now."""

from pathlib import Path

from scripts.lib.jobs.errors import InputError
from scripts.lib.study.cohorts import seeds_of
from scripts.lib.study.study import Study

FEWEST = 6  # dense models that tell how much models differ: audit/error_parts.py


def predictions_there(study: Study, results: str | Path) -> list[str]:
    """The files of clean predictions of the study's levels below a folder, each model once; the study may have named other cohorts then.

    Raises InputError where there are none and the study assumes no churn: it names what to make first.
    """
    found = []
    for level in study.populations.levels:
        taken: set[int] = set()
        files = Path(results, "predictions", level).glob("*/clean.parquet")
        for path in sorted(files, key=lambda path: (-len(seeds_of(path.parent.name)), path)):
            seeds = set(seeds_of(path.parent.name))
            if not seeds & taken:
                taken |= seeds
                found.append(str(path))
    if not found and study.config["plan"]["churn"] is None:
        raise InputError(
            f"nothing is predicted yet to plan with: make {_few(study, results)}, with your --configfile and `--` before it, or assume a share of "
            "images on which two models disagree (config key `plan.churn`)."
        )
    return found


def written(files: list[str]) -> tuple[int, float]:
    """How many predictions there are and when the newest was written: what a plan hangs on."""
    return len(files), max((Path(file).stat().st_mtime for file in files), default=0.0)


def _few(study: Study, results: str | Path) -> str:
    """The first cohorts of dense models that are enough, and of a pair also the first compressed file, as targets for snakemake."""
    populations, targets, models = study.populations, [], 0
    single = study.config["population"]["models"] == 1
    for cohort in populations.cohorts("dense"):
        if models < FEWEST:
            targets.append(("dense", cohort))
            models += len(seeds_of(cohort))
    if single:
        targets += [(level, populations.cohorts(level)[0]) for level in populations.compressed[:1]]
    paths = " ".join(f"{results}/predictions/{level}/{cohort}/clean.parquet" for level, cohort in targets)
    return f"`snakemake {paths}` (predictions of {models} dense model{'s' if models > 1 else ''}{' and of its partner' if single else ''})"
