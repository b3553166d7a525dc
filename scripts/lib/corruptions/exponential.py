"""The exponential function, the same on every machine."""

from decimal import Decimal


def exp(x: float) -> float:
    """e ** x, correctly rounded.

    NumPy's and the C library's may be off by the last bit, depending on the processor. In even areas, which truncation
    puts on the edge between two levels, that bit decides about whole levels.
    """
    return float(Decimal(x).exp())
