# SPDX-License-Identifier: Apache-2.0
"""The demo's HTML report: one file, plots inside, readable without a network."""
import base64
import gzip
import html
import io

import matplotlib
import numpy as np

from tools import cli

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402 (the backend must be chosen first)

CLASSES = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot")
COLOURS = {"clean": "#4c72b0", "noisy": "#c44e52", "denoised": "#55a868"}
STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;width:100%}td{border-bottom:1px solid #ddd;padding:.35rem .6rem}td:last-child{font-variant-numeric:tabular-nums;font-weight:600}
img{max-width:100%;height:auto}figure{margin:2rem 0}figcaption{color:#555}.ok{color:#2a7d46}.bad{color:#b00020}"""


def picture(figure, caption):
    """A matplotlib figure as an HTML figure with its picture inside."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    plt.close(figure)
    data = base64.b64encode(buffer.getvalue()).decode()
    return f'<figure><img alt="{html.escape(caption)}" src="data:image/png;base64,{data}"><figcaption>{html.escape(caption)}</figcaption></figure>'


def accuracy_plot(ref):
    names = list(ref["profiles"])
    figure, axes = plt.subplots(figsize=(9, 3.6))
    clean = 100 * ref["clean"]["accuracy"]
    for offset, key in ((-0.2, "noisy"), (0.2, "denoised")):
        values = [100 * ref["profiles"][n][key]["accuracy"] for n in names]
        bars = axes.bar(np.arange(len(names)) + offset, values, 0.38, color=COLOURS[key], label={"denoised": "denoised, or calibrated"}.get(key, key))
        axes.bar_label(bars, fmt="%.1f", padding=2)
    axes.axhline(clean, color=COLOURS["clean"], linestyle="--", label=f"clean {clean:.1f} %")
    axes.set_xticks(range(len(names)), [n.replace("_", " ") + (" (calibrated)" if ref["profiles"][n]["calibrated"] else "") for n in names])
    axes.set_ylabel("accuracy, %")
    axes.set_ylim(0, 104)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncol=3, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def cycles_plot(sim):
    parts = (("array_busy", "multiplying", "#4c72b0"), ("array_starved", "waiting for a window", "#dd8452"), ("array_blocked", "waiting for post-processing", "#8172b3"))
    figure, axes = plt.subplots(figsize=(9, 1.9))
    for row, name in enumerate(("noisy", "denoised")):
        left, counters, images = 0, sim[name]["counters"], sim[name]["images"]
        for key, label, colour in parts:
            value = counters[key] / images / 1000
            axes.barh(row, value, left=left, color=colour, label=label if row == 0 else None)
            left += value
        axes.barh(row, max(0, counters["cycles"] / images / 1000 - left), left=left, color="#cccccc", label="start and end of layers" if row == 0 else None)
    axes.set_yticks([0, 1], ["denoiser off", "denoiser on"])
    axes.set_xlabel("thousand clock cycles an image")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, 1.35), ncol=4, fontsize=9, frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def images_plot(predictions):
    """Images that the noise turned wrong, with what the network said each time."""
    pixels = np.frombuffer(gzip.open(cli.IMAGES).read(), np.uint8, offset=16).reshape(-1, 28, 28)
    labels = np.frombuffer(gzip.open(cli.LABELS).read(), np.uint8, offset=8)
    clean, noisy, denoised = predictions["clean"], predictions["additive"]["noisy"], predictions["additive"]["denoised"]
    chosen = np.flatnonzero((clean == labels[: len(clean)]) & (noisy != clean))[:14]
    figure, axes = plt.subplots(2, 7, figsize=(10, 4.6))
    for axis in axes.flat:
        axis.axis("off")
    for axis, i in zip(axes.flat, chosen):
        axis.imshow(pixels[i], cmap="gray_r")
        for y, (word, guess) in enumerate((("noisy", noisy[i]), ("denoised", denoised[i]))):
            axis.text(0.5, -0.1 - 0.14 * y, f"{word}: {CLASSES[guess]}", ha="center", fontsize=8, transform=axis.transAxes, color="#2a7d46" if guess == labels[i] else "#b00020")
    return figure


def maps_plot(maps):
    """Three channels after the first layer, clean, noisy and denoised."""
    spread = np.argsort(-maps["clean"].astype(float).std(axis=(0, 1)))[:4]
    figure, axes = plt.subplots(len(maps), len(spread), figsize=(8, 6.2))
    for row, (name, codes) in zip(axes, maps.items()):
        for axis, channel in zip(row, spread):
            axis.imshow(codes[:, :, channel], cmap="viridis", vmin=maps["clean"][:, :, channel].min(), vmax=maps["clean"][:, :, channel].max())
            axis.set_xticks([])
            axis.set_yticks([])
            if channel == spread[0]:
                axis.set_ylabel(name)
            if codes is maps["clean"]:
                axis.set_title(f"channel {channel}", fontsize=10)
    return figure


def write(path, rows, ref, sim, predictions, maps):
    """Write the report to path."""
    same = '<p class="ok">Reference device and simulated chip gave identical bytes.</p>' if sim["identical"] else '<p class="bad">Reference device and simulated chip differ.</p>'
    body = "".join(f"<tr><td>{html.escape(what)}</td><td>{html.escape(value)}</td></tr>" for what, value in rows)
    n, m = ref["clean"]["images"], sim["noisy"]["images"]
    pictures = "".join((
        picture(accuracy_plot(ref), f"Accuracy on {n} Fashion-MNIST test images, as integers, one chip and noise seed a profile."),
        picture(cycles_plot(sim), f"What the multiplier array does, mean of {m} images on the simulated chip."),
        picture(images_plot(predictions), "Images that additive noise turned wrong, and what denoising made of them."),
        picture(maps_plot(maps), "The first layer's output for one image: the denoising block takes the noise out before the next layer sees it."),
    ))
    path.write_text(f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Quell demo</title><style>{STYLE}</style>'
                    f"<h1>Quell: denoising an emulated analog accelerator</h1>{same}<table>{body}</table>{pictures}</html>")
