"""Two files and a folder of images, as people type it: from the command to the report and the gate."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from copies import copy_project
from PIL import Image

CLASSES, EACH = 3, 12
COLOURS = np.array([[200, 40, 40], [40, 200, 40], [40, 40, 200]])


def save_network(path, weights):
    """An ONNX file whose logits are the mean red, green and blue of an image, mixed."""
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["images"], ["means"]),
            helper.make_node("Flatten", ["means"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        ],
        "colours",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, 32, 32])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", CLASSES])],
        [numpy_helper.from_array(weights.astype(np.float32), "weights")],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), str(path))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The study of a dense file that knows three colours and of one that has forgotten blue, and how the gate ended."""
    project = copy_project(tmp_path_factory.mktemp("pair") / "lacuna", None)
    random = np.random.default_rng(4)
    for label, colour in enumerate(COLOURS):
        folder = project.folder / "images" / f"colour{label}"
        folder.mkdir(parents=True)
        for number in range(EACH):
            picture = np.clip(colour + random.normal(0, 20, (32, 32, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(picture).save(folder / f"{number}.png")
    save_network(project.folder / "dense.onnx", np.eye(3) * 4)
    save_network(project.folder / "blind.onnx", np.diag([4, 4, -4.0]))
    said = {"pair": {"dense": "dense.onnx", "compressed": "blind.onnx", "images": "images", "size": 32}}
    said |= {"study": "blind", "cost": {"batch_sizes": [1], "rounds": 9, "compile": False}}
    said["audit"] = {
        "accept": [{"metric": "worst_class", "margin": 0.2}, {"metric": "bytes", "margin": 1.0}],
        "resamples": 100,
    }
    (project.folder / "pair.yaml").write_text(yaml.safe_dump(said))
    project.study = "pair.yaml"
    done = project.warm_snakemake("results/blind/report.html")
    assert done.returncode == 0, done.stdout + done.stderr
    return project, project.warm_snakemake("gate")


def test_what_was_forgotten_is_found(pair):
    tables = pair[0].folder / "results/blind/tables"
    (row,) = pd.read_csv(tables / "pair_summary.csv").itertuples()
    assert (row.flips, row.lost, row.examples) == (EACH, EACH, CLASSES * EACH) and row.verdict == "loses top-1"
    assert row.kullback_leibler > 0.1
    classes = pd.read_csv(tables / "pair_classes.csv").set_index("class")
    assert classes.change.to_dict() == {"colour0": 0, "colour1": 0, "colour2": -1} and classes.worst["colour2"]
    page = (pair[0].folder / "results/blind/report.html").read_text()
    assert "compressed loses top-1: 66.7 % after 100.0 %" in page and "Gate: what was promised" in page


def test_the_gate_is_closed_and_says_why(pair):
    project, gate = pair
    said = gate.stdout + gate.stderr
    assert gate.returncode != 0 and "compressed: worst_class (colour2) is 1, promised 0.2, rejected" in said
    assert "Traceback" not in said
    verdicts = json.loads((project.folder / "results/blind/gate.json").read_text())
    assert [row["verdict"] for row in verdicts["promises"]] == ["rejected", "accepted"]
    assert (project.folder / "results/blind/gate.xml").exists() and not (
        project.folder / "results/blind/gate.passed"
    ).exists()


def test_three_words_on_the_command_line_are_a_study(pair):
    project, _ = pair
    words = ["dense=dense.onnx", "compressed=blind.onnx", "images=images"]
    command = [*project.command("-n")[:2], "--config", *words]
    planned = project._run(command, project.environment())
    assert planned.returncode == 0 and "compare_pairs" in planned.stdout + planned.stderr
