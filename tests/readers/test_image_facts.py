from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from foveal.readers.exif import ExifFacts, read_exif
from foveal.readers.image_facts import dominant_colors, perceptual_hash

EXIF_IFD, GPS_IFD = 0x8769, 0x8825


def with_exif(
    root: dict[int, object] | None = None,
    details: dict[int, object] | None = None,
    gps: dict[int, object] | None = None,
) -> Image.Image:
    exif = Image.Exif()
    exif.update(root or {})
    exif.get_ifd(EXIF_IFD).update(details or {})
    exif.get_ifd(GPS_IFD).update(gps or {})
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG", exif=exif)
    image = Image.open(buffer)
    image.load()
    return image


def test_the_moment_of_the_shutter_has_the_cameras_offset() -> None:
    facts = read_exif(with_exif(details={0x9003: "2019:05:12 14:03:27", 0x9011: "+07:00"}))
    assert facts.taken_at == datetime(2019, 5, 12, 14, 3, 27, tzinfo=timezone(timedelta(hours=7)))


def test_a_clock_without_an_offset_is_taken_as_utc() -> None:
    facts = read_exif(with_exif({0x0132: "2019:05:12 14:03:27"}))
    assert facts.taken_at == datetime(2019, 5, 12, 14, 3, 27, tzinfo=UTC)


def test_the_shutter_goes_before_the_files_date() -> None:
    image = with_exif({0x0132: "2021:01:01 00:00:00"}, {0x9003: "2019:05:12 14:03:27"})
    taken_at = read_exif(image).taken_at
    assert taken_at is not None
    assert taken_at.year == 2019


@pytest.mark.parametrize("date", ["0000:00:00 00:00:00", "2019:13:40 99:00:00", "    :  :     :  :  ", "", "yesterday"])
def test_a_date_that_is_none_is_left_out(date: str) -> None:
    assert read_exif(with_exif({0x0132: date})).taken_at is None


def test_a_place_is_in_degrees_with_its_signs() -> None:
    gps = {1: "S", 2: (33.0, 51.0, 24.84), 3: "E", 4: (151.0, 12.0, 55.44)}
    facts = read_exif(with_exif(gps=gps))
    assert facts.latitude == pytest.approx(-33.8569, abs=1e-4)
    assert facts.longitude == pytest.approx(151.2154, abs=1e-4)


@pytest.mark.parametrize(
    "gps",
    [
        {1: "N", 2: (IFDRational(1, 0), 0.0, 0.0), 3: "E", 4: (1.0, 0.0, 0.0)},
        {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)},
        {1: "N", 2: (95.0, 0.0, 0.0), 3: "E", 4: (1.0, 0.0, 0.0)},
        {1: "N", 2: (10.0, 0.0, 0.0)},
    ],
)
def test_a_place_that_makes_no_sense_is_left_out(gps: dict[int, object]) -> None:
    facts = read_exif(with_exif(gps=gps))
    assert (facts.latitude, facts.longitude) == (None, None)


def test_the_camera_is_named_once() -> None:
    assert read_exif(with_exif({0x010F: "Canon", 0x0110: "Canon EOS 6D"})).camera == "Canon EOS 6D"
    assert read_exif(with_exif({0x010F: "SONY\0", 0x0110: " ILCE-7M3 "})).camera == "SONY ILCE-7M3"
    assert read_exif(with_exif()).camera is None


@pytest.mark.filterwarnings("ignore")  # the decoding function sees to that
@given(st.binary(max_size=400))
def test_metadata_of_any_bytes_does_no_harm(junk: bytes) -> None:
    image = Image.new("RGB", (2, 2))
    image.info["exif"] = b"Exif\0\0II*\0\x08\0\0\0" + junk
    assert isinstance(read_exif(image), ExifFacts)


def photo(seed: int, size: tuple[int, int] = (320, 240)) -> np.ndarray:
    low = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    return np.asarray(Image.fromarray(low).resize(size, Image.Resampling.BICUBIC))


def distance(one: np.ndarray, other: np.ndarray) -> int:
    return (perceptual_hash(one) ^ perceptual_hash(other)).bit_count()


@pytest.mark.parametrize("seed", range(8))
def test_the_hash_survives_scaling_compression_and_brightness(seed: int) -> None:
    original = photo(seed)
    small = np.asarray(Image.fromarray(original).resize((150, 113), Image.Resampling.LANCZOS))
    buffer = io.BytesIO()
    Image.fromarray(original).save(buffer, "JPEG", quality=30)
    squeezed = np.asarray(Image.open(buffer))
    brighter = np.clip(original.astype(int) * 0.8 + 30, 0, 255).astype(np.uint8)
    assert max(distance(original, other) for other in (small, squeezed, brighter)) <= 8


def test_different_pictures_have_distant_hashes() -> None:
    far = [distance(photo(a), photo(b)) for a in range(6) for b in range(a)]
    assert min(far) > 12


def test_a_hash_has_64_bits_and_a_flat_image_none() -> None:
    assert 0 <= perceptual_hash(photo(3)) < 2**64
    assert perceptual_hash(np.full((50, 50, 3), 90, np.uint8)) == 0


def test_real_photos_hardly_ever_collide(test_data: Path) -> None:
    hashes = []
    for file in sorted((test_data / "photos" / "coco").glob("*.jpg")):
        with Image.open(file) as image:
            hashes.append(perceptual_hash(np.asarray(image.convert("RGB"))))
    near = [(a ^ b).bit_count() for i, a in enumerate(hashes) for b in hashes[:i]]
    assert min(near) > 6


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((0, 0, 0), "black"),
        ((255, 255, 255), "white"),
        ((128, 128, 128), "grey"),
        ((255, 0, 0), "red"),
        ((255, 140, 0), "orange"),
        ((255, 230, 0), "yellow"),
        ((0, 128, 0), "green"),
        ((0, 0, 255), "blue"),
        ((135, 206, 235), "blue"),
        ((128, 0, 128), "purple"),
        ((255, 182, 193), "pink"),
        ((101, 67, 33), "brown"),
        ((222, 203, 164), "beige"),
    ],
)
def test_a_plain_colour_has_its_everyday_name(rgb: tuple[int, int, int], name: str) -> None:
    assert dominant_colors(np.full((20, 30, 3), rgb, np.uint8)) == (name,)


def test_colours_come_by_their_share_and_small_ones_are_left_out() -> None:
    pixels = np.full((100, 100, 3), (0, 0, 200), np.uint8)
    pixels[:30] = (255, 255, 255)
    pixels[95:] = (255, 0, 0)
    assert dominant_colors(pixels) == ("blue", "white")


def test_photos_of_the_set_have_one_to_three_colours(test_data: Path) -> None:
    names = (test_data / "photos" / "coco" / "metadata.json").read_text(encoding="utf-8")
    for entry in json.loads(names)[:20]:
        with Image.open(test_data / "photos" / "coco" / entry["image_blob_path"]) as image:
            assert 1 <= len(dominant_colors(np.asarray(image.convert("RGB")))) <= 3
