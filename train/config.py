"""Every setting of the training, in one place.

`python -m train.make_models` uses `FULL`; `--smoke` uses `SMOKE`, which differs only in how much work is done. The settings
of the experiment (`python -m train.experiment`) are made from them in recipes.py.
"""
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Config:
    # ---- data -----------------------------------------------------------------------------------------------------
    data: str = "fashion_mnist"    # one of data.SETS
    train_images: int | None = None  # how many of the training images are used; None: all
    # ---- backbone (float) -----------------------------------------------------------------------------------------
    network: str = "resnet8"       # one of networks.BACKBONES
    epochs: int = 30
    batch: int = 256
    learning_rate: float = 0.4     # peak of the one-cycle schedule, SGD with Nesterov momentum 0.9
    weight_decay: float = 5e-4
    label_smoothing: float = 0.05
    shift: int = 2                 # random shift, pixels each way
    erase: int = 6                 # largest side of the randomly erased square, pixels
    ema: float = 0.998             # decay a step of the weight average that is kept
    seed: int = 1
    # ---- denoising blocks -----------------------------------------------------------------------------------------
    budget: float = 0.0203         # additional parameters, share of the folded backbone's
    bottlenecks: tuple = (1, 2, 4)  # widths that the placement search may choose from
    search_batches: int = 20       # batches over which the search accumulates gradients
    price_exponent: float = 1.0    # score = gradient norm / parameters ** this
    measure_steps: int = 60        # strategy "measured": steps that every piece is trained alone
    measure_images: int = 1000     # and images on which its accuracy is taken
    denoiser_images: int = 20_000  # training images the blocks see; the last ones of the training set
    denoiser_steps: int = 6000
    denoiser_batch: int = 64
    denoiser_rate: float = 0.01    # peak of the one-cycle schedule, Adam
    retrain_rate: float = 1e-3     # the same where the backbone itself is trained (a control)
    denoiser_ema: float = 0.99
    logits: float = 1.0            # weight of the distillation of the clean network's answer
    features: float = 0.0          # weight of the distillation of its layers' codes
    likelihood: float = 0.02       # weight of the negative log-likelihood of the noise
    likelihood_share: float = 0.125  # share of a batch's pictures on which it is taken: an eighth halves a step's memory traffic
    sigma_on_rest: bool = True     # the likelihood trains sigma alone, on what mu leaves over
    temperature: float = 1.0       # of the distillation
    noise_levels: tuple = (0.8, 1.2)   # range of the factor on the profiles' noise while training, drawn for every image
    silent_share: float = 0.1      # share of the training images without read noise
    quantised_share: float = 0.5   # share of the steps, at the end, with int8 weights and uint8 activations
    # One ONNX file a group: {file stem: profiles its blocks are trained on, by turns}, and the profiles it is evaluated
    # with. Multiplicative noise is harder to take out, so it comes up twice as often.
    groups: dict = field(default_factory=lambda: {"resnet8_fmnist_denoised": ("additive", "multiplicative", "multiplicative")})
    serves: dict = field(default_factory=lambda: {"resnet8_fmnist_denoised": ("additive", "multiplicative", "varying_chip")})
    # ---- evaluation of the integers --------------------------------------------------------------------------------
    test_images: int = 0           # 0: all 10 000
    chips: tuple = (1, 2, 3, 4, 5)  # chip seeds; each is the noise seed of its run as well
    calibration_images: int = 100  # the first of the training images, labels unused
    calibration_seed: int = 1000   # noise seed while calibrating: this + chip
    threads: int = 2
    # ---- post-training quantisation -------------------------------------------------------------------------------
    range_images: int = 2000       # training images from which activation ranges are measured
    head_level: float = 2.1        # subtracted from every logit: no answer changes, multiplicative noise hurts the head less
    duration: str = "about an hour on 2 undisturbed cores"  # what make_models says at the start


FULL = Config()
SMOKE = replace(FULL, train_images=2048, epochs=1, denoiser_steps=20, denoiser_batch=32, search_batches=2,
                test_images=200, chips=(1,), calibration_images=20, range_images=200)

# The settings on which a quantised backbone depends, and those that only say how things are run or reported. What was made is
# named by a hash of the settings that it depends on, so that a change of others does not make it anew.
OF_BACKBONE = ("data", "train_images", "network", "epochs", "batch", "learning_rate", "weight_decay", "label_smoothing", "shift", "erase", "ema", "range_images", "head_level")
OF_REPORT = ("groups", "serves", "test_images", "chips", "calibration_images", "calibration_seed", "threads", "duration")


def backbone_settings(config):
    return {name: getattr(config, name) for name in OF_BACKBONE} | {"seed": config.seed}


def training_settings(config):
    """All that training on a given backbone depends on, as a dict."""
    return {field.name: getattr(config, field.name) for field in fields(config) if field.name not in OF_BACKBONE + OF_REPORT}
