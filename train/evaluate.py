"""Accuracy of the integers: every figure comes from libquell, on all test images, as the mean over several chips."""
import numpy as np

from . import noise, quell
from .config import ROOT


def relative(path):
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name


def accuracies(lib, model, images, labels, classes, config, profile_path):
    """Each chip seed is also the noise seed -> {"noisy", "mean", "sample"} and, where something is static, the same after
    calibration ("calibrated", ...): lists of one accuracy a chip."""
    profile, values = lib.profile(profile_path), noise.load(profile_path)
    static = bool(values.column_gain_sigma or values.column_offset_sigma or values.weight_programming_sigma)
    rows = {}
    for chip in config.chips:
        train = lib.images(config.data / "train-images-idx3-ubyte.gz", config.data / "train-labels-idx1-ubyte.gz", config.calibration_images)
        calibration = lib.calibrate(model, profile, chip, train, config.calibration_images, config.calibration_seed + chip) if static else None
        for denoiser, name in (("off", "noisy"), ("mean", "mean"), ("sample", "sample")):
            for correction in (None, calibration) if static else (None,):
                logits = lib.run(model, images, classes, profile, chip, correction, denoiser, chip)
                rows.setdefault("calibrated_" * (correction is not None) + name, []).append(float((logits.argmax(1) == labels).mean()))
    return rows


def report(models, profiles, config, say=print):
    """models {profile name: ONNX path}, profiles {name: JSON path} -> the dict that becomes models/results.json.

    "accuracy_denoised" is the mode that the profile is meant for: mean mode for read noise, calibration without the
    denoiser for what is static. Every other mode stands beside it.
    """
    lib, out = quell.Quell(threads=config.threads), {}
    for name, path in profiles.items():
        model = lib.model(models[name])
        info = lib.model_info(model)
        images = lib.images(config.data / "t10k-images-idx3-ubyte.gz", config.data / "t10k-labels-idx1-ubyte.gz", config.test_images)
        labels = lib.labels(images)
        clean = float((lib.run(model, images, info.classes).argmax(1) == labels).mean())
        clean_denoised = float((lib.run(model, images, info.classes, denoiser="mean").argmax(1) == labels).mean())
        rows = accuracies(lib, model, images, labels, info.classes, config, path)
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
        lib_images = len(labels)
    lib.close()
    return {"profiles": out, "images": lib_images, "chips": list(config.chips), "noise_seeds": list(config.chips),
            "calibration_images": config.calibration_images, "command": "python -m train.make_models"}

