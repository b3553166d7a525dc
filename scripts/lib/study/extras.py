"""What Lacuna itself can find out about the test images, if a study asks for it: columns to compare images by."""

from importlib.util import find_spec

from scripts.lib.jobs.errors import InputError

# CleanVision's issue -> the column that says whether an image has it. All images of a study have one size, so none is odd.
ISSUES = {
    "dark": "is_dark",
    "light": "is_light",
    "blurry": "is_blurry",
    "low_information": "is_low_information",
    "grayscale": "is_grayscale",
    "exact_duplicates": "is_exact_duplicate",
    "near_duplicates": "is_near_duplicate",
}
# CleanVision's score of an issue, 0 to 1, lower the clearer the issue -> its column. The other issues are yes or no.
ISSUE_SCORES = {issue: f"{issue}_score" for issue in ("dark", "light", "blurry", "low_information")}
# CleanVision's score of an issue, 0 to 1, lower the clearer the issue -> its column. The other issues are yes or no.
ISSUE_SCORES = {issue: f"{issue}_score" for issue in ("dark", "light", "blurry", "low_information")}
SELF_CONFIDENCE, NORMALIZED_MARGIN = "label_self_confidence", "label_normalized_margin"

# Extra -> the columns that it makes.
EXTRAS = {
    "label_quality": (SELF_CONFIDENCE, NORMALIZED_MARGIN),
    "image_quality": (*ISSUES.values(), *ISSUE_SCORES.values()),
}
PACKAGES = {"image_quality": "cleanvision"}


def check_extras(extras: dict[str, bool], images: bool) -> None:
    """Raise InputError for an extra that is asked for and whose package is not installed; images: whether the study has any."""
    if extras["image_quality"] and not images:
        raise InputError(
            "config key `extras.image_quality` is true and the study has no images, only predictions: write false, and join what you know of "
            "them (docs/annotations.md)."
        )
    for name, package in PACKAGES.items():
        if extras[name] and find_spec(package) is None:
            raise InputError(without(name))


def without(extra: str) -> str:
    """What to say where an extra's package is not installed."""
    return (
        f"config key `extras.{extra}` needs the package {PACKAGES[extra]}, which is not installed: "
        "pip install -r envs/requirements-extras.txt."
    )
