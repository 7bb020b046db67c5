"""What the pad remembers from one time to the next, and that a kiosk remembers nothing."""

import pygame
import pytest

from digitpad.pad.demo import click, drag
from digitpad.pad.loop import KIOSK_MS
from digitpad.pad.settings import Settings, read_settings, write_settings
from tests.runtime.pad.pad_user import THREE, drop, label, press_key, several


def settings(**more):
    return Settings(**({"model": "both", "live": True, "dark": True, "brush": 0.1, "width": 800, "height": 480} | more))


def test_the_pad_opens_as_it_was_left(run_with, tmp_path):
    opened = []

    def run(pad):
        pad.step(0)
        opened.append((pad.settings(), pad.dark, pad.view.layout.size))
        press_key(pad, pygame.K_2)
        press_key(pad, pygame.K_l)

    write_settings(tmp_path / "settings" / "pad.json", settings())
    run_with(run)
    assert opened[0] == (settings(), True, (800, 480))
    run_with(run)
    assert opened[1][0] == settings(model="mlp", live=False), "what was changed with the keys the first time"


def test_what_is_told_on_the_command_line_goes_before_the_settings(run_with, tmp_path):
    write_settings(tmp_path / "settings" / "pad.json", settings())
    opened = []
    run_with(lambda pad: (pad.step(0), opened.append(pad.settings())), model="cnn", size=(640, 480))
    assert (opened[0].model, opened[0].width) == ("cnn", 640)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"brush": "x"}', b'{"model": "x"}', b'{"live": 1}', b'{"width": -5}', b"\xff", b"9"]
)
def test_a_damaged_settings_file_is_set_aside_and_told(tmp_path, content):
    path = tmp_path / "pad.json"
    path.write_bytes(content)
    found, remark = read_settings(path)
    assert found == Settings() and "pad.json.broken" in remark
    assert not path.exists() and (tmp_path / "pad.json.broken").read_bytes() == content
    assert read_settings(path) == (Settings(), "")


def test_settings_that_cannot_be_read_or_written_are_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    write_settings(tmp_path / "file" / "pad.json", settings())
    assert read_settings(tmp_path / "file" / "pad.json")[0] == Settings()
    assert read_settings(tmp_path)[0] == Settings()


def test_a_kiosk_neither_reads_nor_keeps_settings_nor_files(run_with, tmp_path):
    path = tmp_path / "settings" / "pad.json"
    write_settings(path, settings())
    before = path.read_bytes()
    opened = []

    def run(pad):
        pad.step(0)
        opened.append(pad.settings().model)
        drag(pad, THREE)
        press_key(pad, pygame.K_s)
        click(pad, "save")
        label(pad, 3)
        drop(pad, several(tmp_path))
        press_key(pad, pygame.K_2)

    run_with(run, kiosk=True)
    assert opened == ["cnn"] and path.read_bytes() == before
    assert not (tmp_path / "documents").exists() and KIOSK_MS == 60_000
