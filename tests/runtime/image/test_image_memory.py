"""No image file takes more than 512 MB or two seconds, neither the largest that is read nor one made to do harm.

And what people have, a phone's photo or a screenshot, takes 80 MB, of which Python and the libraries take 48.
"""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageFile

from digitpad.image.limits import (
    MAX_BYTES,
    MAX_BYTES_WHOLE,
    MAX_PIXELS,
    MAX_PIXELS_JPEG,
    MAX_PIXELS_TABLES,
    MAX_PIXELS_WHOLE,
    MAX_SCANS,
)
from tests.runtime.conftest import printed_by
from tests.runtime.fuzz import png_chunk

MOST = 512_000_000  # bytes, of which Python, numpy, onnxruntime and a model are some 60 million
USUALLY = 32 * 2**20  # more than importing the libraries, which takes 48, and 15 more in some Pythons
LONGEST = 6  # processor seconds: two, but slow or busy machines run tests as well

PEAK = """
import resource, sys
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime)
try:  # on Linux ru_maxrss counts what the process had that started this one
    with open("/proc/self/status") as status:
        print(next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM")))
except OSError:
    print(used.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
"""
PREDICT = """
import sys
from digitpad import ImageError, Recognizer
recognizer = Recognizer(sys.argv[1])
try:
    print(recognizer.predict(sys.argv[2]).status)
except ImageError as error:
    print(error)
"""


def told(path: Path, model: Path | str, most: int = MOST) -> str:
    """What a separate process says of a picture, having kept within memory and time."""
    said, seconds, peak = measured(PREDICT, str(model), str(path))
    assert int(peak) <= most
    assert float(seconds) <= LONGEST
    return said


def measured(code: str, *arguments: str) -> list[str]:
    """What a separate Python prints, the seconds it took and the most memory it had."""
    pytest.importorskip("resource")  # not on Windows
    return printed_by(code + PEAK, *arguments)


@pytest.fixture(autouse=True)
def large_pictures_may_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    monkeypatch.setattr(ImageFile, "MAXBLOCK", 2**26)  # Pillow writes a progressive JPEG in one block


def square(pixels: int, bands: int = 0, kind: Any = np.uint8) -> NDArray[Any]:
    """A square picture of about this many pixels: light, with some dark in it and, in four bands, some transparency."""
    side = int(pixels**0.5) // 16 * 16
    picture = np.full((side, side, bands) if bands else (side, side), 255, kind)
    picture[side // 3 : side // 2, side // 3 : side // 2] = 3
    return picture


def grainy(pixels: int, bands: int = 0) -> NDArray[np.uint8]:
    """The same, full of noise, which hardly compresses."""
    picture = square(pixels, bands)
    grain = np.random.default_rng(1).integers(0, 256, (16, *picture.shape[1:]), np.uint8)
    return np.tile(grain, (picture.shape[0] // 16, *[1] * (picture.ndim - 1)))


def saved(picture: NDArray[Any], form: str, mode: str | None = None, **options: Any) -> bytes:
    image, file = Image.fromarray(picture), io.BytesIO()
    if mode and mode != image.mode:
        image = image.convert(mode) if mode != "CMYK" else Image.merge("CMYK", image.split())
    image.save(file, form, **options)
    return file.getvalue()


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *more: bytes) -> bytes:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


def zeros(megabytes: int) -> bytes:
    """What unpacks to this many, without its checksum."""
    packer = zlib.compressobj()
    first, again = (packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    return first + again * (megabytes - 1)


def tiff(tags: dict[int, tuple[int, int, int]], more: bytes = b"") -> bytes:
    """A TIFF of tags (type, count, value), with more behind them, from byte 8 + 2 + 12 * tags + 4 on."""
    entries = b"".join(
        struct.pack("<HHI", tag, kind, count) + struct.pack("<HH" if kind == 3 and count == 1 else "<I", *parts)
        for tag, (kind, count, value) in sorted(tags.items())
        for parts in [(value, 0) if kind == 3 and count == 1 else (value,)]
    )
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + more


def plain_tiff(**other: tuple[int, int, int]) -> dict[int, tuple[int, int, int]]:
    """The tags of a grey picture of 1000x1000 in one strip, some of them changed."""
    tags = {256: (3, 1, 1000), 257: (3, 1, 1000), 258: (3, 1, 8), 259: (3, 1, 1), 262: (3, 1, 1), 273: (4, 1, 8)}
    tags |= {277: (3, 1, 1), 278: (3, 1, 1000), 279: (4, 1, 1_000_000)}
    return tags | {int(name.removeprefix("tag")): value for name, value in other.items()}


def run_length_bmp(width: int, height: int, body: bytes) -> bytes:
    palette = b"".join(bytes((level, level, level, 0)) for level in range(256))
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 0, 0, 256, 0)
    start = 14 + len(head) + len(palette)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + head + palette + body


def exif(count: int, size: int) -> bytes:
    """EXIF data with this many tags, which all name the same bytes, as many as there are."""
    tags = b"".join(struct.pack("<HHII", 0x9000 + number, 7, size, 0) for number in range(count))
    return b"Exif\0\0II*\0" + struct.pack("<IH", 8, count) + tags + bytes(size)


def segments(marker: bytes, data: bytes) -> bytes:
    """JPEG segments, Exif's head in front of each, which Pillow joins."""
    parts = [data[place : place + 65_000] for place in range(0, len(data), 65_000)]
    return b"".join(marker + struct.pack(">H", len(part) + 2) + part for part in parts)


SMALL_JPEG = saved(square(4000), "JPEG")
SMALL_SCANS = saved(square(4000), "JPEG", progressive=True)


def scans(data: bytes, count: int) -> bytes:
    """A progressive JPEG whose last scan is repeated until there are this many in all."""
    again = count - data.count(b"\xff\xda")
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * again + data[-2:]


def jpeg_tiff(jpeg: bytes) -> bytes:
    """A TIFF whose only strip is this JPEG of three colours."""
    width, height = Image.open(io.BytesIO(jpeg)).size
    start = 8 + 2 + 12 * 10 + 4
    tags = {256: (4, 1, width), 257: (4, 1, height), 258: (3, 3, start), 259: (3, 1, 7), 262: (3, 1, 6)}
    tags |= {273: (4, 1, start + 6), 277: (3, 1, 3), 278: (4, 1, height), 279: (4, 1, len(jpeg)), 530: (4, 1, 0x10001)}
    return tiff(tags, struct.pack("<HHH", 8, 8, 8) + jpeg)


def webp_tables(side: int, block: int, rich: bool) -> bytes:
    """A lossless WebP cut off after its Huffman tables, of which every square of 4 << block pixels has its own five.

    The fewest bits possible make a table of 1 KB; rich ones, of codes of up to 15 bits, are half as large again.
    """
    bits: list[str] = []

    def put(*pairs: tuple[int, int]) -> None:
        bits.extend(format(value, f"0{count}b")[::-1] for value, count in pairs)

    def bytes_code() -> None:
        """256 symbols of 8 bits each: the length 8, then 42 times "six more", and three times 8."""
        put((0, 1), (13 - 4 + 2, 4), *[({8: 1, 16: 1}.get(length, 0), 3) for length in order[:15]])
        put((1, 1), (3, 3), (46 - 2, 8), (0, 1), *[(1, 1), (3, 2)] * 42, *[(0, 1)] * 3)

    order = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    one = [(0b0001, 4)]  # a code of one symbol, 0
    skew = [(0, 1), (15, 4), *[(4 if length < 16 else 0, 3) for length in order], (1, 1), (1, 3), (14, 4)]
    skew += [(int(f"{length:04b}"[::-1], 2), 4) for length in (*range(1, 16), 15)]
    put((0x2F, 8), (side - 1, 14), (side - 1, 14), (0, 4), (0, 1), (0, 1), (1, 1), (block, 3), (0, 1))
    bytes_code()
    bytes_code()
    put(*one * 3)
    groups = (-(-side // (4 << block))) ** 2
    for group in range(groups):  # its number, green and red, the first bit of a code first
        bits.append(f"{group & 255:08b}{group >> 8:08b}")
    bits += ["".join(format(value, f"0{count}b")[::-1] for value, count in (skew if rich else one) * 5)] * groups
    text = "".join(bits)
    body = int(text[::-1], 2).to_bytes(-(-len(text) // 16) * 2, "little")
    return b"RIFF" + struct.pack("<I", len(body) + 12) + b"WEBPVP8L" + struct.pack("<I", len(body)) + body


# As large as allowed, by kind: each is read.
LARGEST: dict[str, Callable[[], bytes]] = {
    "PNG, RGBA, full of noise": lambda: saved(grainy(MAX_PIXELS, 4), "PNG", compress_level=0)[:MAX_BYTES],
    # Eight bytes a pixel, of which Pillow keeps four.
    "PNG, RGBA, 16 bit": lambda: png(5000, 5000, 16, 6, zlib.compress(bytes(5000 * (8 * 5000 + 1)), 1)),
    "PNG, 16 bit": lambda: saved(square(MAX_PIXELS, 0, np.uint16), "PNG", compress_level=1),
    "PNG, palette with transparency": lambda: saved(
        square(MAX_PIXELS), "PNG", "P", transparency=bytes(range(256)), compress_level=1
    ),
    "PNG, one row": lambda: png(MAX_PIXELS, 1, 8, 0, zlib.compress(bytes(MAX_PIXELS + 1), 1)),
    "PNG, one column": lambda: png(1, MAX_PIXELS, 8, 0, zlib.compress(bytes(2 * MAX_PIXELS), 1)),
    "JPEG, CMYK": lambda: saved(square(MAX_PIXELS_JPEG, 4), "JPEG", "CMYK", subsampling=0),
    "JPEG, 60,000 wide": lambda: saved(np.full((MAX_PIXELS_JPEG // 60_000, 60_000, 3), 255, np.uint8), "JPEG"),
    "JPEG, progressive": lambda: saved(square(MAX_PIXELS_WHOLE, 3), "JPEG", progressive=True, subsampling=0),
    "JPEG, progressive, CMYK": lambda: saved(
        square(MAX_PIXELS_WHOLE, 4), "JPEG", "CMYK", progressive=True, subsampling=0
    ),
    "JPEG, all scans": lambda: scans(
        saved(grainy(MAX_PIXELS_WHOLE, 3), "JPEG", progressive=True, subsampling=0, quality=5), MAX_SCANS
    ),
    "GIF, animated": lambda: saved(
        square(MAX_PIXELS), "GIF", save_all=True, append_images=[Image.fromarray(grainy(MAX_PIXELS))], transparency=3
    ),
    "BMP, RGBA": lambda: saved(square(MAX_PIXELS, 4), "BMP"),
    "BMP, run-length": lambda: run_length_bmp(700, 700, (b"\x01\x07" * 700 + b"\0\0") * 700),
    "TIFF, RGBA": lambda: saved(square(MAX_PIXELS, 4), "TIFF"),
    "TIFF, RGBA, one LZW strip, turned": lambda: saved(
        square(MAX_PIXELS, 4), "TIFF", compression="tiff_lzw", tiffinfo={278: 5000, 274: 6}
    ),
    "TIFF, float": lambda: saved(square(MAX_PIXELS, 0, np.float32), "TIFF", compression="tiff_adobe_deflate"),
    "TIFF, progressive JPEG of 20 scans": lambda: jpeg_tiff(
        scans(saved(square(MAX_PIXELS, 3), "JPEG", progressive=True, subsampling=0), 20)
    ),
    "TIFF, black and white": lambda: saved(square(MAX_PIXELS), "TIFF", "1", compression="group4"),
    "WebP, full of noise": lambda: saved(grainy(MAX_PIXELS_WHOLE, 3), "WEBP", method=0, quality=90).ljust(
        MAX_BYTES_WHOLE, b"\0"
    ),
    "WebP, lossless": lambda: saved(square(MAX_PIXELS_WHOLE, 4), "WEBP", lossless=True, method=0),
    "WebP, lossless, full of noise": lambda: saved(grainy(MAX_PIXELS_TABLES, 4), "WEBP", lossless=True, method=0),
    "WebP, lossless, all tables": lambda: webp_tables(3604, 3, rich=False),
    "WebP": lambda: saved(square(MAX_PIXELS_WHOLE, 4), "WEBP", method=0),
    "WebP, animated": lambda: saved(
        square(MAX_PIXELS_WHOLE, 3),
        "WEBP",
        save_all=True,
        append_images=[Image.fromarray(square(MAX_PIXELS_WHOLE, 3)[::-1])],
        method=0,
    ),
    "PGM, 16 bit": lambda: b"P5 5000 5000 65535\n" + bytes(2 * 5000**2),
    "PFM": lambda: b"Pf\n4900 4900\n-1\n" + bytes(4 * 4900**2),
    "PPM, plain": lambda: b"P3 700 700 255\n" + b"200 40 7 " * 700**2,
}

# Files, small or within the limits, that once took much more memory or time than a picture is worth.
BOMBS: dict[str, Callable[[], bytes]] = {
    "PNG of 60,000x60,000": lambda: png(60_000, 60_000, 8, 0, zlib.compress(bytes(1000))),
    "PNG with text that unpacks": lambda: png(
        9, 9, 8, 0, zlib.compress(bytes(90)), *[png_chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**20), 9))] * 60
    ),
    "PNG of empty chunks": lambda: png(9, 9, 8, 0, b"", *[png_chunk(b"IDAT", b"")] * 3_000_000),
    "PNG with EXIF that overlaps": lambda: png(
        9, 9, 8, 0, zlib.compress(bytes(90)), png_chunk(b"eXIf", exif(20_000, 2**20)[6:])
    ),
    "JPEG with EXIF that overlaps": lambda: (
        SMALL_JPEG[:2] + segments(b"\xff\xe1", exif(20_000, 2**20)) + SMALL_JPEG[2:]
    ),
    "JPEG of 1000 scans": lambda: scans(saved(square(MAX_PIXELS_WHOLE, 3), "JPEG", progressive=True), 1000),
    "JPEG, progressive, of 50 MB": lambda: SMALL_SCANS[:-2] + bytes(50_000_000) + SMALL_SCANS[-2:],
    "JPEG of 65,500x65,500": lambda: SMALL_JPEG.replace(
        *[
            b"\xff\xc0\0\x0b\x08" + struct.pack(">HH", *size)
            for size in (Image.open(io.BytesIO(SMALL_JPEG)).size[::-1], (65_500, 65_500))
        ]
    ),
    "GIF of 65,535x65,535": lambda: b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(6) + b",\0\0\0\0\xff\xff\xff\xff\0\x08",
    "GIF of comments": lambda: (
        b"GIF89a\x09\0\x09\0\x80\0\0" + bytes(6) + b"!\xfe\xff" + (bytes(255) + b"\xff") * 300_000
    ),
    "GIF of comments of a letter": lambda: b"GIF89a\x09\0\x09\0\x80\0\0" + bytes(6) + b"!\xfe" + b"\x01a" * 40_000_000,
    "GIF of blocks": lambda: b"GIF89a\x09\0\x09\0\x80\0\0" + bytes(6) + b"\0!\xf9\x04\x01\0\0\0\0" * 5_000_000,
    "GIF of nothing": lambda: b"GIF89a\x09\0\x09\0\x80\0\0" + bytes(6) + bytes(50_000_000),
    "BMP of line ends": lambda: run_length_bmp(700, 700, bytes(50_000_000)),
    "TIFF of 40 million strips": lambda: tiff(
        plain_tiff(tag273=(3, 40_000_000, 200), tag279=(3, 40_000_000, 200)), bytes(80_000_400)
    ),
    "TIFF of 10 million tags of numbers": lambda: tiff(plain_tiff(tag258=(3, 40_000_000, 200)), bytes(80_000_400)),
    "TIFF with numbers in its EXIF": lambda: (
        tiff(plain_tiff(tag34665=(4, 1, 122)))[:122]
        + struct.pack("<HHHIII", 1, 0x9000, 3, 40_000_000, 200, 0)
        + bytes(81_000_000)
    ),
    "TIFF of tags that overlap": lambda: tiff(
        plain_tiff(**{f"tag{number}": (7, 50_000_000, 200) for number in range(40_000, 40_100)}), bytes(51_000_000)
    ),
    "TIFF with a tile of a gigabyte": lambda: tiff(
        {
            **{tag: value for tag, value in plain_tiff(tag259=(3, 1, 8)).items() if tag not in (273, 278, 279)},
            **{322: (3, 1, 32768), 323: (3, 1, 32768), 324: (4, 1, 170), 325: (4, 1, 1_050_000)},
        },
        zeros(1024),
    ),
    "TIFF of a JPEG of 1000 scans": lambda: jpeg_tiff(
        scans(saved(square(MAX_PIXELS, 3), "JPEG", progressive=True), 1000)
    ),
    "TIFF packed as LZMA": lambda: saved(square(4000), "TIFF", compression="lzma"),
    "TIFF of the same strip again and again": lambda: tiff(
        plain_tiff(tag273=(4, 40_000, 1_000_200), tag278=(3, 1, 999), tag279=(4, 40_000, 1_000_200)),
        bytes(1_000_200) + struct.pack("<I", 200) * 40_000,
    ),
    "WebP of 16,383x16,383": lambda: b"RIFF\xff\0\0\0WEBPVP8L\xff\0\0\0\x2f\xfe\xbf\xff\x0f" + bytes(250),
    "WebP of tables": lambda: webp_tables(1024, 0, rich=True),
    "WebP of tables, within the limit": lambda: webp_tables(int(MAX_PIXELS_TABLES**0.5), 0, rich=True),
    "PGM of comments": lambda: b"P2 9 9 255\n" + b"#\n" * 500_000 + b"7 " * 81,
    "PPM of 12 bit": lambda: b"P6 4900 4900 4095\n" + bytes(60_000_000),
    "PPM, plain, of 25 megapixels": lambda: b"P3 4900 4900 255\n" + b"7 " * 30_000_000,
}


def seven(width: int, height: int) -> Image.Image:
    """A seven in blue ink on unevenly lit paper, with some noise."""
    y, x = np.mgrid[:height, :width].astype(np.float32) / height
    across = (abs(y - 0.25) < 0.04) & (x > 0.3) & (x < 0.75)
    down = (abs(x - 0.75 + (y - 0.25) / 2) < 0.04) & (y > 0.25) & (y < 0.85)
    paper = 225 - 30 * x + np.random.default_rng(1).normal(0, 4, x.shape)
    picture = np.where(across | down, 60, paper)[:, :, None] * np.float32([0.9, 0.95, 1])
    return Image.fromarray(picture.clip(0, 255).astype(np.uint8))


def test_a_photo_of_a_phone_or_a_screenshot_takes_80_mb(tmp_path: Path) -> None:
    turned = Image.Exif()
    turned[0x112] = 6
    photo = seven(4032, 3024).transpose(Image.Transpose.ROTATE_90)
    photo.save(tmp_path / "photo.jpg", quality=90, exif=turned)
    seven(1000, 750).save(tmp_path / "screenshot.png")
    usual = USUALLY + int(measured("import numpy, onnxruntime, PIL.Image")[-1])
    for name in ("photo.jpg", "screenshot.png"):
        assert told(tmp_path / name, "cnn", usual) == "digit"


@pytest.mark.parametrize("kind", LARGEST)
def test_the_largest_picture_is_read_in_512_megabytes(kind: str, tmp_path: Path, tiny: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(LARGEST[kind]())
    assert told(path, tiny) in ("digit", "unsure", "not_a_digit", "blank")


@pytest.mark.parametrize("kind", BOMBS)
def test_a_file_made_to_fill_the_memory_does_not(kind: str, tmp_path: Path, tiny: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(BOMBS[kind]())
    assert told(path, tiny)
