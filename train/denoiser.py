"""The denoising block and its training behind a frozen backbone.

Block (docs/arithmetic.md), x the noisy codes less their zero point, C channels, bottleneck m:
b1 = relu(W1 x + B1), b2 = relu(W2 *3x3 b1 + B2), mu = D *3x3 x + Wu b2, sigma = relu(Wv b2 + cv), output x - mu.
Everything is in output codes; integers() and export.py turn it into int8 weights with scales.
"""
import math
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from . import noise, quantise

CV_UNIT = 32.0   # codes: keeps the level's parameter near 1, where the optimiser's steps suit it
SIGMA_MIN = 0.25  # codes: floor inside the likelihood only


def cost(channels, depthwise, bottleneck):
    """Parameters of a block, every one counted."""
    m = bottleneck
    return 1 + depthwise * 9 * channels + (3 * channels * m + 9 * m * m + 2 * m if m else 0)


class Quantised(torch.autograd.Function):
    """Rounds to multiples of a step within low ... high steps; straight-through gradient inside."""

    @staticmethod
    def forward(ctx, x, step, low, high):
        code = x / step
        ctx.save_for_backward((code >= low) & (code <= high))
        return code.round().clamp(low, high) * step

    @staticmethod
    def backward(ctx, grad):
        return grad * ctx.saved_tensors[0], None, None, None


def weight_step(w):
    """Scale of an int8 tensor, one for the whole tensor."""
    return (w.detach().abs().max() / 127).clamp_min(1e-6)


class Denoiser(nn.Module):
    def __init__(self, channels, depthwise, bottleneck, generator=None):
        """Starts as the identity: D and Wu are zero. cv has shape [1], one level a layer."""
        super().__init__()
        self.channels, self.depthwise, self.m = channels, depthwise, bottleneck
        self.quantised = False
        if depthwise:
            self.d = nn.Parameter(torch.zeros(channels, 1, 3, 3))
        if bottleneck:
            m = bottleneck
            self.w1 = nn.Parameter(torch.randn(m, channels, 1, 1, generator=generator) * math.sqrt(2 / channels))
            self.b1 = nn.Parameter(torch.full((m,), 0.5))
            # Passes b1 on at first: a random one can be dead on all inputs, above all on the head's 1x1 image.
            self.w2 = nn.Parameter(0.05 * torch.randn(m, m, 3, 3, generator=generator))
            self.w2.data[range(m), range(m), 1, 1] += 1
            self.b2 = nn.Parameter(torch.zeros(m))
            self.wu = nn.Parameter(torch.zeros(channels, m, 1, 1))
            self.wv = nn.Parameter(torch.zeros(channels, m, 1, 1))
            self.register_buffer("act1_max", torch.ones(()))
            self.register_buffer("act2_max", torch.ones(()))
        self.cv = nn.Parameter(torch.full((1,), 20 / CV_UNIT))

    @property
    def kind(self):
        return "Denoise" if self.depthwise and self.m else "DenoiseDepthwise" if self.depthwise else "DenoiseBottleneck"

    def weight(self, name):
        w = getattr(self, name)
        return Quantised.apply(w, weight_step(w), -127, 127) if self.quantised else w

    def activation(self, name, x):
        """ReLU, and uint8 once quantised. The range follows the largest value seen while training."""
        peak = getattr(self, name)
        if self.training:
            peak.lerp_(x.detach().max().float().clamp_min(1e-3), 0.05)
        return Quantised.apply(x, peak / 255, 0, 255) if self.quantised else F.relu(x)

    def forward(self, x):
        """x [n, c, h, w] codes less zero point -> mu, sigma of its noise, in codes, shapes that broadcast to x's."""
        mu, level = 0, (self.cv * CV_UNIT).view(1, -1, 1, 1)
        if self.depthwise:
            mu = F.conv2d(x, self.weight("d"), padding=1, groups=self.channels)
        if self.m:
            # Biases act in codes of the input; the unit keeps their parameter's size near the weights'.
            b1 = self.activation("act1_max", F.conv2d(x, self.weight("w1"), self.b1 * CV_UNIT))
            b2 = self.activation("act2_max", F.conv2d(b1, self.weight("w2"), self.b2 * CV_UNIT, padding=1))
            mu = mu + F.conv2d(b2, self.weight("wu"))
            level = level + F.conv2d(b2, self.weight("wv"))
        return mu, F.relu(level)

    @torch.no_grad()
    def integers(self):
        """{tensor name: int array or scale}, in codes: an activation's scale is in input codes a step."""
        out = {}
        names = (["d"] if self.depthwise else []) + (["w1", "w2", "wu", "wv"] if self.m else [])
        for name in names:
            w = getattr(self, name)
            out[f"{name}_scale"] = weight_step(w).item()
            out[name] = (w / weight_step(w)).round().clamp(-127, 127).int().numpy()
        if self.m:
            out["act1_scale"], out["act2_scale"] = self.act1_max.item() / 255, self.act2_max.item() / 255
            out["b1"] = (self.b1 * CV_UNIT / out["w1_scale"]).round().int().numpy()
            out["b2"] = (self.b2 * CV_UNIT / (out["act1_scale"] * out["w2_scale"])).round().int().numpy()
            cv_step = out["act2_scale"] * out["wv_scale"]
        else:
            # 1/4096 of a code: far finer than sigma's 8 fractional bits, and far from the 24-bit limit.
            cv_step = out["cv_scale"] = 2.0 ** -12
        out["cv"] = (self.cv * CV_UNIT / cv_step).round().clamp(-2**23, 2**23 - 1).int().numpy()
        return out


def make_blocks(net, placement, seed=0):
    """placement {layer name: (depthwise, bottleneck)} -> ModuleDict of fresh blocks."""
    generator = torch.Generator().manual_seed(seed)
    channels = lambda name: getattr(net, f"{name}_weight").shape[0]
    return nn.ModuleDict({name: Denoiser(channels(name), *kind, generator) for name, kind in placement.items()})


def mean_mode(blocks):
    """The hook for QuantNet's `denoise`: x - mu."""
    return lambda layer, d, v: d - blocks[layer.name](d)[0] if layer.name in blocks else d


def teacher(net, images, batch=1000):
    """Clean logits of all images, in real units, [n, classes]."""
    with torch.no_grad():
        return torch.cat([net(images[i:i + batch]) for i in range(0, len(images), batch)]) * net.layers[-1].s_v


def distillation(net, logits, target, temperature):
    """Kullback-Leibler divergence of the noisy network's softened answer from the clean one's."""
    noisy = logits.float() * (net.layers[-1].s_v / temperature)
    return F.kl_div(F.log_softmax(noisy, 1), F.softmax(target / temperature, 1), reduction="batchmean") * temperature ** 2


def noisy_loss(net, blocks, pixels, target, analog, likelihood, temperature):
    """One forward pass with noise in the loop -> distillation loss + likelihood weight x mean negative log-likelihood."""
    nll = []

    def denoise(layer, d, v):
        if layer.name not in blocks:
            return d
        mu, sigma = blocks[layer.name](d)
        if likelihood:
            sigma = sigma.float().clamp_min(SIGMA_MIN)
            # The block's own layer's noise is the target, so no gradient goes to the layers before through it.
            noise_now = (d - v.clamp(-128 - layer.z_v, 127 - layer.z_v)).detach().float()
            nll.append(((noise_now - mu.float()).square() / (2 * sigma.square()) + sigma.log()).mean())
        return d - mu

    with torch.autocast("cpu", torch.bfloat16):
        logits = net(pixels, analog=analog, denoise=denoise)
    loss = distillation(net, logits, target, temperature)
    return loss + likelihood * torch.stack(nll).mean() if nll else loss


def train(net, blocks, images, profiles, config, steps, checkpoint=None, say=print):
    """Train the blocks in place. images uint8 [n, 1, h, w]; the last share `quantised_share` of the steps fake-quantises.

    The weights kept are an exponential average over the steps.
    """
    for parameter in net.parameters():
        raise AssertionError("the backbone must have no trainable parameter")
    net.eval()
    blocks.train()
    target = teacher(net, images)
    generator = torch.Generator().manual_seed(config.seed)
    analog = noise.TrainingNoise(profiles, *config.noise_levels, net.output_shapes(images), config.denoiser_batch, config.seed)
    optimiser = torch.optim.Adam(blocks.parameters(), config.denoiser_rate, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.denoiser_rate, total_steps=steps + 1, pct_start=0.1)
    average = [p.detach().clone() for p in blocks.parameters()]
    step = 0
    if checkpoint and checkpoint.exists():
        state = torch.load(checkpoint)
        blocks.load_state_dict(state["blocks"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        average, step = state["average"], state["step"]
        generator.manual_seed(config.seed + step)
    first, begin = step, time.time()
    while step < steps:
        for block in blocks.values():
            block.quantised = step >= steps * (1 - config.quantised_share)
        pick = torch.randint(len(images), (config.denoiser_batch,), generator=generator)
        analog.redraw()
        loss = noisy_loss(net, blocks, images[pick], target[pick], analog, config.likelihood, config.temperature)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(blocks.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        step += 1
        decay = min(config.denoiser_ema, step / (step + 10))
        with torch.no_grad():
            for kept, now in zip(average, blocks.parameters()):
                kept.lerp_(now, 1 - decay)
        if step % 100 == 0 or step == steps:
            left = (time.time() - begin) / (step - first) * (steps - step)
            say(f"denoisers step {step}/{steps}  loss {loss.item():.3f}  {left / 60:.1f} min left")
            if checkpoint:
                torch.save({"blocks": blocks.state_dict(), "optimiser": optimiser.state_dict(),
                            "schedule": schedule.state_dict(), "average": average, "step": step}, checkpoint)
    with torch.no_grad():
        for kept, now in zip(average, blocks.parameters()):
            now.copy_(kept)
    for block in blocks.values():
        block.quantised = True
    return blocks.eval()
