"""What the gallery's page is made of: thumbnails on a few sheets, and a column of small numbers for everything that images are filtered by."""

import base64
import io

import numpy as np
from PIL import Image

TILES = 64  # thumbnails beside each other on a sheet, and below each other
MOST = 20_000  # images of a page
LARGE, SMALL = 64, 32  # pixels of a thumbnail, of few images and of many
FEW = 5_000
QUALITY = 82


def tile_size(images: int, side: int) -> int:
    """Pixels of a thumbnail for so many images of that side; never more than the image has."""
    return min(side, LARGE if images <= FEW else SMALL)


def thumbnails(images: np.ndarray, size: int) -> np.ndarray:
    """uint8[N, size, size, 3] from uint8[N, H, W, 3]; images that are larger are made smaller, those that are not are left alone."""
    if images.shape[1:3] == (size, size):
        return images
    made = [np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.LANCZOS)) for image in images]
    return np.stack(made) if made else np.zeros((0, size, size, 3), dtype=np.uint8)


def sheets(tiles: np.ndarray) -> list[str]:
    """Data URIs of WebP pictures of TILES x TILES thumbnails each, row after row; tiles: uint8[N, S, S, 3]."""
    size, uris = tiles.shape[1], []
    for start in range(0, len(tiles), TILES * TILES):
        part = tiles[start : start + TILES * TILES]
        rows = -(-len(part) // TILES)
        sheet = np.zeros((rows * TILES, size, size, 3), dtype=np.uint8)
        sheet[: len(part)] = part
        whole = sheet.reshape(rows, TILES, size, size, 3).swapaxes(1, 2).reshape(rows * size, TILES * size, 3)
        file = io.BytesIO()
        Image.fromarray(whole).save(file, "WEBP", quality=QUALITY)
        uris.append(f"data:image/webp;base64,{base64.b64encode(file.getvalue()).decode()}")
    return uris


def packed(values: np.ndarray, kind: str) -> dict[str, str]:
    """Numbers as the page reads them: their type, one of `Uint8`, `Uint16`, `Uint32`, `Int32` and `Float32`, and their bytes, the lowest first."""
    types = {"Uint8": "<u1", "Uint16": "<u2", "Uint32": "<u4", "Int32": "<i4", "Float32": "<f4"}
    whole = np.ascontiguousarray(values).astype(types[kind])
    if kind != "Float32" and not np.array_equal(whole.astype(np.int64), np.asarray(values).astype(np.int64)):
        raise ValueError(f"there are numbers that do not fit into {kind}.")
    return {"type": kind, "data": base64.b64encode(whole.tobytes()).decode()}


def vote_bars(votes: np.ndarray, classes: int) -> dict[str, dict[str, str]]:
    """The votes of K models on N images, int[K, N], as the page reads them: of image i the classes and counts from start[i] to start[i + 1].

    Votes for none of the classes are left out.
    """
    models, images = votes.shape
    keys = (np.arange(images)[None] * classes + votes)[(votes >= 0) & (votes < classes)]
    found, counts = np.unique(keys, return_counts=True)
    start = np.searchsorted(found, np.arange(images + 1) * classes)
    return {
        "start": packed(start, "Uint32"),
        "said": packed(found % classes, "Uint16"),
        "count": packed(np.minimum(counts, 65535), "Uint16"),
        "models": models,
    }


def chosen_images(changed: np.ndarray, votes: np.ndarray, order: np.ndarray, most: int = MOST) -> np.ndarray:
    """The images that the page shows where there are too many, int64[M] in their order: as many that changed as there is room for, and others as doubtful.

    changed: bool[N], whether an image is a PIE of any level or of the control; votes: int[N], for its dense modal label; order: a number for each image, by
    which images that are alike are taken. Where all that changed leave less than half of the page, they have half of it. Of the others there are as many
    with each number of votes, as far as there are such, in the proportion of those that changed.
    """
    if len(changed) <= most:
        return np.arange(len(changed))
    taken = np.flatnonzero(changed)
    taken = taken[np.argsort(order[taken], kind="stable")][: most // 2]
    wanted = np.bincount(votes[taken], minlength=int(votes.max()) + 1)
    others = np.flatnonzero(~changed)
    others = others[np.argsort(order[others], kind="stable")]
    matched = [others[votes[others] == number][:count] for number, count in enumerate(wanted) if count]
    return np.sort(np.concatenate([taken, *matched]))
