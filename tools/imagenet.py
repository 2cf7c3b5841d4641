# SPDX-License-Identifier: Apache-2.0
"""ImageNet's classes: a public network on 1 000 photographs, on the reference device: clean, with noise, and calibrated.

    make imagenet IMAGENET=FOLDER-OR-TAR [ARGS='--images 200']

IMAGENET holds test/*.png with test.csv (file,label,author,licence,source), train/*.jpg, classes.txt and one ONNX file whose output 0 is "background" and which takes (pixel - 128) / 128.
Prints top-1 and top-5, writes OUT/imagenet.json and OUT/report.html: photographs with the answers, credit and licence beside each. The chip itself does not hold this network yet
(docs/memory.md); what it would need is printed.
"""
import argparse
import base64
import csv
import html
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np

from tools import cli

INPUT = ("--input-scale", "1", "--input-mean", "128", "--input-std", "128")
NOISES = {"additive": 0.15, "multiplicative": 0.1, "varying_chip": 0.5}  # severity: a network of 28 layers without blocks loses all at 1
SHOWN = 24
STYLE = ("body{font:15px/1.45 system-ui,sans-serif;max-width:72em;margin:2em auto;padding:0 1em;color:#222}table{border-collapse:collapse}td,th{padding:.3em .9em;border-bottom:1px solid #ddd;text-align:left}"
         ".grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(15em,1fr));gap:1.4em}.grid img{width:100%;image-rendering:auto;border-radius:4px}ol{margin:.3em 0;padding-left:1.4em}"
         ".right{color:#12692f;font-weight:600}small{color:#666}")


def unpack(source, out):
    """The folder of the data: the one given, or what a .tar.xz holds, unpacked once."""
    if source.is_dir():
        return source
    folder = out / "data"
    if not (folder / "test.csv").exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tarfile.open(source) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # Python 3.11.2, of a Debian 12 without its updates, has none
            archive.extractall(folder)
    return folder


def labels_for(folder, out):
    """test.csv with the network's numbers: class k is output k + 1."""
    with open(folder / "test.csv", newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    path = out / "labels.csv"
    path.write_text("file,label\n" + "".join(f"{row['file']},{int(row['label']) + 1}\n" for row in rows))
    return rows, path


def measure(model, folder, labels, out, limit):
    """[(what, figures)] and the clean logits."""
    settings = {"images": folder / "test", "labels": labels, "limit": limit, "options": (*INPUT, "--top", "5")}
    clean, logits = cli.run(model, **settings)
    results = [("clean", clean)]
    for name, severity in NOISES.items():
        profile = cli.PROFILES[name]
        noisy = settings | {"options": (*settings["options"], "--severity", str(severity))}
        results.append((f"{name}, severity {severity:g}", cli.run(model, profile=profile, **noisy)[0]))
        if cli.is_static(profile):
            made = cli.calibrate(model, profile, 1, out / f"{name}.calibration.json", limit=64, images=folder / "train", options=(*INPUT, "--input-resize", "128", "--severity", str(severity)))
            results.append((f"{name}, severity {severity:g}, calibrated with 64 images", cli.run(model, profile=profile, calibration=made, **noisy)[0]))
    return results, logits


def figure(folder, row, logits, names):
    picture = base64.b64encode((folder / row["file"]).read_bytes()).decode()
    best = np.argsort(-logits.astype(int), kind="stable")[:5]
    label = int(row["label"])
    lines = "".join(f"<li{' class=right' if k - 1 == label else ''}>{html.escape(names[k - 1] if k else 'background')}</li>" for k in best)
    return (f"<div><img alt='photograph {html.escape(row['file'])}' src='data:image/png;base64,{picture}'><ol>{lines}</ol>labelled {html.escape(names[label])}<br>"
            f"<small>{html.escape(row['author'])}, <a href='{html.escape(row['source'])}'>source</a>, <a href='{html.escape(row['licence'])}'>licence</a></small></div>")


def write_page(path, table, rows, logits, folder, names):
    body = "".join(f"<tr><td>{html.escape(what)}</td><td>{100 * r['accuracy']:.1f} %</td><td>{100 * r['top_accuracy']:.1f} %</td></tr>" for what, r in table)
    shown = range(0, len(logits), max(1, len(logits) // SHOWN))
    grid = "".join(figure(folder, rows[i], logits[i], names) for i in list(shown)[:SHOWN])
    path.write_text(f"<!doctype html><meta charset=utf-8><title>Quell: photographs</title><style>{STYLE}</style><h1>Photographs</h1><p>{len(logits)} photographs on the reference device. Five best answers "
                    f"each, the label in green where it is among them.</p><table><tr><th></th><th>top-1</th><th>top-5</th></tr>{body}</table><h2>Clean answers</h2><div class=grid>{grid}</div>", encoding="utf-8")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("data", type=Path, help="folder or .tar.xz")
    options.add_argument("--images", type=int, default=0, help="use the first N photographs only (0: all)")
    options.add_argument("--out", type=Path, default=Path("build/imagenet"))
    args = options.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    folder = unpack(args.data, args.out)
    model = next(iter(sorted(folder.glob("*.onnx"))), None)
    if not model or not (folder / "test.csv").exists():
        sys.exit(f"{args.data} holds no test.csv or no ONNX file")
    names = (folder / "classes.txt").read_text(encoding="utf-8").splitlines()
    rows, labels = labels_for(folder, args.out)
    table, logits = measure(model, folder, labels, args.out, args.images)
    width = max(len(what) for what, _ in table)
    for what, r in table:
        print(f"{what:{width}}  top-1 {100 * r['accuracy']:5.1f} %  top-5 {100 * r['top_accuracy']:5.1f} %")
    info = subprocess.run([cli.QUELL, "info", "--model", model], capture_output=True, text=True, check=True).stdout
    print(next(line for line in info.splitlines() if line.startswith("on the chip")))
    (args.out / "imagenet.json").write_text(json.dumps({what: {k: r[k] for k in ("images", "accuracy", "top_accuracy")} for what, r in table}, indent=1) + "\n")
    write_page(args.out / "report.html", table, rows, logits, folder, names)
    print(f"\nReport: {args.out / 'report.html'}")


if __name__ == "__main__":
    main()
