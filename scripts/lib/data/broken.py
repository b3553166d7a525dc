"""What happens to the pictures of a split that cannot be used: all are listed, then the study stops, or goes on without them."""

from scripts.lib.data.pictures import BrokenPictureError
from scripts.lib.jobs.errors import InputError

STOP, SKIP = "stop", "skip"
NAMED = 3  # of many broken pictures, as many are named in the error
HOW = f"or write `broken: {SKIP}` in the study's `data` section, which leaves such pictures out and counts them"


def settle(name: str, broken: list[BrokenPictureError], total: int, policy: str) -> None:
    """Raise InputError for the broken pictures of a split, unless the policy is `skip` and others are left.

    name: of the split; total: pictures in it. The log has named each of them already.
    """
    if not broken:
        return
    named = "; ".join(error.what for error in broken[:NAMED]) + ("; …" if len(broken) > NAMED else "")
    if len(broken) == total:
        raise InputError(f"none of the {total} {name} pictures can be used: {named}: replace them.")
    if policy == SKIP:
        print(f"{name}: {len(broken)} of {total} pictures are broken and left out")
        return
    if len(broken) == 1:
        raise InputError(f"{named}: {broken[0].remedy}, {HOW}.")
    raise InputError(
        f"{len(broken)} of the {total} {name} pictures cannot be used, all named in the log: {named}: replace them, {HOW}."
    )
