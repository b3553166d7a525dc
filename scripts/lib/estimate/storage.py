"""How many bytes a study's files take, from counts. Small files (tables, figures, logs) are left out."""

# Bytes of a row of the ledger: 16 GB for 798 million rows (docs/study.md, "How long, and how large").
LEDGER_ROW = 20
# Bytes a pixel of JPEG files. Training pictures in shards: 28.9 kB each of 1,000 of ImageNet's, 256 x about 341 pixels
# (benchmarks/results/decode_shards.json). Corrupted ones: 50 GB for 75 x 50,000 of 224 x 224 pixels (studies/imagenet-c.yaml).
STORED_PIXEL, CORRUPTED_PIXEL = 0.33, 0.27
# Bytes of a weight, by the method that stores it; scales and what stays float32 are small beside.
WEIGHT = {"float16": 2.0, "int8_dynamic": 1.0, "int8_static": 1.0, "int8_weights": 1.0, "int4_weights": 0.5}


def array_bytes(images: int, size: tuple[int, int]) -> int:
    """uint8[N, H, W, 3]."""
    return images * size[0] * size[1] * 3


def shard_bytes(pictures: int, short_side: int) -> float:
    """Training pictures in shards; their longer side is taken for 4/3 of the shorter one."""
    return pictures * short_side**2 * 4 / 3 * STORED_PIXEL


def corrupted_bytes(images: int, size: tuple[int, int], in_arrays: bool) -> float:
    """Corrupted images, in one array or as JPEG files."""
    return array_bytes(images, size) if in_arrays else images * size[0] * size[1] * CORRUPTED_PIXEL


def model_bytes(parameters: int, models: int, method: str = "none") -> float:
    """Weights of models as float32, or as a method stores them."""
    return parameters * models * WEIGHT.get(method, 4.0)


def ledger_bytes(models: int, images: int, kept: int = 0) -> int:
    """Predictions of some models, each for some images; kept: of how many classes the probabilities are, which do not compress."""
    return models * images * (LEDGER_ROW + 4 * kept)
