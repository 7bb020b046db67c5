"""Opens image files, hostile ones too, within limits: none takes more memory or time than a picture is worth.

A few kilobytes can claim to unpack to any number of pixels, and what a decoder needs for each differs by kind of file.
What describes a picture (comments, colour profiles, previews) is removed before Pillow sees the file, as it can be a
bomb of its own. With these limits every file stays below 512 MB: tests/runtime/image/test_image_memory.py measures the
largest of each kind.
"""

import io
import re
import struct
from typing import TYPE_CHECKING

from digitpad.errors import ImageError

if TYPE_CHECKING:
    from PIL import Image as PILImage

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
MAX_BYTES = 96 * 2**20  # of a file: room for MAX_PIXELS of four bytes each
MAX_BYTES_WHOLE = 32 * 2**20  # of a WebP or a progressive JPEG: decoding this many takes a second
MAX_BYTES_TABLES = 2**16  # of a lossless WebP: each byte can cost two kilobytes of tables in its decoder
MAX_PIXELS = 25_000_000  # of a picture
MAX_PIXELS_MEMORY = 100_000_000  # of an array or image already in memory
MAX_PIXELS_JPEG = 60_000_000  # of a JPEG, which is decoded at a smaller size
MAX_PIXELS_WHOLE = 13_000_000  # of a WebP or a progressive JPEG, which take up to 23 bytes a pixel to decode
MAX_PIXELS_TABLES = 310_000  # of a larger lossless WebP: every 16 pixels can have 20 kilobytes of tables
MAX_PIXELS_SLOW = 500_000  # of what Pillow decodes in Python, at up to two microseconds a pixel
MAX_PIECES = 50_000  # strips, tiles, chunks or blocks of a file; comments in a PNM
MAX_SCANS = 32  # passes over a JPEG: 10 are usual, each takes as long as the first

_FAX = ("tiff_ccitt", "group3", "group4")
# How a TIFF may be packed, which is how scanners and faxes do it: libtiff has half a dozen more decoders.
_PACKINGS = {"raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "jpeg", *_FAX}
_TIFF_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_READS = 2_500_000  # by a decoder in Python, each of a byte or more


def open_image(data: bytes, name: str) -> tuple["PILImage.Image", int]:
    """Open an image file without decoding it; returns it and the orientation it is stored in, 1 to 8 or, of a TIFF, 0.

    Raises:
        ImageError: it is beyond a limit; the text names the file and what to do.
    """
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        # Image.open would load the code of five formats to read a PNG, the commonest.
        from PIL.PngImagePlugin import PngImageFile

        bare, exif = _bare_png(data, name)
        image: PILImage.Image = PngImageFile(_Reader(bare, name))
    else:
        bare, exif = data, b""
        if data.startswith(b"\xff\xd8"):
            bare, exif = _bare_jpeg(data)
        elif data.startswith(b"GIF8"):
            bare = _bare_gif(data, name)
        if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            _check_tags(data, name)
        if data[:4] == b"RIFF":
            _check_webp(data, name)
        from PIL import Image

        image = Image.open(_Reader(bare, name), formats=FORMATS)
        exif = image.info.get("exif", b"") if image.format == "WEBP" else exif
    if image.format == "JPEG" and (scans := bare.count(b"\xff\xda")) > 1:
        image.info["progressive"] = 1  # or it comes colour by colour, which is kept whole too
        if scans > MAX_SCANS:
            raise ImageError(f"{name}: a JPEG of more than {MAX_SCANS} scans; save it again")
        if len(bare) > MAX_BYTES_WHOLE:
            raise ImageError(f"{name}: a progressive JPEG larger than {MAX_BYTES_WHOLE >> 20} MiB; save it smaller")
    check_size(image, name)
    if image.format == "TIFF":
        _check_pieces(image, bare, name)
        return image, 0  # known only once decoded: Pillow may turn it itself
    if image.format == "PPM" and bare[:2] in (b"P1", b"P2", b"P3") and bare.count(b"#") > MAX_PIECES // 50:
        raise ImageError(f"{name}: more than {MAX_PIECES // 50} comments; save it as PNG")
    orientation = _orientation_in(exif)
    if not orientation and (told := re.search(rb"""tiff:Orientation(?:=["']|>)([1-8])""", data)):  # in XMP: text
        orientation = int(told[1])
    return image, orientation or 1


def check_size(image: "PILImage.Image", name: str) -> None:
    """Refuse a picture with more pixels than its kind of file may have, or with none.

    Raises:
        ImageError: the text names the file, the limit and what to do.
    """
    decoders = {tile[0] for tile in getattr(image, "tile", ())}
    width, height = image.size
    if not width * height:
        raise ImageError(f"{name}: has no pixels; give an image of at least 1x1")
    if decoders & {"bmp_rle", "ppm", "ppm_plain"}:
        kind, limit = "run-length BMP" if "bmp_rle" in decoders else "plain or rescaled PNM", MAX_PIXELS_SLOW
    elif image.format == "WEBP":
        kind, limit = "WebP", MAX_PIXELS_WHOLE
    elif image.format == "JPEG":
        whole = "progressive" in image.info
        kind, limit = ("progressive JPEG", MAX_PIXELS_WHOLE) if whole else ("JPEG", MAX_PIXELS_JPEG)
    else:
        kind, limit = "picture", MAX_PIXELS if decoders else MAX_PIXELS_MEMORY
    if width * height > limit:
        raise too_large(name, kind, limit)


def too_large(name: str, kind: str = "picture", limit: int = MAX_PIXELS) -> ImageError:
    """The error for a picture with too many pixels."""
    remedy = "save it smaller, or as PNG" if limit < MAX_PIXELS else "save it smaller"
    return ImageError(f"{name}: a {kind} of more than {limit / 1e6:g} million pixels; {remedy}")


class _Reader(io.BytesIO):
    """A file in memory that stops being read if it is cut into endlessly many parts."""

    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(data)
        self.name, self.reads = name, 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads > _READS:
            raise ImageError(f"{self.name}: cut into too many parts; save it again")
        return super().read(size)


def _bare_png(data: bytes, name: str) -> tuple[bytes, bytes]:
    """A PNG's picture without what describes it, and its EXIF data."""
    kept, exif, place = [memoryview(data)[:8]], b"", 8
    for _ in range(MAX_PIECES):
        length, kind = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        end = place + length + 12
        if kind in (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"):
            kept.append(memoryview(data)[place:end])
        elif kind == b"eXIf":
            exif = data[place + 8 : end - 4]
        if kind == b"IEND" or end > len(data):
            return b"".join(kept), exif
        place = end
    raise ImageError(f"{name}: a PNG of more than {MAX_PIECES} chunks; save it again")


def _bare_jpeg(data: bytes) -> tuple[bytes, bytes]:
    """A JPEG without what describes it, except for the two headers that tell its colours, and its EXIF data."""
    kept, exif, place = [memoryview(data)[:2]], b"", 2
    while data[place : place + 1] == b"\xff":
        marker, length = data[place + 1 : place + 2], int.from_bytes(data[place + 2 : place + 4], "big")
        end = place + 2 + length
        if marker == b"\xff":  # which fills the space between two segments
            place += 1
            continue
        if marker == b"\xda" or length < 2:
            break
        if marker == b"\xe1" and not exif and data[place + 4 : place + 10] == b"Exif\0\0":
            exif = data[place + 10 : end]
        if marker in (b"\xe0", b"\xee") or not b"\xe0" <= marker <= b"\xfe":  # JFIF, Adobe, and the picture itself
            kept.append(memoryview(data)[place:end])
        place = end
    # After the end, cameras keep more pictures, for depth or for brighter screens.
    end = data.find(b"\xff\xd9", place)
    return b"".join([*kept, memoryview(data)[place : end + 2 if end >= 0 else None]]), exif


def _bare_gif(data: bytes, name: str) -> bytes:
    """A GIF without what comes before its first picture, except for the block that tells what is transparent."""
    flags = int.from_bytes(data[10:11], "big")
    start = 13 + (3 * 2 ** (flags % 8 + 1) if flags & 0x80 else 0)  # after the palette
    control, place = b"", start
    pieces = iter(range(MAX_PIECES))  # counts blocks and what they are cut into
    for _ in pieces:
        block = re.compile(rb"[!,;]").search(data, place)  # what lies between two blocks is skipped
        if block is None or block[0] != b"!":
            return data[:start] + control + (data[block.start() :] if block else b"")
        place = block.start() + 2
        for _ in pieces:
            length = int.from_bytes(data[place : place + 1], "big")
            place += 1 + length
            if not length:
                break
        if data[block.start() + 1 : block.start() + 2] == b"\xf9":
            control = data[block.start() : place]
    raise ImageError(f"{name}: a GIF of more than {MAX_PIECES} pieces before its picture; save it again")


def _check_webp(data: bytes, name: str) -> None:
    """Refuse a WebP beyond the limits: its decoder takes the memory for its pixels as soon as it is opened."""
    if len(data) > MAX_BYTES_WHOLE:
        raise ImageError(f"{name}: a WebP larger than {MAX_BYTES_WHOLE >> 20} MiB; save it smaller")
    kind, head = data[12:16], data[20:30].ljust(10, b"\0")
    if kind == b"VP8X":
        width, height = int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
    elif kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        width, height = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    else:
        width, height = (int.from_bytes(head[place : place + 2], "little") & 0x3FFF for place in (6, 8))
    if width * height > MAX_PIXELS_WHOLE:
        raise too_large(name, "WebP", MAX_PIXELS_WHOLE)
    # If colours or transparency are lossless, each block of 4x4 pixels may come with Huffman tables of its own.
    if (b"VP8L" in data or b"ALPH" in data) and len(data) > MAX_BYTES_TABLES and width * height > MAX_PIXELS_TABLES:
        told = f"{MAX_PIXELS_TABLES / 1e6:g} million pixels and {MAX_BYTES_TABLES >> 10} KiB"
        raise ImageError(f"{name}: a lossless WebP of more than {told}; save it as PNG or JPEG")


def _check_tags(data: bytes, name: str) -> None:
    """Refuse a TIFF whose tags would fill the memory: too many numbers, or the same bytes again and again."""
    order = "<" if data[:2] == b"II" else ">"
    big = b"+" in data[2:4]
    number, size = order + ("Q" if big else "I"), 20 if big else 12
    total = 0
    try:
        directories = list(struct.unpack_from(number, data, 8 if big else 4))
        for start in directories:
            count = struct.unpack_from(order + ("Q" if big else "H"), data, start)[0]
            first = start + (8 if big else 2)
            for place in range(first, first + size * min(count, MAX_PIECES + 1), size):
                tag, kind, values = struct.unpack_from(order + ("HHQ" if big else "HHI"), data, place)
                total += values * _TIFF_BYTES.get(kind, 0)
                # Bytes and text are kept as they are.
                if total > len(data) or (kind not in (1, 2, 7) and values > MAX_PIECES) or count > MAX_PIECES:
                    raise ImageError(f"{name}: a TIFF with too much in its tags; save it as PNG")
                if tag in (0x8769, 0x8825, 0xA005) and len(directories) < 9:  # of EXIF, GPS, and interoperability
                    directories += struct.unpack_from(number, data, place + (12 if big else 8))
    except struct.error:
        return  # cut off: Pillow will say so


def _check_pieces(image: "PILImage.Image", data: bytes, name: str) -> None:
    """Refuse a TIFF with tiles larger than a picture may be, or that decodes the same place again and again."""
    packing = image.info.get("compression", "")
    if packing not in _PACKINGS:
        raise ImageError(f"{name}: a TIFF packed as {packing}; save it as PNG")
    tags = image.tag_v2  # type: ignore[attr-defined]
    width, height = image.size
    tile = tags.get(322, 1), tags.get(323, 1)
    if not all(isinstance(side, int) for side in tile) or tile[0] * tile[1] > MAX_PIXELS:
        raise too_large(name, "TIFF with a tile")
    pieces = image.tile  # type: ignore[attr-defined]
    area = sum((right - left) * (lower - upper) for _, (left, upper, right, lower), *_ in pieces)
    again = area > 8 * width * height
    if packing == "jpeg":  # each of its strips may be decoded many times over
        strips = list(zip(tags.get(273, tags.get(324, ())), tags.get(279, tags.get(325, ())), strict=True))
        size = sum(length for _, length in strips)
        most = len(strips) if size > MAX_BYTES_WHOLE else 4 * len(strips) + 16
        again |= size > len(data) or most < sum(data.count(b"\xff\xda", at, at + length) for at, length in strips)
    if again:
        raise ImageError(f"{name}: a TIFF that holds the same place many times; save it as PNG")


def _orientation_in(exif: bytes) -> int:
    """The orientation in EXIF data, which has the form of a TIFF's tags; 0 if it has none."""
    exif = exif.removeprefix(b"Exif\0\0")
    order = "<" if exif[:2] == b"II" else ">"
    try:
        start = struct.unpack_from(order + "I", exif, 4)[0]
        count = struct.unpack_from(order + "H", exif, start)[0]
        for place in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind = struct.unpack_from(order + "HH", exif, place)
            if tag == 0x0112:
                return int(struct.unpack_from(order + ("I" if kind == 4 else "H"), exif, place + 8)[0])
    except struct.error:  # cut off: a damaged tag doesn't make the image unreadable
        pass
    return 0


def orientation_of(image: "PILImage.Image") -> int:
    """The orientation that Pillow finds; 1 if it finds none."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # Pillow lets anything through: a damaged tag doesn't make the image unreadable
        return 1
