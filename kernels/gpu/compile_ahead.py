"""Compile the GPU kernel for a GPU that is not there, and read what the assembler made of it: no driver is needed.

    python -m kernels.gpu.compile_ahead [--sm 90] [--json FILE]

The interpreter says whether results are right; this says whether the code is fast code: registers, spills, shared memory,
tensor-core instructions, the width of copies and how many tiles are in flight.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import triton
import triton.backends.nvidia
import triton.language as tl
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from kernels.gpu.triton_gemm import gemm_kernel

BIN = Path(triton.backends.nvidia.__file__).parent / "bin"
SHARED = {80: 163 * 1024, 86: 99 * 1024, 89: 99 * 1024, 90: 227 * 1024}  # bytes a program may have
SIZE = {"fp32": 4, "fp16": 2, "bf16": 2, "i8": 1, "fp8e4nv": 1}


@dataclass(frozen=True)
class Variant:
    """One compiled form of the kernel; the names are the kernel's, bk is of one narrow tile."""

    dtype: str
    bm: int
    bn: int
    bk: int
    group: int
    warps: int
    stages: int
    image: bool = True
    split: int = 1
    activation: str | None = "relu"
    precision: str = "tf32"
    next: bool = False


@dataclass(frozen=True)
class Code:
    """What the compiler made of a variant."""

    registers: int
    stack: int  # bytes
    spills: int  # loads and stores of local memory
    shared: int  # bytes
    depth: int  # tiles of x in flight, 0 where x does not pass through shared memory
    depth_w: int
    wgmma: int
    mma: int
    copies16: int  # asynchronous copies by their width in bytes
    copies8: int
    copies4: int
    loads: int  # synchronous loads from global memory


def compile_kernel(
    kernel: triton.JITFunction,
    types: dict[str, str],
    constants: dict,
    aligned: set[str],
    sm: int,
    warps: int,
    stages: int,
) -> triton.compiler.CompiledKernel:
    """Compile any kernel for compute capability sm / 10. Raises whatever Triton raises for code that the GPU cannot take.

    types: "*fp16", "fp32", ... of arguments, i32 for those not named; constants: what is fixed; aligned: arguments that are
    multiples of 16 besides the pointers, as Triton would see at run time.
    """
    if not isinstance(kernel, triton.JITFunction):
        raise ValueError("TRITON_INTERPRET is set, so the kernel cannot be compiled: run this in a process without it.")
    signature = {name: "constexpr" if name in constants else types.get(name, "i32") for name in kernel.arg_names}
    hints = {
        (i,): [["tt.divisibility", 16]]
        for i, name in enumerate(kernel.arg_names)
        if name in aligned or signature[name].startswith("*")
    }
    source = ASTSource(fn=kernel, signature=signature, constexprs=constants, attrs=hints)
    options = {"num_warps": warps, "num_stages": stages}
    return triton.compile(source, target=GPUTarget("cuda", sm, 32), options=options)


def compile_variant(variant: Variant, sm: int) -> Code:
    """What becomes of a variant on compute capability sm / 10."""
    v = variant
    constants = dict(
        BM=v.bm, BN=v.bn, BK=v.bk * v.group, G=v.group, SPLIT=v.split, IMAGE=v.image, ACTIVATION=v.activation,
        ACC=tl.int32 if v.dtype == "i8" else tl.float32, PRECISION=v.precision,
    )  # fmt: skip
    y = v.dtype if SIZE[v.dtype] > 1 else "fp32"
    types = dict(
        x_ptr=f"*{v.dtype}", w_ptr=f"*{v.dtype}", offset_ptr="*i32", first_ptr="*i32", order_ptr="*i32", y_ptr=f"*{y}",
        bias_ptr="*fp32", residual_ptr=f"*{y}", x_scale="fp32", out_scale="fp32",
    )  # fmt: skip
    if v.next:
        types |= dict(next_ptr=f"*{y}", gain_ptr="*fp32", shift_ptr="*fp32")
    else:
        constants |= dict(next_ptr=None, gain_ptr=None, shift_ptr=None)
    if SIZE[v.dtype] == 1:
        types["scale_ptr"] = "*fp32"
    else:
        constants["scale_ptr"] = None
    if v.split > 1:
        types["part_ptr"] = "*i32" if v.dtype == "i8" else "*fp32"
    else:
        constants["part_ptr"] = None
    # N and the strides of y and residual are multiples of 16 where N is; the kernel needs no such luck from those of x.
    aligned = {"N"} | {name for name in gemm_kernel.arg_names if name.startswith(("y_", "r_", "next_"))}
    compiled = compile_kernel(gemm_kernel, types, constants, aligned, sm, v.warps, v.stages)
    return read(compiled, v.bm, v.bn, v.bk * v.group)


def read(compiled: triton.compiler.CompiledKernel, bm: int, bn: int, depth: int) -> Code:
    """Registers and instructions from the binary, tiles in flight from the buffers that Triton allocated."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(compiled.asm["cubin"])
        file.flush()
        usage = _tool("cuobjdump", "-res-usage", file.name)
        code = _tool("nvdisasm", "-c", file.name)

    def number(name: str) -> int:
        return int(re.search(rf"{name}:(\d+)", usage)[1])

    def count(pattern: str) -> int:
        return len(re.findall(pattern, code))

    def buffers(rows: int, columns: int) -> int:
        found = re.findall(rf"ttg\.local_alloc.*memdesc<(\d+)x{rows}x{columns}x", compiled.asm["ttgir"])
        return max(map(int, found), default=0)

    wide, middle = count(r"LDGSTS\S*\.128"), count(r"LDGSTS\S*\.64")
    return Code(
        registers=number("REG"),
        stack=number("STACK"),
        spills=count(r"\b(?:LDL|STL)\b"),
        shared=compiled.metadata.shared,
        depth=buffers(bm, depth),
        depth_w=buffers(depth, bn),
        wgmma=count(r"\b(?:HGMMA|QGMMA|IGMMA)\b"),
        mma=count(r"\b(?:HMMA|IMMA|QMMA)\b"),
        copies16=wide,
        copies8=middle,
        copies4=count(r"LDGSTS") - wide - middle,
        loads=count(r"\bLDG\b"),
    )


def _tool(name: str, *arguments: str) -> str:
    done = subprocess.run([BIN / name, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name}, which comes with triton, failed: {done.stderr.strip()}")
    return done.stdout


def complaints(variant: Variant, code: Code, sm: int) -> list[str]:
    """What is wrong with the code, in sentences; none is what every variant in VARIANTS must get."""
    found = []
    if code.spills or code.stack:
        found.append(f"{code.spills} instructions and {code.stack} bytes of stack spill registers")
    if code.shared > SHARED[sm]:
        found.append(f"{code.shared} bytes of shared memory are more than the {SHARED[sm]} there are")
    if code.registers * variant.warps * 32 > 65536:
        found.append(f"{code.registers} registers a thread do not fit")
    # On sm_90 the dot of 64 rows and more is warp-group wide; "ieee" has no tensor cores at all.
    if variant.precision != "ieee" and not (code.wgmma if sm == 90 and variant.bm >= 64 else code.mma + code.wgmma):
        found.append("no tensor-core instruction")
    if not code.copies16 or code.copies4 or code.copies8:
        found.append(f"{code.copies4 + code.copies8} copies are narrower than 16 bytes and {code.copies16} are not")
    if (
        sm >= 90
        and variant.bm >= 64
        and variant.precision != "ieee"
        and (code.depth, code.depth_w) != (variant.stages,) * 2
    ):
        found.append(f"{code.depth} tiles of x and {code.depth_w} of w are in flight, not {variant.stages}")
    return found


VARIANTS = (
    Variant("fp16", 128, 64, 64, 1, 4, 4),
    Variant("fp16", 128, 64, 16, 4, 4, 4),
    Variant("fp16", 128, 128, 16, 4, 8, 4),
    Variant("fp16", 64, 32, 32, 2, 4, 4),
    Variant("fp16", 64, 16, 16, 4, 4, 4, image=False, activation="gelu"),
    Variant("fp16", 16, 64, 16, 4, 4, 4, image=False, split=4),
    Variant("fp16", 128, 64, 16, 4, 4, 4, next=True),
    Variant("bf16", 128, 64, 16, 4, 4, 4),
    Variant("bf16", 128, 32, 32, 1, 4, 4),
    Variant("fp32", 128, 64, 16, 2, 8, 4),
    Variant("fp32", 64, 64, 16, 2, 4, 3, image=False, precision="ieee"),
    Variant("i8", 128, 64, 16, 4, 4, 4),
    Variant("fp8e4nv", 128, 64, 16, 4, 4, 4),
)


def facts(variant: Variant, sm: int) -> dict:
    """A variant, its code and the complaints about it, as JSON has them."""
    code = compile_variant(variant, sm)
    return {"sm": sm, "variant": asdict(variant), "code": asdict(code), "complaints": complaints(variant, code, sm)}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--sm", type=int, nargs="*", default=[80, 90], choices=SHARED, help="compute capability times ten"
    )
    parser.add_argument("--json", type=Path, help="also write the facts here")
    arguments = parser.parse_args()
    rows = []
    for sm in arguments.sm:
        for variant in VARIANTS:
            if variant.dtype == "fp8e4nv" and sm < 89:
                continue  # no such tensor cores
            row = facts(variant, sm)
            rows.append(row)
            v, code, wrong = variant, Code(**row["code"]), row["complaints"]
            print(
                f"sm_{sm} {v.dtype:8s}{v.bm:4d}x{v.bn:3d}x({v.group}x{v.bk:2d}) warps {v.warps} stages {v.stages} split {v.split}"
                f" | registers {code.registers:3d} shared {code.shared:6d} depth {code.depth}/{code.depth_w} wgmma {code.wgmma:3d}"
                f" mma {code.mma:3d} copies {code.copies16}/{code.copies8}/{code.copies4} loads {code.loads:3d} | {'; '.join(wrong) or 'fine'}",
                flush=True,
            )
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")
    sys.exit(any(row["complaints"] for row in rows))


if __name__ == "__main__":
    main()
