"""RandomState.random_sample, number for number, several times faster: the Mersenne Twister a block at a time.

The twister (Matsumoto & Nishimura, 1998) turns 624 words of state into 624 others, nearly all of them independently:
compiled loops over a block keep a processor's vector units busy, NumPy's number after number does not.
"""

import numpy as np
from numba import njit

BLOCK = 312  # numbers of 53 bits, two words each

U32 = np.uint32


def uniforms(words: list[int], count: int) -> np.ndarray:
    """float64[count]: the first uniform numbers of RandomState(words)."""
    numbers = np.empty(-(-count // BLOCK) * BLOCK)
    _fill(np.array(words, U32), numbers)
    return numbers[:count]


@njit(cache=True, nogil=True)
def _fill(words, numbers):
    """Fills float64[n * BLOCK]."""
    state = np.empty(624, U32)
    state[0] = U32(19650218)
    for i in range(1, 624):
        before = state[i - 1]
        state[i] = U32(1812433253) * (before ^ (before >> U32(30))) + U32(i)
    for step in range(1247):
        i = step % 623 + 1
        before = state[i - 1]
        before ^= before >> U32(30)
        if step < 624:
            k = step % len(words)
            state[i] = (state[i] ^ (before * U32(1664525))) + words[k] + U32(k)
        else:
            state[i] = (state[i] ^ (before * U32(1566083941))) - U32(i)
        if i == 623:
            state[0] = state[623]
    state[0] = U32(0x80000000)

    for start in range(0, len(numbers), 312):
        # Three stretches, each of which reads what an earlier one has written.
        for k in range(227):
            state[k] = state[k + 397] ^ _twist(state[k], state[k + 1])
        for k in range(227, 623):
            state[k] = state[k - 227] ^ _twist(state[k], state[k + 1])
        state[623] = state[396] ^ _twist(state[623], state[0])
        for j in range(312):
            high, low = _temper(state[2 * j]) >> U32(5), _temper(state[2 * j + 1]) >> U32(6)
            numbers[start + j] = (np.int64(high) * 67108864.0 + np.int64(low)) / 9007199254740992.0


@njit(cache=True, nogil=True)
def _twist(word, following):
    mixed = (word & U32(0x80000000)) | (following & U32(0x7FFFFFFF))
    return (mixed >> U32(1)) ^ ((mixed & U32(1)) * U32(0x9908B0DF))


@njit(cache=True, nogil=True)
def _temper(word):
    word ^= word >> U32(11)
    word ^= (word << U32(7)) & U32(0x9D2C5680)
    word ^= (word << U32(15)) & U32(0xEFC60000)
    return word ^ (word >> U32(18))
