"""python -m train.experiment --profile smoke|fast|full: every run of the experiment, one JSON file each.

Goes on where it was stopped: backbones, placements and blocks are kept under build/experiment/<profile>/work, finished runs
under build/experiment/<profile>/runs. `python -m train.tables` makes tables and plots of them.
"""
import argparse
import hashlib
import json
import multiprocessing.connection
import os
import subprocess
import tempfile
import time
from pathlib import Path

import torch

from . import archive, backbone, controls, data, denoiser, emulate, evaluate, export, fit, insertion, machine, profile, quantise, quell, recipes
from .clock import Clock
from .config import ROOT, backbone_settings, training_settings
from .store import claimed, described, kept, taken, whole, write_json


QUELL, BOARD = ROOT / "build/bin/quell", ROOT / "build/bin/quell-simboard-large"


def say(line):
    print(time.strftime("%H:%M:%S"), line, flush=True)


def digest(*things):
    return hashlib.sha256(json.dumps(things, sort_keys=True, default=str).encode()).hexdigest()[:16]


def commit():
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


class Experiment:
    """Makes what runs need, each thing once."""

    def __init__(self, recipe, work, threads, report=say, board=None):
        """board: a simulated chip that every backbone fits; without one no cycles are counted."""
        self.recipe, self.work, self.threads, self.say, self.board = recipe, work, threads, report, board
        self.sets, self.benches, self.nets = {}, {}, {}

    # ---- what runs share ----

    def dataset(self, config):
        key = config.data, config.train_images
        if key not in self.sets:
            self.sets[key] = data.load(*key)
        return self.sets[key]

    def bench(self, config, images):
        key = config.data, config.train_images, images
        if key not in self.benches:
            self.benches[key] = evaluate.Bench(self.dataset(config), self.work / f"images/{config.data}", images, config.calibration_images, self.threads)
        return self.benches[key]

    def folder(self, name):
        return self.work / f"backbones/{name}-{digest(backbone_settings(self.recipe.backbones[name]))}"

    def waits(self, run):
        """Whether another worker is just making what this run needs."""
        needs = {self.folder(run.backbone) / "net.json", self.made_path(run)}
        return any(not path.exists() and taken(path) for path in needs)

    def net(self, name):
        """-> QuantNet, {"float": accuracy}, the backbone's folder. The network is the one in net.onnx, trained first if it is not there."""
        config, folder = self.recipe.backbones[name], self.folder(name)
        path, about = folder / "net.onnx", folder / "net.json"

        def make():
            dataset = self.dataset(config)
            model = backbone.train(config, dataset, folder / "backbone.pt", self.say)
            net = quantise.quantise(model, dataset.padded(dataset.train.images[:config.range_images]), config.head_level)
            test = dataset.padded(dataset.test.images)
            whole(path, lambda scratch: export.export(net, scratch, dataset))
            return {"float": backbone.accuracy(model, test, dataset.test.labels)}

        if name not in self.nets:
            figures = described(about, make)
            self.nets[name] = export.read(path, config.network), figures, folder
        return self.nets[name]

    def training_images(self, config):
        dataset = self.dataset(config)
        return dataset.padded(dataset.train.images[-config.denoiser_images:]), dataset.train.labels[-config.denoiser_images:]

    def noises(self, run):
        return [profile.load(recipes.noise_path(name)).scaled(severity) for name, severity in self.recipe.group(run.backbone, run.noise)]

    def placement(self, run, sigma):
        config, (net, _, folder) = recipes.settings(self.recipe, run), self.net(run.backbone)
        images, labels = self.training_images(config)
        key = digest(training_settings(config) | {"budget": 0}, self.recipe.group(run.backbone, run.noise), run.placement, run.draw)
        values = kept(folder / f"worth-{key}.pt", lambda: insertion.worth(net, images, self.noises(run), config, run.placement, labels, run.draw, self.say))
        return insertion.choose(net, values, config, run.placement, sigma, self.say)

    def trained_key(self, run):
        kind = recipes.TRAINS[run.control]
        return kind, digest(training_settings(recipes.settings(self.recipe, run)), self.recipe.group(run.backbone, run.noise), run.placement, run.draw, kind)

    def trained_path(self, run, suffix):
        return self.folder(run.backbone) / ("%s-%s%s" % (*self.trained_key(run), suffix))

    def trained(self, run):
        """-> (network, blocks, parameters added); trained with this run's settings, or taken from disk."""
        config, net = recipes.settings(self.recipe, run), self.net(run.backbone)[0]
        kind, path = self.trained_key(run)[0], self.trained_path(run, ".pt")
        images, _ = self.training_images(config)
        budget = int(config.budget * net.parameter_count())
        subject, blocks = net, torch.nn.ModuleDict()
        if kind in ("blocks", "no_sigma"):
            blocks = denoiser.make_blocks(net, self.placement(run, kind == "blocks"), config.seed, kind == "blocks")
        elif kind == "low_rank":
            blocks = controls.make_low_rank(net, self.gradient_order(run), budget, config.seed)
        elif kind == "unlimited":
            blocks = controls.make_unlimited(net)
        else:
            subject = controls.make_retrained(net)
        def make():
            begin = time.time()
            if list(blocks.parameters()) + list(subject.parameters()):  # a search may find nothing worth its price
                fit.train(subject, blocks, images, self.noises(run), config, config.denoiser_steps, path.with_suffix(".steps"), self.say,
                          f"{run.backbone} {kind} seed {run.seed}", net if kind == "retrained" else None)
            path.with_suffix(".steps").unlink(missing_ok=True)
            return {"blocks": blocks.state_dict(), "net": subject.state_dict() if kind == "retrained" else {}, "seconds": time.time() - begin}

        state = kept(path, make)
        blocks.load_state_dict(state["blocks"])
        if kind == "retrained":
            subject.load_state_dict(state["net"])
        for block in blocks.values():
            block.quantised = True
        return subject, blocks.eval(), sum(p.numel() for p in blocks.parameters())

    def trained_file(self, run):
        """-> ONNX file of what this run's control trains, {"extra_parameters": ...}; for the controls that the chip runs."""
        path = self.trained_path(run, ".onnx")

        def make():
            config = recipes.settings(self.recipe, run)
            subject, blocks, extra = self.trained(run)
            whole(path, lambda scratch: export.export(subject, scratch, self.dataset(config), blocks))
            return {"extra_parameters": extra}

        return path, described(self.trained_path(run, ".json"), make)

    def gradient_order(self, run):
        """Layers, best gradient norm first: where side paths go."""
        config, (net, _, folder) = recipes.settings(self.recipe, run), self.net(run.backbone)
        images, labels = self.training_images(config)
        key = digest(training_settings(config) | {"budget": 0}, self.recipe.group(run.backbone, run.noise), "gradient", 0)
        values = kept(folder / f"worth-{key}.pt", lambda: insertion.worth(net, images, self.noises(run), config))
        return sorted(net.by_name, key=lambda name: -max(value for (layer, _), value in values.items() if layer == name))

    # ---- one run ----

    def made_path(self, run):
        """The file whose presence says that nothing is left to train for a run."""
        return self.trained_path(run, ".pt" if run.control in recipes.EMULATED else ".json") if run.control in recipes.TRAINS else self.folder(run.backbone) / "net.json"

    def make(self, run):
        """Train what a run needs."""
        if run.control not in recipes.TRAINS:
            self.net(run.backbone)
        elif run.control in recipes.EMULATED:
            self.trained(run)
        else:
            self.trained_file(run)

    def evaluate(self, run):
        """-> the run's figures."""
        config, (net, figures, folder) = recipes.settings(self.recipe, run), self.net(run.backbone)
        made = profile.load(recipes.noise_path(run.noise)).scaled(run.severity)
        # Where nothing stays on a chip all chips are the same, and where nothing is random all noise seeds are.
        chips = self.recipe.chips if made.static else self.recipe.chips[:1]
        seeds = self.recipe.noise_seeds if made.random else self.recipe.noise_seeds[:1]
        if run.control in recipes.EMULATED:
            subject, blocks, extra = self.trained(run)
            return self.emulated(run, config, made, subject, blocks, chips, seeds) | {"extra_parameters": extra}
        path, about = self.trained_file(run) if run.control in recipes.TRAINS else (folder / "net.onnx", {"extra_parameters": 0})
        if self.board and recipes.TRAINS.get(run.control) == "blocks":
            about = about | described(path.with_suffix(".cycles.json"), lambda: self.cycles(config, path))
        return self.integers(run, config, path, chips, seeds) | about | {"model": str(path.relative_to(self.work)), "backbone_float": figures["float"]}

    def cycles(self, config, path):
        """Clock cycles of one image on the simulated chip, blocks off and on."""
        images, out = self.bench(config, 0).files["images"], {}
        on = "mean" if export.has_blocks(path) else "off"
        with tempfile.TemporaryDirectory() as folder:
            for key, mode in (("chip_cycles", "off"), ("chip_cycles_with_blocks", on)):
                self.tool("run", "--device", "sim", "--simulator", self.board, "--model", path, "--images", images, "--limit", 1, "--denoiser", mode, "--json", f"{folder}/run.json")
                out[key] = json.loads(Path(folder, "run.json").read_text())["counters"]["cycles"]
        return out

    @staticmethod
    def tool(*words):
        """Run `quell`; its own message becomes the error."""
        command = [str(word) for word in (QUELL, *words)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")

    def integers(self, run, config, path, chips, seeds):
        """Accuracy on libquell's reference device: on ideal chips by the binding, on noisy ones by `quell sweep`."""
        bench = self.bench(config, run.images)
        mark = bench.lib.mark()
        model = bench.lib.model(path)
        info = bench.lib.model_info(model)
        modes = run.modes if run.control in ("blocks", "both", "no_sigma") else ("off",)
        # The model's parameters count as soon as no chip has drawn anything: {mode: accuracy on the ideal chip}.
        clean = {mode: bench.accuracy(model, denoiser=mode) for mode in modes}
        figures = {"accuracies": self.swept(run, config, path, chips, seeds, modes), "clean": clean, "images": len(bench.labels), "device": "ref (integers)",
                   "parameters": info.parameters, "macs": info.macs, "extra_macs": info.denoiser_macs,
                   "energy_nj": bench.lib.energy(model, False).total_nj, "energy_with_blocks_nj": bench.lib.energy(model, True).total_nj}
        bench.lib.close(mark)
        if run.control == "none":
            figures["clean_all"] = described(path.with_suffix(".clean.json"), lambda: {"accuracy": self.clean(config, path)})["accuracy"]
        return figures

    def clean(self, config, path):
        """Accuracy on an ideal chip, on all test images."""
        bench = self.bench(config, 0)
        mark = bench.lib.mark()
        accuracy = bench.accuracy(bench.lib.model(path))
        bench.lib.close(mark)
        return accuracy

    def swept(self, run, config, path, chips, seeds, modes):
        """One `quell sweep` -> its cells; quell goes on with one that was stopped."""
        corrects = run.control not in ("none", "blocks")
        name = f"{path.stem}-{run.noise}-x{run.severity:g}-{run.images}-{'-'.join(modes)}{'-corrected' * corrects}.json"
        out, files = path.parent / "sweeps" / name, self.bench(config, run.images).files
        several = lambda values: ",".join(map(str, values))
        out.parent.mkdir(parents=True, exist_ok=True)
        asked = modes if export.has_blocks(path) else ("off",)
        with claimed(out):
            self.tool("sweep", "--model", path, "--images", files["images"], "--labels", files["labels"], "--profiles", recipes.noise_path(run.noise),
                      "--severities", run.severity, "--chips", several(chips), "--noise-seeds", several(seeds), "--denoisers", several(asked),
                      "--threads", self.threads, "--json", out, *(["--calibrate", files["unlabelled"], "--corrected-only"] if corrects else []))
        return [{"chip": cell["chip"], "noise_seed": cell["noise_seed"], "mode": mode, "accuracy": cell["accuracy"]}
                for cell in json.loads(out.read_text())["cells"] for mode in ((cell["denoiser"],) if asked == modes else modes)]

    def emulated(self, run, config, made, net, blocks, chips, seeds):
        """Accuracy of what the chip has no block for, on the emulated tile; the plain network beside it, so that the emulation
        can be compared with the integers."""
        dataset = self.dataset(config)
        count = run.images or len(dataset.test.images)
        images, labels = dataset.padded(dataset.test.images[:count]), dataset.test.labels[:count]
        rows, batch = [], 1000 if machine.device().type == "cuda" else 250
        for chip in chips:
            for seed in seeds:
                for mode, hooks in (("off", {}), ("mean", {"denoise": denoiser.mean_mode(blocks)})):
                    accuracy = emulate.accuracy(net, blocks, made, images, labels, chip, seed, batch, **hooks)
                    rows.append({"chip": chip, "noise_seed": seed, "mode": mode, "accuracy": accuracy})
        clean = emulate.accuracy(net, blocks, None, images, labels, 0, 0, denoise=denoiser.mean_mode(blocks))
        return {"accuracies": rows, "clean": {"mean": clean}, "images": count, "device": "emulated", "parameters": net.parameter_count()}


# ---- all runs -------------------------------------------------------------------------------------------------------------


def perform(experiment, runs, out, stop_after=None):
    """Runs that have no file in `out` yet and that no other worker is at -> how many others are at. stop_after: so many, for tests."""
    clock, done, elsewhere = Clock(experiment, [run for run in runs if not (out / f"{run.name}.json").exists()], out), 0, 0
    for run in runs:
        path = out / f"{run.name}.json"
        if path.exists() or done == stop_after:
            continue
        if experiment.waits(run):
            elsewhere += 1
            continue
        with claimed(experiment.work / "claims" / run.name, wait=False) as free:
            elsewhere += not free
            if free and not path.exists():
                perform_one(experiment, run, path, clock, len(runs))
                done += 1
    return elsewhere


def prepare(experiment, runs, out):
    """Train what the runs need, by importance and the dearest first, and measure only what is emulated -> how many things other workers are at. For a
    computer with a GPU; the integers can be measured elsewhere afterwards."""
    clock, elsewhere, wanted = Clock(experiment, [], out), 0, {}
    for run in runs:
        wanted.setdefault(experiment.made_path(run), []).append(run)
    for path, users in sorted(wanted.items(), key=lambda item: (min(recipes.RANK.index(run.table) for run in item[1]), -clock.training(item[1][0]))):
        if experiment.waits(users[0]):
            elsewhere += 1
        elif not path.exists():
            experiment.make(users[0])
            experiment.say(f"{sum(path.exists() for path in wanted)} of {len(wanted)} are trained: {users[0].name}")
            elsewhere += perform(experiment, [run for run in users if run.control in recipes.EMULATED], out)
    return elsewhere or perform(experiment, [run for run in runs if run.control in recipes.EMULATED], out)


def perform_one(experiment, run, path, clock, total):
    begin = time.time()
    figures = experiment.evaluate(run)
    write_json(path, recipes.conditions(experiment.recipe, run) | {
        "figures": figures, "data": experiment.dataset(experiment.recipe.backbones[run.backbone]).title,
        "versions": machine.versions() | {"quell": (ROOT / "VERSION").read_text().strip(), "commit": commit()}, "seconds": round(time.time() - begin, 1)})
    shown = [row["accuracy"] for row in figures["accuracies"] if row["mode"] == figures["accuracies"][-1]["mode"]]
    experiment.say(f"[{len(list(path.parent.glob('*.json')))}/{total}] {run.name}: {sum(shown) / len(shown):.2%} over {len(shown)}  ({clock.left()})")


def set_aside(recipe, out):
    """Rename runs that this recipe does not ask for, or asks for with other settings, to *.json.old -> how many."""
    wanted, old = {run.name: run for run in recipe.runs}, 0
    for path in out.glob("*.json"):
        if path.stem not in wanted or not recipes.fits(json.loads(path.read_text()), recipe, wanted[path.stem]):
            path.replace(path.with_name(path.name + ".old"))
            old += 1
    return old


def work(arguments, folder):
    """One worker, until nothing is left."""
    recipe = recipes.PROFILES[arguments.profile]()
    runs = [run for run in recipes.unique(recipe.runs) if arguments.only in run.name]
    torch.set_num_threads(arguments.threads)
    experiment = Experiment(recipe, folder / "work", arguments.threads, board=BOARD)
    try:
        # Runs that wait for what another worker makes come round again, also when it gave up.
        while (prepare if arguments.train_only else perform)(experiment, runs, folder / "runs"):
            time.sleep(2)
    except KeyboardInterrupt:
        raise SystemExit(130)
    except data.Missing as missing:
        raise SystemExit(str(missing))


def await_all(workers):
    """Until all have ended; says at once which one failed, since the others go on."""
    running = set(workers)
    while running:
        multiprocessing.connection.wait([worker.sentinel for worker in running])
        for worker in [worker for worker in running if not worker.is_alive()]:
            running.remove(worker)
            if worker.exitcode not in (0, 130):
                say(f"a worker failed (exit code {worker.exitcode}); {len(running)} go on, and the same command makes what it left")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", choices=recipes.PROFILES, default="fast")
    parser.add_argument("--folder", type=Path, help="where runs/ and work/ go (build/experiment/<profile>)")
    parser.add_argument("--only", default="", help="runs whose name contains this")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="workers; several share a GPU best under CUDA's multi-process service")
    parser.add_argument("--threads", type=int, default=1, help="of each worker")
    parser.add_argument("--list", action="store_true", help="print the runs and stop")
    parser.add_argument("--train-only", action="store_true", help="train what the runs need, measure only what is emulated (needs no library and no simulator)")
    parser.add_argument("--keep", action="store_true", help="copy what is finished into the repository (archive.py) and stop")
    arguments = parser.parse_args()
    recipe = recipes.PROFILES[arguments.profile]()
    runs = [run for run in recipes.unique(recipe.runs) if arguments.only in run.name]
    if arguments.list:
        print("\n".join(run.name for run in runs))
        return
    folder = (arguments.folder or ROOT / f"build/experiment/{arguments.profile}").resolve()
    out = folder / "runs"
    for path in (quell.LIBRARY, QUELL, BOARD):
        if not path.exists() and not arguments.train_only:
            raise SystemExit(f"{path.relative_to(ROOT)} is missing: make {path.relative_to(ROOT)}")
    runner = Experiment(recipe, folder / "work", 1)
    old = set_aside(recipe, out)
    if old:
        say(f"{old} runs of other settings set aside: *.json.old in {out}")
    if arguments.keep:
        return say("kept in the repository: %d runs, %d models" % archive.keep(arguments.profile, runner, runs, out))
    restored = archive.restore(arguments.profile, runner, runs, out)
    if any(restored):
        say("taken from the repository: %d runs, %d models" % restored)
    there = sum((out / f"{run.name}.json").exists() for run in runs)
    say(f"{recipe.title}: {there} of {len(runs)} runs are there; {recipe.time_limit}; files in {out}; Ctrl-C stops, the same command goes on")
    workers = [multiprocessing.get_context("spawn").Process(target=work, args=(arguments, folder)) for _ in range(arguments.jobs)]
    try:
        for worker in workers:
            worker.start()
        await_all(workers)
    except KeyboardInterrupt:  # the workers got it too
        for worker in workers:
            worker.join()
        say("stopped; the same command goes on from here")
        raise SystemExit(130)
    raise SystemExit(max(abs(worker.exitcode) for worker in workers))  # negative: a signal's


if __name__ == "__main__":
    main()
