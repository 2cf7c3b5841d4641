"""Accuracy on the emulated tile (noise.py), for controls that the chip cannot run. Floats, not the chip's integers."""
import torch

from . import machine, noise, quantise


def accuracy(net, blocks, made, images, labels, chip, noise_seed, batch=250, **hooks):
    """made: a Profile, None for an ideal chip. Chip and noise seeds are not those of libquell: other samples, same distribution."""
    where = machine.device()
    net.to(where), blocks.to(where)
    if made is None:
        return quantise.logits_accuracy(net, images, labels, batch, **hooks)
    tile = noise.Tile([made], net, net.output_shapes(images[:1].to(where)), batch, 7919 * chip + 1, device=where)
    tile.redraw()
    # The chip is drawn where a layer is first seen: one pass fixes it before the noise seed takes over.
    with torch.no_grad():
        net(images[:2].to(where), **tile.hooks)
    tile.pool = noise.Pool(104_729 * noise_seed + chip, where)
    right = 0
    with torch.no_grad():
        for i in range(0, len(images), batch):
            tile.redraw(chip=False)
            answer = net(images[i:i + batch].to(where), **tile.hooks, **hooks).argmax(1)
            right += (answer.cpu() == labels[i:i + batch]).sum().item()
    net.cpu(), blocks.cpu()
    return right / len(images)
