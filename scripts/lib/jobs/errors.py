"""The one error that is the user's to mend: one sentence that names the file or key and the remedy."""


class InputError(Exception):
    """A study, file or array that cannot be used; shown to the user without a traceback."""
