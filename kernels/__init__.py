"""Block-sparse inference: one packed format, kernels for CPUs (`cpu`) and GPUs (`gpu`), and what both share."""
