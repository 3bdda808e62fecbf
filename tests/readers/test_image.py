from __future__ import annotations

import contextlib
import io
import struct
import time
import zlib

import numpy as np
import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from foveal.errors import AssetError, AssetLimitError, UnreadableAssetError
from foveal.readers.headers import read_header
from foveal.readers.image import ImageReader
from foveal.readers.limits import Limits
from foveal.testing.contracts.reader import read_all
from foveal.types.content import ImageContent

ORIENTATION = 0x0112
QUARTERS = {"red": (230, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 230), "white": (250, 250, 250)}


@pytest.fixture(scope="module")
def reader() -> ImageReader:
    return ImageReader(Limits())


def images(reader: ImageReader, data: bytes, media_type: str) -> list[ImageContent]:
    return [c for c in read_all(reader, data, media_type) if isinstance(c, ImageContent)]


def only(reader: ImageReader, data: bytes, media_type: str) -> ImageContent:
    (content,) = images(reader, data, media_type)
    return content


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def quartered(width: int = 96, height: int = 64) -> Image.Image:
    """Red, green above blue, white: every turn and mirroring of it looks different."""
    image = Image.new("RGB", (width, height))
    for i, color in enumerate(QUARTERS.values()):
        x, y = (i % 2) * width // 2, (i // 2) * height // 2
        image.paste(color, (x, y, x + width // 2, y + height // 2))
    return image


def corners(content: ImageContent) -> list[str]:
    h, w, _ = content.pixels.shape
    points = [(h // 4, w // 4), (h // 4, 3 * w // 4), (3 * h // 4, w // 4), (3 * h // 4, 3 * w // 4)]
    return [nearest(content.pixels[y, x]) for y, x in points]


def nearest(pixel: np.ndarray) -> str:
    return min(QUARTERS, key=lambda name: int(np.abs(pixel.astype(int) - QUARTERS[name]).sum()))


STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""What a camera with this EXIF orientation stores of an upright scene."""


@pytest.mark.parametrize("orientation", STORED_AS)
@pytest.mark.parametrize(
    ("format", "media_type", "options"),
    [
        ("JPEG", "image/jpeg", {"quality": 95}),
        ("PNG", "image/png", {}),
        ("WEBP", "image/webp", {"lossless": True}),
        ("AVIF", "image/avif", {"quality": 95}),
        ("TIFF", "image/tiff", {}),
        ("TIFF", "image/tiff", {"compression": "tiff_lzw"}),
    ],
)
def test_every_orientation_comes_out_upright(
    reader: ImageReader, orientation: int, format: str, media_type: str, options: dict[str, object]
) -> None:
    turn = STORED_AS[orientation]
    stored = quartered() if turn is None else quartered().transpose(turn)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = only(reader, saved(stored, format, exif=exif, **options), media_type)
    assert corners(content) == list(QUARTERS)
    assert content.pixels.shape == (64, 96, 3)
    assert (content.facts.width_px, content.facts.height_px) == (96, 64)


def test_a_turned_heic_is_turned_once(reader: ImageReader) -> None:
    buffer = io.BytesIO()
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    pillow_heif.from_pillow(quartered().transpose(Image.Transpose.ROTATE_90)).save(buffer, exif=exif.tobytes())
    content = only(reader, buffer.getvalue(), "image/heic")
    assert corners(content) == list(QUARTERS)


def test_a_large_image_is_reduced_and_keeps_its_size_in_the_facts(reader: ImageReader) -> None:
    for format, media_type in (("JPEG", "image/jpeg"), ("PNG", "image/png"), ("TIFF", "image/tiff")):
        options = {"compression": "tiff_lzw"} if format == "TIFF" else {}
        content = only(reader, saved(quartered(4000, 3000), format, **options), media_type)
        assert content.pixels.shape == (1200, 1600, 3)
        assert (content.facts.width_px, content.facts.height_px) == (4000, 3000)
        assert corners(content) == list(QUARTERS)


def test_cmyk_and_lab_are_turned_into_rgb(reader: ImageReader) -> None:
    cmyk = quartered().convert("CMYK")
    assert corners(only(reader, saved(cmyk, "JPEG", quality=95), "image/jpeg")) == list(QUARTERS)
    assert corners(only(reader, saved(cmyk, "TIFF"), "image/tiff")) == list(QUARTERS)
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    painted = ImageCms.applyTransform(quartered(), ImageCms.buildTransform(srgb, lab, "RGB", "LAB"))
    assert painted is not None
    assert corners(only(reader, saved(painted, "TIFF"), "image/tiff")) == list(QUARTERS)


def test_sixteen_bits_are_scaled_and_not_clipped(reader: ImageReader) -> None:
    ramp = np.linspace(0, 65535, 256).astype(np.uint16)[None, :].repeat(32, axis=0)
    for format, media_type in (("PNG", "image/png"), ("TIFF", "image/tiff"), ("PPM", "image/x-portable-anymap")):
        row = only(reader, saved(Image.fromarray(ramp), format), media_type).pixels[0, :, 0]
        assert np.abs(row.astype(int) - np.arange(256)).max() <= 1, format


def test_twelve_bits_in_sixteen_use_the_whole_range(reader: ImageReader) -> None:
    ramp = np.linspace(0, 4095, 256).astype(np.uint16)[None, :].repeat(8, axis=0)
    row = only(reader, saved(Image.fromarray(ramp), "TIFF"), "image/tiff").pixels[0, :, 0]
    assert row[0] == 0
    assert row[-1] == 255


def test_floating_point_pixels_are_scaled_whatever_their_range(reader: ImageReader) -> None:
    for top in (1.0, 255.0, 12000.0):
        ramp = np.linspace(0, top, 256, dtype=np.float32)[None, :].repeat(8, axis=0)
        ramp[1, 1] = np.nan
        row = only(reader, saved(Image.fromarray(ramp), "TIFF"), "image/tiff").pixels[0, :, 0]
        assert np.abs(row.astype(int) - np.arange(256)).max() <= 1, top


def test_transparent_parts_are_white(reader: ImageReader) -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    image.paste((200, 0, 0, 255), (0, 0, 20, 40))
    for format, media_type in (("PNG", "image/png"), ("WEBP", "image/webp"), ("TIFF", "image/tiff")):
        options = {"lossless": True} if format == "WEBP" else {}
        pixels = only(reader, saved(image, format, **options), media_type).pixels
        assert pixels[20, 30].tolist() == [255, 255, 255]
        assert pixels[20, 5].tolist() == [200, 0, 0]


def test_a_white_drawing_on_nothing_can_be_seen(reader: ImageReader) -> None:
    image = Image.new("RGBA", (40, 40), (255, 255, 255, 0))
    image.paste((255, 255, 255, 255), (10, 10, 30, 30))
    pixels = only(reader, saved(image, "PNG"), "image/png").pixels
    assert pixels[20, 20].tolist() == [255, 255, 255]
    assert pixels[2, 2].tolist() == [128, 128, 128]


def test_a_palette_with_a_transparent_colour_is_understood(reader: ImageReader) -> None:
    image = quartered().quantize(4)
    red = image.getpixel((2, 2))
    pixels = only(reader, saved(image, "PNG", transparency=red), "image/png").pixels
    assert pixels[2, 2].tolist() == [255, 255, 255]
    assert nearest(pixels[2, 80]) == "green"


def test_an_embedded_profile_is_applied(reader: ImageReader) -> None:
    image = Image.new("RGB", (32, 32), (200, 100, 50))
    plain = only(reader, saved(image, "PNG"), "image/png").pixels[0, 0].astype(int)
    wide = only(reader, saved(image, "PNG", icc_profile=swapped_primaries()), "image/png").pixels[0, 0].astype(int)
    assert plain.tolist() == [200, 100, 50]
    assert wide.tolist() != plain.tolist()
    broken = only(reader, saved(image, "PNG", icc_profile=b"\0" * 16 + b"RGB " + b"junk" * 40), "image/png")
    assert broken.pixels[0, 0].tolist() == [200, 100, 50]


def swapped_primaries() -> bytes:
    """A valid profile whose red and blue primaries have changed places."""
    profile = bytearray(
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes().replace(b"s\0R\0G\0B", b"x\0R\0G\0B")
    )
    for at in range(132, 132 + 12 * struct.unpack_from(">I", profile, 128)[0], 12):
        tag = bytes(profile[at : at + 4])
        profile[at : at + 4] = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}.get(tag, tag)
    return bytes(profile.replace(b"sRGB", b"xRGB"))


def test_pages_of_a_tiff_come_in_order_with_their_numbers(reader: ImageReader) -> None:
    pages = [Image.new("RGB", (30 + i, 20), color) for i, color in enumerate(["red", "lime", "blue"])]
    found = images(reader, saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]), "image/tiff")
    assert [c.locator.page for c in found] == [1, 2, 3]
    assert [c.facts.width_px for c in found] == [30, 31, 32]
    assert {c.facts.frame_count for c in found} == {3}
    assert found[1].pixels[0, 0].tolist() == [0, 255, 0]


def test_a_single_image_has_no_page(reader: ImageReader) -> None:
    assert only(reader, saved(quartered(), "TIFF"), "image/tiff").locator.page is None


def test_pages_past_the_limit_are_left_out_with_a_warning() -> None:
    pages = [Image.new("L", (10, 10), i) for i in range(5)]
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    found = images(ImageReader(Limits(max_pages=2)), data, "image/tiff")
    assert len(found) == 2
    assert [w for c in found for w in c.warnings] == ["Only the first 2 of 5 pages were read."]


def test_a_damaged_page_does_not_cost_the_others(reader: ImageReader) -> None:
    pages = [Image.effect_noise((64, 64), 80) for _ in range(3)]
    data = bytearray(saved(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="tiff_adobe_deflate"))
    with Image.open(io.BytesIO(data)) as tiff:
        tiff.seek(1)
        (strip,) = tiff.tag_v2[273]  # StripOffsets
    data[strip : strip + 40] = bytes(40)
    found = images(reader, bytes(data), "image/tiff")
    assert [c.locator.page for c in found] == [1, 3]
    assert any("Page 2 is left out" in w for c in found for w in c.warnings)


def test_an_animation_is_one_image_the_first_that_shows_something(reader: ImageReader) -> None:
    frames = [Image.new("RGB", (96, 64), "black"), Image.new("RGB", (96, 64), "white"), quartered()]
    for format, media_type in (("GIF", "image/gif"), ("PNG", "image/png"), ("WEBP", "image/webp")):
        options = {"lossless": True} if format == "WEBP" else {}
        data = saved(frames[0], format, save_all=True, append_images=frames[1:], **options)
        content = only(reader, data, media_type)
        assert content.facts.frame_count == 3
        assert corners(content) == list(QUARTERS), format


def test_an_animation_of_nothing_is_its_first_frame(reader: ImageReader) -> None:
    frames = [Image.new("RGB", (20, 20), color) for color in ("black", "white", "gray")]
    content = only(reader, saved(frames[0], "GIF", save_all=True, append_images=frames[1:]), "image/gif")
    assert content.pixels.max() < 5


def noisy(seed: int = 1) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(30, 225, (40, 60, 3), np.uint8)).resize((600, 400), Image.Resampling.BICUBIC)


def test_most_of_a_cut_off_image_is_saved_with_a_warning(reader: ImageReader) -> None:
    for format, media_type in (("JPEG", "image/jpeg"), ("PNG", "image/png"), ("BMP", "image/bmp")):
        data = saved(noisy(), format)
        content = only(reader, data[: int(len(data) * 0.8)], media_type)
        assert "damaged" in content.warnings[0], format
        whole = only(reader, data, media_type)
        assert whole.warnings == ()
        rows = slice(100, 400) if format == "BMP" else slice(0, 250)
        assert np.abs(content.pixels[rows].astype(int) - whole.pixels[rows]).mean() < 2, format


def test_a_progressive_jpeg_that_ends_early_is_still_a_picture(reader: ImageReader) -> None:
    data = saved(noisy(), "JPEG", progressive=True)
    content = only(reader, data[: int(len(data) * 0.7)], "image/jpeg")
    whole = only(reader, data, "image/jpeg")
    assert content.warnings
    assert np.abs(content.pixels.astype(int) - whole.pixels).mean() < 25


def test_little_of_an_image_is_not_enough(reader: ImageReader) -> None:
    data = saved(noisy(), "JPEG")
    with pytest.raises(UnreadableAssetError, match="decoded"):
        images(reader, data[: len(data) // 5], "image/jpeg")


def test_more_pixels_than_allowed_are_refused_before_they_are_decoded() -> None:
    reader = ImageReader(Limits(max_pixels=1000))
    for format, media_type in (
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("TIFF", "image/tiff"),
        ("JPEG2000", "image/jp2"),
    ):
        with pytest.raises(AssetLimitError, match="96 x 64"):
            images(reader, saved(quartered(), format), media_type)


def test_a_decoder_that_takes_too_long_is_stopped(reader: ImageReader) -> None:
    slow = ImageReader(Limits(max_seconds=0.5))
    images(slow, saved(quartered(), "TIFF"), "image/tiff")  # the process is up
    pages = [Image.new("1", (9900, 9900))] * 12
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:], compression="group4")
    began = time.monotonic()
    with pytest.raises(AssetLimitError, match=r"longer than 0\.5 seconds"):
        images(slow, data, "image/tiff")
    assert time.monotonic() - began < 5
    assert images(slow, saved(quartered(), "TIFF"), "image/tiff")


def test_a_jpeg_of_countless_scans_is_stopped() -> None:
    data = saved(noisy().resize((2000, 1500)), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    bomb = data[:-2] + data[at:-2] * 3000 + b"\xff\xd9"
    header = read_header(bomb, "image/jpeg")
    assert header is not None
    assert not header.is_plain
    began = time.monotonic()
    with pytest.raises((AssetLimitError, UnreadableAssetError)):
        images(ImageReader(Limits(max_seconds=1, max_image_bytes=1 << 30)), bomb, "image/jpeg")
    assert time.monotonic() - began < 10


def test_memory_past_the_limit_is_refused() -> None:
    reader = ImageReader(Limits(max_memory_bytes=64 << 20))
    with pytest.raises((AssetLimitError, UnreadableAssetError)):
        images(reader, saved(Image.new("RGB", (6000, 6000)), "TIFF", compression="tiff_lzw"), "image/tiff")
    assert images(reader, saved(quartered(), "TIFF"), "image/tiff")


def test_headers_say_what_decoding_costs() -> None:
    for format, media_type in (
        ("JPEG", "image/jpeg"),
        ("PNG", "image/png"),
        ("GIF", "image/gif"),
        ("BMP", "image/bmp"),
    ):
        header = read_header(saved(quartered(), format), media_type)
        assert header is not None
        assert (header.width_px, header.height_px, header.frame_count) == (96, 64, 1)
        assert header.is_plain
    for options in ({"lossless": True}, {"quality": 50}, {"quality": 50, "exif": Image.Exif()}):
        header = read_header(saved(quartered().convert("RGBA"), "WEBP", **options), "image/webp")
        assert header is not None
        assert (header.width_px, header.height_px) == (96, 64)


def test_a_png_with_a_lying_header_is_refused() -> None:
    data = bytearray(saved(quartered(), "PNG"))
    struct.pack_into(">II", data, 16, 60_000, 60_000)
    struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    with pytest.raises(AssetLimitError):
        images(ImageReader(Limits()), bytes(data), "image/png")


@pytest.mark.parametrize(
    ("format", "media_type"),
    [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("GIF", "image/gif"), ("BMP", "image/bmp"), ("WEBP", "image/webp")],
)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=12), cut=st.floats(0.1, 1))
def test_damage_of_any_kind_is_an_asset_error_or_an_image(
    reader: ImageReader, format: str, media_type: str, changes: list[tuple[float, int]], cut: float
) -> None:
    data = bytearray(saved(quartered(), format))
    for place, value in changes:
        data[int(place * (len(data) - 1))] = value
    with contextlib.suppress(AssetError):
        assert images(reader, bytes(data[: int(len(data) * cut)]), media_type)


def test_processes_end_with_their_reader() -> None:
    reader = ImageReader(Limits())
    images(reader, saved(quartered(), "TIFF"), "image/tiff")
    (process,) = reader._processes._processes._idle
    child = process._child
    assert child.poll() is None
    del reader, process
    assert child.poll() is not None


def test_a_crashing_decoder_takes_only_its_own_process_with_it(reader: ImageReader) -> None:
    images(reader, saved(quartered(), "TIFF"), "image/tiff")
    for process in reader._processes._processes._idle:
        process._child.kill()
        process._child.wait()
    with pytest.raises(UnreadableAssetError, match="crash"):
        images(reader, saved(quartered(), "TIFF"), "image/tiff")
    assert images(reader, saved(quartered(), "TIFF"), "image/tiff")
