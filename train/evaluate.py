"""Accuracy of the integers: every figure comes from libquell, on all test images, as the mean over several chips."""
import numpy as np

from . import data, profile, quell
from .config import ROOT


def relative(path):
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


class Bench:
    """The reference device with a data set's test images, and training images for calibration."""

    def __init__(self, dataset, folder, test_images=0, calibration_images=100, threads=2):
        """folder: where the images are put for libquell to read. test_images: 0 is all."""
        self.lib = quell.Quell(threads=threads)
        count = test_images or len(dataset.test.images)
        self.classes, self.calibration_images = len(dataset.classes), calibration_images
        self.labels = dataset.test.labels[:count].numpy()
        # The file names are fixed so that resumed runs use them again; `files` is for the tool itself.
        self.files = {"images": data.write_idx(folder / f"test-{count}.idx", dataset.test.images[:count]),
                      "labels": data.write_idx_labels(folder / f"test-{count}-labels.idx", dataset.test.labels[:count]),
                      "unlabelled": data.write_idx(folder / "calibration.idx", dataset.train.images[:calibration_images])}
        self.images, self.unlabelled = self.lib.images(self.files["images"]), self.lib.images(self.files["unlabelled"])

    def accuracy(self, model, profile=None, chip=0, noise_seed=0, denoiser="off", calibration=None):
        logits = self.lib.run(model, self.images, self.classes, profile, chip, calibration, denoiser, noise_seed)
        return float((logits.argmax(1) == self.labels).mean())

    def calibrate(self, model, profile, chip, noise_seed):
        return self.lib.calibrate(model, profile, chip, self.unlabelled, self.calibration_images, noise_seed)


def accuracies(bench, model, config, profile_path):
    """Each chip seed is also the noise seed -> {"noisy", "mean", "sample"} and, where something is static, the same after
    calibration ("calibrated", ...): lists of one accuracy a chip."""
    handle, static = bench.lib.profile(profile_path), profile.load(profile_path).static
    rows = {}
    for chip in config.chips:
        calibration = bench.calibrate(model, handle, chip, config.calibration_seed + chip) if static else None
        for denoiser, name in (("off", "noisy"), ("mean", "mean"), ("sample", "sample")):
            for correction in (None, calibration) if static else (None,):
                key = "calibrated_" * (correction is not None) + name
                rows.setdefault(key, []).append(bench.accuracy(model, handle, chip, chip, denoiser, correction))
    return rows


def report(models, profiles, config, dataset, folder, say=print):
    """models {profile name: ONNX path}, profiles {name: JSON path}, a scratch folder -> the dict that becomes models/results.json.

    "accuracy_denoised" is the mode that the profile is meant for: mean mode for read noise, calibration without the
    denoiser for what is static. Every other mode stands beside it.
    """
    bench, out = Bench(dataset, folder, config.test_images, config.calibration_images, config.threads), {}
    for name, path in profiles.items():
        model = bench.lib.model(models[name])
        info = bench.lib.model_info(model)
        clean, clean_denoised = bench.accuracy(model), bench.accuracy(model, denoiser="mean")
        rows = accuracies(bench, model, config, path)
        mean = {key: float(np.mean(values)) for key, values in rows.items()}
        recovered = lambda key: (mean[key] - mean["noisy"]) / (clean - mean["noisy"])
        best = "calibrated_noisy" if "calibrated_noisy" in mean else "mean"
        out[name] = {
            "model": relative(models[name]), "profile": relative(path),
            "accuracy_clean": clean, "accuracy_clean_denoiser_mean": clean_denoised, "accuracy_noisy": mean["noisy"],
            "accuracy_denoised": mean[best], "recovered_share": recovered(best), "mode": best,
            "accuracy": mean, "recovered": {key: recovered(key) for key in mean if key != "noisy"},
            "extra_parameters": info.denoiser_parameters / info.parameters, "parameters": info.parameters,
            "denoiser_parameters": info.denoiser_parameters, "per_chip": rows}
        say(f"{name:15} clean {clean:.2%}  noisy {mean['noisy']:.2%}  {best} {mean[best]:.2%}  recovered {recovered(best):.1%}")
    bench.lib.close()
    return {"profiles": out, "images": len(bench.labels), "chips": list(config.chips), "noise_seeds": list(config.chips),
            "calibration_images": config.calibration_images}

