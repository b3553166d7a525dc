"""The published corruptions written out plainly, an image at a time: what the fast ones are compared with.

Formulas and constants are those of hendrycks/robustness (make_cifar_c.py, make_imagenet_c.py); the libraries are those
it used, in today's versions. Each function takes an image uint8[H, W, 3], a RandomState and the constants of a
severity, and returns numbers from 0 to 255 that np.uint8 truncates.
"""

import importlib.util
import math
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from scipy.ndimage import map_coordinates
from scipy.ndimage import zoom as enlarge
from skimage.color import hsv2rgb, rgb2hsv
from skimage.filters import gaussian

from scripts.lib.corruptions.streams import seed_words

CIFAR_10_C = {
    "gaussian_noise": [(0.04,), (0.06,), (0.08,), (0.09,), (0.10,)],
    "shot_noise": [(500,), (250,), (100,), (75,), (50,)],
    "impulse_noise": [(0.01,), (0.02,), (0.03,), (0.05,), (0.07,)],
    "speckle_noise": [(0.06,), (0.1,), (0.12,), (0.16,), (0.2,)],
    "defocus_blur": [(0.3, 0.4), (0.4, 0.5), (0.5, 0.6), (1, 0.2), (1.5, 0.1)],
    "glass_blur": [(0.05, 1, 1), (0.25, 1, 1), (0.4, 1, 1), (0.25, 1, 2), (0.4, 1, 2)],
    "motion_blur": [(6, 1), (6, 1.5), (6, 2), (8, 2), (9, 2.5)],
    "zoom_blur": [(1.06, 0.01), (1.11, 0.01), (1.16, 0.01), (1.21, 0.01), (1.26, 0.01)],
    "gaussian_blur": [(0.4,), (0.6,), (0.7,), (0.8,), (1,)],
    "snow": [
        (0.1, 0.2, 1, 0.6, 8, 3, 0.95),
        (0.1, 0.2, 1, 0.5, 10, 4, 0.9),
        (0.15, 0.3, 1.75, 0.55, 10, 4, 0.9),
        (0.25, 0.3, 2.25, 0.6, 12, 6, 0.85),
        (0.3, 0.3, 1.25, 0.65, 14, 12, 0.8),
    ],
    "frost": [(1, 0.2, 0.2), (1, 0.3, 0.2), (0.9, 0.4, 0.2), (0.85, 0.4, 0.2), (0.75, 0.45, 0.2)],
    "fog": [(0.2, 3, 32), (0.5, 3, 32), (0.75, 2.5, 32), (1, 2, 32), (1.5, 1.75, 32)],
    "brightness": [(0.05,), (0.1,), (0.15,), (0.2,), (0.3,)],
    "spatter": [
        (0.62, 0.1, 0.7, 0.7, 0.5, False),
        (0.65, 0.1, 0.8, 0.7, 0.5, False),
        (0.65, 0.3, 1, 0.69, 0.5, False),
        (0.65, 0.1, 0.7, 0.69, 0.6, True),
        (0.65, 0.1, 0.5, 0.68, 0.6, True),
    ],
    "contrast": [(0.75,), (0.5,), (0.4,), (0.3,), (0.15,)],
    "elastic_transform": [
        (32 * 0, 32 * 0, 32 * 0.08),
        (32 * 0.05, 32 * 0.2, 32 * 0.07),
        (32 * 0.08, 32 * 0.06, 32 * 0.06),
        (32 * 0.1, 32 * 0.04, 32 * 0.05),
        (32 * 0.1, 32 * 0.03, 32 * 0.03),
    ],
    "pixelate": [(0.95,), (0.9,), (0.85,), (0.75,), (0.65,)],
    "jpeg_compression": [(80,), (65,), (58,), (50,), (40,)],
    "saturate": [(0.3, 0), (0.1, 0), (1.5, 0), (2, 0.1), (2.5, 0.2)],
}

# Where imagecorruptions does not follow the official functions. For the others it is the better oracle.
# Those of nobody's archive, written out a second time like the others.
OWN: dict[str, list[tuple]] = {}
IMAGENET_C = {
    "impulse_noise": [(0.03,), (0.06,), (0.09,), (0.17,), (0.27,)],
    "snow": [
        (0.1, 0.3, 3, 0.5, 10, 4, 0.8),
        (0.2, 0.3, 2, 0.5, 12, 4, 0.7),
        (0.55, 0.3, 4, 0.9, 12, 8, 0.7),
        (0.55, 0.3, 4.5, 0.85, 12, 8, 0.65),
        (0.55, 0.3, 2.5, 0.85, 12, 12, 0.55),
    ],
    "frost": [(1, 0.4, 1), (0.8, 0.6, 1), (0.7, 0.7, 1), (0.65, 0.7, 1), (0.6, 0.75, 1)],
    "fog": [(1.5, 2, 256), (2, 2, 256), (2.5, 1.7, 256), (2.5, 1.5, 256), (3, 1.4, 256)],
    "elastic_transform": [
        (244 * 2, 244 * 0.7, 244 * 0.1),
        (244 * 2, 244 * 0.08, 244 * 0.2),
        (244 * 0.05, 244 * 0.01, 244 * 0.02),
        (244 * 0.07, 244 * 0.01, 244 * 0.02),
        (244 * 0.12, 244 * 0.01, 244 * 0.02),
    ],
}


def random_states(dataset, corruption, severity, example_ids):
    """One RandomState per example, seeded as ours are."""
    return (np.random.RandomState(seed_words(dataset, corruption, severity, example)) for example in example_ids)


def gaussian_noise(image, random, scale):
    return np.clip(image / 255 + random.normal(size=image.shape, scale=scale), 0, 1) * 255


def shot_noise(image, random, photons):
    return np.clip(random.poisson(image / 255 * photons) / photons, 0, 1) * 255


def impulse_noise(image, random, amount):
    flipped = random.choice([True, False], size=image.shape, p=[amount, 1 - amount])
    salted = random.choice([True, False], size=image.shape, p=[0.5, 0.5])
    unit = image / 255
    unit[flipped & salted] = 1
    unit[flipped & ~salted] = 0
    return unit * 255


def speckle_noise(image, random, scale):
    unit = image / 255
    return np.clip(unit + unit * random.normal(size=image.shape, scale=scale), 0, 1) * 255


def blurred(image, sigma):
    return gaussian(image / 255, sigma=sigma, channel_axis=-1)


def gaussian_blur(image, random, sigma):
    return np.clip(blurred(image, sigma), 0, 1) * 255


def glass_blur(image, random, sigma, reach, passes):
    glass = np.uint8(blurred(image, sigma) * 255)
    height, width = image.shape[:2]
    for _ in range(passes):
        for row in range(height - reach, reach, -1):
            for column in range(width - reach, reach, -1):
                right, down = random.randint(-reach, reach, size=2)
                glass[row, column] = glass[row + down, column + right]
    return np.clip(blurred(glass, sigma), 0, 1) * 255


def disk(radius, alias_blur):
    axis = np.arange(-8, 9) if radius <= 8 else np.arange(-radius, radius + 1)
    across, down = np.meshgrid(axis, axis)
    kernel = np.float32(across**2 + down**2 <= radius**2)
    kernel /= kernel.sum()
    return cv2.GaussianBlur(kernel, ksize=(3, 3) if radius <= 8 else (5, 5), sigmaX=alias_blur)


def defocus_blur(image, random, radius, alias_blur):
    kernel = disk(radius, alias_blur)
    channels = [cv2.filter2D(image[..., channel] / 255, -1, kernel) for channel in range(3)]
    return np.clip(np.stack(channels, axis=-1), 0, 1) * 255


def streak(image, radius, sigma, angle):
    """ImageMagick's motion blur: the floor of the weighted sum of shifted images."""
    length = 2 * radius + 1
    weights = np.array([math.exp(-(i**2) / (2 * sigma**2)) for i in range(length)]) / (np.sqrt(2 * np.pi) * sigma)
    weights /= weights.sum()
    down, right = length * np.sin(np.deg2rad(angle)), length * np.cos(np.deg2rad(angle))
    rows, columns = np.arange(image.shape[0]), np.arange(image.shape[1])
    total = np.zeros(image.shape)
    for i, weight in enumerate(weights):
        row_step = math.ceil(i * down / math.hypot(down, right) - 0.5)
        column_step = math.ceil(i * right / math.hypot(down, right) - 0.5)
        source = image[np.clip(rows + row_step, 0, len(rows) - 1)]
        total += weight * source[:, np.clip(columns + column_step, 0, len(columns) - 1)]
    return np.clip(total, 0, 255)


def motion_blur(image, random, radius, sigma):
    return streak(image, radius, sigma, random.uniform(-45, 45))


def clipped_zoom(image, factor):
    size = image.shape[0]
    part = math.ceil(size / factor)
    top = (size - part) // 2
    zoomed = enlarge(image[top : top + part, top : top + part], (factor, factor, 1), order=1)
    trim = (zoomed.shape[0] - size) // 2
    return zoomed[trim : trim + size, trim : trim + size]


def zoom_blur(image, random, stop, step):
    unit = (image / 255).astype(np.float32)
    factors = np.arange(1, stop, step)
    total = np.zeros_like(unit)
    for factor in factors:
        total += clipped_zoom(unit, factor)
    return np.clip((unit + total) / (len(factors) + 1), 0, 1) * 255


def plasma_fractal(random, size, decay):
    heights = np.empty((size, size))
    heights[0, 0] = 0
    step, wobble = size, 100

    def middle(total):
        return total / 4 + wobble * random.uniform(-wobble, wobble, total.shape)

    while step >= 2:
        half = step // 2
        corners = heights[::step, ::step]
        total = corners + np.roll(corners, -1, axis=0)
        total += np.roll(total, -1, axis=1)
        heights[half::step, half::step] = middle(total)
        squares = heights[half::step, half::step]
        across = squares + np.roll(squares, 1, axis=0) + (corners + np.roll(corners, -1, axis=1))
        heights[::step, half::step] = middle(across)
        down = squares + np.roll(squares, 1, axis=1) + (corners + np.roll(corners, -1, axis=0))
        heights[half::step, ::step] = middle(down)
        step //= 2
        wobble /= decay
    heights -= heights.min()
    return heights / heights.max()


def fog(image, random, strength, decay, map_size):
    unit = image / 255
    brightest = unit.max()
    height, width = image.shape[:2]
    unit += strength * plasma_fractal(random, map_size, decay)[:height, :width, np.newaxis]
    return np.clip(unit * brightest / (brightest + strength), 0, 1) * 255


def frost(image, random, image_weight, frost_weight, scale):
    name = ["frost1.png", "frost2.png", "frost3.png", "frost4.jpg", "frost5.jpg"][random.randint(5)]
    folder = Path(importlib.util.find_spec("imagecorruptions").origin).parent / "frost"
    picture = cv2.imread(str(folder / name))
    if scale != 1:
        picture = cv2.resize(picture, (0, 0), fx=scale, fy=scale)
    height, width = image.shape[:2]
    top, left = random.randint(0, picture.shape[0] - height), random.randint(0, picture.shape[1] - width)
    piece = picture[top : top + height, left : left + width, ::-1]
    return np.clip(image_weight * image + frost_weight * piece, 0, 255)


def snow(image, random, mean, deviation, zoom, threshold, blur_radius, blur_sigma, image_weight):
    unit = np.array(image, dtype=np.float32) / 255
    flakes = random.normal(size=image.shape[:2], loc=mean, scale=deviation)
    flakes = clipped_zoom(flakes[..., np.newaxis], zoom)
    flakes[flakes < threshold] = 0
    flakes = (np.clip(flakes, 0, 1) * 255).astype(np.uint8)
    flakes = streak(flakes, blur_radius, blur_sigma, random.uniform(-135, -45)).astype(np.uint8) / 255
    grey = cv2.cvtColor(unit, cv2.COLOR_RGB2GRAY)[..., np.newaxis]
    unit = image_weight * unit + (1 - image_weight) * np.maximum(unit, grey * 1.5 + 0.5)
    return np.clip(unit + flakes + np.rot90(flakes, k=2), 0, 1) * 255


def brightness(image, random, shift):
    hsv = rgb2hsv(image / 255)
    hsv[..., 2] = np.clip(hsv[..., 2] + shift, 0, 1)
    return np.clip(hsv2rgb(hsv), 0, 1) * 255


def saturate(image, random, factor, shift):
    hsv = rgb2hsv(image / 255)
    hsv[..., 1] = np.clip(hsv[..., 1] * factor + shift, 0, 1)
    return np.clip(hsv2rgb(hsv), 0, 1) * 255


def contrast(image, random, factor):
    unit = image / 255
    mean = np.mean(unit, axis=(0, 1), keepdims=True)
    return np.clip((unit - mean) * factor + mean, 0, 1) * 255


def pixelate(image, random, fraction):
    height, width = image.shape[:2]
    small = Image.fromarray(image).resize((int(width * fraction), int(height * fraction)), Image.BOX)
    return np.array(small.resize((width, height), Image.BOX))


def jpeg_compression(image, random, quality):
    file = BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def warp_today(image, matrix):
    """By the installed OpenCV; version 5 interpolates more finely than those that made the data sets."""
    return cv2.warpAffine(image, matrix, image.shape[1::-1], borderMode=cv2.BORDER_REFLECT_101)


def warp_of_its_time(image, matrix):
    """As OpenCV 2 to 4: positions in 1/1024 pixel, rounded to 1/32 in whole numbers, four neighbours in float32."""
    height, width = image.shape[:2]
    inverse = cv2.invertAffineTransform(matrix)
    row, column = np.arange(height)[:, np.newaxis], np.arange(width)
    positions = []
    for axis in range(2):
        start = np.rint((inverse[axis, 1] * row + inverse[axis, 2]) * 1024).astype(int) + 16
        positions.append((start + np.rint(inverse[axis, 0] * column * 1024).astype(int)) >> 5)
    x, y = positions

    def pixels(rows, columns):
        mirrored = np.pad(image, ((size_h := 4 * height,) * 2, (size_w := 4 * width,) * 2, (0, 0)), mode="reflect")
        return mirrored[rows + size_h, columns + size_w]

    right, below = np.float32(x % 32 / 32)[..., np.newaxis], np.float32(y % 32 / 32)[..., np.newaxis]
    x, y = x // 32, y // 32
    warped = pixels(y, x) * ((1 - below) * (1 - right))
    warped += pixels(y, x + 1) * ((1 - below) * right)
    warped += pixels(y + 1, x) * (below * (1 - right))
    warped += pixels(y + 1, x + 1) * (below * right)
    return warped


def elastic_transform(image, random, alpha, sigma, affine, warp=warp_today):
    unit = np.array(image, dtype=np.float32) / 255
    height, width = image.shape[:2]
    centre = np.float32([height, width]) // 2
    half = min(height, width) // 3
    corners = np.float32([centre + half, [centre[0] + half, centre[1] - half], centre - half])
    moved = corners + random.uniform(-affine, affine, size=corners.shape).astype(np.float32)
    unit = warp(unit, cv2.getAffineTransform(corners, moved))
    right, down = (
        (gaussian(random.uniform(-1, 1, size=(height, width)), sigma, mode="reflect", truncate=3) * alpha)
        .astype(np.float32)
        .reshape(height, width, 1)
        for _ in range(2)
    )
    x, y, z = np.meshgrid(np.arange(width), np.arange(height), np.arange(3))
    positions = [(y + down).reshape(-1, 1), (x + right).reshape(-1, 1), z.reshape(-1, 1)]
    return np.clip(map_coordinates(unit, positions, order=1, mode="reflect").reshape(unit.shape), 0, 1) * 255


def spatter(image, random, mean, deviation, sigma, threshold, strength, mud):
    unit = np.array(image, dtype=np.float32) / 255
    drops = gaussian(random.normal(size=image.shape[:2], loc=mean, scale=deviation), sigma=sigma)
    drops[drops < threshold] = 0
    if mud:
        cover = gaussian(np.float32(drops > threshold), sigma=strength)[..., np.newaxis]
        cover[cover < 0.8] = 0
        brown = np.float32([63, 42, 20]) / np.float32(255)
        unit *= 1 - cover
        return np.clip(unit + brown * cover, 0, 1) * 255
    drops = (drops * 255).astype(np.uint8)
    distance = cv2.distanceTransform(255 - cv2.Canny(drops, 50, 150), cv2.DIST_L2, 5)
    _, distance = cv2.threshold(distance, 20, 20, cv2.THRESH_TRUNC)
    distance = cv2.equalizeHist(cv2.blur(distance, (3, 3)).astype(np.uint8))
    distance = cv2.filter2D(distance, cv2.CV_8U, np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]))
    cover = (drops * cv2.blur(distance, (3, 3)).astype(np.float32))[..., np.newaxis]
    cover /= cover.max()
    cover *= strength
    turquoise = np.float32([175 / 255, 238 / 255, 238 / 255])
    return np.clip(unit + cover * turquoise, 0, 1) * 255
