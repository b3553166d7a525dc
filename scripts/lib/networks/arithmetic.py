"""Which instructions torch computes with on a CPU: the same on every x86-64 processor with AVX2, or the fastest that each has.

Floating-point sums are rounded in an order that follows from the width of vectors and from the code a library chooses for a
processor, and a few hundred steps of training make other weights out of other last bits.
"""

import os

import torch

# Each library reads its variable when it first computes. MKL gives processors of different makers code of their own for AVX2
# as well; COMPATIBLE is the one path that is the same on all of them (oneMKL Developer Guide, Conditional Numerical Reproducibility).
PINS = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_CBWR": "COMPATIBLE"}
PORTABLE = "portable: AVX2"


def set_arithmetic(name: str) -> str:
    """`portable` or `fastest`, for all that torch computes on CPUs in this process; what it computes with, for the records.

    Portable numbers are the same on every x86-64 processor with AVX2 and FMA, for the same version of torch and one thread. Without
    these instructions a processor computes as with `fastest`, and the answer says so. Raises RuntimeError if torch has computed
    something already, with other instructions.
    """
    able = torch.cpu.get_capabilities()
    if name == "portable" and able.get("avx2") and able.get("fma3"):
        os.environ.update(PINS)
        used = torch.backends.cpu.get_cpu_capability()
        if used != "AVX2":
            raise RuntimeError(f"torch computes with {used} since before set_arithmetic: call that first.")
        return PORTABLE
    used = torch.backends.cpu.get_cpu_capability()
    why = ", as there is no AVX2" if name == "portable" else ""
    return f"of {able.get('cpu_name') or able['architecture']}: {used}{why}"
