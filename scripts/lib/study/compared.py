"""Studies that are compared with each other: which they are, and that they are finished."""

from pathlib import Path

from scripts.lib.jobs.errors import InputError

# A finished study has one of these: of populations, or of networks compared one with one.
COSTS = ("cost_and_forgetting", "pair_cost")


def compared_files(studies: list[str]) -> list[str]:
    """The tables and manifests that a comparison reads; InputError for fewer than two studies, one that is named twice, or one that is not finished."""
    if len(studies) < 2:
        raise InputError(
            'config key `studies` names fewer than two studies: write `snakemake compare --config studies="[a, b]"`.'
        )
    twice = next((study for study in studies if studies.count(study) > 1), None)
    if twice:
        raise InputError(f"config key `studies` names `{twice}` twice: name every study once.")
    files = []
    for study in studies:
        folder = Path("results") / study
        tables = [folder / "tables" / f"{name}.csv" for name in COSTS]
        there = next((path for path in tables if path.is_file()), None)
        if there is None or not (folder / "data" / "manifest.json").is_file():
            raise InputError(
                f"config key `studies` names `{study}`, and results/{study} has no finished table of cost: run the study first, `snakemake --configfile ITS.yaml -- tables`; "
                "of predictions alone there is none."
            )
        files += [str(there), str(folder / "data" / "manifest.json")]
    return files
