"""The data sets a study can name, and how large their images are."""

IMAGE_SIZE: dict[str, int] = {"planted_digits": 32}
