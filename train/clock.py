"""How long what is left of the experiment will take."""
import time

from . import profile, recipes


class Clock:
    """Time left: work in units of a backbone's passes over images; the rate is what was measured so far, by all workers."""
    TRAINING = 9.0   # times one image of the reference device: forwards, backwards, and floats instead of integers
    WEIGHT = {"resnet8": 1.0, "resnet20": 3.3, "mobilenet": 2.0, "vgg": 9.3}

    def __init__(self, experiment, runs, out):
        self.experiment, self.begin, self.out, self.seen = experiment, time.time(), out, set()
        self.units = {run.name: self.estimate(run) for run in runs}

    def once(self, key, units):
        new = key not in self.seen
        self.seen.add(key)
        return units if new else 0.0

    def training(self, run):
        """Of what stands behind a backbone's layers."""
        config = recipes.settings(self.experiment.recipe, run)
        steps = config.denoiser_steps * config.denoiser_batch * (10 if run.control == "unlimited" else 1)
        return self.WEIGHT[run.backbone] * self.TRAINING * steps * (run.control in recipes.TRAINS)

    def estimate(self, run):
        e = self.experiment
        base = e.recipe.backbones[run.backbone]
        units = self.once(run.backbone, 1.5 * self.TRAINING * base.epochs * (base.train_images or 50_000))
        if run.control in recipes.TRAINS:
            units += self.once(e.trained_key(run), self.training(run) / self.WEIGHT[run.backbone])
        made = profile.load(recipes.noise_path(run.noise))
        repeats = (len(e.recipe.chips) if made.static else 1) * (len(e.recipe.noise_seeds) if made.random else 1)
        return self.WEIGHT[run.backbone] * (units + repeats * (run.images or 10_000) * (10 if run.control in recipes.EMULATED else 1))

    def left(self):
        done = sum(units for name, units in self.units.items() if (self.out / f"{name}.json").exists())
        if not done:
            return "time left unknown"
        seconds = (time.time() - self.begin) / done * (sum(self.units.values()) - done)
        return f"about {seconds / 60:.0f} min left" if seconds < 7200 else f"about {seconds / 3600:.1f} h left"
