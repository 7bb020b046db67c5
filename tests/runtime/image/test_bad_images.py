"""Things that are not images, and damaged, huge or odd ones, get one line that says what to do, and nothing worse."""

import contextlib
import io
import os
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageDraw

from digitpad import DigitPadError, ImageError
from digitpad.image.limits import FORMATS, MAX_BYTES
from digitpad.image.normalise import normalise_image
from tests.runtime.conftest import as_plain_user
from tests.runtime.image.test_image_memory import png


def picture() -> Image.Image:
    image = Image.new("L", (48, 64), 255)
    ImageDraw.Draw(image).line([(10, 10), (36, 10), (20, 54)], fill=0, width=5)
    return image


def encoded(form: str, image: Image.Image | None = None, **options: Any) -> bytes:
    file = io.BytesIO()
    (image or picture()).save(file, form, **options)
    return file.getvalue()


def refusal(image: Any) -> str:
    with pytest.raises(ImageError) as caught:
        normalise_image(image)
    text = str(caught.value)
    assert text.isprintable()  # which also makes it one line
    assert len(text) < 300
    return text


def huge(width: int, height: int) -> bytes:
    """A PNG of few bytes that claims to be of this size."""
    return png(width, height, 8, 0, zlib.compress(bytes(1000)))


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("nothing.png", None, "nothing.png: cannot be read (No such file"),
        ("empty.png", b"", "empty.png: empty"),
        ("letter.png", b"Dear Sir or Madam", "letter.png: not an image that can be read; save it as PNG or JPEG"),
        ("small.ico", encoded("ICO", picture().resize((32, 32))), "small.ico: not an image that can be read"),
        ("long.png", MAX_BYTES + 1, "long.png: larger than 96 MiB"),
        *((f"half.{form}", encoded(form)[: len(encoded(form)) // 2], f"half.{form}: ") for form in FORMATS),
    ],
)
def test_a_file_that_is_not_an_image(name: str, content: bytes | int | None, reason: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if isinstance(content, int):
        path.write_bytes(encoded("PNG"))
        os.truncate(path, content)
    elif content is not None:
        path.write_bytes(content)
    for form in (path, str(path)):
        assert f"{tmp_path}{os.sep}{reason}" in refusal(form)


def test_an_unreadable_file(tmp_path: Path) -> None:
    path = tmp_path / "secret.png"
    path.write_bytes(encoded("PNG"))
    path.chmod(0)
    with as_plain_user():
        assert "secret.png: cannot be read (Permission denied)" in refusal(path)


def test_a_folder_and_a_name_no_file_can_have(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: is a folder; name an image in it"
    assert "a\\x00b" in refusal("a\0b")


def test_a_decompression_bomb() -> None:
    for size in ((60_000, 60_000), (5_000, 5_001)):
        assert refusal(huge(*size)) == "image data: a picture of more than 25 million pixels; save it smaller"


def test_what_is_in_memory_already_may_be_larger_than_a_file() -> None:
    for picture in (Image.new("L", (6000, 5000), 255), np.broadcast_to(np.uint8(255), (6000, 5000))):
        assert not normalise_image(picture).any()
    assert (
        refusal(Image.new("1", (10_001, 10_000))) == "image: a picture of more than 100 million pixels; save it smaller"
    )


@pytest.mark.parametrize(
    ("thing", "remedy"),
    [
        *((thing, "give a PIL image, a path, bytes or a numpy array") for thing in (None, 7, [[0, 255]], object())),
        (np.full((9, 9), np.nan), "not NaN"),
        (np.full((9, 9), np.inf), "in [0, 1]"),
        (np.full((9, 9), 200.0), "divide 0 to 255 by 255"),
        (np.full((9, 9), -0.5), "in [0, 1]"),
        (np.zeros((9, 9), int), "give uint8"),
        (np.zeros((9, 9), complex), "give uint8"),
        (np.array([[None]]), "give uint8"),
        (np.array([["a"]]), "give uint8"),
        (np.zeros(9, np.uint8), "(9,): give (H, W)"),
        (np.zeros((9, 9, 2), np.uint8), "(9, 9, 2): give (H, W)"),
        (np.zeros((1, 9, 9, 3), np.uint8), "(1, 9, 9, 3): give (H, W)"),
        (np.zeros((0, 9), np.uint8), "none of them 0"),
        (np.broadcast_to(np.uint8(0), (20_000, 20_000)), "more than 100 million pixels"),
    ],
)
def test_a_thing_that_is_not_an_image(thing: Any, remedy: str) -> None:
    assert remedy in refusal(thing)


def test_a_pil_image_that_is_closed_or_empty_or_a_file_that_holds_nan() -> None:
    pixels = np.asarray(picture(), np.float32)
    assert "NaN" in refusal(encoded("TIFF", Image.fromarray(np.where(pixels > 0, pixels, np.nan).astype(np.float32))))
    image = Image.open(io.BytesIO(encoded("PNG")))
    image.close()
    assert refusal(image)
    assert "no pixels" in refusal(Image.new("L", (0, 5)))


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (1, 300), (10, 10_000), (10_000, 10)])
def test_tiny_and_narrow_images_are_answered(size: tuple[int, int]) -> None:
    assert not normalise_image(Image.new("RGB", size, "white")).any()
    marked = Image.new("L", size, 255)
    marked.paste(0, (size[0] // 2, size[1] // 2, size[0] // 2 + 4, size[1] // 2 + 4))
    assert normalise_image(marked).shape == (28, 28)


def test_warnings_about_odd_images_do_not_reach_the_user(capfd: pytest.CaptureFixture[str]) -> None:
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\xff\0\x06\0\0"
    palette = picture().convert("P")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert normalise_image(encoded("JPEG", exif=exif)).any()
        assert normalise_image(encoded("PNG", palette, transparency=bytes(range(256)))).shape == (28, 28)
        refusal(huge(9500, 9500))  # a size that Pillow itself warns about
    assert not caught
    assert capfd.readouterr() == ("", "")


def test_the_tiff_library_keeps_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    whole = encoded("TIFF", compression="tiff_lzw")
    for place in range(8, 60):
        with contextlib.suppress(ImageError):
            normalise_image(whole[:place] + b"\xff\x7f" + whole[place + 2 :])
    assert capfd.readouterr() == ("", "")
    os.write(2, b"still there")
    assert capfd.readouterr().err == "still there"


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(arrays.scalar_dtypes(), arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6)))
def test_arrays_of_any_kind_are_taken_or_refused(array: Any) -> None:
    try:
        assert normalise_image(array).shape == (28, 28)
    except DigitPadError as error:
        assert str(error).isprintable()


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(
        st.sampled_from([np.uint8, np.uint16, np.bool_]),
        st.tuples(st.integers(1, 40), st.integers(1, 40)) | st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(4)),
    )
)
def test_any_array_of_pixels_is_taken(array: Any) -> None:
    result = normalise_image(array)
    assert (result.shape, result.dtype) == ((28, 28), np.uint8)
