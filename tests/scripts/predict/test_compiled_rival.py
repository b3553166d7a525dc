"""The cost of a level stands beside the dense network as torch.compile makes it, too."""

from types import SimpleNamespace

import pytest
import torch

from kernels.cpu.block_sparse import find_compiler
from scripts.predict.measure_cost import compiled, measure


@pytest.mark.skipif(find_compiler() is None, reason="there is no C++ compiler")
def test_the_compiled_network_is_a_rival_that_computes_the_same():
    network = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU()).eval()
    example = torch.tensor([[1.0, 2.0, 3.0], [-1.0, 0.5, 2.0]])
    rivals = {"eager": network, "compiled": compiled(network, example.device)}
    with torch.inference_mode():
        torch.testing.assert_close(rivals["compiled"](example), network(example))
    (row,) = measure({"level": network}, rivals, example, SimpleNamespace(cost={"rounds": 2}, significance=0.05))
    assert row["speedup_compiled"] > 0 and row["speedup_eager"] > 0 and row["best_dense"] in rivals
