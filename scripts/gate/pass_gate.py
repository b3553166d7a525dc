"""gate.passed: there only if every promise of the study is kept."""

import json
from pathlib import Path

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import write_text
from scripts.lib.jobs.job import logged


def sentence(promise: dict) -> str:
    """A promise that is not kept, in a few words."""
    about = "" if promise["about"] == "none" else f" ({promise['about']})"
    found = "unknown" if promise["estimate"] is None else f"{promise['estimate']:.4g}"
    needed = promise["images_to_decide"]
    enough = f", {needed:.0f} images would decide" if promise["verdict"] == "inconclusive" and needed else ""
    return f"{promise['level']}: {promise['metric']}{about} is {found}, promised {promise['margin']:g}, {promise['verdict']}{enough}"


def check(gate: dict, page: str) -> None:
    """Raise InputError that names the promises that are not kept; gate: gate.json. page: where all of them stand."""
    if gate["passes"]:
        return
    failing = ("rejected",) if gate["inconclusive"] == "passes" else ("rejected", "inconclusive")
    broken = [sentence(promise) for promise in gate["promises"] if promise["verdict"] in failing]
    raise InputError(f"the gate of the study {gate['study']} is closed ({'; '.join(broken)}): {page} has all promises.")


if __name__ == "__main__":
    with logged(snakemake.log[0]):  # noqa: F821
        check(json.loads(Path(snakemake.input.gate).read_text(encoding="utf-8")), snakemake.input.markdown)  # noqa: F821
        write_text(snakemake.output.passed, "every promise is kept\n")  # noqa: F821
