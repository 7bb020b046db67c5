"""The teachers: deeper convolutional networks, used in training only, whose answers both networks learn from.

Hinton, Vinyals, Dean, "Distilling the Knowledge in a Neural Network", 2015 (arXiv:1503.02531).
"""

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from digitpad.files import write_whole
from train.data import Digits
from train.history import check_loss, loss_and_accuracy
from train.pool import read_round, scores_path, write_scores

BATCH = 128
_LEARNING_RATE = 0.1


def build_teacher() -> nn.Sequential:
    """Seven convolutions, 37 million multiply-accumulates: scores (N, 10) of float (N, 1, 28, 28) in [0, 1]."""
    return nn.Sequential(
        *_convolution(1, 32, 5), nn.MaxPool2d(2),
        *_convolution(32, 64), *_convolution(64, 64), *_convolution(64, 64), nn.MaxPool2d(2), nn.Dropout2d(0.1),
        *_convolution(64, 128), *_convolution(128, 128), *_convolution(128, 128),
        nn.Flatten(), nn.Dropout(0.4), nn.Linear(7 * 7 * 128, 10),
    ).to(memory_format=torch.channels_last)  # fmt: skip


def train_teacher(seed: int, epochs: int, pool: Path, rounds: int, validation: dict[str, Digits], folder: Path) -> None:
    """Train on a round's pictures an epoch, going on from the last finished epoch that last.pt in `folder` holds."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(seed)
    model = build_teacher().to(device)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.998), use_buffers=True)
    optimizer = torch.optim.SGD(model.parameters(), _LEARNING_RATE, momentum=0.9, nesterov=True, weight_decay=5e-5)
    steps = len(_pictures(pool, 0)) // BATCH
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, _LEARNING_RATE, total_steps=epochs * steps, pct_start=0.1, cycle_momentum=False
    )
    parts: dict[str, Any] = {"model": model, "average": average, "optimizer": optimizer, "schedule": schedule}
    first = _resume(folder / "last.pt", parts, device)
    for epoch in range(first, epochs):
        torch.manual_seed(1_000 * seed + epoch)
        digits = _pictures(pool, (epoch + 5 * seed) % rounds)
        images, labels = torch.from_numpy(digits.images).unsqueeze(1), torch.from_numpy(digits.labels)
        model.train()
        running = 0.0
        batches = torch.randperm(len(labels))[: steps * BATCH].view(steps, BATCH)
        for batch in tqdm(
            batches, f"teacher {seed} {epoch + 1}/{epochs}", leave=False, disable=not sys.stderr.isatty()
        ):
            optimizer.zero_grad()
            scores = _scores(model, images[batch], device)
            loss = nn.functional.cross_entropy(scores.float(), labels[batch].to(device))
            loss.backward()
            optimizer.step()
            schedule.step()
            average.update_parameters(model)
            running += loss.item()
        check_loss(f"teacher {seed}", running)
        right = {
            name: loss_and_accuracy(teacher_scores(average, part.images), part.labels)[1]
            for name, part in validation.items()
        }
        figures = "  ".join(f"{name} {accuracy:.2%}" for name, accuracy in right.items())
        tqdm.write(f"teacher {seed}  epoch {epoch + 1:3}/{epochs}  loss {running / steps:.4f}  {figures}")
        _save(folder / "last.pt", {**{k: part.state_dict() for k, part in parts.items()}, "epochs": epoch + 1})


def label_pool(pool: Path, rounds: int, checkpoints: list[Path]) -> None:
    """Write beside each round what the teachers make of it: the mean of their scores (N, 10) of its pictures."""
    teachers = [_load_teacher(path) for path in checkpoints]
    for number in tqdm(range(rounds), "teachers' answers", leave=False, disable=not sys.stderr.isatty()):
        if not scores_path(pool, number).exists():
            images = _pictures(pool, number).images
            write_scores(pool, number, np.mean([teacher_scores(teacher, images) for teacher in teachers], axis=0))


def teacher_scores(teacher: nn.Module, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Scores (N, 10) of uint8 images (N, 28, 28)."""
    teacher.eval()
    device = next(teacher.parameters()).device
    with torch.inference_mode():
        pieces = torch.from_numpy(images).unsqueeze(1).split(250)
        return torch.cat([_scores(teacher, piece, device).float().cpu() for piece in pieces]).numpy()


def _convolution(channels: int, filters: int, size: int = 3) -> list[nn.Module]:
    convolution = nn.Conv2d(channels, filters, size, padding=size // 2, bias=False)
    return [convolution, nn.BatchNorm2d(filters), nn.ReLU(inplace=True)]


def _scores(model: nn.Module, images: Tensor, device: torch.device) -> Tensor:
    # bfloat16 halves the time where the processor has it, and changes no figure.
    with torch.autocast(device.type, dtype=torch.bfloat16):
        return model((images.to(device).float() / 255).contiguous(memory_format=torch.channels_last))


def _pictures(pool: Path, number: int) -> Digits:
    digits, pictures = read_round(pool, number)
    return Digits(digits.images[:pictures], digits.labels[:pictures])


def _load_teacher(path: Path) -> nn.Module:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    average = AveragedModel(build_teacher().to(device))
    average.load_state_dict(torch.load(path, weights_only=True, map_location=device)["average"])
    return average.eval()


def _resume(path: Path, parts: dict[str, Any], device: torch.device) -> int:
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True, map_location=device)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return int(state["epochs"])


def _save(path: Path, state: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_whole(path, buffer.getvalue())
