"""What a study says about training that a schema cannot express, checked before any job."""

from scripts.lib.jobs.errors import InputError

ASIDE = ("checkpoint_minutes", "readers")  # what changes nothing about the result


def check_training(training: dict) -> None:
    """Raise InputError for settings that do not fit each other; training: the section, keys with defaults may be missing."""
    schedule, milestones = training.get("schedule", "linear"), training.get("milestones", [])
    if schedule != "step" and milestones:
        raise InputError(
            f"config key `training.milestones` is {milestones} and `training.schedule` is {schedule}: write `schedule: step`, or remove the milestones."
        )
    if schedule == "step" and (not milestones or sorted(set(milestones)) != list(milestones)):
        raise InputError(
            f"config key `training.milestones` is {milestones}: `schedule: step` needs rising fractions of the steps, as [0.3, 0.6, 0.8]."
        )
    if training.get("precision") == "float16" and training["device"] == "cpu":
        raise InputError(
            "config key `training.precision` is float16, in which CPUs do not train: write bfloat16 or float32, or `device: cuda`."
        )
    parts = training.get("accumulation", 1)
    if training["batch_size"] < 2 * parts:
        raise InputError(
            f"config key `training.accumulation` is {parts} and `training.batch_size` {training['batch_size']}: each part of a batch needs two images."
        )
    processes = training.get("processes", 1)
    if training["batch_size"] < 2 * parts * processes:
        raise InputError(
            f"config key `training.processes` is {processes}, `training.accumulation` {parts} and `training.batch_size` {training['batch_size']}: "
            "each part of a batch needs two images."
        )


def settings_of_result(training: dict) -> dict:
    """The settings that the trained weights hang on."""
    return {key: value for key, value in training.items() if key not in ASIDE}
