from __future__ import annotations

import io
import zlib
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from foveal.errors import AssetLimitError, UnreadableAssetError
from foveal.readers.limits import Limits
from foveal.readers.video import TimelineContent, VideoReader
from foveal.testing.videos import Scene, silence, tone, video_of, with_subtitles
from foveal.types.content import ImageContent, SoundContent, SubtitleContent
from foveal.types.speech import TimedText

from .conftest import Read, asset_of, slide, with_language

RED, GREEN, BLUE = (200, 30, 30), (30, 180, 40), (30, 40, 200)
THREE = [Scene(pixels=slide(color=color), seconds=2) for color in (RED, GREEN, BLUE)]


def frames(contents: list[TimelineContent]) -> list[ImageContent]:
    return [c for c in contents if isinstance(c, ImageContent)]


def sounds(contents: list[TimelineContent]) -> list[SoundContent]:
    return [c for c in contents if isinstance(c, SoundContent)]


def warnings(contents: list[TimelineContent]) -> str:
    return " ".join(w for c in contents for w in c.warnings)


def colors(contents: list[TimelineContent]) -> list[int]:
    """Which of red, green and blue each frame is."""
    return [int(frame.pixels.reshape(-1, 3).mean(axis=0).argmax()) for frame in frames(contents)]


@pytest.mark.parametrize(
    ("format", "codec", "sound_codec"),
    [
        ("mp4", "libx264", "aac"),
        ("mp4", "libx265", "aac"),
        ("mov", "mpeg4", "aac"),
        ("matroska", "libvpx-vp9", "libopus"),
        ("webm", "libvpx-vp9", "libopus"),
        ("avi", "mpeg4", "mp3"),
        ("flv", "libx264", "aac"),
        ("asf", "msmpeg4v3", "wmav2"),
        ("3gp", "mpeg4", "aac"),
        ("3g2", "libx264", "aac"),
        ("mpegts", "mpeg2video", "mp2"),
    ],
)
def test_every_container_and_codec_gives_its_shots_and_its_sound(
    read: Read, format: str, codec: str, sound_codec: str
) -> None:
    rate = 25 if codec == "mpeg2video" else 10
    contents = read(video_of(THREE, format=format, codec=codec, sound=tone(6), sound_codec=sound_codec, rate=rate))
    assert colors(contents) == [0, 1, 2]
    assert [round((f.locator.start_ms or 0) / 1000, 0) for f in frames(contents)] == [0, 2, 4]
    (sound,) = sounds(contents)
    assert abs(len(sound.samples) / 16_000 - 6) < 0.3
    assert int(np.abs(sound.samples.astype(int)).max()) > 4000
    assert warnings(contents) == ""


def test_motion_jpeg_2000_is_read(read: Read) -> None:
    contents = read(video_of(THREE[:2], format="mov", codec="jpeg2000"))
    assert colors(contents) == [0, 1]


@pytest.mark.parametrize(
    ("format", "codec"),
    [("wav", "pcm_s16le"), ("mp3", "mp3"), ("ipod", "aac"), ("flac", "flac"), ("ogg", "libopus"), ("adts", "aac")],
)
def test_every_recording_gives_its_sound(read: Read, format: str, codec: str) -> None:
    contents = read(video_of([], format=format, sound=tone(3), sound_codec=codec))
    (sound,) = contents
    assert isinstance(sound, SoundContent)
    assert abs(len(sound.samples) / 16_000 - 3) < 0.2
    assert sound.warnings == ()


def test_a_frame_says_from_when_to_when_it_stands_and_when_it_is_its_own(read: Read) -> None:
    first, second, third = frames(read(video_of(THREE)))
    for frame, start_ms, end_ms in ((first, 0, 2000), (second, 2000, 4000), (third, 4000, 6000)):
        locator = frame.locator
        assert locator.start_ms is not None
        assert locator.end_ms is not None
        assert locator.frame_ms is not None
        assert abs(locator.start_ms - start_ms) <= 150
        assert abs(locator.end_ms - end_ms) <= 200
        assert locator.start_ms <= locator.frame_ms <= locator.end_ms


def test_equal_frames_have_equal_identities_in_whatever_file(read: Read) -> None:
    one = frames(read(video_of(THREE, format="mov")))
    other = frames(read(video_of(THREE)))
    assert [f.picture for f in one] == [f.picture for f in other]
    assert len({f.picture for f in one}) == 3


def test_a_still_shot_is_looked_at_again_after_so_many_seconds() -> None:
    reader = VideoReader(Limits(), static_seconds=5)
    data = video_of([Scene(pixels=slide("agenda"), seconds=17)], rate=4)
    found = list(reader.read(asset_of(data), io.BytesIO(data)))
    assert [round((f.locator.frame_ms or 0) / 1000) for f in frames(found)] == pytest.approx([0, 6, 12], abs=2)


def test_a_new_title_in_a_still_picture_is_not_missed(read: Read) -> None:
    scenes = [Scene(pixels=slide(text, size=(640, 360)), seconds=4) for text in ("", "Quarterly figures", "Outlook")]
    assert len(frames(read(video_of(scenes, rate=8)))) >= 3


def test_times_are_those_of_the_clock_when_the_frame_rate_varies(read: Read) -> None:
    fast = [number / 20 for number in range(20)]
    slow = [1 + number for number in range(5)]
    scenes = [Scene(pixels=slide(color=RED), seconds=20), Scene(pixels=slide(color=BLUE), seconds=5)]
    contents = read(video_of(scenes, format="matroska", codec="libx264", rate=1, times_s=[*fast, *slow]))
    assert colors(contents) == [0, 2]
    assert frames(contents)[1].locator.start_ms == pytest.approx(1000, abs=150)


def test_a_blank_between_two_scenes_gives_no_frame_but_a_video_of_nothing_gives_one(read: Read) -> None:
    black = np.zeros((180, 320, 3), np.uint8)
    between = [THREE[0], Scene(pixels=black, seconds=3), THREE[2]]
    assert colors(read(video_of(between))) == [0, 2]
    assert len(frames(read(video_of([Scene(pixels=black, seconds=3)])))) == 1


def test_a_video_without_sound_and_one_without_pictures_are_read(read: Read) -> None:
    assert sounds(read(video_of(THREE))) == []
    assert frames(read(video_of([], format="mp4", sound=tone(2)))) == []


def test_a_rotated_video_is_upright(read: Read, tmp_path: Path) -> None:
    picture = slide(color=RED)
    picture = np.concatenate([picture[:90] // 4, picture[90:]])  # dark above
    lying = np.rot90(picture, 1)
    data = bytearray(video_of([Scene(pixels=lying, seconds=2)]))
    _turn(data, degrees=90)
    (frame,) = frames(read(bytes(data)))
    assert frame.pixels.shape[:2] == (180, 320)
    assert frame.pixels[:80].mean() < frame.pixels[100:].mean() / 2
    assert (frame.facts.width_px, frame.facts.height_px) == (320, 180)


def _turn(data: bytearray, *, degrees: int) -> None:
    """Write the matrix of the track header (ISO/IEC 14496-12, 8.3.2) that turns the picture clockwise."""
    at = data.find(b"tkhd") + 4
    matrix = at + 4 + 4 * 9
    one = 0x0001_0000
    assert degrees == 90
    values = (0, one, 0, -one, 0, 0, 0, 0, 0x4000_0000)
    for number, value in enumerate(values):
        data[matrix + 4 * number : matrix + 4 * number + 4] = value.to_bytes(4, "big", signed=True)


def test_what_comes_before_damage_in_the_middle_is_read_with_a_warning(read: Read) -> None:
    data = bytearray(video_of([*THREE, *THREE], format="matroska", codec="libx264", sound=tone(12)))
    middle = len(data) // 2
    data[middle : middle + len(data) // 4] = bytes(len(data) // 4)
    contents = read(bytes(data))
    assert colors(contents)[:2] == [0, 1]
    assert warnings(contents)


def test_what_is_missing_in_the_middle_is_told_with_its_times(read: Read) -> None:
    whole = video_of([*THREE, *THREE], format="matroska", sound=tone(12))
    assert warnings(read(whole)) == ""
    assert "nothing in it from 00:04 to 00:08" in warnings(read(_without(whole, 4, 8)))
    assert warnings(read(_without(whole, 4, 8, kind="video"))) == ""  # a picture that stays needs no other


def test_a_clock_that_starts_again_is_told(read: Read) -> None:
    one = video_of(THREE, format="mpegts", codec="mpeg2video", rate=25)
    contents = read(one + one)
    assert colors(contents) == [0, 1, 2]
    assert "goes back after 00:05" in warnings(contents)


def _without(data: bytes, start_s: float, end_s: float, *, kind: str = "") -> bytes:
    """A Matroska file less its packets of a stretch of time; of one kind where it is named."""
    buffer = io.BytesIO()
    with av.open(io.BytesIO(data)) as given, av.open(buffer, "w", format="matroska") as container:
        streams = {stream.index: container.add_stream_from_template(stream) for stream in given.streams}
        for packet in given.demux():
            inside = packet.pts is not None and start_s <= packet.pts * packet.time_base < end_s
            if packet.dts is not None and not (inside and kind in packet.stream.type):
                packet.stream = streams[packet.stream_index]
                container.mux(packet)
    return buffer.getvalue()


def test_frames_that_only_repeat_the_one_before_are_no_damage_however_many(read: Read) -> None:
    """Red for 40 seconds, then blue; few packets have a picture and a thousand not a byte. Made with

    ffmpeg -f lavfi -i color=red:s=64x48:d=40,drawbox=8:8:20:20:white:fill
    -f lavfi -i color=blue:s=64x48:d=4,drawbox=36:20:20:20:white:fill -filter_complex concat -g 10000 X.ogv
    """
    data = zlib.decompress((Path(__file__).parent / "repeating.ogv.z").read_bytes())
    contents = read(data)
    assert colors(contents) == [0, 0, 2]
    assert warnings(contents) == ""
    last = frames(contents)[-1].locator
    assert (last.start_ms, last.end_ms) == (40_080, 42_960)


def test_a_video_that_is_cut_off_is_read_with_a_warning(read: Read) -> None:
    data = video_of([*THREE, *THREE], sound=tone(12), options={"movflags": "frag_keyframe+empty_moov"})
    contents = read(data[: len(data) * 2 // 3])
    assert colors(contents)[:2] == [0, 1]
    assert warnings(contents)


def test_a_duration_that_is_wrong_is_not_believed(read: Read) -> None:
    data = bytearray(video_of(THREE))
    for box in (b"mvhd", b"tkhd", b"mdhd"):
        at = data.find(box) + 4 + (20 if box == b"tkhd" else 16)
        data[at : at + 4] = (0x7FFF_0000).to_bytes(4, "big")
    contents = read(bytes(data))
    assert colors(contents) == [0, 1, 2]
    assert (frames(contents)[-1].locator.end_ms or 0) <= 6000


def test_an_encrypted_video_says_that_it_is(read: Read) -> None:
    key = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb"}
    options = key | {"encryption_kid": "a7e61c373e219033c21091fa607bf3b8"}
    data = video_of(THREE, codec="libx264", options=options)
    with pytest.raises(UnreadableAssetError) as caught:
        read(data)
    assert "encrypted" in str(caught.value)


@pytest.mark.parametrize(
    "data",
    [
        b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(500),
        b"\x1a\x45\xdf\xa3" + bytes(500),
        b"RIFF\x10\0\0\0AVI LIST" + bytes(300),
        b"FLV\x01\x05\0\0\0\x09" + bytes(100),
        b"OggS" + bytes(500),
        video_of(THREE)[:400],
    ],
)
def test_what_has_no_frame_is_unreadable_with_a_reason(read: Read, data: bytes) -> None:
    with pytest.raises(UnreadableAssetError) as caught:
        read(data)
    assert str(caught.value)


def test_a_video_track_without_a_frame_is_unreadable_and_its_sound_is_read_where_there_is_some(read: Read) -> None:
    fragmented = video_of(THREE, options={"movflags": "frag_keyframe+empty_moov"})
    with pytest.raises(UnreadableAssetError, match="no frames and no sound"):
        read(fragmented[: fragmented.index(b"moof") - 4])
    data = bytearray(video_of(THREE, codec="libx264", sound=tone(6)))
    at = data.index(b"stsz") + 4  # sizes of the samples of the first track, the pictures (ISO/IEC 14496-12, 8.7.3.2)
    data[at + 8 : at + 12] = bytes(4)  # there are none
    contents = read(bytes(data))
    assert frames(contents) == []
    assert sounds(contents)
    assert "None of its pictures" in warnings(contents)


def test_decoding_that_goes_on_for_too_long_ends_at_its_limit() -> None:
    data = video_of([Scene(pixels=slide(size=(640, 360), color=c), seconds=40) for c in (RED, GREEN, BLUE)])
    reader = VideoReader(Limits(max_video_seconds=0.1))
    try:
        told = warnings(list(reader.read(asset_of(data), io.BytesIO(data))))  # a frame was there before
    except AssetLimitError as error:
        told = str(error)
    assert "0.1 seconds" in told


def test_a_playlist_that_is_taken_for_a_video_reaches_no_other_file(reader: VideoReader, tmp_path: Path) -> None:
    other = tmp_path / "other.mp4"
    other.write_bytes(video_of(THREE))
    playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n" + f"{other}\n#EXT-X-ENDLIST\n".encode()
    for media_type in sorted(reader.media_types):
        asset = replace(asset_of(video_of(THREE)), media_type=media_type)
        with pytest.raises(UnreadableAssetError):
            list(reader.read(asset, io.BytesIO(playlist)))


def test_frames_with_too_many_pixels_are_over_the_limit() -> None:
    reader = VideoReader(Limits(max_pixels=10_000))
    data = video_of(THREE)
    with pytest.raises(AssetLimitError) as caught:
        list(reader.read(asset_of(data), io.BytesIO(data)))
    assert "limits.pixels" in caught.value.remedy


def test_a_decoder_that_gives_no_sign_of_life_is_killed() -> None:
    reader = VideoReader(Limits(max_stall_seconds=0.05))
    data = video_of([Scene(pixels=slide(size=(1280, 720)), seconds=30)], codec="libx264")
    with pytest.raises(AssetLimitError) as caught:
        list(reader.read(asset_of(data), io.BytesIO(data)))
    assert "0.05 seconds" in str(caught.value)


def test_large_frames_are_reduced(read: Read) -> None:
    huge = np.repeat(np.repeat(slide(color=GREEN), 24, axis=0), 24, axis=1)  # 7,680 x 4,320
    (frame,) = frames(read(video_of([Scene(pixels=huge, seconds=1.5)], codec="libx264", rate=4)))
    assert max(frame.pixels.shape) == 1600
    assert (frame.locator.end_ms, warnings([frame])) == (1250, "")
    assert (frame.facts.width_px, frame.facts.height_px) == (7680, 4320)


def test_the_frame_at_a_time_is_the_one_on_the_screen_then(reader: VideoReader, read: Read) -> None:
    data = video_of(THREE, codec="libx264")
    found = list(reader.frames_at(asset_of(data), io.BytesIO(data), [5000, 1000, 2900], long_side_px=64))
    assert colors(list(found)) == [0, 1, 2]
    assert all(max(frame.pixels.shape) == 64 for frame in found)
    key = frames(read(data))[1]
    (again,) = reader.frames_at(asset_of(data), io.BytesIO(data), [key.locator.frame_ms or 0])
    assert again.picture == key.picture


def test_sound_comes_in_stretches_that_end_in_silence(read: Read) -> None:
    spoken = np.concatenate([tone(95), silence(2), tone(60)])
    first, second = sounds(read(video_of([], format="wav", sound=spoken, sound_codec="pcm_s16le")))
    assert 95_000 < (first.locator.end_ms or 0) < 97_000
    assert first.locator.end_ms == second.locator.start_ms
    assert len(first.samples) + len(second.samples) == len(spoken)


def test_a_file_that_is_no_file_of_a_file_system_is_read_from_a_copy(read: Read, tmp_path: Path) -> None:
    data = video_of(THREE)
    place = tmp_path / "v.mp4"
    place.write_bytes(data)
    reader = VideoReader(Limits())
    with place.open("rb") as file:
        direct = list(reader.read(asset_of(data), file))
    assert [f.picture for f in frames(direct)] == [f.picture for f in frames(read(data))]


LINES = (
    TimedText(text="Guten Morgen, liebe Leute", start_ms=1000, end_ms=2500),
    TimedText(text="Zweite Zeile", start_ms=4000, end_ms=5000),
)


@pytest.mark.parametrize(
    ("format", "codec"),
    [("mp4", "mov_text"), ("mov", "mov_text"), ("matroska", "subrip"), ("matroska", "ass"), ("matroska", "webvtt")],
)
def test_subtitles_inside_a_container_come_first_with_their_times_and_language(
    read: Read, format: str, codec: str
) -> None:
    first, *rest = read(with_subtitles(video_of(THREE), LINES, format=format, codec=codec, language="ger"))
    assert first == SubtitleContent(lines=LINES, language="de")
    assert colors(rest) == [0, 1, 2]


def test_markup_and_breaks_in_subtitles_inside_a_container_are_left_out(read: Read) -> None:
    line = TimedText(text="{\\\\an8}<i>Good</i>\nmorning", start_ms=0, end_ms=900)
    first, *_ = read(with_subtitles(video_of(THREE), [line], format="matroska", codec="subrip", language="und"))
    assert isinstance(first, SubtitleContent)
    assert ([one.text for one in first.lines], first.language) == (["Good morning"], "")


def test_subtitles_in_the_language_of_the_sound_are_taken_and_forced_ones_are_not(read: Read) -> None:
    heard = video_of(THREE, format="matroska", sound=tone(6), sound_codec="libopus")
    english = [replace(LINES[0], text="Good morning")]
    both = with_subtitles(heard, english, format="matroska", codec="subrip", language="eng")
    both = with_subtitles(both, LINES, format="matroska", codec="subrip", language="ger")
    first, *_ = read(with_language(both, "ger"))
    assert isinstance(first, SubtitleContent)
    assert first.lines == LINES
    forced = with_subtitles(heard, LINES, format="matroska", codec="subrip", language="ger", forced=True)
    assert not [one for one in read(forced) if isinstance(one, SubtitleContent)]
