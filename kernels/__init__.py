"""Block-sparse weights: linear layers and convolutions that skip blocks of zeros, in C++ on the CPU and in Triton on the GPU."""

from kernels.packed import Packed, block_mask, load_packed, pack, save_packed, unpack

__all__ = ["Packed", "block_mask", "load_packed", "pack", "save_packed", "unpack"]
