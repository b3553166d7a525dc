"""The numbers of NumPy's RandomState, number for number, several times faster: the Mersenne Twister a block at a time.

The twister (Matsumoto & Nishimura, 1998) turns 624 words of state into 624 others, nearly all of them independently:
compiled loops over a block keep a processor's vector units busy, NumPy's number after number does not.

A twister is a tuple of arrays: its state uint32[624], the random words made of it uint32[624], and int64[1]: how many
of those are used.
"""

import math

import numpy as np
from numba import njit

SIZE = 624
U32 = np.uint32

Twister = tuple[np.ndarray, np.ndarray, np.ndarray]


def new_twister() -> Twister:
    """A generator whose state is yet to be set, by `seed`."""
    return np.empty(SIZE, U32), np.empty(SIZE, U32), np.array([SIZE])


@njit(cache=True, nogil=True)
def seed(twister, key):
    """As RandomState(key) does, key uint32[n]."""
    state, _, used = twister
    state[0] = U32(19650218)
    for i in range(1, 624):
        before = state[i - 1]
        state[i] = U32(1812433253) * (before ^ (before >> U32(30))) + U32(i)
    for step in range(1247):
        i = step % 623 + 1
        before = state[i - 1]
        before ^= before >> U32(30)
        if step < 624:
            k = step % len(key)
            state[i] = (state[i] ^ (before * U32(1664525))) + key[k] + U32(k)
        else:
            state[i] = (state[i] ^ (before * U32(1566083941))) - U32(i)
        if i == 623:
            state[0] = state[623]
    state[0] = U32(0x80000000)
    used[0] = SIZE


@njit(cache=True, nogil=True)
def refill(twister):
    """The next 624 words."""
    state, words, used = twister
    # Three stretches, each of which reads what an earlier one has written.
    for k in range(227):
        state[k] = state[k + 397] ^ _twist(state[k], state[k + 1])
    for k in range(227, 623):
        state[k] = state[k - 227] ^ _twist(state[k], state[k + 1])
    state[623] = state[396] ^ _twist(state[623], state[0])
    for k in range(SIZE):
        word = state[k]
        word ^= word >> U32(11)
        word ^= (word << U32(7)) & U32(0x9D2C5680)
        word ^= (word << U32(15)) & U32(0xEFC60000)
        words[k] = word ^ (word >> U32(18))
    used[0] = 0


@njit(cache=True, nogil=True)
def _twist(word, following):
    mixed = (word & U32(0x80000000)) | (following & U32(0x7FFFFFFF))
    return (mixed >> U32(1)) ^ ((mixed & U32(1)) * U32(0x9908B0DF))


@njit(cache=True, nogil=True)
def _number(high, low):
    """From 0 to 1, of 53 bits of two words."""
    return (np.int64(high >> U32(5)) * 67108864.0 + np.int64(low >> U32(6))) * 2.0**-53


@njit(cache=True, nogil=True)
def uniforms(twister, out):
    """random_sample: fills float64[n]."""
    _, words, used = twister
    filled = 0
    while filled < len(out):
        if used[0] >= SIZE - 1:
            # A number may need the last word of one block and the first of the next.
            last, rest = words[SIZE - 1], SIZE - used[0]
            refill(twister)
            if rest:
                out[filled] = _number(last, words[0])
                filled += 1
                used[0] = 1
            continue
        first = used[0]
        count = min((SIZE - first) // 2, len(out) - filled)
        for i in range(count):
            out[filled + i] = _number(words[first + 2 * i], words[first + 2 * i + 1])
        filled += count
        used[0] = first + 2 * count


@njit(cache=True, nogil=True)
def normals(twister, out):
    """standard_normal: fills float64[n], by Marsaglia's polar method, which makes two of two and rejects some.

    Of an odd number the last one's twin is lost, unlike in RandomState, where the next normal number would be it.
    """
    used = twister[2]
    numbers, radii, places = np.empty(SIZE // 2), np.empty(SIZE // 4), np.empty(SIZE // 4, np.int64)
    filled = 0
    while filled < len(out):
        if used[0] == SIZE:
            refill(twister)
        # What is left of this block, so that what turns out not to be needed can be given back.
        count = max(SIZE - used[0] >> 2, 1) * 2
        uniforms(twister, numbers[:count])
        # First all pairs within the unit circle, without a branch, then the costly part for those only.
        inside = 0
        for i in range(0, count, 2):
            x, y = 2.0 * numbers[i] - 1.0, 2.0 * numbers[i + 1] - 1.0
            radius = x * x + y * y
            radii[inside], places[inside] = radius, i
            inside += (radius < 1.0) & (radius != 0.0)
        for j in range(inside):
            i, radius = places[j], radii[j]
            stretch = math.sqrt(-2.0 * math.log(radius) / radius)
            out[filled] = stretch * (2.0 * numbers[i + 1] - 1.0)
            if filled + 1 < len(out):
                out[filled + 1] = stretch * (2.0 * numbers[i] - 1.0)
            filled += 2
            if filled >= len(out):
                used[0] -= 2 * (count - i - 2)
                break


@njit(cache=True, nogil=True)
def integers(twister, limit, out):
    """randint(limit): fills int64[n], each from a word's lowest bits, words that are too large left out."""
    _, words, used = twister
    mask = U32(0)
    while mask < limit - 1:
        mask = mask * U32(2) + U32(1)
    filled = 0
    while filled < len(out):
        if mask == 0:  # nothing to choose takes no word
            out[:] = 0
            break
        if used[0] == SIZE:
            refill(twister)
        i = used[0]
        while i < SIZE and filled < len(out):
            word = words[i] & mask
            out[filled] = word
            filled += word < limit
            i += 1
        used[0] = i


@njit(cache=True, nogil=True)
def impulses(twister, amount, image):
    """A number for each value of uint8[n] whether it changes, then one whether to white."""
    numbers = np.empty(2 * len(image))
    uniforms(twister, numbers)
    for i in range(len(image)):
        white = np.uint8(255) if numbers[len(image) + i] < 0.5 else np.uint8(0)
        image[i] = white if numbers[i] < amount else image[i]
