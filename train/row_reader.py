"""The row reader, a network that reads a row of digits as a whole, and how it learns.

It gives each place of a row, two pixels wide, the probabilities of the ten digits, of something else, and of
nothing; connectionist temporal classification teaches it where they are (A. Graves et al., Connectionist temporal
classification: labelling unsegmented sequence data with recurrent neural networks, ICML 2006).
"""

import hashlib
import io
import json
import math
import multiprocessing
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from digitpad.files import make_folder, write_whole
from digitpad.image.rows import HEIGHT, NOTHING, PLACE
from train.command import ROOT, prepare_folder
from train.rows import Hands, Rows, bent, load_hands, make_rows, read_rows, write_rows

CLASSES = NOTHING + 1
WEIGHTS = "rows.pt"


@dataclass(frozen=True)
class Cycle:
    """Some epochs, over which the learning rate falls along a cosine, and new rounds of the pool for them.

    I. Loshchilov, F. Hutter, SGDR: Stochastic gradient descent with warm restarts, ICLR 2017.
    """

    epochs: int
    rounds: int
    rate: float


@dataclass(frozen=True)
class Recipe:
    """How long and how hard to train."""

    cycles: tuple[Cycle, ...]
    rows: int = 2_048  # in a round of the pool
    rounds_an_epoch: int = 6
    pixels: int = 9_216  # across all rows of a batch
    warm_up: float = 0.04  # of a cycle
    weight_decay: float = 0.02
    average: float = 0.999  # of the weights kept at each step
    dropout: float = 0.1


RECIPES = {  # by the names in train/recipes.py
    "smoke": Recipe((Cycle(1, 2, 0.002),), rows=64, rounds_an_epoch=2),
    "quick": Recipe((Cycle(2, 4, 0.002),), rows=256, rounds_an_epoch=2),
    "default": Recipe((Cycle(25, 80, 0.002),)),
    "full": Recipe((Cycle(90, 80, 0.002), Cycle(34, 204, 0.0008), Cycle(100, 330, 0.0015), Cycle(90, 300, 0.0012))),
}


class RowReader(nn.Module):
    """From rows uint8 (N, HEIGHT, W), W a multiple of 4, to logits (N, W / PLACE, CLASSES)."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.see = nn.Sequential(
            *_convolution(1, 16, 5, 2),
            *_convolution(16, 32, 3),
            nn.MaxPool2d(2),
            *_convolution(32, 56, 3),
            *_convolution(56, 72, 3),
            nn.MaxPool2d((2, 1)),
            *_convolution(72, 96, 3),
            nn.Conv2d(96, 128, (HEIGHT // 8, 1), bias=False),
            nn.BatchNorm2d(128),
            nn.ReLU(),
        )
        self.along = nn.ModuleList(_along(128, dropout) for _ in range(3))
        self.say = nn.ConvTranspose1d(128, CLASSES, PLACE, PLACE)  # each column of the map is two places

    def forward(self, rows: Tensor) -> Tensor:
        """See the class."""
        x = self.see((rows.unsqueeze(1).float() - 128) / 40).squeeze(2)
        for along in self.along:
            x = x + along(x)
        said: Tensor = self.say(x)
        return said.transpose(1, 2)


def _convolution(before: int, after: int, side: int, stride: int = 1) -> list[nn.Module]:
    return [nn.Conv2d(before, after, side, stride, side // 2, bias=False), nn.BatchNorm2d(after), nn.ReLU()]


def _along(width: int, dropout: float) -> nn.Module:
    """Looks to both sides of each column."""
    return nn.Sequential(
        nn.Conv1d(width, width, 7, padding=3, groups=width, bias=False),
        nn.BatchNorm1d(width),
        nn.Conv1d(width, width, 1, bias=False),
        nn.BatchNorm1d(width),
        nn.ReLU(),
        nn.Dropout(dropout),
    )


def ctc_loss(logits: Tensor, texts: list[list[int]]) -> Tensor:
    """The mean over rows of -log p(text)."""
    scores = F.log_softmax(logits.float(), dim=2).transpose(0, 1)
    signs = torch.tensor([sign for text in texts for sign in text])
    lengths = torch.tensor([len(text) for text in texts])
    places = torch.full((len(texts),), logits.shape[1])
    each = F.ctc_loss(scores, signs, places, lengths, NOTHING, reduction="none", zero_infinity=True)
    return each.mean()


def train(recipe: Recipe, data: Path | None, out: Path | None) -> int:
    """Train, going on from the last finished epoch; other processes make the rows on the way.

    Returns the exit status.
    """
    run = (out or ROOT / "artifacts") / "rows"
    hands = load_hands(data, validation=False)
    prepare_folder(run, {"recipe": asdict(recipe), "hands": hands.sources})
    make_folder(run / "pool")
    makers = [
        multiprocessing.Process(target=_fill, args=(run / "pool", recipe, hands, first), daemon=True)
        for first in range(os.cpu_count() or 1)
    ]
    for maker in makers:
        maker.start()
    validation = make_rows(load_hands(data, validation=True), 2_000, (2, 0))
    model = fit(recipe, run, validation[:500])
    for maker in makers:
        maker.join()
    weights = (out / "weights" if out else ROOT / "train" / "weights") / WEIGHTS
    make_folder(weights.parent)
    torch.save(model.state_dict(), buffer := io.BytesIO())
    write_whole(weights, buffer.getvalue())
    facts = {
        "framework": f"PyTorch {torch.__version__.partition('+')[0]}",
        "recipe": asdict(recipe),
        "trained_on": ", ".join(hands.sources),
        "temperature": fit_temperature(model, validation),
        "validation": exact(model, validation),
        "sha256": hashlib.sha256(buffer.getvalue()).hexdigest(),
    }
    write_whole(weights.with_suffix(".json"), (json.dumps(facts, indent=2) + "\n").encode())
    print(
        f"rows: {facts['validation']:.2%} of {len(validation):,} rows of validation digits exact; weights in {weights}"
    )
    return 0


def _fill(pool: Path, recipe: Recipe, hands: Hands, first: int) -> None:
    os.nice(5)
    torch.set_num_threads(1)
    for number in range(first, sum(cycle.rounds for cycle in recipe.cycles), os.cpu_count() or 1):
        parent = multiprocessing.parent_process()
        if parent is None or not parent.is_alive():  # it was stopped
            return
        if not (path := pool / f"{number:03}.npz").exists():
            write_rows(path, make_rows(bent(hands, 2 * recipe.rows, number), recipe.rows, (1, number)))


def fit(recipe: Recipe, run: Path, validation: Rows) -> RowReader:
    """The network with averaged weights."""
    torch.manual_seed(0)
    model = RowReader(recipe.dropout).to(memory_format=torch.channels_last)
    matrices = [weight for weight in model.parameters() if weight.ndim > 1]
    others = [weight for weight in model.parameters() if weight.ndim <= 1]
    optimiser = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
    )
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(recipe.average), use_buffers=True
    )
    done = 0
    if (kept := run / "checkpoint.pt").exists():
        state = torch.load(kept, weights_only=True)
        model.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        average.load_state_dict(state["average"])
        done = state["done"]
    epochs = [(cycle, number) for cycle in range(len(recipe.cycles)) for number in range(recipe.cycles[cycle].epochs)]
    for epoch, (cycle, number) in enumerate(epochs[done:], done):
        rng = np.random.default_rng(epoch)
        torch.manual_seed(epoch)
        batches = _batches(recipe, run / "pool", cycle, number, rng)
        losses = []
        for step, (rows, texts) in enumerate(tqdm(batches, f"rows {epoch + 1}", leave=False, disable=None)):
            share = (number + step / len(batches)) / recipe.cycles[cycle].epochs
            rate = recipe.cycles[cycle].rate * min(share / recipe.warm_up, (1 + math.cos(math.pi * share)) / 2)
            for group in optimiser.param_groups:
                group["lr"] = rate
            model.train()
            optimiser.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=_BFLOAT16):
                logits = model(torch.from_numpy(_lit(rows, rng)))
            loss = ctc_loss(logits, texts)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 2.0)
            optimiser.step()
            average.update_parameters(model)
            losses.append(loss.item())
        kept_state = {
            "model": model.state_dict(),
            "optimiser": optimiser.state_dict(),
            "average": average.state_dict(),
            "done": epoch + 1,
        }
        torch.save(kept_state, buffer := io.BytesIO())
        write_whole(kept, buffer.getvalue())
        read = exact(_averaged(average), validation)
        tqdm.write(f"rows  epoch {epoch + 1:3}/{len(epochs)}  loss {np.mean(losses):.3f}  validation {read:.2%} exact")
        sys.stdout.flush()
    return _averaged(average)


_BFLOAT16 = torch.backends.cpu.get_cpu_capability() == "AVX512" and torch.cpu._is_avx512_bf16_supported()


def _batches(
    recipe: Recipe, pool: Path, cycle: int, epoch: int, rng: np.random.Generator
) -> list[tuple[NDArray[np.uint8], list[list[int]]]]:
    """What an epoch of a cycle shows: rows equally wide, shuffled."""
    parts: Rows = []
    first = sum(before.rounds for before in recipe.cycles[:cycle])
    for n in range(recipe.rounds_an_epoch):
        path = pool / f"{first + (epoch * recipe.rounds_an_epoch + n) % recipe.cycles[cycle].rounds:03}.npz"
        while not path.exists():  # it is being made
            time.sleep(1)
        parts += read_rows(path)
    batches = []
    for width in sorted({row.shape[1] for row, _ in parts}):
        mine = [part for part in parts if part[0].shape[1] == width]
        order = rng.permutation(len(mine))
        size = max(recipe.pixels // width, 2)
        for first in range(0, len(mine) - size // 2, size):
            chosen = [mine[n] for n in order[first : first + size]]
            batches.append((np.stack([row for row, _ in chosen]), [text for _, text in chosen]))
    return [batches[n] for n in rng.permutation(len(batches))]


def _lit(rows: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Rows with more or less contrast, lighter or darker."""
    gain = rng.uniform(0.8, 1.25, (len(rows), 1, 1)).astype(np.float32)
    shift = rng.normal(0, 3, (len(rows), 1, 1)).astype(np.float32)
    return np.clip((rows - np.float32(128)) * gain + 128 + shift, 0, 255).astype(np.uint8)


def _averaged(average: torch.optim.swa_utils.AveragedModel) -> RowReader:
    model = RowReader()
    model.load_state_dict(average.module.state_dict())
    return model.eval()


def exact(model: RowReader, rows: Rows) -> float:
    """Which share of rows is read exactly, each place by its likeliest sign."""
    right = 0
    for row, text in rows:
        with torch.inference_mode():
            signs = model(torch.from_numpy(row[None]))[0].argmax(dim=1)
        read = torch.unique_consecutive(signs).tolist()
        right += [sign for sign in read if sign != NOTHING] == text
    return right / len(rows)


def fit_temperature(model: RowReader, rows: Rows) -> float:
    """What to divide logits by so that the texts of rows are as probable as can be (Guo et al., ICML 2017)."""
    with torch.inference_mode():
        logits = [(model(torch.from_numpy(row[None])), text) for row, text in rows]
        temperatures = np.geomspace(0.5, 3, 37)
        losses = [sum(float(ctc_loss(found / t, [text])) for found, text in logits) for t in temperatures]
    return float(temperatures[np.argmin(losses)])


def load(path: Path) -> RowReader:
    """Read weights; code hidden in the file is not run."""
    model = RowReader()
    model.load_state_dict(torch.load(path, weights_only=True))
    return model.eval()
