"""The multilayer perceptron: PyTorch, two hidden layers with dropout, stochastic gradient descent."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from digitpad.files import write_whole
from train.augmentation import Loader, plain_loader
from train.data import CLASSES, Digits
from train.history import EpochFigures, History, check_loss, loss_and_accuracy
from train.precision import Precision
from train.recipes import Training

HIDDEN = 800


class Mlp(nn.Module):
    """784 inputs in [0, 1], two hidden layers of 800, 11 scores (logits): ten digits', and "not a digit"."""

    def __init__(self, dropout: tuple[float, float] = (0.2, 0.3)) -> None:
        super().__init__()
        self.hidden1 = nn.Linear(28 * 28, HIDDEN, bias=False)
        self.norm1 = nn.BatchNorm1d(HIDDEN)
        self.hidden2 = nn.Linear(HIDDEN, HIDDEN, bias=False)
        self.norm2 = nn.BatchNorm1d(HIDDEN)
        self.scores = nn.Linear(HIDDEN, CLASSES)
        self.dropout1 = nn.Dropout(dropout[0])
        self.dropout2 = nn.Dropout(dropout[1])

    def forward(self, images: Tensor) -> Tensor:
        """Scores (N, 11) of float images (N, 1, 28, 28)."""
        x = images.flatten(1)
        x = self.dropout1(torch.relu(self.norm1(self.hidden1(x))))
        x = self.dropout2(torch.relu(self.norm2(self.hidden2(x))))
        return self.scores(x)


def train_mlp(
    training: Training,
    loader: Callable[[int], Loader],
    validation: dict[str, Digits],
    folder: Path,
    seed: int = 1,
    precision: Precision = "float32",
) -> tuple[Mlp, History]:
    """Train, going on from the last finished epoch that `folder` holds; returns the averaged network.

    Args:
        training: how long and how hard.
        loader: the batches of an epoch, counted from 0: images (N, 1, 28, 28) and targets (N, 11).
        validation: further parts by name, measured after each epoch.
        folder: takes the checkpoint, last.pt.
        seed: decides the first weights and the dropout.
        precision: of the forward and backward pass; weights, averages and answers are float32 in any case.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(seed)
    model = Mlp(training.dropout).to(device)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(training.ema), use_buffers=True)
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=training.learning_rate,
        momentum=0.9,
        nesterov=True,
        weight_decay=training.weight_decay,
    )
    steps = len(loader(0))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=training.epochs * steps)

    parts = {"model": model, "average": average, "optimizer": optimizer, "schedule": schedule}
    history = _resume(folder / "last.pt", parts, device)

    for epoch in range(len(history), training.epochs):
        torch.manual_seed(1_000 * seed + epoch)
        model.train()
        running_loss, right = 0.0, 0
        title = f"mlp {epoch + 1}/{training.epochs}"
        bar = tqdm(loader(epoch), title, leave=False, position=1, disable=not sys.stderr.isatty())
        for images, targets in bar:
            images, targets = images.to(device), targets.to(device)
            optimizer.zero_grad()
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
                scores = model(images)
            loss = criterion(scores.float(), targets)
            loss.backward()
            optimizer.step()
            running_loss += loss.item()
            right += int((scores.argmax(1) == targets.argmax(1)).sum())
            schedule.step()
            average.update_parameters(model)
        loss_of_epoch = check_loss("mlp", running_loss / steps)
        figures = EpochFigures(loss_of_epoch, right / (steps * training.batch_size))
        for name, digits in validation.items():
            figures.validation[name] = loss_and_accuracy(mlp_logits(average, digits), digits.labels)
        history.append(figures)
        tqdm.write(f"mlp  epoch {epoch + 1:3}/{training.epochs}  {figures}")
        _save(folder / "last.pt", {**{k: part.state_dict() for k, part in parts.items()}, "history": history.to_json()})
    return average.module.cpu().eval(), history


def mlp_step(training: Training, precision: Precision) -> Callable[[], float]:
    """One step of training on noise, to be timed; it ends when the device is done."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model, criterion = Mlp(training.dropout).to(device), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    images = torch.rand(training.batch_size, 1, 28, 28, device=device)
    targets = torch.full((training.batch_size, CLASSES), 1 / CLASSES, device=device)

    def step() -> float:
        optimizer.zero_grad()
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
            scores = model(images)
        loss = criterion(scores.float(), targets)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def mlp_logits(model: nn.Module, digits: Digits) -> NDArray[np.float32]:
    """Scores (N, 11) of digits, in their order."""
    model.eval()
    device = next(model.parameters()).device
    with torch.inference_mode():
        return torch.cat([model(images.to(device)).cpu() for images, _ in plain_loader(digits, 500)]).numpy()


def save_mlp(model: Mlp, path: Path) -> None:
    """Write the final weights; read them with load_mlp."""
    _save(path, model.state_dict())


def load_mlp(path: Path) -> Mlp:
    """Read weights that save_mlp wrote."""
    model = Mlp()
    model.load_state_dict(torch.load(path, weights_only=True))
    return model.eval()


def _resume(path: Path, parts: dict[str, Any], device: torch.device) -> History:
    if not path.exists():
        return History()
    state = torch.load(path, weights_only=True, map_location=device)
    for name, part in parts.items():
        part.load_state_dict(state[name])
    return History.from_json(state["history"])


def _save(path: Path, state: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_whole(path, buffer.getvalue())
