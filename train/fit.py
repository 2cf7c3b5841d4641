"""Training what stands behind a backbone's layers, with noise in the loop.

The same loop trains the chip's denoising blocks (denoiser.py) and what they are compared with (controls.py): anything that
answers (d, x), a layer's noisy codes and what the layer read, with mu and sigma (or None) of the noise in d. A backbone with
parameters of its own is trained as well; the frozen one has buffers only.

The loss is the sum, each with its weight in Config, of
- the Kullback-Leibler divergence of the noisy network's answer from the clean network's (logit distillation),
- the squared difference of the layers' denoised codes from the clean network's, in units of their spread (features),
- the negative log-likelihood of the layer's own noise under (mu, sigma). With `sigma_on_rest` it trains sigma alone, on what
  mu leaves over; otherwise mu too.
"""
import math
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import machine, noise
from .store import whole

SIGMA_MIN = 0.25  # codes: floor inside the likelihood only
PART = 100        # steps; each part draws from a seed of its own, so that one that goes on at its start draws what it would have drawn


def teacher(net, images, batch=1000):
    """Clean logits of all images, in real units, [n, classes]."""
    with torch.no_grad():
        return torch.cat([net(images[i:i + batch]) for i in range(0, len(images), batch)]) * net.layers[-1].s_v


def distillation(net, logits, target, temperature):
    """Kullback-Leibler divergence of the noisy network's softened answer from the clean one's."""
    noisy = logits.float() * (net.layers[-1].s_v / temperature)
    return F.kl_div(F.log_softmax(noisy, 1), F.softmax(target / temperature, 1), reduction="batchmean") * temperature ** 2


def likelihood(d, v, layer, mu, sigma, on_rest):
    """Negative log-likelihood of the noise in d. No gradient goes to the layers before: the block's own layer's noise counts."""
    truth = (d - v.clamp(-128 - layer.z_v, 127 - layer.z_v)).detach().float()
    mu, sigma = (mu.detach() if on_rest else mu).float(), sigma.float().clamp_min(SIGMA_MIN)
    return ((truth - mu).square() / (2 * sigma.square()) + sigma.log()).mean()


def clean_codes(net, blocks, pixels):
    """{layer: clean codes} of the layers that have a block."""
    codes = {}
    with torch.no_grad():
        net(pixels, record=lambda layer, d: codes.update({layer.name: d}) if layer.name in blocks else None)
    return codes


def noisy_loss(net, blocks, pixels, target, tile, config, logits_only=False):
    """One forward pass with noise in the loop -> the loss; logits_only: what the placement search derives."""
    terms = {"likelihood": [], "features": []}
    with machine.autocast(pixels.device):
        clean = clean_codes(net, blocks, pixels) if config.features and not logits_only else None

        def denoise(layer, d, v, x):
            if layer.name not in blocks:
                return d
            mu, sigma = blocks[layer.name](d, x)
            if sigma is not None and config.likelihood and not logits_only:
                some = slice(0, max(1, int(len(d) * config.likelihood_share)))
                terms["likelihood"].append(likelihood(d[some], v[some], layer, mu[some], sigma[some] if len(sigma) > 1 else sigma, config.sigma_on_rest))
            if clean:
                wanted = clean[layer.name].float()
                terms["features"].append(((d - mu).float() - wanted).square().mean() / wanted.var().clamp_min(1))
            return d - mu

        logits = net(pixels, denoise=denoise, **tile.hooks)
    loss = (1.0 if logits_only else config.logits) * distillation(net, logits, target, config.temperature)
    for name, values in terms.items():
        if values:
            loss = loss + getattr(config, name) * torch.stack(values).mean()
    return loss


def make_tile(net, images, profiles, config, where, seed):
    return noise.Tile(profiles, net, net.output_shapes(images[:1]), config.denoiser_batch, seed, *config.noise_levels,
                      silent=config.silent_share, device=where)


def one_cycle(step, steps, rise=0.1):
    """Factor on the peak rate: up along half a cosine, then down to nothing along another (Smith, 2018)."""
    up = rise * steps
    part = step / up if step < up else 1 + (step - up) / (steps - up)
    return (1 - math.cos(math.pi * part)) / 2


def train(net, blocks, images, profiles, config, steps, checkpoint=None, say=print, what="denoisers", origin=None, target=None):
    """Train the blocks in place. images uint8 [n, c, h, w]; the last share `quantised_share` of the steps fake-quantises.

    origin: the network whose clean answers are the target, if not `net`; target: those answers, where they are known (`teacher`). The weights kept are an exponential average over the
    steps. Returns the blocks in eval mode, on the CPU.
    """
    where = machine.device()
    net, blocks, images = net.to(where).eval(), blocks.to(where).train(), images.to(where)
    frozen = not list(net.parameters())
    parameters = list(blocks.parameters()) + list(net.parameters())
    if target is None:
        target = teacher(net if origin is None else origin.to(where), images)
    generator = torch.Generator().manual_seed(config.seed)
    tile = make_tile(net, images, profiles, config, where, config.seed)
    # On a GPU the rate is a tensor, so that a recorded step sees it change.
    recorded = where.type == "cuda"
    optimiser = torch.optim.Adam(parameters, torch.zeros((), device=where) if recorded else 0.0, betas=(0.9, 0.99), fused=recorded, capturable=recorded)
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    average, step = [p.detach().clone() for p in parameters], 0
    if checkpoint and checkpoint.exists():
        state = torch.load(checkpoint, map_location=where)
        blocks.load_state_dict(state["blocks"])
        net.load_state_dict(state["net"]) if not frozen else None
        optimiser.load_state_dict(state["optimiser"])
        average, step = state["average"], state["step"]
    pixels, wanted = images[:config.denoiser_batch].clone(), target[:config.denoiser_batch].clone()

    def improve():
        loss = noisy_loss(net, blocks, pixels, wanted, tile, config)
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True, materialize_grads=True)
        # Copied, so that gradients lie in memory as their parameters do.
        torch._foreach_copy_([parameter.grad for parameter in parameters], gradients)
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        return loss.detach()

    first, begin = step, time.time()
    with machine.Replayed(where, steps >= 200) as replayed:
        while step < steps:
            if step and step % PART == 0:
                generator.manual_seed(config.seed + step)
                tile.restart(config.seed + step, step)
            quantised = step >= steps * (1 - config.quantised_share)
            for block in blocks.values():
                block.quantised = quantised
            pick = torch.randint(len(images), (config.denoiser_batch,), generator=generator).to(where)
            pixels.copy_(images[pick])
            wanted.copy_(target[pick])
            tile.redraw()
            now = one_cycle(step, steps) * (config.denoiser_rate if frozen else config.retrain_rate)
            for group in optimiser.param_groups:
                group["lr"] = group["lr"].fill_(now) if recorded else now
            loss = replayed((tile.key, quantised), improve)
            step += 1
            torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - min(config.denoiser_ema, step / (step + 10)))
            if step % PART == 0 or step == steps:
                left = (time.time() - begin) / (step - first) * (steps - step)
                say(f"{what} step {step}/{steps}  loss {loss.item():.3f}  {left / 60:.1f} min left")
                if checkpoint:
                    whole(checkpoint, lambda scratch: torch.save({
                        "blocks": blocks.state_dict(), "net": {} if frozen else net.state_dict(), "optimiser": optimiser.state_dict(),
                        "average": average, "step": step}, scratch))
    with torch.no_grad():
        torch._foreach_copy_(parameters, average)
    for block in blocks.values():
        block.quantised = True
    net.cpu()
    return blocks.cpu().eval()
