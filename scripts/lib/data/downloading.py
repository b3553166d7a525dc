"""Fetching a published file: it is there whole and with its checksum, or not at all."""

import hashlib
from collections.abc import Iterator
from http.client import HTTPException
from urllib.request import urlopen

from scripts.lib.jobs.errors import InputError
from scripts.lib.jobs.files import replacing

AT_ONCE = 2**20  # bytes
PATIENCE = 60  # seconds without an answer


def download(path: str, url: str, md5: str) -> None:
    """Fetch the file at the address and put it at the path.

    Raises InputError, which says what to do by hand, if it cannot be fetched or has another MD5 checksum.
    """
    by_hand = f"fetch {url} by hand, or the same file from elsewhere (MD5 {md5}), and put it at {path}"
    digest = hashlib.md5(usedforsecurity=False)
    with replacing(path) as beside, beside.open("wb") as file:
        for part in _parts(url, by_hand):
            file.write(part)
            digest.update(part)
        if digest.hexdigest() != md5:
            raise InputError(f"{url} gave a file with the MD5 checksum {digest.hexdigest()}: {by_hand}.")


def _parts(url: str, by_hand: str) -> Iterator[bytes]:
    try:
        with urlopen(url, timeout=PATIENCE) as answer:
            while part := answer.read(AT_ONCE):
                yield part
    except (OSError, HTTPException) as error:
        raise InputError(f"{url} cannot be fetched ({error}): {by_hand}.") from None
