"""What the experiment runs: settings of every backbone, groups of noise, and the lists of runs of each profile (smoke, fast, full).

A run is one row's worth of work: one backbone under one noise, with one way of mitigation trained with one seed. Runs that
need the same backbone, placement or blocks share them; experiment.py sees to that.
"""
import json
from dataclasses import asdict, dataclass, replace

from .config import FULL, Config, ROOT, backbone_settings, training_settings

# Noise of the tables, its severity in the main table, and the group of profiles on which blocks are trained for it. A group is
# trained together, by turns, over a range of levels. Severities: the mean drop over all rows is to be about 30 points.
NOISES = {
    "varying_chip": (0.65, "read"), "ageing_1h": (0.3, "read"), "ageing_1d": (0.2, "read"), "ageing_1month": (0.14, "read"),
    "ageing_1y": (0.11, "read"), "read": (1.2, "read"), "additive": (0.9, "read"), "multiplicative_sixth": (3.5, "read"),
    "combined": (0.16, "read"), "pcm_1h": (0.25, "devices"), "reram_1d": (1.35, "devices"), "adc_4": (1.0, "adc"), "stuck": (0.25, "devices"),
}
GROUPS = {"read": ("read", "additive", "multiplicative_sixth", "combined"), "devices": ("pcm_1h", "reram_1d", "stuck"), "adc": ("adc_4", "adc_5")}

# Ways of mitigation. "none" and "correction" need no training; the others are trained by fit.py.
TRAINED = ("blocks", "low_rank", "no_sigma", "retrained", "unlimited")
CONTROLS = ("none", "correction", "blocks", "both", "low_rank", "no_sigma", "retrained", "unlimited")
# What a control trains; "both" is the same blocks on a corrected chip.
TRAINS = {"blocks": "blocks", "both": "blocks", "low_rank": "low_rank", "no_sigma": "no_sigma", "retrained": "retrained", "unlimited": "unlimited"}
# Those that the chip cannot run are measured on the emulated tile.
EMULATED = ("low_rank", "unlimited")


@dataclass(frozen=True)
class Run:
    backbone: str                 # a key of a profile's backbones
    noise: str                    # a file of profiles/
    severity: float
    control: str
    placement: str = "gradient"   # insertion.STRATEGIES
    draw: int = 0                 # which random placement
    budget: float = 0.0203
    widths: tuple = (1, 2, 4)     # bottlenecks that the placement may choose from
    loss: str = "logits"          # a key of LOSSES
    seed: int = 1                 # of training
    table: str = "main"           # which table it belongs to
    images: int = 0               # test images; 0: all
    modes: tuple = ("mean",)      # of the denoiser

    @property
    def name(self):
        parts = [self.table, self.backbone, self.noise, f"x{self.severity:g}", self.control]
        if self.control in TRAINS:
            parts += [self.placement + (str(self.draw) if self.placement == "random" else ""), f"b{100 * self.budget:g}",
                      "w" + "".join(str(w) for w in self.widths), self.loss, f"s{self.seed}"]
        return "-".join(parts)


# ---- settings -----------------------------------------------------------------------------------------------------------

BASE = replace(FULL, data="cifar10", shift=4, erase=8, epochs=60, denoiser_images=20_000, denoiser_steps=3000, denoiser_batch=64,
               noise_levels=(0.3, 1.3), silent_share=0.1, sigma_on_rest=True, likelihood=0.02)

LOSSES = {
    "logits": {},
    "likelihood": {"logits": 0.0, "likelihood": 1.0, "sigma_on_rest": False},
    "features": {"features": 1.0, "logits": 0.0},
    "both": {"features": 0.3},
    "mu_too": {"sigma_on_rest": False},
}

CIFAR_BACKBONES = {
    # Too small for so few epochs to need pictures with holes in them.
    "resnet8": replace(BASE, network="resnet8", epochs=40, erase=0),
    "resnet20": replace(BASE, network="resnet20", epochs=45, erase=0),
    "mobilenet": replace(BASE, network="mobilenet"),
    "vgg": replace(BASE, network="vgg", epochs=40, denoiser_steps=1500),
}


@dataclass(frozen=True)
class Profile:
    """One size of the experiment."""
    title: str
    backbones: dict               # name: Config
    chips: tuple                  # seeds
    noise_seeds: tuple
    runs: tuple
    time_limit: str               # for people


def main_runs(backbones, noises, seeds, images=None):
    """none and correction once, the rest for every training seed."""
    runs = []
    for backbone in backbones:
        count = (images or {}).get(backbone, 0)
        for noise in noises:
            row = Run(backbone, noise, NOISES[noise][0], "none", images=count)
            runs += [row, replace(row, control="correction")]
            for seed in seeds[backbone] if isinstance(seeds, dict) else seeds:
                runs += [replace(row, control=control, seed=seed) for control in ("both", "blocks")]
    return runs


def control_runs(backbones, noises, seeds, images):
    return [Run(backbone, noise, NOISES[noise][0], control, seed=seed, table="controls", images=images)
            for backbone in backbones for control in CONTROLS for noise in noises
            for seed in (seeds if control in TRAINS else seeds[:1])]


def placement_runs(backbone, noise, budgets, draws, seeds, images, widths=((1,), (2,), (4,))):
    base = Run(backbone, noise, NOISES[noise][0], "blocks", table="placement", images=images)
    runs = [replace(base, control="none")]
    for budget in budgets:
        for strategy in ("gradient", "all", "first", "last", "measured"):
            runs += [replace(base, placement=strategy, budget=budget, seed=seed) for seed in seeds]
        runs += [replace(base, placement="random", draw=draw, budget=budget) for draw in range(draws)]
    runs += [replace(base, widths=width, table="width") for width in widths]
    return runs


def loss_runs(backbone, noises, images):
    return [Run(backbone, noise, NOISES[noise][0], "blocks", loss=loss, table="loss", images=images, modes=("mean", "sample"))
            for noise in noises for loss in LOSSES]


def severity_runs(backbones, noises, severities, images, seed=1):
    return [Run(backbone, noise, round(severity * NOISES[noise][0], 4), control, seed=seed, table="severity", images=images)
            for backbone in backbones for noise in noises for severity in severities for control in ("none", "correction", "both")]


def smoke():
    tiny = replace(FULL, data="fashion_mnist", train_images=512, epochs=1, range_images=64, denoiser_images=256, denoiser_steps=4, denoiser_batch=16,
                   search_batches=1, measure_steps=1, measure_images=32, calibration_images=10)
    noises = ("varying_chip", "read")
    runs = main_runs(["resnet8"], noises, (1,), {"resnet8": 100}) + control_runs(["resnet8"], ["read"], (1,), 100)
    runs += placement_runs("resnet8", "read", (0.0203,), 2, (1,), 100, widths=((2,),))[:8] + loss_runs("resnet8", ["read"], 100)[:2]
    return Profile("smoke: does every part run", {"resnet8": tiny}, (1, 2), (1,), tuple(runs), "a minute")


def fast():
    quick = replace(FULL, data="fashion_mnist", train_images=20_000, epochs=4, denoiser_images=8000, denoiser_steps=120, denoiser_batch=64, search_batches=5,
                    measure_steps=5, measure_images=256, noise_levels=(0.3, 1.3), silent_share=0.1, sigma_on_rest=True)
    noises, count = ("varying_chip", "ageing_1d", "read", "combined", "pcm_1h"), 1000
    runs = main_runs(["resnet8"], noises, (1,), {"resnet8": count}) + control_runs(["resnet8"], ["read"], (1,), count)
    runs += placement_runs("resnet8", "read", (0.0203,), 3, (1,), count, widths=((1,), (4,)))
    runs += loss_runs("resnet8", ["read"], count)[:3] + severity_runs(["resnet8"], ["read", "varying_chip"], (0.5, 1.0, 1.5), count)
    return Profile("fast: the tables on one backbone", {"resnet8": quick}, (1, 2), (1,), tuple(runs), "10 minutes on 2 cores")


def full():
    """Complete for ResNet-8 first, then the main rows of the others, so that an interrupted run has what matters most."""
    names, wide = ["resnet8", "resnet20", "mobilenet", "vgg"], {"vgg": 2000}
    seeds = {"resnet8": (1, 2, 3), "resnet20": (1, 2, 3), "mobilenet": (1, 2, 3), "vgg": (1,)}
    bound = lambda runs: [run for run in runs if run.control != "unlimited" or run.seed == 1]  # ten times the backbone: one training
    severities = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
    curves = ["read", "varying_chip", "ageing_1month", "combined", "pcm_1h"]
    runs = main_runs(["resnet8"], list(NOISES), seeds) + bound(control_runs(["resnet8"], ["read", "combined"], (1, 2, 3), 2000))
    runs += main_runs(["resnet20", "mobilenet", "vgg"], list(NOISES), seeds, wide)
    runs += loss_runs("resnet8", ["read", "combined"], 2000)
    runs += placement_runs("resnet8", "read", (0.0203,), 10, (1, 2, 3), 2000)
    runs += bound(control_runs(["resnet20"], ["read", "combined"], (1, 2, 3), 2000)) + [run for run in control_runs(["mobilenet", "vgg"], ["combined"], (1,), 2000) if run.control != "unlimited"]
    runs += severity_runs(names[:3], curves, severities, 2000) + severity_runs(["vgg"], curves, severities, 500)
    runs += placement_runs("resnet8", "read", (0.005, 0.01, 0.04, 0.08), 10, (1,), 2000, widths=())
    return Profile("full", dict(CIFAR_BACKBONES), (1, 2, 3, 4, 5), (1, 2, 3), tuple(runs), "some 20 hours on 2 cores, estimated from measured steps")


PROFILES = {"smoke": smoke, "fast": fast, "full": full}


# Tables whose runs are measured on a corrected chip as well.
CORRECTED = ("main", "controls", "severity")

# Tables whose runs compare trainings with each other: a third of the steps, since there are many.
SHORT = ("placement", "width", "loss")


def settings(profile, run) -> Config:
    """Everything that training for this run depends on."""
    base = profile.backbones[run.backbone]
    steps = base.denoiser_steps // 3 if run.table in SHORT else base.denoiser_steps
    return replace(base, denoiser_steps=steps, seed=run.seed, budget=run.budget, bottlenecks=tuple(run.widths), **LOSSES[run.loss])


def noise_path(name):
    return ROOT / f"profiles/{name}.json"


def stored(run):
    return {**asdict(run), "name": run.name}


def conditions(recipe, run):
    """What, beside the code, decides a run's figures; as JSON gives it back."""
    config = settings(recipe, run)
    chosen = backbone_settings(recipe.backbones[run.backbone]) | training_settings(config) | {
        "backbone_seed": recipe.backbones[run.backbone].seed}
    return json.loads(json.dumps({"run": stored(run), "settings": chosen, "chips": list(recipe.chips), "noise_seeds": list(recipe.noise_seeds)}))


def fits(file, recipe, run):
    """Whether a stored run is the one that this recipe asks for."""
    wanted = conditions(recipe, run)
    return {key: file[key] for key in wanted} == wanted


def unique(runs):
    return tuple({run.name: run for run in runs}.values())
