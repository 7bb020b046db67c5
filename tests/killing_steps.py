"""The steps that tests/killing.py kills and tests/test_disk_full.py lets run out of room: the project's own functions.

Each function of the table STEPS loads what its step needs, puts what the step reads into a folder, and returns the
step: a function of the folder to write to and of `say`, which takes each finished file and how much is in it.
"""

import hashlib
import os
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest import mock

from digitpad.errors import DigitPadError

Say = Callable[[Path, int], None]
Step = Callable[[Path, Say], None]

CONTENT = random.Random(0).randbytes(3_000_000)  # of the file that is downloaded, and of the wheels in a bundle


def download_step(place: Path) -> Step:
    """Fetch a file of a data set: from a mirror that has only half of it, and so from the next."""
    from train.download import RemoteFile, download, has_sum

    for name, content in {"half.gz": CONTENT[:1_500_000], "whole.gz": CONTENT}.items():
        (place / name).write_bytes(content)
    addresses = tuple((place / name).as_uri() for name in ("half.gz", "whole.gz"))
    remote = RemoteFile("file.gz", addresses, has_sum("sha256", hashlib.sha256(CONTENT).hexdigest()))

    def step(folder: Path, say: Say) -> None:
        say(download(remote, folder / "data"), len(CONTENT))

    return step


def pad_step(place: Path) -> Step:
    """Everything the pad writes: a drawing, what it was taught that it is, the settings."""
    from digitpad.pad.demo_strokes import demo_samples
    from digitpad.pad.drawing import Drawing
    from digitpad.pad.saving import save_drawing
    from digitpad.pad.settings import Settings, write_settings
    from digitpad.pad.teaching import Teaching

    samples = demo_samples()

    def step(folder: Path, say: Say) -> None:
        drawing = Drawing()
        drawing.open_strokes(samples[os.getpid() % 10].strokes)
        path = save_drawing(drawing, folder)
        say(path, 1)
        say(path.with_suffix(".png"), 1)
        teaching = Teaching(folder / "my_digits.json")
        teaching.teach(drawing, "7")
        say(teaching.path, len(teaching.lessons))
        write_settings(folder / "settings" / "pad.json", Settings(width=640 + os.getpid() % 100))
        say(folder / "settings" / "pad.json", 1)

    return step


def manifest_step(place: Path) -> Step:
    """Write the manifest and the large report of the models, with a count that goes up by one."""
    from export.manifest import read_manifest, write_manifest

    def step(folder: Path, say: Say) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        manifest = read_manifest(folder)
        count = manifest.get("cnn", {}).get("count", 0) + 1
        manifest["cnn"] = {"count": count, "figures": list(range(count, count + 40_000))}
        write_manifest(folder, manifest)
        say(folder / "evaluation" / "report.json", count)

    return step


def bundle_step(place: Path) -> Step:
    """Make a bundle as .tar.gz and one as .zip; the wheels in them are made up, so that nothing is fetched."""
    from deploy import bundle as bundles

    def fetch(packages: dict[str, list[str]], wheels: Path, target: str, minor: int) -> None:
        for number in range(4):
            (wheels / f"made_up-{number}-py3-none-any.whl").write_bytes(CONTENT[number:1_000_000])

    wheel = place / "digitpad-0-py3-none-any.whl"
    wheel.write_bytes(b"a wheel")

    def step(folder: Path, say: Say) -> None:
        with mock.patch.object(bundles, "_download", fetch):
            for target in ("linux-aarch64", "windows-amd64"):
                say(bundles.bundle(wheel, target, "3.11", True, folder), 1)

    return step


def train_step(network: str) -> Step:
    """`make train RECIPE=smoke DATA=synthetic ONLY=...` with even fewer digits, and all its parts in one process."""
    import train.__main__ as program
    import train.augmentation  # noqa: F401  # which making the pool loads
    from train.recipes import RECIPES
    from train.synthetic.generate import generate_digits

    program.NETWORKS[network].trainer()
    if network == "mlp":
        import torch._dynamo  # noqa: F401  # else every process that is forked off loads it
    smoke = RECIPES["smoke"]
    RECIPES["smoke"] = replace(smoke, mixture=replace(smoke.mixture, generated=16, outliers=16))
    program.generate_digits = lambda count, seed: generate_digits(100, seed)

    def side_by_side(parts: list[str], arguments: list[str]) -> int:
        for part in parts:
            program.train_part(part, program.parse(arguments))
        return 0

    program.side_by_side = side_by_side

    def step(folder: Path, say: Say) -> None:
        if program.main(["--recipe", "smoke", "--synthetic", "--only", network, "--out", str(folder)]):
            raise DigitPadError("training failed")
        for name in (program.NETWORKS[network].weights, f"{network}.json"):
            say(folder / "weights" / name, 1)

    return step


def export_step(network: str) -> Step:
    """`make export ONLY=...`, int8 form and all, measured on 200 digits."""
    import export.__main__ as program
    from export import quantise
    from train.synthetic.generate import generate_digits

    program.NETWORKS[network].exporter()
    if network == "mlp":
        import onnxscript  # noqa: F401  # else every process that is forked off loads them
        import torch._dynamo  # noqa: F401
    digits = generate_digits(200, seed=1)
    program.known_sets = lambda data: {"mnist_validation": digits, "pen_validation": digits}
    quantise._training_images = lambda data: digits.images

    def step(folder: Path, say: Say) -> None:
        if program.main(["--only", network, "--out", str(folder)]):
            raise DigitPadError("the export failed")
        for name in (f"{network}.onnx", f"{network}-int8.onnx", "manifest.json", "reference.json", "README.md"):
            say(folder / name, 1)

    return step


STEPS: dict[str, Callable[[Path], Step]] = {
    "download": download_step,
    "pad": pad_step,
    "manifest": manifest_step,
    "bundle": bundle_step,
    # These change the modules they use, so they need a process of their own.
    "train-mlp": lambda place: train_step("mlp"),
    "train-cnn": lambda place: train_step("cnn"),
    "export-mlp": lambda place: export_step("mlp"),
    "export-cnn": lambda place: export_step("cnn"),
}
