"""A plan belongs to the thread that made it; it is called by one call at a time, and never copied or recorded."""

import copy
import os
import pickle
import threading

import pytest
import torch
from torch import nn

from kernels.cpu.plan import plan
from kernels.ownership import Owned
from kernels.reference import relative_rms


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(4, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 9, 5)).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def made():
    return plan(network(), 2, (4, 5, 5))


def answer(call) -> str:
    try:
        return f"gave {call()}"
    except ValueError as error:
        return str(error)


FOREIGN = "a plan belongs to the thread and process that made it: make one for each thread."


def test_another_thread_is_refused(made):
    x, answers = torch.randn(2, 4, 5, 5), []
    thread = threading.Thread(target=lambda: answers.append(answer(lambda: made(x))))
    thread.start()
    thread.join()
    assert answers == [FOREIGN]
    assert relative_rms(made(x), network()(x)) <= 1e-6


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_process_is_refused(made):
    """Where torch uses several threads a call would wait for those that were not forked."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.write(write, answer(lambda: made(torch.zeros(2, 4, 5, 5))).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(read, 1000).decode() == FOREIGN


def test_a_call_within_a_call_is_refused():
    made, x = plan(network(), 2, (4, 5, 5)), torch.zeros(2, 4, 5, 5)
    made._image_steps.append(lambda threads, begin: made(x))
    for _ in range(2):  # and the failure of one call does not lock the plan
        with pytest.raises(ValueError, match="this plan is computing already: make another one"):
            made(x)
    made._image_steps.pop()
    made(x)


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, pickle.dumps])
def test_copies_are_refused(made, way):
    with pytest.raises(TypeError, match="a plan cannot be copied or saved, as it is bound to its buffers"):
        way(made)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:Converting a tensor")
@pytest.mark.parametrize("record", [torch.jit.trace, lambda call, x: torch.func.vmap(call)(x[None])])
def test_records_are_refused(made, record):
    with pytest.raises(ValueError, match="a plan's calls would be lost: record the network that sparsify gives"):
        record(lambda x: made(x), torch.zeros(2, 4, 5, 5))


def test_gradients_are_refused(made):
    x = torch.randn(2, 4, 5, 5, requires_grad=True)
    with pytest.raises(ValueError, match=r"a plan has no gradient: call it under torch\.inference_mode"):
        made(x)
    with torch.no_grad():
        assert relative_rms(made(x), network()(x)) <= 1e-6


def test_what_changes_around_a_plan_does_not_reach_it():
    """Weights of the network, and autocast, while it is made and while it is called; inputs may have any strides."""
    model, x = network(), torch.randn(2, 5, 4, 5).transpose(1, 2)
    expected = model(x)
    with torch.autocast("cpu", torch.bfloat16):
        made = plan(model, 2, (4, 5, 5))
        model[0].weight.zero_()
        assert relative_rms(made(x), expected) <= 1e-6


def test_leaving_by_an_error_frees_it():
    owned = Owned()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), owned.alone(torch.zeros(1)):
            assert torch.is_inference_mode_enabled()
            _ = 1 / 0
