"""What the experiment runs: settings of every backbone, groups of noise, and the lists of runs of each profile (smoke, fast, full).

A run is one row's worth of work: one backbone under one noise, with one way of mitigation trained with one seed. Runs that
need the same backbone, placement or blocks share them; experiment.py sees to that.
"""
import json
from dataclasses import asdict, dataclass, field, replace

from .config import FULL, Config, ROOT, backbone_settings, training_settings

# Noises of the tables, and the group of profiles on which blocks are trained for each. A group is trained together, by turns,
# over a range of levels.
NOISES = {
    "varying_chip": "read", "ageing_1h": "read", "ageing_1d": "read", "ageing_1month": "read", "ageing_1y": "read", "read": "read", "additive": "read",
    "multiplicative_sixth": "read", "combined": "read", "pcm_1h": "devices", "reram_1d": "devices", "adc_4": "adc", "stuck": "devices",
    "pcm_1y": "devices", "adc_5": "adc", "adc_6": "adc", "adc_7": "adc", "adc_8": "adc",
}
# The rest is in the severity table alone: an ADC has bits instead of a severity, a year of phase-change memory stands beside its hour.
MAIN = ("varying_chip", "ageing_1h", "ageing_1d", "ageing_1month", "ageing_1y", "read", "additive", "multiplicative_sixth", "combined", "pcm_1h", "reram_1d", "adc_4", "stuck")
CONVERTERS = ("adc_4", "adc_5", "adc_6", "adc_7", "adc_8")
GROUPS = {"read": ("read", "additive", "multiplicative_sixth", "combined"), "devices": ("pcm_1h", "reram_1d", "stuck"), "adc": ("adc_4", "adc_5")}

# Severities in the main table, {backbone: {noise: factor}}: those at which that backbone loses about 30 points (train/severity.py). One chip for
# all would push the narrow networks to chance and leave the wide one untouched, and the share that is recovered would say
# more about the size of the drop than about the blocks. An ADC has no severity.
SEVERITIES = {
    "resnet8": {"varying_chip": 0.75, "ageing_1h": 0.71, "ageing_1d": 0.44, "ageing_1month": 0.31, "ageing_1y": 0.26, "read": 0.96, "additive": 0.92,
                "multiplicative_sixth": 2.55, "combined": 0.28, "pcm_1h": 0.65, "pcm_1y": 0.65, "reram_1d": 1.07, "stuck": 0.1},
    "resnet20": {"varying_chip": 1.36, "ageing_1h": 0.58, "ageing_1d": 0.355, "ageing_1month": 0.25, "ageing_1y": 0.21, "read": 0.97, "additive": 0.91,
                 "multiplicative_sixth": 2.58, "combined": 0.26, "pcm_1h": 0.57, "pcm_1y": 0.57, "reram_1d": 1.56, "stuck": 0.05},
    "mobilenet": {"varying_chip": 0.73, "ageing_1h": 0.195, "ageing_1d": 0.12, "ageing_1month": 0.086, "ageing_1y": 0.071, "read": 0.41, "additive": 0.5,
                  "multiplicative_sixth": 0.94, "combined": 0.085, "pcm_1h": 0.187, "pcm_1y": 0.187, "reram_1d": 0.9, "stuck": 0.06},
    "vgg": {"varying_chip": 1.6, "ageing_1h": 0.93, "ageing_1d": 0.58, "ageing_1month": 0.41, "ageing_1y": 0.34, "read": 1.26, "additive": 1.02,
            "multiplicative_sixth": 2.95, "combined": 0.375, "pcm_1h": 1.0, "pcm_1y": 1.0, "reram_1d": 2.07, "stuck": 0.14},
}
# For the profiles on Fashion-MNIST, measured on a backbone of four epochs.
FASHION_SEVERITIES = {"resnet8": {
    "varying_chip": 0.65, "ageing_1h": 0.3, "ageing_1d": 0.2, "ageing_1month": 0.14, "ageing_1y": 0.11, "read": 1.2, "additive": 0.9,
    "multiplicative_sixth": 3.5, "combined": 0.16, "pcm_1h": 0.25, "pcm_1y": 0.25, "reram_1d": 1.35, "stuck": 0.25}}


def recommended(noise):
    """How a chip with this noise is run, chosen by its kind before any figure was seen: the denoiser is for what is random or
    cannot be corrected a column."""
    return "correction" if noise.startswith(("varying", "ageing")) else "both"


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

BASE = replace(FULL, data="cifar10", shift=4, erase=8, epochs=60, denoiser_images=20_000, denoiser_steps=2000, denoiser_batch=64,
               noise_levels=(0.7, 1.25), silent_share=0.1, sigma_on_rest=True, likelihood=0.02, likelihood_share=0.125)

LOSSES = {
    "logits": {},
    "likelihood": {"logits": 0.0, "likelihood": 1.0, "sigma_on_rest": False},
    "features": {"features": 1.0, "logits": 0.0},
    "both": {"features": 0.3},
    "mu_too": {"sigma_on_rest": False},
}

CIFAR_BACKBONES = {
    # Too small for so few epochs to need pictures with holes in them.
    "resnet8": replace(BASE, network="resnet8", epochs=80, erase=0),
    "resnet20": replace(BASE, network="resnet20", epochs=100, erase=4),
    "mobilenet": replace(BASE, network="mobilenet", epochs=100),
    "vgg": replace(BASE, network="vgg", epochs=80),
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
    severities: dict = field(default_factory=dict)  # {backbone: {noise: factor}} in the main table and while training; 1 where it says nothing

    def group(self, backbone, noise):
        """[(profile, severity)] that blocks for a noise are trained on."""
        return [(name, self.severities.get(backbone, {}).get(name, 1.0)) for name in GROUPS[NOISES[noise]]]


def at(severities, backbone, noise):
    return severities[backbone].get(noise, 1.0)


def main_runs(severities, noises, seeds, images=0, every=True):
    """Every backbone of `severities`. none and correction once; blocks on a corrected chip for every training seed where that is how such a chip is run.
    every: what is not recommended as well, with the first seed."""
    runs = []
    for backbone in severities:
        for noise in noises:
            row = Run(backbone, noise, at(severities, backbone, noise), "none", images=images)
            runs += [row, replace(row, control="correction")]
            if recommended(noise) == "both":
                runs += [replace(row, control="both", seed=seed) for seed in seeds]
            elif every:
                runs += [replace(row, control="both", seed=seeds[0])]
            if every:
                runs += [replace(row, control="blocks", seed=seeds[0])]
    return runs


def control_runs(severities, noises, seeds, images):
    return [Run(backbone, noise, at(severities, backbone, noise), control, seed=seed, table="controls", images=images)
            for backbone in severities for control in CONTROLS for noise in noises
            for seed in (seeds if control in TRAINS else seeds[:1])]


def placement_runs(severities, backbone, noise, budgets, draws, seeds, images, widths=((1,), (2,), (4,))):
    base = Run(backbone, noise, at(severities, backbone, noise), "blocks", table="placement", images=images)
    runs = [replace(base, control="none")]
    for budget in budgets:
        for strategy in ("gradient", "all", "first", "last", "measured"):
            runs += [replace(base, placement=strategy, budget=budget, seed=seed) for seed in seeds]
        runs += [replace(base, placement="random", draw=draw, budget=budget) for draw in range(draws)]
    runs += [replace(base, widths=width, table="width") for width in widths]
    return runs


def loss_runs(severities, backbone, noises, images):
    return [Run(backbone, noise, at(severities, backbone, noise), "blocks", loss=loss, table="loss", images=images, modes=("mean", "sample"))
            for noise in noises for loss in LOSSES]


def longer_runs(severities, backbone, noise, controls, images):
    return [Run(backbone, noise, at(severities, backbone, noise), control, table="longer", images=images) for control in ("none", *controls)]


def severity_runs(severities, noises, factors, images, seed=1):
    return [Run(backbone, noise, round(factor * at(severities, backbone, noise), 4), control, seed=seed, table="severity", images=images)
            for backbone in severities for noise in noises for factor in factors for control in ("none", "correction", "both")]


def smoke():
    tiny = replace(FULL, data="fashion_mnist", train_images=512, epochs=1, range_images=64, denoiser_images=256, denoiser_steps=4, denoiser_batch=16,
                   search_batches=1, measure_steps=1, measure_images=32, calibration_images=10)
    noises, at30 = ("varying_chip", "read"), FASHION_SEVERITIES
    runs = main_runs(at30, noises, (1,), 100) + control_runs(at30, ["read"], (1,), 100)
    runs += placement_runs(at30, "resnet8", "read", (0.0203,), 2, (1,), 100, widths=((2,),))[:8] + loss_runs(at30, "resnet8", ["read"], 100)[:2]
    return Profile("smoke: does every part run", {"resnet8": tiny}, (1, 2), (1,), tuple(runs), "a minute", at30)


def fast():
    quick = replace(FULL, data="fashion_mnist", train_images=20_000, epochs=4, denoiser_images=8000, denoiser_steps=120, denoiser_batch=64, search_batches=5,
                    measure_steps=5, measure_images=256, noise_levels=(0.6, 1.3), silent_share=0.1, sigma_on_rest=True, likelihood_share=0.125)
    noises, count, at30 = ("varying_chip", "ageing_1d", "read", "combined", "pcm_1h"), 1000, FASHION_SEVERITIES
    runs = main_runs(at30, noises, (1,), count) + control_runs(at30, ["read"], (1,), count)
    runs += placement_runs(at30, "resnet8", "read", (0.0203,), 3, (1,), count, widths=((1,), (4,)))
    runs += loss_runs(at30, "resnet8", ["read"], count)[:3] + severity_runs(at30, ["read", "varying_chip"], (0.5, 1.0, 1.5), count)
    return Profile("fast: the tables on one backbone", {"resnet8": quick}, (1, 2), (1,), tuple(runs), "10 minutes on 2 cores", at30)


def full():
    """The main rows first, so that an interrupted run has what matters most. The wide network is measured on 2 000 images and trained
    with one seed; what is not how a chip with such a noise would be run is measured on ResNet-8 alone."""
    of = lambda *names: {name: SEVERITIES[name] for name in names}
    narrow, wide, seeds = of("resnet8", "resnet20", "mobilenet"), of("vgg"), (1, 2, 3)
    bound = lambda runs: [run for run in runs if run.control != "unlimited" or run.seed == 1]  # ten times the backbone: one training
    runs = main_runs(of("resnet8"), MAIN, seeds) + main_runs(wide, MAIN, (1,), 2000, every=False)
    runs += main_runs(of("mobilenet", "resnet20"), MAIN, seeds, every=False)
    runs += bound(control_runs(of("resnet8"), ["read", "combined"], seeds, 2000)) + control_runs(of("resnet20", "mobilenet", "vgg"), ["read", "combined"], (1,), 2000)
    runs += longer_runs(SEVERITIES, "resnet8", "read", ("blocks", "low_rank", "retrained", "unlimited"), 2000)
    for backbone in ("mobilenet", "resnet20"):
        runs += longer_runs(SEVERITIES, backbone, "read", ("blocks", "low_rank", "retrained"), 2000)
    runs += loss_runs(SEVERITIES, "resnet8", ["read", "combined"], 2000)
    runs += placement_runs(SEVERITIES, "resnet8", "read", (0.0203,), 10, seeds, 2000)
    runs += placement_runs(SEVERITIES, "resnet8", "read", (0.005, 0.01, 0.04, 0.08), 10, (1,), 2000, widths=())
    factors = (0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
    curves = ("varying_chip", "ageing_1month", "read", "additive", "multiplicative_sixth", "combined", "pcm_1h", "reram_1d", "stuck")
    for backbone, images in (("resnet8", 2000), ("vgg", 500), ("mobilenet", 1000), ("resnet20", 500)):
        runs += severity_runs(of(backbone), curves, factors, images) + severity_runs(of(backbone), CONVERTERS + ("pcm_1y",), (1.0,), images)
    return Profile("full", dict(CIFAR_BACKBONES), (1, 2, 3, 4, 5), (1, 2, 3), tuple(runs), "some 20 hours on 2 cores, an hour with a GPU and 16 cores, estimated", SEVERITIES)


PROFILES = {"smoke": smoke, "fast": fast, "full": full}


# In what order --train-only makes what the tables need.
RANK = ("longer", "main", "controls", "severity", "loss", "width", "placement")

# Factor on a table's training steps: a third where many trainings are compared with each other, five where the question is what
# longer training would still bring.
STEPS = {"placement": 1 / 3, "width": 1 / 3, "loss": 1 / 3, "longer": 5}


def settings(profile, run) -> Config:
    """Everything that training for this run depends on."""
    base = profile.backbones[run.backbone]
    return replace(base, denoiser_steps=int(base.denoiser_steps * STEPS.get(run.table, 1)), seed=run.seed, budget=run.budget, bottlenecks=tuple(run.widths), **LOSSES[run.loss])


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
