"""The C++ kernel and gather + bmm against dense float64, and the build of the C++ kernel."""

import ctypes
import dataclasses
import logging
import multiprocessing
import os
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import reference
from kernels.cpu import block_sparse as cpu
from kernels.cpu.gather import GatherWeight
from kernels.packed import LARGEST, Packed, pack, unpack
from kernels.reference import relative_rms

KINDS = ["c++", "gather"]
TOLERANCE = 1e-6
ROOT = Path(cpu.__file__).parents[2]

needs_compiler = pytest.mark.skipif(cpu.find_compiler() is None, reason="there is no C++ compiler")


def lay_out(kind: str, packed: Packed, bias: torch.Tensor | None = None):
    if kind == "gather":
        return GatherWeight(packed, bias)
    if cpu.find_compiler() is None:
        pytest.skip("there is no C++ compiler")
    weight = cpu.prepare(packed, bias)
    assert isinstance(weight, cpu.CpuWeight)
    return weight


def sparse(shape: tuple[int, ...], bn: int, bk: int, density: float = 0.5, **options) -> Packed:
    """A random weight whose blocks are kept with that probability."""
    rows, columns = -(-shape[0] // bn), torch.Size(shape[1:]).numel() // bk
    return pack(torch.randn(shape), bn, bk, mask=torch.rand(rows, columns) < density, **options)


def strided(x: torch.Tensor, layout: str) -> torch.Tensor:
    """The same values in other places."""
    if layout == "contiguous":
        return x.contiguous()
    if layout == "transposed":
        return x.transpose(0, -1).contiguous().transpose(0, -1)
    if layout == "every second channel":
        return torch.stack([x, torch.full_like(x, torch.nan)], -1).flatten(-2)[..., ::2]
    wide = x.new_full((*x.shape[:-1], x.shape[-1] + 3), torch.nan)  # rows with a gap
    wide[..., 2:-1] = x
    return wide[..., 2:-1]


LAYOUTS = ["contiguous", "transposed", "every second channel", "rows with a gap"]


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("bk", [1, 3, 4, 16])
@pytest.mark.parametrize("bn", [4, 5, 8, 16, 32, 64, 128])
@pytest.mark.parametrize("kind", KINDS)
def test_linear_of_every_block(kind, bn, bk):
    packed = sparse((2 * bn + 3, 48), bn, bk)  # the last block row is not full
    bias = torch.randn(packed.shape[0])
    weight = lay_out(kind, packed, bias)
    for m in (1, 3, 64):
        x, residual = torch.randn(m, 48), torch.randn(m, packed.shape[0])
        expected = reference.linear(x, unpack(packed), bias, residual, "relu")
        assert relative_rms(cpu.linear(x, weight, residual, "relu"), expected) <= TOLERANCE


@pytest.mark.parametrize("n", [1, 3, 63, 65])
@pytest.mark.parametrize("bn", [2, 7, 48, 100, 300])
@pytest.mark.parametrize("kind", KINDS)
def test_any_number_of_channels_and_any_block_height(kind, bn, n):
    packed = sparse((n, 12), bn, 4)
    x, bias = torch.randn(9, 12), torch.randn(n)
    y = cpu.linear(x, lay_out(kind, packed, bias))
    assert relative_rms(y, reference.linear(x, unpack(packed), bias)) <= TOLERANCE


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(1,), (3,), (64,), (2, 5), (2, 3, 4), ()])
@pytest.mark.parametrize("kind", KINDS)
def test_linear_reads_any_shape_and_strides(kind, shape, layout):
    packed = sparse((20, 24), 8, 4)
    x = strided(torch.randn(*shape, 24), layout)
    y = cpu.linear(x, lay_out(kind, packed))
    assert y.shape == (*shape, 20)
    assert relative_rms(y, reference.linear(x, unpack(packed))) <= TOLERANCE


@pytest.mark.parametrize("kind", KINDS)
def test_no_rows_give_no_rows(kind):
    weight = lay_out(kind, sparse((8, 8), 4, 4))
    assert cpu.linear(torch.ones(0, 8), weight).shape == (0, 8)
    assert cpu.linear(torch.ones(2, 0, 8), weight).shape == (2, 0, 8)


@pytest.mark.parametrize("residual", [False, True], ids=["", "residual"])
@pytest.mark.parametrize("bias", [False, True], ids=["", "bias"])
@pytest.mark.parametrize("activation", [None, "relu", "gelu"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_follows_the_product(kind, activation, bias, residual):
    packed = sparse((21, 16), 8, 4)
    x = torch.randn(2, 5, 16)
    bias = torch.randn(21) if bias else None
    residual = torch.randn(2, 5, 21) if residual else None
    y = cpu.linear(x, lay_out(kind, packed, bias), residual, activation)
    assert relative_rms(y, reference.linear(x, unpack(packed), bias, residual, activation)) <= TOLERANCE


@pytest.mark.parametrize("padding", [(0, 0), (1, 2)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (2, 1)])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 1)])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (5, 5), (3, 1)])
@pytest.mark.parametrize("kind", KINDS)
def test_conv_of_every_geometry(kind, kernel, dilation, stride, padding):
    packed = sparse((20, 8, *kernel), 8, 4)
    bias, x = torch.randn(20), torch.randn(2, 10, 11, 8)
    expected = reference.conv2d(x, unpack(packed), bias, None, "relu", None, stride, padding, dilation)
    residual = torch.randn(expected.shape)
    expected = reference.conv2d(x, unpack(packed), bias, residual, "relu", None, stride, padding, dilation)
    above, left = padding
    halo = torch.nn.functional.pad(x, (0, 0, left, left, above, above))
    y = cpu.conv2d(halo, lay_out(kind, packed, bias), stride, dilation, residual, "relu")
    assert relative_rms(y, expected) <= TOLERANCE


@pytest.mark.parametrize("layout", [*LAYOUTS, "channels first"])
@pytest.mark.parametrize("kind", KINDS)
def test_conv_reads_any_strides(kind, layout):
    packed = sparse((12, 8, 3, 3), 4, 4)
    x, residual = torch.randn(2, 6, 7, 8), torch.randn(2, 4, 5, 12)
    if layout == "channels first":
        places = [tensor.permute(0, 3, 1, 2).contiguous().permute(0, 2, 3, 1) for tensor in (x, residual)]
    else:
        places = [strided(tensor, layout) for tensor in (x, residual)]
    y = cpu.conv2d(places[0], lay_out(kind, packed), residual=places[1])
    assert relative_rms(y, reference.conv2d(x, unpack(packed), None, residual)) <= TOLERANCE


@pytest.mark.parametrize("kind", KINDS)
def test_conv_of_no_images(kind):
    assert cpu.conv2d(torch.ones(0, 4, 4, 4), lay_out(kind, sparse((8, 4, 3, 3), 4, 4))).shape == (0, 2, 2, 8)


@pytest.mark.parametrize("density", [0.0, 1.0])
@pytest.mark.parametrize("shape", [(20, 16), (20, 16, 3, 3)])
@pytest.mark.parametrize("kind", KINDS)
def test_all_blocks_or_none(kind, shape, density):
    packed = sparse(shape, 8, 4, density)
    assert packed.density == density
    bias, x = torch.randn(20), torch.randn(2, 5, 6, 16)
    kernel, dense = (cpu.linear, reference.linear) if len(shape) == 2 else (cpu.conv2d, reference.conv2d)
    assert relative_rms(kernel(x, lay_out(kind, packed, bias)), dense(x, unpack(packed), bias)) <= TOLERANCE


@pytest.mark.parametrize("kind", KINDS)
def test_block_rows_without_blocks_give_the_bias(kind):
    mask = torch.tensor([[False] * 4, [True] * 4, [False] * 4])
    packed, bias, x = pack(torch.randn(20, 16), 8, 4, mask=mask), torch.randn(20), torch.randn(3, 16)
    y = cpu.linear(x, lay_out(kind, packed, bias))
    assert torch.equal(y[:, :8], bias[:8].expand(3, 8)) and torch.equal(y[:, 16:], bias[16:].expand(3, 4))
    assert relative_rms(y, reference.linear(x, unpack(packed), bias)) <= TOLERANCE


@pytest.mark.parametrize("dtype", [*LARGEST, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("shape", [(21, 16), (21, 16, 3, 3)])
@pytest.mark.parametrize("kind", KINDS)
def test_narrow_values_are_widened_and_scaled(kind, shape, dtype):
    packed = sparse(shape, 8, 4, dtype=dtype)
    unscaled = unpack(dataclasses.replace(packed, values=packed.values.float(), scale=None))
    bias, x = torch.randn(21), torch.randn(2, 5, 6, 16)
    kernel, dense = (cpu.linear, reference.linear) if len(shape) == 2 else (cpu.conv2d, reference.conv2d)
    expected = dense(x, unscaled, bias, scale=packed.scale)
    assert relative_rms(kernel(x, lay_out(kind, packed, bias)), expected) <= TOLERANCE


@pytest.mark.parametrize("n", [16, 21])
@pytest.mark.parametrize("kind", KINDS)
def test_a_residual_may_be_overwritten(kind, n):
    packed, x, y = sparse((n, 8, 3, 3), 8, 4), torch.randn(2, 7, 8, 8), torch.randn(2, 5, 6, n)
    expected = reference.conv2d(x, unpack(packed), None, y.clone(), "relu")
    lay_out(kind, packed)(x, y, y, relu=True)
    assert relative_rms(y, expected) <= TOLERANCE


@pytest.mark.parametrize("n", [16, 21])
@pytest.mark.parametrize("kind", KINDS)
def test_the_next_halo_stays_untouched(kind, n):
    packed, x = sparse((n, 8, 3, 3), 8, 4), torch.randn(2, 7, 8, 8)
    halo = torch.full((2, 5 + 2, 6 + 4, n), -7.0)
    inside = halo[:, 1:-1, 2:-2]
    lay_out(kind, packed)(x, inside)
    assert relative_rms(inside, reference.conv2d(x, unpack(packed))) <= TOLERANCE
    assert halo.eq(-7).sum() == halo.numel() - inside.numel()


@pytest.mark.parametrize("kind", KINDS)
def test_relu_lets_nan_through(kind):
    weight = lay_out(kind, pack(torch.eye(21), 8, 1))
    x = torch.full((1, 21), torch.nan)
    assert cpu.linear(x, weight, activation="relu").isnan().all()


@st.composite
def convolutions(draw):
    """(packed, x, stride, dilation): any small convolution or linear layer that leaves an output."""
    bn, bk = draw(st.integers(1, 40)), draw(st.integers(1, 6))
    n, channels = draw(st.integers(1, 70)), bk * draw(st.integers(1, 3))
    kernel, stride, dilation = (draw(st.tuples(st.integers(1, most), st.integers(1, most))) for most in (3, 3, 2))
    size = [dilation[i] * (kernel[i] - 1) + 1 + draw(st.integers(0, 8)) for i in (0, 1)]
    torch.manual_seed(draw(st.integers(0, 1000)))
    packed = sparse((n, channels, *kernel), bn, bk, draw(st.sampled_from([0.0, 0.1, 0.5, 1.0])))
    return packed, torch.randn(draw(st.integers(1, 3)), *size, channels), stride, dilation


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(case=convolutions(), activation=st.sampled_from([None, "relu", "gelu"]))
def test_any_convolution(kind, case, activation):
    """The error is measured by the sum of all absolute values: sums that cancel, and GELU's tail, keep no relative precision."""
    packed, x, stride, dilation = case
    bias = torch.randn(packed.shape[0])
    y = cpu.conv2d(x, lay_out(kind, packed, bias), stride, dilation, activation=activation)
    expected = reference.conv2d(x, unpack(packed), bias, None, activation, None, stride, 0, dilation)
    size = reference.conv2d(x.abs(), unpack(packed).abs(), bias.abs(), None, None, None, stride, 0, dilation)
    assert relative_rms(size + (y - expected), size) <= TOLERANCE


@needs_compiler
@pytest.mark.parametrize("size", [(1, 1, 1), (1, 5, 7), (3, 20, 21)])  # from one pixel, which splits the block rows, on
def test_threads_change_no_byte(size):
    packed = sparse((130, 16), 16, 4)
    x, weight = torch.randn(*size, 16), lay_out("c++", packed, torch.randn(130))
    results = []
    for threads in (1, 2, 4):
        y = torch.full((*size, 130), torch.nan)
        weight(x, y, threads=threads)
        results.append(y)
    assert not results[0].isnan().any()
    assert torch.equal(results[1], results[0]) and torch.equal(results[2], results[0])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bn", [4, 16, 32, 64])
@pytest.mark.parametrize("rows", [1, 13, 61])
def test_pixels_a_power_of_two_apart(kind, bn, rows):
    """Such rows are copied apart first, unless a tap reads other pixels; what lies behind the last kept block is not read."""
    packed = sparse((70, 1024), bn, 16)
    x, bias, residual = torch.randn(rows, 1024), torch.randn(70), torch.randn(rows, 70)
    y = cpu.linear(x, lay_out(kind, packed, bias), residual, "relu")
    assert relative_rms(y, reference.linear(x, unpack(packed), bias, residual, "relu")) <= TOLERANCE
    narrow = sparse((70, 1000), bn, 8)
    wide = torch.full((rows, 1024), torch.nan)
    wide[:, :1000] = x[:, :1000]
    y = cpu.linear(wide[:, :1000], lay_out(kind, narrow))
    assert relative_rms(y, reference.linear(x[:, :1000], unpack(narrow))) <= TOLERANCE
    for shape, stride in (((70, 1024, 1, 1), (2, 1)), ((70, 1024, 1, 2), (1, 1)), ((70, 1024, 2, 1), (1, 2))):
        packed = sparse(shape, bn, 32, 0.2)
        image = torch.randn(1, 3, 5, 1024)
        y = cpu.conv2d(image, lay_out(kind, packed), stride)
        assert relative_rms(y, reference.conv2d(image, unpack(packed), stride=stride)) <= TOLERANCE


@needs_compiler
def test_rows_that_are_copied_change_no_byte_with_threads():
    weight, x = lay_out("c++", sparse((130, 2048), 16, 16), torch.randn(130)), torch.randn(1, 1, 200, 2048)
    results = []
    for threads in (1, 2, 4):
        results.append(torch.full((1, 1, 200, 130), torch.nan))
        weight(x, results[-1], threads=threads)
    assert torch.equal(results[1], results[0]) and torch.equal(results[2], results[0])


@needs_compiler
def test_a_bound_call_reads_its_buffers_each_time():
    packed, x, y = sparse((12, 8), 4, 4), torch.zeros(1, 1, 5, 8), torch.empty(1, 1, 5, 12)
    call = lay_out("c++", packed).bind(x, y)
    for _ in range(2):
        x.normal_()
        call(1)
        assert relative_rms(y, reference.linear(x, unpack(packed))) <= TOLERANCE


def image(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.ones(shape, dtype=dtype)


@pytest.mark.parametrize(
    ("x", "y", "residual", "words"),
    [
        (image(1, 5, 5, 4), image(1, 3, 3, 12), None, r"x must be \[B, H, W, 8\], as the weight reads it"),
        (image(5, 5, 8), image(1, 3, 3, 12), None, r"x must be \[B, H, W, 8\]"),
        (image(1, 5, 2, 8), image(1, 3, 1, 12), None, "5 x 2, halo included, is too small for a 3 x 3 kernel"),
        (image(1, 5, 5, 8), image(1, 3, 2, 12), None, r"y must be \[1, 3, 3, 12\], not \[1, 3, 2, 12\]"),
        (image(1, 5, 5, 8), image(1, 3, 3, 12), image(12), r"residual must be \[1, 3, 3, 12\], not \[12\]"),
        (image(1, 5, 5, 8, dtype=torch.float64), image(1, 3, 3, 12), None, "x must be float32 on cpu, not torch.float64"),
        (image(1, 5, 5, 8), image(1, 3, 3, 12, dtype=torch.float16), None, "y must be float32"),
        (image(1, 8, 5, 5).permute(0, 2, 3, 1), image(1, 3, 3, 12), None, "the channels of x must be neighbours"),
        (image(1, 5, 5, 8), image(1, 12, 3, 3).permute(0, 2, 3, 1), None, "the channels of y must be neighbours"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", KINDS)
def test_buffers_that_do_not_fit_are_refused(kind, x, y, residual, words):
    with pytest.raises(ValueError, match=words) as error:
        lay_out(kind, sparse((12, 8, 3, 3), 4, 4))(x, y, residual)
    assert str(error.value).endswith(".") and "\n" not in str(error.value)


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_linear_layer_cannot_take_is_refused(kind):
    weight = lay_out(kind, sparse((12, 8), 4, 4))
    with pytest.raises(ValueError, match=r"x must be \[\.\.\., 8\], not \[3, 4\]"):
        cpu.linear(image(3, 4), weight)
    with pytest.raises(ValueError, match=r"x must be \[\.\.\., 8\], not \[\]"):
        cpu.linear(torch.tensor(1.0), weight)
    with pytest.raises(ValueError, match="there is no activation `tanh`: choose `relu` or `gelu`"):
        cpu.linear(image(3, 8), weight, activation="tanh")
    for residual in (image(12, 3), image(12), image(36)):
        with pytest.raises(ValueError, match=r"residual must be \[3, 12\]"):
            cpu.linear(image(3, 8), weight, residual)


def test_a_bias_of_another_length_is_refused():
    with pytest.raises(ValueError, match=r"the bias must be \[12\], one for each output channel, not \[8\]"):
        cpu.prepare(sparse((12, 8), 4, 4), torch.ones(8))


@needs_compiler
def test_a_weight_elsewhere_is_refused():
    with pytest.raises(ValueError, match="cannot read a weight on meta: move it with to"):
        cpu.CpuWeight(sparse((12, 8), 4, 4).to("meta"), None, cpu.library())


# The build. `library` remembers what it loaded; its own function does not.
load = cpu.library.__wrapped__


def answer(library: Path) -> int:
    return ctypes.CDLL(str(library)).answer()


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A small source in the place of the kernel's, which takes no time to build."""
    path = tmp_path / "small.cpp"
    path.write_text('#ifndef X\n#define X 1\n#endif\nextern "C" int answer() { return X; }\n')
    monkeypatch.setattr(cpu, "SOURCE", path)
    return path


@needs_compiler
def test_the_library_is_built_again_when_source_or_flags_change(tmp_path, monkeypatch, source):
    folder = tmp_path / "cache"
    first = cpu.build(cpu.find_compiler(), folder)
    built = first.stat().st_mtime_ns
    assert cpu.build(cpu.find_compiler(), folder) == first and first.stat().st_mtime_ns == built
    source.write_text(source.read_text().replace("X 1", "X 2"))
    second = cpu.build(cpu.find_compiler(), folder)
    monkeypatch.setattr(cpu, "FLAGS", (*cpu.FLAGS, "-DX=3"))
    third = cpu.build(cpu.find_compiler(), folder)
    monkeypatch.setattr(cpu, "OPTIONS", (("-DX=4", "-DX=4"),))
    fourth = cpu.build(cpu.find_compiler(), folder)
    assert [answer(path) for path in (first, second, third, fourth)] == [1, 2, 3, 4]
    assert set(folder.iterdir()) == {first, second, third, fourth}  # nothing is left of the building


@needs_compiler
def test_options_that_the_compiler_lacks_are_left_out(tmp_path, monkeypatch, source):
    monkeypatch.setattr(cpu, "OPTIONS", (("-march=abacus",), ("-fno-such-thing",), ("-DX=5",)))
    assert answer(cpu.build(cpu.find_compiler(), tmp_path / "cache")) == 5


@needs_compiler
def test_the_library_is_built_again_for_another_processor_or_compiler(tmp_path, monkeypatch, source):
    compiler, folder = cpu.find_compiler(), tmp_path / "cache"
    first = cpu.build(compiler, folder)
    other = tmp_path / "other"
    other.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo other 1.0 && exit\nexec {compiler[0]} "$@"\n')
    other.chmod(0o755)
    second = cpu.build([str(other)], folder)
    other.write_text(other.read_text().replace("1.0", "1.1"))
    third = cpu.build([str(other)], folder)
    monkeypatch.setattr(cpu, "_processor", lambda: "another")
    assert len({first, second, third, cpu.build(compiler, folder)}) == 4


@needs_compiler
@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_two_processes_build_at_once(tmp_path, source):
    slow, log, folder = tmp_path / "slow", tmp_path / "log", tmp_path / "cache"
    # A compiler that waits until the other process compiles too.
    slow.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo slow && exit\nfor last; do :; done\necho $last >> {log}\n'
        f"for wait in $(seq 300); do [ $(wc -l < {log}) -ge 2 ] && break; sleep 0.05; done\n"
        f'exec {cpu.find_compiler()[0]} "$@"\n'
    )
    slow.chmod(0o755)
    fork = multiprocessing.get_context("fork")  # a process of its own need not import torch again

    def build(answers) -> None:
        answers.put(str(cpu.build([str(slow)], folder)))

    answers = fork.Queue()
    both = [fork.Process(target=build, args=(answers,)) for _ in range(2)]
    for process in both:
        process.start()
    paths = {answers.get(timeout=60) for _ in both}
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    outputs = log.read_text().split()
    assert len(set(outputs)) == 2 and not paths & set(outputs)  # nobody writes where another reads
    assert [str(path) for path in folder.iterdir()] == list(paths)
    assert answer(Path(paths.pop())) == 1


def falls_back(caplog, words: str) -> None:
    """No library, one warning that says why, and right results all the same."""
    with caplog.at_level(logging.WARNING, "kernels"):
        assert load() is None
    assert len(caplog.records) == 1 and words in caplog.text and "gather + bmm" in caplog.text


def script(path: Path, lines: str) -> str:
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("name", ["no-such-compiler", "/no/such/compiler -O1", " "])
def test_without_a_compiler_the_log_says_so(tmp_path, monkeypatch, caplog, name):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CXX", name)
    falls_back(caplog, "no C++ compiler")


def test_without_a_compiler_in_the_path_the_log_says_so(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    assert cpu.find_compiler() is None
    falls_back(caplog, "Install g++ or set CXX")


def test_a_broken_compiler_is_quoted(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lines = '[ "$1" = --version ] && exit\necho the abacus is out of beads >&2\nexit 1'
    monkeypatch.setenv("CXX", script(tmp_path / "broken", lines))
    falls_back(caplog, "the abacus is out of beads")
    assert not any(path.suffix == ".so" for path in (tmp_path / "cache").rglob("*"))


def test_a_compiler_that_cannot_run_is_quoted(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CXX", script(tmp_path / "broken", "echo no licence >&2; exit 3"))
    falls_back(caplog, "no licence")


def test_a_library_that_cannot_be_loaded_is_named(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lines = '[ "$1" = --version ] && exit\nfor last; do :; done\necho nonsense > "$last"'
    monkeypatch.setenv("CXX", script(tmp_path / "odd", lines))
    falls_back(caplog, "cpu-")


def test_a_cache_that_cannot_be_written_is_named(tmp_path, monkeypatch, caplog):
    (tmp_path / "lacuna").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CXX", script(tmp_path / "idle", "exit 0"))
    falls_back(caplog, str(tmp_path / "lacuna"))


def test_layers_fall_back_to_gather(monkeypatch):
    monkeypatch.setattr(cpu, "library", lambda: None)
    packed, bias, x = sparse((12, 8), 4, 4), torch.randn(12), torch.randn(3, 8)
    weight = cpu.prepare(packed, bias)
    assert isinstance(weight, GatherWeight)
    assert relative_rms(cpu.linear(x, weight), reference.linear(x, unpack(packed), bias)) <= TOLERANCE


@needs_compiler
@pytest.mark.parametrize(("options", "widest"), [(("-march=x86-64",), 16), (("-march=x86-64", "-mavx2"), 32)])
def test_narrower_vectors_give_the_same(tmp_path, monkeypatch, options, widest):
    if os.uname().machine != "x86_64" or "avx2" not in cpu._processor():
        pytest.skip("this processor has no AVX2")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(cpu, "OPTIONS", (options,))
    kernel = load()
    assert kernel is not None and kernel.widest() == widest
    for bn in (2, 4, 8, 16, 20, 32, 64):
        for bk in (1, 3, 4):
            packed, bias = sparse((bn + 3, 12, 3, 3), bn, bk), torch.randn(bn + 3)
            for size in (3, 9):
                x, residual = torch.randn(1, size, size, 12), torch.randn(1, size - 2, size - 2, bn + 3)
                y = cpu.conv2d(x, cpu.CpuWeight(packed, bias, kernel), residual=residual, activation="relu")
                same = cpu.conv2d(x, GatherWeight(packed, bias), residual=residual, activation="relu")
                expected = reference.conv2d(x, unpack(packed), bias, residual, "relu")
                assert relative_rms(y, expected) <= TOLERANCE and relative_rms(y, same) <= TOLERANCE


@needs_compiler
@pytest.mark.parametrize(
    "options", [("-march=haswell",), ("-march=haswell", "-mtune=znver3"), ("-march=native", "-mtune=znver3")]
)
def test_the_bytes_hang_on_no_processor_that_multiplies_and_adds_at_once(tmp_path, monkeypatch, options):
    """A compiler that may fuse as it likes does so for one processor and not for another: tuned for some Zen it did not."""
    if os.uname().machine != "x86_64" or "fma" not in cpu._processor().split():
        pytest.skip("this processor has no FMA")
    here = load()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(cpu, "OPTIONS", (options,))
    there = load()
    for bn, bk in ((4, 4), (5, 5), (8, 3), (16, 16), (64, 4)):
        packed, bias = sparse((2 * bn + 3, 4 * bk, 3, 3), bn, bk), torch.randn(2 * bn + 3)
        for size in range(3, 10):  # every number of pixels at a time
            x = torch.randn(1, size, size, 4 * bk)
            y, same = (
                cpu.conv2d(x, cpu.CpuWeight(packed, bias, kernel), activation="relu") for kernel in (here, there)
            )
            assert torch.equal(y, same)
