"""The backbone stays bit for bit what it was while denoisers are trained; block cost; the likelihood learns the noise."""
import torch

from train import denoiser, export, fit


def test_backbone_is_frozen_bit_for_bit(net, dataset, images, profiles, settings, tmp_path):
    import onnx
    from onnx import numpy_helper
    before = {name: value.clone() for name, value in net.state_dict().items()}
    scales = repr(net.layers)
    export.export(net, tmp_path / "before.onnx", dataset)
    blocks = denoiser.make_blocks(net, {"stem": (True, 1), "block1_conv2": (True, 0), "block2_conv1": (False, 2)})
    untrained = {name: value.clone() for name, value in blocks.state_dict().items()}
    fit.train(net, blocks, images, profiles, settings, 6, say=lambda line: None)
    assert any(not torch.equal(untrained[name], value) for name, value in blocks.state_dict().items())
    assert not list(net.parameters()) and repr(net.layers) == scales
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    export.export(net, tmp_path / "after.onnx", dataset, blocks)
    tensors = [{t.name: numpy_helper.to_array(t) for t in onnx.load(tmp_path / f"{f}.onnx").graph.initializer} for f in ("before", "after")]
    assert all((tensors[1][name] == value).all() for name, value in tensors[0].items())


def test_cost_counts_every_parameter(net):
    for kind in ((True, 0), (False, 1), (False, 4), (True, 2)):
        blocks = denoiser.make_blocks(net, {"block1_conv1": kind})
        assert sum(p.numel() for p in blocks.parameters()) == denoiser.cost(32, *kind)


def test_starts_as_identity(net, images, profiles):
    blocks = denoiser.make_blocks(net, {"stem": (True, 2), "block2_conv2": (False, 4)}).eval()
    with torch.no_grad():
        assert torch.equal(net(images), net(images, denoise=denoiser.mean_mode(blocks)))


def test_likelihood_finds_spread_and_mean():
    """A smooth image plus noise of 20 codes: mu must take much of it out, sigma must end near what is left."""
    torch.manual_seed(0)
    block = denoiser.Denoiser(8, True, 0)
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
