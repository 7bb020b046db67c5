"""Reads files, bytes, PIL images and arrays into upright pixels, shrinking large pictures."""

import contextlib
import os
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from digitpad.errors import ImageError, first_line
from digitpad.image.filters import Map, Pixels, as_float
from digitpad.image.limits import MAX_BYTES, MAX_PIXELS_MEMORY, check_size, open_image, orientation_of, too_large

if TYPE_CHECKING:
    from PIL import Image as PILImage

ImageLike: TypeAlias = "PILImage.Image | str | os.PathLike[str] | bytes | NDArray[Any]"
_Strip = Callable[[int, int], NDArray[Any]]  # the pixels (h, W, C) of the rows from one to another

_SIDE = 1024  # pixels along the longer side to which larger pictures are reduced
_STRIP = 100_000  # pixels that are worked on at once
_ROUNDING = 1e-6  # floats may go so far beyond [0, 1]
_DECODING = threading.Lock()


def read_image(image: ImageLike) -> tuple[Pixels, Map | None, float]:
    """Read an image upright: colour (H, W, 1 or 3), uint8 or float32 in [0, 1]; alpha, if it has one, float32 (H, W).

    A large one is shrunk on the way: last comes how many of its own pixels make one along a side.

    Raises:
        ImageError: it cannot be read as an image; the text names the file and what to do.
    """
    if isinstance(image, np.ndarray):
        colour, alpha = _from_array(image)
        return colour, alpha, max(image.shape[:2]) / max(colour.shape[:2])
    if isinstance(image, bytes | bytearray | memoryview):
        return _decode(bytes(image), "image data")
    if isinstance(image, str | os.PathLike):
        return _decode(_read_file(image), os.fsdecode(image))
    from PIL import Image

    if isinstance(image, Image.Image):
        return _decode(image, "image")
    raise ImageError(f"{type(image).__name__} is not an image: give a PIL image, a path, bytes or a numpy array")


def on_white(colour: Pixels, alpha: Map | None) -> NDArray[np.uint8]:
    """Colour and alpha as `read_image` gives them, as a person sees them on white paper: uint8 (H, W, 3)."""
    colour = as_float(colour)
    if alpha is not None:
        colour = 1 - alpha[:, :, None] * (1 - colour)
    seen: NDArray[np.uint8] = np.rint(np.broadcast_to(colour, (*colour.shape[:2], 3)) * 255).astype(np.uint8)
    return seen


def _read_file(path: str | os.PathLike[str]) -> bytes:
    name = os.fsdecode(path)
    try:
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError, MemoryError) as error:  # ValueError: a NUL character in the name
        # Windows says no more than "Permission denied" of a folder; Path.is_dir would raise it again.
        if os.path.isdir(name.replace("\0", "")):  # noqa: PTH112
            raise ImageError(f"{name}: is a folder; name an image in it") from None
        reason = getattr(error, "strerror", None) or str(error) or "not enough memory"
        raise ImageError(f"{name}: cannot be read ({reason}); check the name and the permissions") from None


def _decode(source: "bytes | PILImage.Image", name: str) -> tuple[Pixels, Map | None, float]:
    if isinstance(source, bytes):
        if not source:
            raise ImageError(f"{name}: empty; save or copy the image again")
        if len(source) > MAX_BYTES:
            raise ImageError(f"{name}: larger than {MAX_BYTES >> 20} MiB; save it smaller")
    try:
        # Warnings about odd but readable files are not the user's concern; muting them is not thread-safe by itself.
        with _DECODING, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            orientation = 0
            if isinstance(source, bytes):
                image, orientation = open_image(source, name)
                side = max(image.size)
                del source  # the picture may be read from a copy, and takes memory itself once it is decoded
                # A large JPEG is decoded at a smaller size, which is faster.
                if (factor := round(side / _SIDE)) > 1:
                    image.draft(None, (max(image.width // factor, 1), max(image.height // factor, 1)))
            else:
                image = source
                check_size(image, name)
                side = max(image.size)
            with _silent() if image.format == "TIFF" else contextlib.nullcontext():
                image.load()
            colour, alpha = _from_pillow(image, name, orientation or orientation_of(image))
            return colour, alpha, side / max(colour.shape[:2])
    except ImageError:
        raise
    except MemoryError:
        raise ImageError(f"{name}: not enough memory to decode it; save it smaller") from None
    except Exception as error:  # Pillow's decoders let through whatever their parsing raises: a dozen unrelated types
        from PIL import Image, UnidentifiedImageError

        if isinstance(error, UnidentifiedImageError):
            raise ImageError(f"{name}: not an image that can be read; save it as PNG or JPEG") from None
        if isinstance(error, Image.DecompressionBombError):
            raise too_large(name) from None
        reason = f"{first_line(error):.100}"
        raise ImageError(f"{name}: cannot be decoded ({reason}); it may be damaged: save or copy it again") from None


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep libtiff's own messages, which bypass Python, off standard error."""
    try:
        kept = os.dup(2)
    except OSError:  # there is no standard error
        yield
        return
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _from_pillow(image: "PILImage.Image", name: str, orientation: int) -> tuple[Pixels, Map | None]:
    width, height = image.size
    tall, wide = _block(height, width)

    def strip(top: int, bottom: int) -> NDArray[Any]:
        part = image.crop((0, top, width, bottom))
        if part.mode.startswith("I") or part.mode == "F":
            return np.asarray(part)[:, :, None]
        if part.mode == "La":  # the only mode that Pillow converts it to
            part = part.convert("LA")
        if part.has_transparency_data:
            part = part if part.mode == "RGBA" else part.convert("RGBA")
        elif part.mode not in ("L", "RGB"):
            part = part.convert("L" if part.mode == "1" else "RGB")
        # Pillow averages over blocks itself, and weights colours by their alpha.
        return np.atleast_3d(np.asarray(part.reduce((wide, tall)) if tall * wide > 1 else part))

    return _shrunk(strip, (height, width), name, orientation)


def _from_array(array: NDArray[Any]) -> tuple[Pixels, Map | None]:
    if not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))) or not array.size:
        raise ImageError(f"array of shape {array.shape}: give (H, W), (H, W, 3) or (H, W, 4), none of them 0")
    if array.dtype.kind not in "bf" and array.dtype.type not in (np.uint8, np.uint16):
        raise ImageError(f"array of {array.dtype}: give uint8, uint16, bool or float in [0, 1]")
    if array.shape[0] * array.shape[1] > MAX_PIXELS_MEMORY:
        raise too_large("array", limit=MAX_PIXELS_MEMORY)
    # A plain array: masked arrays and matrices have rules of their own for what follows.
    pixels = np.atleast_3d(np.asarray(array).view(np.ndarray))

    def strip(top: int, bottom: int) -> NDArray[Any]:
        part = pixels[top:bottom]
        # Written so that NaN fails as well.
        if part.dtype.kind == "f" and not (part.min() >= -_ROUNDING and part.max() <= 1 + _ROUNDING):
            raise ImageError("array of float: values must be in [0, 1] and not NaN; divide 0 to 255 by 255")
        return part

    return _shrunk(strip, pixels.shape, "array")


def _upright(stored: Pixels, orientation: int) -> Pixels:
    """A view of a picture turned upright: cameras store it as it lay on the sensor, with a tag."""
    turned = stored.swapaxes(0, 1) if orientation in (5, 6, 7, 8) else stored
    down, across = -1 if orientation in (3, 4, 7, 8) else 1, -1 if orientation in (2, 3, 6, 7) else 1
    return turned[::down, ::across]


def _shrunk(strip: _Strip, shape: tuple[int, ...], name: str, orientation: int = 1) -> tuple[Pixels, Map | None]:
    """Colour and alpha of pixels of any type, upright, averaged over blocks if there are many; bytes may stay bytes.

    `strip` gives the pixels of some rows, or the averages over blocks of them, so that only these are worked on at a
    time.
    """
    height, width = shape[:2]
    tall, wide = _block(height, width)
    rows = max(_STRIP // width // tall, 1) * tall
    largest = 0.0
    for top in range(0, height, rows):
        part = strip(top, min(top + rows, height))
        if part.dtype.kind == "f" and not np.isfinite(part).all():
            raise ImageError(f"{name}: holds NaN or infinite values; save it as PNG")
        largest = max(largest, float(part.max()))
        kind = part.dtype
        if tall * wide > 1 and part.shape[:2] == (min(rows, height - top), width):  # not averaged yet
            part = _averaged(part, tall, wide)
        if not top:
            size = -(-height // tall), -(-width // wide), part.shape[2]
            stored = np.empty(size, np.uint8 if part.dtype == np.uint8 else np.float32)
        stored[top // tall : -(-(top + rows) // tall)] = part
    if stored.dtype != np.uint8:
        # With more than 8 bits a scanner may use 8, 12 or all 16; a float may count to 1 or to 255.
        full = next((top for top in (1.0, 255.0, 4095.0, 65535.0) if largest <= top + _ROUNDING), largest)
        stored /= np.float32(255.0 if kind.kind not in "bf" and full == 1.0 else full)
        np.clip(stored, 0, 1, out=stored)
    pixels = _upright(stored, orientation)
    if pixels.shape[2] < 4:
        return np.ascontiguousarray(pixels), None
    alpha = np.ascontiguousarray(as_float(pixels[:, :, 3]))
    return np.ascontiguousarray(pixels[:, :, :3]), None if alpha.min() == 1 else alpha


def _block(height: int, width: int) -> tuple[int, int]:
    """How many rows and columns of a picture are averaged into one."""
    factor = -(-max(height, width) // _SIDE)
    return min(factor, height), min(factor, width)


def _averaged(pixels: NDArray[Any], tall: int, wide: int) -> Map:
    """The averages over blocks, float32; what is left over at the ends makes smaller blocks."""
    sums = np.add.reduceat(pixels, np.arange(0, pixels.shape[1], wide), axis=1, dtype=np.float32)
    sums = np.add.reduceat(sums, np.arange(0, pixels.shape[0], tall), axis=0)
    sums /= np.diff(np.append(np.arange(0, pixels.shape[1], wide), pixels.shape[1]))[:, None].astype(np.float32)
    sums /= np.diff(np.append(np.arange(0, pixels.shape[0], tall), pixels.shape[0]))[:, None, None].astype(np.float32)
    return sums
