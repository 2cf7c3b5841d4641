"""The backbone stays bit for bit what it was while denoisers are trained; block cost; the likelihood learns the noise."""
import pytest
import torch

from conftest import made_set
from train import denoiser, export, fit, networks, quantise


def test_backbone_is_frozen_bit_for_bit(net, dataset, images, profiles, settings, tmp_path):
    import onnx
    from onnx import numpy_helper
    before = {name: value.clone() for name, value in net.state_dict().items()}
    scales = repr(net.layers)
    export.export(net, tmp_path / "before.onnx", dataset)
    blocks = denoiser.make_blocks(net, {"stem": (3, 1), "block1_conv2": (3, 0), "block2_conv1": (0, 2)})
    untrained = {name: value.clone() for name, value in blocks.state_dict().items()}
    fit.train(net, blocks, images, profiles, settings, 6, say=lambda line: None)
    assert any(not torch.equal(untrained[name], value) for name, value in blocks.state_dict().items())
    assert not list(net.parameters()) and repr(net.layers) == scales
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    export.export(net, tmp_path / "after.onnx", dataset, blocks)
    tensors = [{t.name: numpy_helper.to_array(t) for t in onnx.load(tmp_path / f"{f}.onnx").graph.initializer} for f in ("before", "after")]
    assert all((tensors[1][name] == value).all() for name, value in tensors[0].items())


def test_cost_counts_every_parameter(net):
    for kind in ((3, 0), (0, 1), (0, 4), (3, 2)):
        blocks = denoiser.make_blocks(net, {"block1_conv1": kind})
        assert sum(p.numel() for p in blocks.parameters()) == denoiser.cost(32, *kind)


def test_starts_as_identity(net, images, profiles):
    blocks = denoiser.make_blocks(net, {"stem": (3, 2), "block2_conv2": (0, 4)}).eval()
    with torch.no_grad():
        assert torch.equal(net(images), net(images, denoise=denoiser.mean_mode(blocks)))


def test_likelihood_finds_spread_and_mean():
    """A smooth image plus noise of 20 codes: mu must take much of it out, sigma must end near what is left."""
    torch.manual_seed(0)
    block = denoiser.Denoiser(8, 3, 0)
    optimiser = torch.optim.Adam(block.parameters(), 0.02)
    for _ in range(200):
        clean = 60 * torch.randn(16, 8, 1, 1).expand(16, 8, 12, 12)
        noise = 20 * torch.randn(16, 8, 12, 12)
        mu, sigma = block(clean + noise)
        loss = ((noise - mu).square() / (2 * sigma.clamp_min(0.25).square()) + sigma.clamp_min(0.25).log()).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    left = (noise - mu).std().item()
    assert left < 14 and abs(sigma.item() - left) < 0.15 * left


@pytest.mark.parametrize("backbone", ["resnet8", "mobilenet"])
def test_weights_and_batch_norm_statistics_stay(backbone, profiles, settings):
    """From the float model on: neither the trained weights nor the running statistics change while blocks are trained."""
    dataset = made_set(3, 32, 0, 64)
    torch.manual_seed(0)
    model = networks.FloatNet(backbone).train()
    with torch.no_grad():
        model(dataset.train.images.float() / 255)
    before = {name: value.clone() for name, value in model.eval().state_dict().items()}
    assert any("running_mean" in name and (value != 0).any() for name, value in before.items())
    net = quantise.quantise(model, dataset.train.images)
    integers = {name: value.clone() for name, value in net.state_dict().items()}
    blocks = denoiser.make_blocks(net, {net.layers[1].name: (3, 1), "head": (0, 1)})
    fit.train(net, blocks, dataset.train.images, profiles, settings, 4, say=lambda line: None)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(torch.equal(integers[name], value) for name, value in net.state_dict().items())


def test_without_sigma_the_block_is_smaller_and_its_head_zero(net, dataset, images, profiles, settings, tmp_path):
    blocks = denoiser.make_blocks(net, {"stem": (3, 2), "block1_conv1": (0, 1)}, sigma=False)
    assert sum(p.numel() for p in blocks.parameters()) == denoiser.cost(16, 3, 2, False) + denoiser.cost(32, 0, 1, False)
    fit.train(net, blocks, images, profiles, settings, 2, say=lambda line: None)
    assert not blocks["stem"].integers()["wv"].any() and not blocks["stem"].integers()["cv"].any()
    export.export(net, tmp_path / "m.onnx", dataset, blocks)


def test_likelihood_on_the_rest_leaves_mu_alone():
    torch.manual_seed(0)
    block, layer = denoiser.Denoiser(8, 3, 2), networks.conv("x", "image", 8)
    clean, noise = 30 * torch.randn(4, 8, 6, 6), 9 * torch.randn(4, 8, 6, 6)
    for on_rest in (True, False):
        block.zero_grad()
        mu, sigma = block(clean + noise)
        fit.likelihood(clean + noise, clean, layer, mu, sigma, on_rest).backward()
        assert block.cv.grad.abs().sum() > 0
        assert (block.d.grad is None or block.d.grad.abs().sum() == 0) == on_rest
