"""Sizes of convolutions, shared by all kernels."""

Pair = tuple[int, int]


def check_steps(stride: Pair, dilation: Pair = (1, 1), padding: Pair = (0, 0)) -> None:
    """ValueError unless stride and dilation are at least 1 and padding at least 0."""
    if min(stride) > 0 and min(dilation) > 0 and min(padding) >= 0:
        return
    for name, steps, least in (("stride", stride, 1), ("dilation", dilation, 1), ("padding", padding, 0)):
        if min(steps) < least:
            raise ValueError(f"{name} is {steps} and must be at least {least}.")


def output_size(size: Pair, kernel_size: Pair, stride: Pair = (1, 1), dilation: Pair = (1, 1)) -> Pair:
    """Height and width of a convolution's output for an input whose halo is part of `size`; ValueError if nothing is left."""
    check_steps(stride, dilation)
    height = (size[0] - dilation[0] * (kernel_size[0] - 1) - 1) // stride[0] + 1
    width = (size[1] - dilation[1] * (kernel_size[1] - 1) - 1) // stride[1] + 1
    if height < 1 or width < 1:
        raise ValueError(
            f"an input of {size[0]} x {size[1]}, halo included, is too small for a {kernel_size[0]} x {kernel_size[1]} kernel."
        )
    return height, width
