"""Whatever network a study may name is trained, pruned, folded, quantized, packed and planned, and is built from its seed alone."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from kernels.cpu.plan import plan
from kernels.folding import fold_batchnorm
from scripts.lib.compression.calibration import calibrate
from scripts.lib.compression.packing import pack_model, packed_network
from scripts.lib.compression.pruning import prunable
from scripts.lib.compression.quantization import LAYERS, exempted, quantizable, quantize_network
from scripts.lib.compression.renumbering import hidden_channels
from scripts.lib.jobs.errors import InputError
from scripts.lib.networks.architectures import NETWORKS, build_network, normalized
from scripts.lib.networks.cifar_resnet import PaddedShortcut
from scripts.lib.networks.cohorts import load_cohort, save_cohort
from scripts.lib.networks.plain import plain
from scripts.lib.study.trained_networks import CHANNELS
from scripts.lib.training.loop import train_model

CLASSES = 3
BYTES = torch.randint(0, 256, (8, 16, 16, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
IMAGES = normalized(BYTES)
LARGE = {
    "resnet32",
    "resnet56",
    "resnet18_3x3",
    "resnet50_v1",
    "vgg16_bn",
}  # too slow to train here: built, counted and asked only
SMALL = [name for name in NETWORKS if name not in LARGE] + ["wide_resnet-10-1"]
UNPLANNED = {"resnet20": "`getitem` ", "residual": "`getitem` "}  # what a plan cannot have


def section(name):
    return {"name": name} | ({"channels": [4, 8]} if name in CHANNELS else {})


def build(name, classes=CLASSES):
    return build_network(name, section(name).get("channels"), classes)


@pytest.fixture(scope="module", params=SMALL)
def trained(request):
    """Name and network after training steps in which half of its blocks were pruned, in evaluation mode."""
    level = {"name": "b", "method": "block", "sparsity": 0.5, "block": [4, 4]}
    training = {"epochs": 2, "batch_size": 4, "learning_rate": 0.01, "warmup": 0, "momentum": 0.9, "weight_decay": 5e-4}
    pruning = {"begin": 0.1, "end": 0.9, "every": 1, "layers": "convolutions_but_first"}
    model, reached = train_model(
        BYTES, torch.arange(8) % CLASSES, CLASSES, level, 0, section(request.param), training, pruning
    )
    zeros, weights = map(sum, zip(*reached.values(), strict=True))
    assert zeros == pytest.approx(weights / 2, rel=0.2)  # whole blocks
    return request.param, model.requires_grad_(False)


@pytest.fixture
def network(trained):
    return trained[1]


@pytest.mark.parametrize("name", [*NETWORKS, "wide_resnet-10-1"])
def test_it_gives_one_logit_a_class(name):
    network, used = build(name).eval().requires_grad_(False), []
    for layer in quantizable(network):
        network.get_submodule(layer).register_forward_pre_hook(lambda *_, layer=layer: used.append(layer))
    logits = network(IMAGES[:1])
    assert logits.shape == (1, CLASSES) and logits.dtype == torch.float32 and bool(logits.isfinite().all())
    # What may be exempt from quantization is first and last where it computes, not only where it is listed.
    assert exempted(quantizable(network), "first_and_last") == [used[0], used[-1]]


def test_an_image_does_not_depend_on_its_batch(network):
    torch.testing.assert_close(network(IMAGES[:1]), network(IMAGES)[:1])


@pytest.mark.parametrize("name", SMALL)
def test_it_is_built_from_torchs_global_stream(name):
    states = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        states.append(torch.cat([each.flatten() for each in build(name).parameters()]))
    assert torch.equal(states[0], states[1]) and not torch.equal(states[0], states[2])


def test_plain_draws_what_its_layers_draw_and_no_more():
    """The weights of studies that are finished hang on it."""
    torch.manual_seed(0)
    layers = [nn.Conv2d(3, 4, 3, bias=False), nn.Conv2d(4, 8, 3, bias=False), nn.Linear(8, CLASSES)]
    after = torch.rand(1)
    torch.manual_seed(0)
    built = [layer for layer in plain([4, 8], CLASSES) if isinstance(layer, nn.Conv2d | nn.Linear)]
    assert torch.equal(torch.rand(1), after)
    assert all(torch.equal(one.weight, other.weight) for one, other in zip(built, layers, strict=True))


def test_it_is_compressed_by_every_means(network):
    logits = network(IMAGES)
    torch.testing.assert_close(fold_batchnorm(network)(IMAGES), logits)
    assert prunable(network, "convolutions") and prunable(network, "convolutions_but_first")
    hidden_channels(network)  # torch.fx can trace it
    for method in LAYERS:
        quantized = quantize_network(network, method, calibrate(network, IMAGES))(IMAGES)
        assert quantized.shape == logits.shape and bool(quantized.isfinite().all()), method
        options = {"exempt": "first_and_last"} | ({} if method == "float16" else {"weight_range": "mse"})
        ranges = calibrate(network, IMAGES, "percentile", percentile=99.9) if method == "int8_static" else {}
        clipped = quantize_network(network, method, ranges, **options)(IMAGES)
        assert bool(clipped.isfinite().all()) and not torch.equal(clipped, quantized), method


def test_what_is_packed_predicts_the_same(network):
    weights, _ = pack_model(network, (4, 4), IMAGES, "always", 1.0)
    assert weights
    with torch.inference_mode():
        torch.testing.assert_close(packed_network(network, weights)(IMAGES), network(IMAGES), rtol=1e-4, atol=1e-5)


def test_a_plan_predicts_the_same_or_says_what_it_cannot_have(trained):
    name, network = trained
    if name in UNPLANNED:
        with pytest.raises(
            ValueError, match=f"^{UNPLANNED[name]}.* cannot be planned, .*: use what sparsify gives as it is"
        ):
            plan(network, 8, IMAGES.shape[1:], (4, 4))
        return
    planned = plan(network, 8, IMAGES.shape[1:], (4, 4))
    with torch.inference_mode():
        torch.testing.assert_close(planned(IMAGES), network(IMAGES), rtol=1e-4, atol=1e-5)


def test_a_cohort_in_a_file_is_the_same(trained, tmp_path):
    name, network = trained
    description = {"network": section(name), "classes": ["a", "b", "c"], "seeds": [3]}
    save_cohort(tmp_path / "c.safetensors", {3: network}, description)
    models, _ = load_cohort(tmp_path / "c.safetensors")
    read, written = models[3].state_dict(), network.state_dict()
    assert read.keys() == written.keys() and all(torch.equal(read[name], written[name]) for name in read)


@pytest.mark.parametrize(
    "name, expected",
    [
        # A convolution of c channels that reads b has 9bc weights, its batch norm 2c; the dense layer 10 * 64 + 10.
        # Stage 1: 2n * 9 * 16 * 16; stages 2 and 3: 9 * 16 * 32 + (2n - 1) * 9 * 32 * 32 and 9 * 32 * 64 + (2n - 1) * 9 * 64 * 64.
        # n = 3: 432 + 13,824 + 50,688 + 202,752 + 650, and 2 * (7 * 16 + 6 * 32 + 6 * 64) of batch norms. The 1x1 convolutions with batch
        # norms of option B would add 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64 = 2,752: the 272,474, 466,906 and 855,770 that one often reads.
        ("resnet20", 269_722),
        ("resnet32", 464_154),
        ("resnet56", 853_018),
        ("wide_resnet-16-4", 2_748_890),
        ("wide_resnet-28-10", 36_479_194),
        ("resnet18_3x3", 11_173_962),
        # torchvision documents 25,557,032 with 1,000 classes; the dense layer has 2,049 weights for each of 990 fewer.
        ("resnet50_v1", 25_557_032 - 990 * 2_049),
        # 14,710,464 weights and 4,224 biases of convolutions, 8,448 of batch norms, 512 * 10 + 10 of the dense layer.
        ("vgg16_bn", 14_728_266),
    ],
)
def test_it_has_as_many_weights_as_its_paper_says(name, expected):
    with torch.device("meta"):  # no weights are drawn
        assert sum(parameter.numel() for parameter in build(name, 10).parameters()) == expected


@pytest.mark.parametrize("name, convolutions", [("resnet20", 19), ("wide_resnet-16-2", 12 + 1 + 3), ("vgg16_bn", 13)])
def test_convolutions_begin_as_he_et_al_draw_them(name, convolutions):
    torch.manual_seed(0)
    layers = [module for module in build(name).modules() if isinstance(module, nn.Conv2d)]
    assert len(layers) == convolutions
    for layer in layers:
        drawn = layer.weight.numel()
        expected = (2 / (layer.out_channels * layer.kernel_size[0] * layer.kernel_size[1])) ** 0.5
        assert float(layer.weight.detach().std()) == pytest.approx(expected, rel=5 / (2 * drawn) ** 0.5)
        assert layer.bias is None or not layer.bias.any()


def test_a_shortcut_without_weights_by_hand():
    image = torch.arange(9.0).view(1, 1, 3, 3)
    assert PaddedShortcut(2)(image).tolist() == [[[[0, 2], [6, 8]], [[0, 0], [0, 0]], [[0, 0], [0, 0]]]]


def test_a_block_of_resnet20_by_the_formula():
    network = build("resnet20").eval()
    block, images = network[6], torch.randn(2, 16, 8, 8, generator=torch.Generator().manual_seed(0))
    inner = functional.relu(block.norm1(functional.conv2d(images, block.conv1.weight, stride=2, padding=1)))
    expected = block.norm2(functional.conv2d(inner, block.conv2.weight, padding=1))
    expected[:, :16] += images[:, :, ::2, ::2]
    torch.testing.assert_close(block(images), functional.relu(expected))


@pytest.mark.parametrize("size", [28, 32, 64])
def test_something_is_left_of_any_image_in_vgg(size):
    images = torch.zeros(1, 3, size, size)
    with torch.device("meta"):
        assert build("vgg16_bn")(images.to("meta").expand(2, -1, -1, -1)).shape == (2, CLASSES)


def test_networks_of_packages_are_trained_from_their_own_initial_weights():
    training = {"epochs": 1, "batch_size": 4, "learning_rate": 0.01, "warmup": 0, "momentum": 0, "weight_decay": 0}
    arguments = (torch.arange(8) % CLASSES, CLASSES, {"name": "dense", "method": "none"}, 0)
    model, _ = train_model(BYTES, *arguments, {"name": "torchvision:mobilenet_v3_small"}, training, {})
    assert model(IMAGES).shape == (8, CLASSES)


@pytest.mark.parametrize(
    "name, sentence",
    [
        (
            "torchvision:resnet1",
            r"`torchvision:resnet1` is no classifier of torchvision: did you mean torchvision:resnet1",
        ),
        ("torchvision:googlenet", "gives auxiliary logits while it trains, and the training here has no loss for them"),
        ("torchvision:vit_b_16", "fails on 4 images of 16 x 16 pixels .*: prepare the study's images in the size"),
        ("torchvision:fcn_resnet50", "is no classifier of torchvision: did you mean torchvision:resnet50"),
    ],
)
def test_what_cannot_be_trained_is_said_in_a_sentence(name, sentence):
    training = {"epochs": 1, "batch_size": 4, "learning_rate": 0.01, "warmup": 0, "momentum": 0, "weight_decay": 0}
    level = {"name": "dense", "method": "none"}
    with pytest.raises(InputError, match=sentence):
        train_model(BYTES, torch.arange(8) % CLASSES, CLASSES, level, 0, {"name": name}, training, {})


def test_resnet50_v1_halves_images_where_he_et_al_do_and_begins_with_identities():
    network = build("resnet50_v1")
    convolutions = {name: each for name, each in network.named_modules() if isinstance(each, nn.Conv2d)}
    strided = {name for name, each in convolutions.items() if each.stride == (2, 2)}
    stages = ("layer2", "layer3", "layer4")
    assert strided == {"conv1"} | {f"{stage}.0.{name}" for stage in stages for name in ("conv1", "downsample.0")}
    last = [each.bn3.weight for stage in ("layer1", *stages) for each in getattr(network, stage)]
    assert len(last) == 16 and not any(bool(weight.any()) for weight in last)
