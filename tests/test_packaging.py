"""The wheel: what is in it, what it weighs, that anyone can build the same one, and that it works once installed:
by pip, by uv and by pipx, as the README says."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata

from digitpad import __version__
from tests.conftest import ROOT, build, draw_seven

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("sdist"), "sdist")


@pytest.fixture(scope="module")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder)  # our own: nothing in it to filter
    (source,) = folder.iterdir()
    return source


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a new environment with the wheel in it, beside the packages of the environment of this test."""
    folder = tmp_path_factory.mktemp("installed with spaces") / "environment"
    venv.create(folder, symlinks=os.name != "nt")
    bin_folder = folder / ("Scripts" if os.name == "nt" else "bin")
    scheme = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", vars=scheme))
    # A path file inside the folder named here is not followed: the source checkout stays out of reach.
    (packages / "neighbour.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", bin_folder / "python", "install"]
    subprocess.run([*pip, "--quiet", "--no-index", "--no-deps", wheel], check=True, capture_output=True)
    return bin_folder


def run(*command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | variables
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, timeout=300)


def test_the_wheel_holds_the_runtime_with_its_models_and_nothing_else_in_10_mb(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    package = {name.removeprefix("digitpad/") for name in names if name.startswith("digitpad/")}
    folder = ROOT / "runtime" / "digitpad"
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    sources = {path.relative_to(folder).as_posix() for path in files}
    models = {path.name for path in (ROOT / "onnx_models").glob("*.onnx")} | {"manifest.json", "README.md"}
    assert {"cnn.onnx", "mlp.onnx"} <= models
    assert package == sources | {f"models/{name}" for name in models}
    assert {"py.typed", "__main__.py", "pad/demo_strokes.json"} <= package
    assert {Path(name).suffix for name in sources} == {".py", ".json", ".typed"}
    info = {name.split("/", 1)[1] for name in names if not name.startswith("digitpad/")}
    assert info == {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
    assert wheel.name.endswith("-py3-none-any.whl"), "it fits every platform"
    assert wheel.stat().st_size < 10e6


def test_the_source_archive_builds_the_same_wheel_byte_for_byte(wheel: Path, unpacked: Path, tmp_path: Path) -> None:
    again = build(unpacked, tmp_path / "again", "wheel")
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()


def test_the_source_archives_tests_are_all_found_and_those_of_its_models_pass(unpacked: Path) -> None:
    done = run(sys.executable, "-m", "pytest", "tests/runtime", "-k", "test_the_reference", cwd=unpacked)
    assert done.returncode == 0, done.stdout


def test_the_source_archive_is_the_same_whoever_builds_it(sdist: Path, tmp_path: Path) -> None:
    """From a copy elsewhere without training, with other times and permissions, beside files that are no part of it."""
    copy = tmp_path / "elsewhere"
    no_part = shutil.ignore_patterns("__pycache__")
    for folder in ("runtime", "onnx_models", "tests/runtime"):
        shutil.copytree(ROOT / folder, copy / folder, copy_function=shutil.copyfile, ignore=no_part)
    for file in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copyfile(ROOT / file, copy / file)
    for path in copy.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    (copy / "data").mkdir()
    (copy / "data" / "train-images-idx3-ubyte.gz").touch()
    (copy / "notes.txt").touch()
    again = build(copy, tmp_path / "again", "sdist")
    assert again.name == sdist.name
    assert again.read_bytes() == sdist.read_bytes()


def test_both_archives_ask_for_three_packages_and_a_package_index_takes_them(wheel: Path, sdist: Path) -> None:
    """What `twine check` looks at: every field valid, and a description that says what it is written in."""
    inside = zipfile.ZipFile(wheel)
    (name,) = (name for name in inside.namelist() if name.endswith(".dist-info/METADATA"))
    with tarfile.open(sdist) as archive:
        pkg_info = archive.extractfile(f"{sdist.name.removesuffix('.tar.gz')}/PKG-INFO")
        assert pkg_info is not None
        texts = [inside.read(name), pkg_info.read()]
    for text in texts:
        told = Metadata.from_email(text, validate=True)
        assert told.description_content_type == "text/markdown"
        assert told.description == README
        assert (told.name, str(told.version)) == ("digitpad", __version__)
        assert told.license_expression == "MIT"
        always = {need.name.lower(): need for need in told.requires_dist or [] if "extra" not in str(need.marker)}
        assert sorted(always) == ["numpy", "onnxruntime", "pillow"]
        assert "!=1.21.0" in str(always["onnxruntime"])
        assert told.requires_python is not None
        assert [minor for minor in range(20) if f"3.{minor}" in told.requires_python] == [11, 12, 13, 14]


def test_the_installed_wheel_finds_its_own_models_and_verifies_them(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import digitpad.models as m; print(m.models_folder())", cwd=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(installed.parent), where.stderr
    verified = run(installed / "digitpad", "models", "--verify", cwd=tmp_path)
    assert verified.returncode == 0, verified.stderr
    assert "cnn" in verified.stdout and "mlp" in verified.stdout


@pytest.mark.parametrize("model", ["cnn", "mlp"])
def test_the_installed_wheel_reads_a_picture(installed: Path, tmp_path: Path, model: str) -> None:
    draw_seven(tmp_path / "seven.png")
    command = ["predict", "seven.png", "--model", model, "--format", "json"]
    answer = run(installed / "digitpad", *command, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["model"] == model
    assert json.loads(answer.stdout)["digit"] == 7


@pytest.fixture(scope="module")
def installers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where uvx and pipx are: those of this machine, else some that are installed for these tests."""
    there = {name: path for name in ("uvx", "pipx") if (path := shutil.which(name))}
    if len(there) < 2:
        folder = tmp_path_factory.mktemp("installers")
        venv.create(folder, symlinks=os.name != "nt")
        pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "--quiet", "--retries=1"]
        if subprocess.run([*pip, "uv", "pipx"], capture_output=True).returncode:
            pytest.skip("uv and pipx are not installed and cannot be: no network")
        there = {name: str(folder / "bin" / name) for name in ("uvx", "pipx")}
    return there


def words_in_the_readme(program: str, wheel: Path) -> list[str]:
    """The README's one command with this program, for the wheel that was built."""
    (line,) = re.findall(rf"^{program} .*?(?= *#|$)", README, re.MULTILINE)
    return [word.replace(f"dist/{wheel.name}", str(wheel)) for word in shlex.split(line)]


def skip_without_a_network(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode and re.search("Failed to fetch|error sending request|NewConnectionError", done.stderr):
        pytest.skip("the packages that digitpad needs cannot be fetched: no network")


def test_uvx_runs_the_wheel_as_the_readme_says(wheel: Path, installers: dict[str, str], tmp_path: Path) -> None:
    draw_seven(tmp_path / "seven.png")
    program, *words = words_in_the_readme("uvx", wheel)
    assert words[-1] == "digitpad"
    version = run(installers[program], *words, "--version", cwd=tmp_path)
    skip_without_a_network(version)
    assert version.stdout == f"digitpad {__version__}\n", version.stderr
    answer = run(installers[program], *words, "predict", "seven.png", cwd=tmp_path)
    assert answer.stdout.startswith("seven.png: 7 ("), answer.stderr


def test_pipx_installs_the_wheel_as_the_readme_says(wheel: Path, installers: dict[str, str], tmp_path: Path) -> None:
    folders = {"PIPX_HOME": str(tmp_path / "home"), "PIPX_BIN_DIR": str(tmp_path / "bin")}
    program, *words = words_in_the_readme("pipx", wheel)
    installed = run(installers[program], *words, cwd=tmp_path, **folders)
    skip_without_a_network(installed)
    assert installed.returncode == 0, installed.stderr
    doctor = run(tmp_path / "bin" / "digitpad", "doctor", cwd=tmp_path)
    assert doctor.returncode == 0, doctor.stderr
    assert "pygame" in doctor.stdout and str(tmp_path / "home") in doctor.stdout


def test_without_the_extra_one_line_says_how_to_get_the_pad(
    wheel: Path, installers: dict[str, str], tmp_path: Path
) -> None:
    done = run(installers["uvx"], "--from", str(wheel), "digitpad", cwd=tmp_path, UV_NO_PROGRESS="1")
    skip_without_a_network(done)
    (told,) = [line for line in done.stderr.splitlines() if line.startswith("digitpad: ")]
    assert done.returncode == 1
    assert all(words in told for words in ("the pad needs", "pip install 'digitpad[pad]'", "pipx install", "uv ")), told
