"""The ONNX file: standard, with the promised functions and metadata, and onnxruntime agrees with the emulation."""
import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from train import denoiser, export, networks, quell

from conftest import made_set, quantised

KINDS = {"Denoise": (3, 2), "DenoiseDepthwise": (3, 0), "DenoiseBottleneck": (0, 3)}
BLOCKS = [*KINDS.values(), (1, 0), (1, 2)]


def planted_blocks(net, kinds):
    """Blocks with weights of some size, as after training."""
    torch.manual_seed(1)
    blocks = denoiser.make_blocks(net, kinds).eval()
    for block in blocks.values():
        block.quantised = True
        for parameter in block.parameters():
            parameter.data += 0.05 * torch.randn_like(parameter)
        if block.m:
            block.act1_max.fill_(300.0)
            block.act2_max.fill_(250.0)
    return blocks


def runtime(path, images, extra=()):
    model = onnx.load(path)
    for name in extra:
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.INT8, None))
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(["logits", *extra], {"image": images.numpy().astype(np.float32) / np.float32(255)})


@pytest.mark.parametrize("backbone", networks.BACKBONES)
def test_clean_network_equals_onnxruntime(backbone, tmp_path):
    dataset = made_set(3, 32, 0, 32)
    net = quantised(backbone, dataset.train.images)
    export.export(net, tmp_path / "m.onnx", dataset)
    logits = runtime(tmp_path / "m.onnx", dataset.train.images)[0] / net.layers[-1].s_v
    with torch.no_grad():
        difference = np.abs(np.round(logits) - net(dataset.train.images).numpy())
    assert (difference == 0).mean() >= 0.97 and difference.max() <= 1


@pytest.mark.parametrize("backbone", networks.BACKBONES)
def test_a_file_read_back_is_the_same_network(backbone, tmp_path):
    dataset = made_set(3, 32, 0, 8)
    net = quantised(backbone, dataset.train.images)
    export.export(net, tmp_path / "m.onnx", dataset)
    again = export.read(tmp_path / "m.onnx", backbone)
    assert again.layers == net.layers
    assert again.state_dict().keys() == net.state_dict().keys()
    assert all(torch.equal(again.state_dict()[name], value) for name, value in net.state_dict().items())


@pytest.mark.parametrize("kind", BLOCKS)
def test_each_block_equals_onnxruntime(net, dataset, images, tmp_path, kind):
    blocks = planted_blocks(net, {"stem": kind})
    export.export(net, tmp_path / "m.onnx", dataset, blocks)
    codes = runtime(tmp_path / "m.onnx", images, ["stem_x_q"])[1]
    seen = {}
    with torch.no_grad():
        net(images, denoise=denoiser.mean_mode(blocks), record=lambda layer, d: seen.update({layer.name: d + layer.z_v}))
    difference = np.abs(codes - seen["stem"].numpy())
    assert (difference == 0).mean() >= 0.999 and difference.max() <= 1


@pytest.mark.skipif(not quell.LIBRARY.exists(), reason="needs build/lib/libquell.so")
@pytest.mark.parametrize("second", [-3.0, 3.0])
def test_a_block_whose_first_activation_died_is_still_a_valid_one(net, dataset, images, tmp_path, second):
    """Its range falls to the least one, and the bias after it must stay within the accumulator's 32 bits."""
    blocks = planted_blocks(net, {"stem": (3, 1)})
    block = blocks["stem"].train()
    block.b1.data.fill_(-1e4)
    block.b2.data.fill_(second)
    with torch.no_grad():
        for _ in range(300):
            net(images[:2], denoise=denoiser.mean_mode(blocks))
    block.eval()
    assert block.act1_max < 1
    export.export(net, tmp_path / "m.onnx", dataset, blocks)
    codes = runtime(tmp_path / "m.onnx", images, ["stem_x_q"])[1]
    seen = {}
    with torch.no_grad():
        net(images, denoise=denoiser.mean_mode(blocks), record=lambda layer, d: seen.update({layer.name: d + layer.z_v}))
    assert np.abs(codes - seen["stem"].numpy()).max() <= 1
    quell.Quell().model(tmp_path / "m.onnx")


@pytest.mark.parametrize("size", [1e9, -1e9])
def test_a_bias_leaves_room_for_what_is_added_to_it(size):
    block = denoiser.Denoiser(4, 0, 2)
    block.b1.data.fill_(size)
    block.b2.data.fill_(size)
    numbers = block.integers()
    for name, added in (("b1", 255 * 127 * 4), ("b2", 255 * 127 * 9 * 2)):
        assert (numbers[name] == np.sign(size) * (2 ** 31 - 1 - added)).all()


def test_file_has_the_promised_shape(net, dataset, tmp_path):
    names = dict(zip(("stem", "block1_conv1", "block2_conv1"), KINDS.values()))
    export.export(net, tmp_path / "m.onnx", dataset, planted_blocks(net, names))
    model = onnx.load(tmp_path / "m.onnx")
    assert {f.name for f in model.functions} == set(KINDS) and {f.domain for f in model.functions} == {"quell"}
    blocks = [n for n in model.graph.node if n.domain == "quell"]
    assert [n.attribute[0].i for n in blocks] == [16, 32, 64]
    assert all(list(n.input)[0].endswith("_v_dq") and len(n.input) == len(export.INPUTS[n.op_type]) for n in blocks)
    properties = {p.key: p.value for p in model.metadata_props}
    assert properties["quell.padding"] == "2" and len(properties["quell.classes"].split(",")) == 10
    assert next(o.version for o in model.opset_import if o.domain == "") == 13
