"""What the processes do that tests/killing.py kills: the project's own functions, on data that take no time to make.

Each maker loads what it needs and gives the step: a function of the folder to write in and of `say`, which the step
tells every file that is finished, and how much is in it: what has been told must not be lost.
"""

import hashlib
import json
import multiprocessing
import os
import random
import tempfile
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from deploy import bundle as bundles
from digitpad.errors import DigitPadError
from export.manifest import read_manifest, write_manifest

Say = Callable[[Path, int], None]
Step = Callable[[Path, Say], None]

CONTENT = random.Random(0).randbytes(3_000_000)  # of the file that is downloaded
WHEELS = {f"made_up-{number}-py3-none-any.whl": random.Random(number).randbytes(1_000_000) for number in range(4)}


def download_step(address: str) -> Step:
    """Fetch a file of a data set: from a mirror that breaks off, and so from the next."""
    from train.download import RemoteFile, download

    addresses = (f"{address}/cut/file.gz", f"{address}/good/file.gz")
    remote = RemoteFile("file.gz", addresses, "sha256", hashlib.sha256(CONTENT).hexdigest())

    def step(folder: Path, say: Say) -> None:
        say(download(remote, folder / "data"), len(CONTENT))

    return step


def pad_step(address: str) -> Step:
    """What the pad writes: a drawing, the same gathered under its label, the settings."""
    from digitpad.pad.demo_strokes import demo_samples
    from digitpad.pad.drawing import Drawing
    from digitpad.pad.saving import Gatherer, save_drawing
    from digitpad.pad.settings import Settings, write_settings

    samples = demo_samples()

    def step(folder: Path, say: Say) -> None:
        drawing = Drawing()
        drawing.open_strokes(samples[os.getpid() % 10].strokes)
        path = save_drawing(drawing, folder)
        say(path, 1)
        say(path.with_suffix(".png"), 1)
        gatherer = Gatherer(folder / "my_digits.json")
        say(gatherer.path, gatherer.label(drawing, "7")[1])
        write_settings(folder / "settings" / "pad.json", Settings(width=640 + os.getpid() % 100))
        say(folder / "settings" / "pad.json", 1)

    return step


def manifest_step(address: str) -> Step:
    """Write the manifest of the models, large, with a count that goes up by one."""

    def step(folder: Path, say: Say) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        manifest = read_manifest(folder)
        count = manifest.get("cnn", {}).get("count", 0) + 1
        manifest["cnn"] = {"count": count, "figures": list(range(count, count + 200_000))}
        write_manifest(folder, manifest)
        say(folder / "manifest.json", count)

    return step


def bundle_step(address: str) -> Step:
    """Make two bundles, an archive of each kind; the wheels in them are made up, so that nothing is fetched."""

    def fetch(packages: dict[str, list[str]], wheels: Path, target: str, minor: int) -> None:
        for name, content in WHEELS.items():
            (wheels / name).write_bytes(content)

    bundles._download = fetch

    def step(folder: Path, say: Say) -> None:
        wheel = folder.with_name("digitpad-0-py3-none-any.whl")
        wheel.write_bytes(b"a wheel")
        for target in ("linux-aarch64", "windows-amd64"):
            say(bundles.bundle(wheel, target, "3.11", True, folder), 1)

    return step


def train_step(network: str) -> Step:
    """`make train RECIPE=smoke DATA=synthetic ONLY=...` with fewer digits still, and all its parts in one process."""
    import train.__main__ as program
    import train.augmentation  # noqa: F401  # which making the pool loads
    from train.recipes import RECIPES
    from train.synthetic.generate import generate_digits

    program.NETWORKS[network].trainer()
    smoke = RECIPES["smoke"]
    RECIPES["smoke"] = replace(smoke, mixture=replace(smoke.mixture, generated=16, outliers=16))
    program.generate_digits = lambda count, seed: generate_digits(100, seed)

    def side_by_side(parts: list[str], arguments: list[str]) -> int:
        for part in parts:
            program.train_part(part, program.parse(arguments))
        return 0

    program.side_by_side = side_by_side

    def step(folder: Path, say: Say) -> None:
        status = program.main(["--recipe", "smoke", "--synthetic", "--only", network, "--out", str(folder)])
        if status:
            raise DigitPadError("training failed")
        for name in (program.NETWORKS[network].weights, f"{network}.json"):
            say(folder / "weights" / name, 1)

    return step


def export_step(network: str) -> Step:
    """`make export ONLY=...`, int8 form and all, of a network that has learnt nothing, measured on 200 digits."""
    import export.__main__ as program
    from export import quantise
    from train.calibration import Calibration
    from train.synthetic.generate import generate_digits

    weights = Path(tempfile.gettempdir(), "weights")
    weights.mkdir()
    path = weights / program.NETWORKS[network].weights
    if network == "cnn":
        import export.cnn
        from train.cnn import build_cnn, save

        # A process forked off one in which TensorFlow has computed waits for ever: so a child computes here.
        maker = multiprocessing.get_context("fork").Process(target=lambda: save(build_cnn(), path))
        maker.start()
        maker.join()
    else:
        import export.mlp  # noqa: F401
        from train.mlp import Mlp, save

        save(Mlp(), path)
    facts: dict[str, Any] = {"recipe": "none", "epochs": 0, "framework": "one", "trained_on": "nothing"}
    facts |= asdict(Calibration(temperature=1.0, ood_threshold=0.0, unsure_threshold=0.5))
    facts |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "seeds": []}
    (weights / f"{network}.json").write_text(json.dumps(facts))
    digits = generate_digits(200, seed=1)
    program.known_sets = lambda data: {"mnist_validation": digits, "pen_validation": digits}
    quantise._training_images = lambda data: digits.images
    quantise.MOST_LOST.update(dict.fromkeys(quantise.MOST_LOST, 1.0))

    def step(folder: Path, say: Say) -> None:
        if program.main(["--only", network, "--weights", str(weights), "--out", str(folder)]):
            raise DigitPadError("the export failed")
        for name in (f"{network}.onnx", f"{network}-int8.onnx", "manifest.json", "reference.json", "README.md"):
            say(folder / name, 1)

    return step


STEPS: dict[str, Callable[[str], Step]] = {
    "download": download_step,
    "pad": pad_step,
    "manifest": manifest_step,
    "bundle": bundle_step,
    "train-mlp": lambda address: train_step("mlp"),
    "train-cnn": lambda address: train_step("cnn"),
    "export-mlp": lambda address: export_step("mlp"),
    "export-cnn": lambda address: export_step("cnn"),
}
