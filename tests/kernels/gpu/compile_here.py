"""All that tests/kernels/gpu/test_compile_ahead.py looks at, compiled in one process: torch and triton take as long to import as three
variants to compile. Prints it as JSON."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from indirect_gemm import found

from kernels.gpu import compile_ahead
from kernels.gpu.compile_ahead import VARIANTS, facts

# `python -m kernels.gpu.compile_ahead` has all of them on both; the launchers' calls are of convolutions in float16 and of all dtypes.
LATE = [VARIANTS[index] for index in (0, 2, 5, 7, 10, 12)]
EARLY = [VARIANTS[index] for index in (1, 6, 11)]

rows = [facts(variant, 90) for variant in LATE] + [facts(variant, 80) for variant in EARLY]
compile_ahead.VARIANTS = VARIANTS[5:6]  # compiled already
sys.argv = ["compile_ahead", "--sm", "90", "--json", sys.argv[1]]
status = None
try:
    compile_ahead.main()
except SystemExit as end:
    status = end.code
indirect = found()
from launch_ahead import FOUND  # last, because it changes the kernel  # noqa: E402

print(json.dumps({"rows": rows, "status": status, "indirect": indirect, "launched": FOUND}))
