"""The model files: where they are, whether they are whole, and whether they keep the model contract."""

import json
import math
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from digitpad.errors import ModelError, first_line

if TYPE_CHECKING:
    import onnxruntime

CONTRACT = "2"
WITHOUT_FEATURES = "1"  # the contract before, whose files lack the output `features` and are still read
MOST_FEATURES = 1024
MAX_BYTES = 256 * 2**20  # a digit model takes a few MB: anything larger is refused before it fills the memory
METADATA = ("contract", "name", "framework", "trained_on", "temperature", "ood_threshold", "unsure_threshold")

# An ONNX tensor whose numbers are in another file says so in an entry of this name, however its length is encoded.
_SIDE_FILE = re.compile(rb"(?:\x08|\x88\x80*\x00)location")

# Since 1.29 onnxruntime reports usage to its maker and keeps a device identifier in the home folder, unless
# told not to before it is first loaded. Setting the variable to 0 allows it.
_SILENT = os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1") != "0"

_FIX = "install digitpad again, or run `make export` in a source checkout"


Tensors = dict[str, tuple[str, list[int | str]]]  # by name: the type, and the shape without the batch


@dataclass(frozen=True)
class Model:
    """A model ready to run: the onnxruntime session, and its digitpad.* metadata without that prefix.

    `features` is how many values the output of that name has for an image; 0 where the file has no such output.
    """

    session: "onnxruntime.InferenceSession"
    metadata: dict[str, str]
    features: int


def load_model(which: str | os.PathLike[str], options: "onnxruntime.SessionOptions | None" = None) -> Model:
    """Load a shipped model by name ("cnn", "mlp", ...) or, by path, any file that keeps the contract.

    `options` say how onnxruntime runs it; by default they are `session_options()`.

    Raises:
        ModelError: no such model, the file is damaged, or it does not keep the contract.
    """
    path = find_model(which)
    source: bytes | str
    if is_path(which):
        source = _read(path)
        _check_self_contained(path, source)  # onnxruntime then gets these very bytes, not the file again
    else:
        source = _shipped(path, shipped_models()[os.fspath(which)])
    session = _open_session(path, source, options or session_options())
    try:
        return Model(session, *_check_contract(path, session))
    except UnicodeDecodeError:  # onnxruntime passes names and metadata on as they are
        raise ModelError(f"{path}: its names are not text: damaged, or not a digitpad model") from None


def load_row_reader() -> "onnxruntime.InferenceSession":
    """Load the network that reads a row of digits as a whole: from `rows` to `log_probabilities`, see image/rows.py.

    Raises:
        ModelError: the file is missing or damaged.
    """
    if (entry := _manifest().get("row_reader")) is None:
        raise ModelError(f"{os.path.join(models_folder(), 'manifest.json')}: names no row reader; {_FIX}")
    path = os.path.join(models_folder(), entry["file"])
    return _open_session(path, _shipped(path, entry), session_options())


def _shipped(path: str, entry: dict[str, Any]) -> bytes | str:
    """What to give onnxruntime of our own file, which must be as its entry in the manifest says."""
    digest = _sha256()
    for piece in _pieces(path, 2**16):
        digest.update(piece)
    if digest.hexdigest() != entry["sha256"]:
        raise ModelError(f"{path}: its checksum is not the manifest's: it is damaged or was changed; {_FIX}")
    # onnxruntime may read it itself, which saves the memory of a copy. (How it decodes the name depends on the system.)
    return path if path.isascii() else _read(path)


def session_options() -> "onnxruntime.SessionOptions":
    """Options for one small model on a small machine: one thread, no spinning, no arena, no log lines."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.log_severity_level = 4  # its own lines on standard error add nothing to our exceptions
    # More threads would only wait for each other, and spinning burns a core.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_cpu_mem_arena = False
    return options


def models_folder() -> str:
    """The folder of the shipped models: package data in an installed wheel, onnx_models/ in a source checkout."""
    here = os.path.dirname(os.path.abspath(__file__))
    inside = os.path.join(here, "models")
    return inside if os.path.isdir(inside) else os.path.join(os.path.dirname(os.path.dirname(here)), "onnx_models")


def shipped_models() -> dict[str, dict[str, Any]]:
    """The manifest's entries by model name, each with file, sha256, bytes, parameters and accuracy by set.

    Raises:
        ModelError: the manifest is missing or damaged.
    """
    models: dict[str, dict[str, Any]] = _manifest()["models"]
    return models


def _manifest() -> dict[str, Any]:
    path = os.path.join(models_folder(), "manifest.json")
    try:
        return _read_manifest(path, os.stat(path).st_mtime_ns)
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror or error}); {_FIX}") from None


def is_path(which: str | os.PathLike[str]) -> bool:
    """Whether this is a path rather than a name: a Path, or text with a folder in it or .onnx at its end."""
    return not isinstance(which, str) or which.lower().endswith(".onnx") or os.path.basename(which) != which


def find_model(which: str | os.PathLike[str]) -> str:
    """The file of a shipped model's name, or the path itself if it names a file.

    Raises:
        ModelError: it is neither.
    """
    if is_path(which):
        path, fix = os.fsdecode(which), "give the path of an .onnx file"
    elif which in (names := shipped_models()):
        path, fix = os.path.join(models_folder(), names[os.fspath(which)]["file"]), _FIX
    else:
        raise ModelError(f"{which}: no such model; choose {', '.join(names)} or give the path of an .onnx file")
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        raise ModelError(f"{path}: no such model file; {fix}") from None
    except (OSError, ValueError):
        pass  # reading it will give the reason
    return path


def _sha256() -> Any:
    # hashlib loads OpenSSL, which takes 4 MB of memory and as long as hashing a model. Python's own code, under its
    # name since 3.12 or the earlier one, needs neither.
    for module in ("_sha2", "_sha256"):
        with suppress(ImportError):
            return import_module(module).sha256()
    return import_module("hashlib").sha256()


def _check_self_contained(path: str, data: bytes) -> None:
    """Refuse a model that would make onnxruntime open other files.

    It opens those in the working folder; older releases, any that the user may read. The bytes are searched rather than
    parsed: whatever a parser makes of a malformed file, the entry's name is in it.
    """
    if b"location" in data and _SIDE_FILE.search(data):  # the plain search is ten times as fast
        raise ModelError(
            f"{path}: has an entry 'location', which takes weights from another file: export it as one file, with the"
            " weights in it"
        )
    if data[4:8] == b"ORTM":
        raise ModelError(f"{path}: is in onnxruntime's own form; give the .onnx file it was made from")


def _read(path: str) -> bytes:
    return b"".join(_pieces(path, MAX_BYTES + 1))


def _pieces(path: str, size: int) -> Iterator[bytes]:
    """A model file's bytes, at most `size` at a time."""
    count = 0
    try:
        facts = os.stat(path)
        if not stat.S_ISREG(facts.st_mode):
            raise ModelError(f"{path}: not a file; give an .onnx file")
        large = facts.st_size > MAX_BYTES
        with open(path, "rb") as file:
            while not large and (piece := file.read(size)):
                count += len(piece)
                large = count > MAX_BYTES  # the stated size may be wrong
                yield piece
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise ModelError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if large:
        raise ModelError(f"{path}: larger than {MAX_BYTES >> 20} MiB: not a digitpad model")
    if not count:
        raise ModelError(f"{path}: the file is empty; get it again")


@cache
def _read_manifest(path: str, _modified: int) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            manifest = json.load(file)
        readers = [manifest["row_reader"]] if "row_reader" in manifest else []
        for entry in (*manifest["models"].values(), *readers):
            if not isinstance(entry["file"], str) or not isinstance(entry["sha256"], str):
                raise TypeError
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ModelError(f"{path}: damaged; {_FIX}") from None
    return dict(manifest)


def _open_session(
    path: str, source: bytes | str, options: "onnxruntime.SessionOptions"
) -> "onnxruntime.InferenceSession":
    import onnxruntime as ort

    ort.set_default_logger_severity(4)
    if _SILENT:  # for Windows, or if other code loaded it first
        ort.disable_telemetry_events()
    try:
        # Without the fallback, which would try the same again and say so on standard output.
        return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except Exception as error:  # onnxruntime raises a dozen types without a common base
        raise ModelError(f"{path}: not a model onnxruntime can load ({first_line(error)})") from None


def _check_contract(path: str, session: "onnxruntime.InferenceSession") -> tuple[dict[str, str], int]:
    """Refuse a model whose metadata, names, types or shapes differ from the contract's.

    Returns the metadata and the number of features.
    """
    found = session.get_modelmeta().custom_metadata_map
    metadata = {key: found[f"digitpad.{key}"] for key in METADATA if f"digitpad.{key}" in found}
    if metadata.get("contract") not in (CONTRACT, WITHOUT_FEATURES):
        raise ModelError(
            f"{path}: digitpad.contract is {metadata.get('contract', 'missing'):.40}, not {CONTRACT} or"
            f" {WITHOUT_FEATURES}: not a digitpad model, or one for another version"
        )
    if missing := [key for key in METADATA if key not in metadata]:
        raise ModelError(f"{path}: the metadata lacks digitpad.{missing[0]}; export the model again")
    name = metadata["name"]  # it is printed unchanged, and shown on the pad
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise ModelError(f"{path}: digitpad.name is {name!r:.40}, not a short line of text; export the model again")
    for key in ("temperature", "ood_threshold", "unsure_threshold"):
        try:
            number = float(metadata[key])
        except ValueError:
            number = math.nan
        if math.isnan(number):
            raise ModelError(f"{path}: digitpad.{key} is {metadata[key]!r:.40}, not a number; export the model again")
    _check_tensors(path, "input", session.get_inputs(), {"image": ("tensor(uint8)", [28, 28])})
    outputs: Tensors = {"probabilities": ("tensor(float)", [10]), "ood_score": ("tensor(float)", [])}
    features = 0
    if metadata["contract"] == CONTRACT:
        shapes = [tensor.shape for tensor in session.get_outputs() if tensor.name == "features"]
        if shapes and len(shapes[0]) == 2 and shapes[0][1] in range(1, MOST_FEATURES + 1):
            features = shapes[0][1]
        outputs["features"] = ("tensor(float)", [features or f"1 to {MOST_FEATURES}"])
    _check_tensors(path, "output", session.get_outputs(), outputs)
    return metadata, features


def _check_tensors(path: str, kind: str, found: Any, wanted: Tensors) -> None:
    names = [tensor.name for tensor in found]
    if sorted(names) != sorted(wanted):  # in any order: they are asked for by name
        raise ModelError(f"{path}: {kind}s are {', '.join(names):.200}, not {', '.join(wanted)}: not a digitpad model")
    for tensor in found:
        tensor_type, row = wanted[tensor.name]
        if tensor.type != tensor_type:
            raise ModelError(
                f"{path}: {kind} {tensor.name} is {tensor.type:.100}, not {tensor_type}; export the model again"
            )
        if len(tensor.shape) != len(row) + 1 or list(tensor.shape[1:]) != row or isinstance(tensor.shape[0], int):
            raise ModelError(
                f"{path}: {kind} {tensor.name} has shape {tensor.shape!s:.200}, not {['batch', *row]};"
                " export the model again"
            )
