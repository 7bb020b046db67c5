"""The multilayer perceptron: PyTorch, two hidden layers with dropout, cross-entropy, stochastic gradient descent."""

import io
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.lr_scheduler import CosineAnnealingLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

from digitpad.files import write_whole
from train.data import CLASSES, Images, Targets
from train.precision import Precision
from train.recipes import Training

HIDDEN = 800


class Mlp(nn.Module):
    """784 inputs in [0, 1], two hidden layers, 11 scores (logits): the ten digits', and that of "not a digit"."""

    def __init__(self, dropout: tuple[float, float] = (0.2, 0.3), hidden: int = HIDDEN) -> None:
        super().__init__()
        self.hidden1 = nn.Linear(28 * 28, hidden, bias=False)
        self.norm1 = nn.BatchNorm1d(hidden)
        self.hidden2 = nn.Linear(hidden, hidden, bias=False)
        self.norm2 = nn.BatchNorm1d(hidden)
        self.scores = nn.Linear(hidden, CLASSES)
        self.dropout1 = nn.Dropout(dropout[0])
        self.dropout2 = nn.Dropout(dropout[1])

    def forward(self, images: Tensor) -> Tensor:
        """Scores (N, 11) of float images (N, 1, 28, 28)."""
        x = images.flatten(1)
        x = self.dropout1(torch.relu(self.norm1(self.hidden1(x))))
        x = self.dropout2(torch.relu(self.norm2(self.hidden2(x))))
        return self.scores(x)


def train_epoch(
    model: Callable[[Tensor], Tensor],
    device: torch.device,
    batches: Iterable[tuple[Tensor, Tensor]],
    optimizer: torch.optim.Optimizer,
) -> tuple[float, float]:
    """Learn from each batch once: images (N, 1, 28, 28) in [0, 1], targets (N, 11); the mean loss and accuracy."""
    mean_loss = accuracy = 0.0
    for number, (images, targets) in enumerate(batches, start=1):
        images, targets = images.to(device), targets.to(device)
        optimizer.zero_grad()  # 1. clear the gradients
        scores = model(images)  # 2. forward pass
        loss = F.cross_entropy(scores, targets)  # 3. loss
        loss.backward()  # 4. backward pass
        optimizer.step()  # 5. optimiser step
        mean_loss += (loss.item() - mean_loss) / number  # 6. running average of the loss
        right = (scores.argmax(1) == targets.argmax(1)).float().mean()
        accuracy += (right.item() - accuracy) / number
    return mean_loss, accuracy


class Learner:
    """The network in training; see train/training.py."""

    def __init__(self, training: Training, steps: int, seed: int, precision: Precision) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(seed)
        self.model = Mlp(training.dropout, **training.network).to(self.device)
        self.half_precision = precision == "bfloat16"
        self.averaged = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(training.ema), use_buffers=True)
        self.optimizer = torch.optim.SGD(
            self.model.parameters(),
            lr=training.learning_rate,
            momentum=0.9,
            nesterov=True,
            weight_decay=training.weight_decay,
        )
        self.schedule = CosineAnnealingLR(self.optimizer, steps)
        self.optimizer.register_step_post_hook(self._after_step)

    def learn(self, batches: Iterable[tuple[Tensor, Tensor]], seed: int) -> tuple[float, float]:
        """Learn from each batch once; the mean loss and accuracy."""
        torch.manual_seed(seed)
        self.model.train()
        return train_epoch(self._forward, self.device, batches, self.optimizer)

    def average(self) -> Mlp:
        """The network with the moving averages as its weights."""
        return self.averaged.module

    def save(self, folder: Path) -> None:
        """Write last.pt."""
        _write(folder / "last.pt", {name: part.state_dict() for name, part in self._parts().items()})

    def resume(self, folder: Path) -> int:
        """Resume from last.pt, if it is there; returns how many steps are done."""
        if (folder / "last.pt").exists():
            state = torch.load(folder / "last.pt", weights_only=True, map_location=self.device)
            for name, part in self._parts().items():
                part.load_state_dict(state[name])
        return self.schedule.last_epoch

    def _forward(self, images: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half_precision):
            scores = self.model(images)
        return scores.float()

    def _after_step(self, *_: object) -> None:
        self.schedule.step()
        self.averaged.update_parameters(self.model)

    def _parts(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "average": self.averaged,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
        }


def batches(images: Images, targets: Targets, batch_size: int, seed: int) -> DataLoader[tuple[Tensor, Tensor]]:
    """Shuffled batches: images float (batch_size, 1, 28, 28) in [0, 1], targets (batch_size, 11)."""
    digits = TensorDataset(torch.from_numpy(images), torch.from_numpy(targets))
    order = RandomSampler(digits, generator=torch.Generator().manual_seed(seed))
    whole_batches = BatchSampler(order, batch_size, drop_last=True)  # taken at once, not digit by digit
    return DataLoader(digits, sampler=whole_batches, batch_size=None, collate_fn=lambda b: (_as_input(b[0]), b[1]))


def logits(model: Mlp, images: Images) -> NDArray[np.float32]:
    """Scores (N, 11) of images, in their order."""
    model.eval()
    device = next(model.parameters()).device
    with torch.inference_mode():
        pieces = torch.from_numpy(images).split(500)
        return torch.cat([model(_as_input(piece).to(device)).cpu() for piece in pieces]).numpy()


def save(model: Mlp, path: Path) -> None:
    """Write the final weights; read them with `load`."""
    _write(path, {name: values.cpu() for name, values in model.state_dict().items()})


def load(path: Path) -> Mlp:
    """Read weights that `save` wrote; code hidden in the file is not run."""
    model = Mlp()
    model.load_state_dict(torch.load(path, weights_only=True))
    return model.eval()


def _as_input(images: Tensor) -> Tensor:
    """Bytes (N, 28, 28) as float (N, 1, 28, 28) in [0, 1]."""
    return images.unsqueeze(1).float() / 255


def _write(path: Path, state: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_whole(path, buffer.getvalue())
