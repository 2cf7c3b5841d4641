"""Float training of a backbone."""
import copy
import time

import torch
import torch.nn.functional as F

from . import data, machine, networks
from .store import whole


def accuracy(model, images, labels, batch=1000):
    """Share of padded uint8 images whose largest logit is the label's."""
    model.eval()
    where = next(model.parameters()).device
    right = 0
    with torch.no_grad():
        for i in range(0, len(images), batch):
            answer = model(images[i:i + batch].to(where).float() / 255).argmax(1)
            right += (answer.cpu() == labels[i:i + batch]).sum().item()
    return right / len(images)


def train(config, dataset, checkpoint, say=print):
    """Train, or go on from `checkpoint` (a Path, written after every epoch) -> the averaged model in eval mode, on the CPU."""
    torch.manual_seed(config.seed)
    where = machine.device()
    images, labels = dataset.padded(dataset.train.images).to(where), dataset.train.labels.to(where)
    model = networks.FloatNet(config.network, dataset.channels, len(dataset.classes)).to(where, memory_format=torch.channels_last)
    average = copy.deepcopy(model)
    steps = len(images) // config.batch
    optimiser = torch.optim.SGD(model.parameters(), config.learning_rate, 0.9, weight_decay=config.weight_decay, nesterov=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.learning_rate, total_steps=steps * config.epochs + 1, pct_start=0.2)
    first = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=where)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
        schedule.load_state_dict(state["schedule"])
        first = state["epoch"]
    pixels = torch.empty(config.batch, *images.shape[1:], device=where).contiguous(memory_format=torch.channels_last)
    answer, parameters = labels[:config.batch].clone(), list(model.parameters())
    kept, now = ([value for value in net.state_dict().values() if value.is_floating_point()] for net in (average, model))

    def derive():
        with machine.autocast(where):
            logits = model(pixels)
        loss = F.cross_entropy(logits.float(), answer, label_smoothing=config.label_smoothing)
        return loss.detach(), torch.autograd.grad(loss, parameters)

    begin = time.time()
    with machine.Replayed(where) as replayed:
        for epoch in range(first, config.epochs):
            generator = torch.Generator(where).manual_seed(config.seed * 1000 + epoch)
            model.train()
            for x, y in data.batches(images, labels, config.batch, generator):
                pixels.copy_(data.augment(x, config.shift, config.erase, generator))
                answer.copy_(y)
                loss, gradients = replayed("step", derive)
                for parameter, gradient in zip(parameters, gradients):
                    parameter.grad = gradient
                optimiser.step()
                schedule.step()
                # A short memory at first, so that the random start is forgotten.
                torch._foreach_lerp_(kept, now, 1 - min(config.ema, schedule.last_epoch / (schedule.last_epoch + 10)))
            whole(checkpoint, lambda scratch: torch.save({
                "model": model.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict(),
                "schedule": schedule.state_dict(), "epoch": epoch + 1}, scratch))
            left = (time.time() - begin) / (epoch + 1 - first) * (config.epochs - epoch - 1)
            say(f"{config.network} epoch {epoch + 1}/{config.epochs}  loss {loss.item():.3f}  {left / 60:.1f} min left")
    return average.cpu().eval()
