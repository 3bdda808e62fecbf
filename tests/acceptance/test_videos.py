"""Show 3 of videos: a folder of them is ingested, and an answer cites the second."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import av

from foveal.models.cards import Card

from .conftest import Program

SAID_S = 35.16
"""When the talk says what luck is defined as."""


def cut(source: Path, target: Path, *, first_s: float, last_s: float) -> float:
    """Copy a part of a video without decoding it; gives where it begins."""
    with av.open(source) as whole, av.open(target, "w") as part:
        whole.seek(round(first_s * 1e6), backward=True)
        streams = {s.index: part.add_stream_from_template(s) for s in (whole.streams.video[0], whole.streams.audio[0])}
        begins: float | None = None
        for packet in whole.demux(*whole.streams.video, *whole.streams.audio):
            if packet.dts is None or packet.pts is None or packet.time_base is None:
                continue
            at_s = float(packet.pts * packet.time_base)
            if begins is None:
                begins = at_s
            if begins <= at_s <= last_s:
                shift = round(begins / packet.time_base)
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = streams[packet.stream.index]
                part.mux(packet)
        assert begins is not None
        return begins


def test_a_question_about_a_talk_is_answered_with_the_second_at_which_it_is_said(
    foveal: Program, tmp_path: Path, test_data: Path, pulled: Callable[[str], Card]
) -> None:
    pulled("whisper-base")
    folder = tmp_path / "video"
    folder.mkdir()
    begins_s = cut(test_data / "video" / "ted" / "test.mp4", folder / "talk.mp4", first_s=33.4, last_s=43.0)
    shutil.copy(test_data / "video" / "tears_of_steel" / "engine-start.h264.aac.mp4", folder / "engine.mp4")
    foveal("ingest", folder)

    shown = foveal("ask", "How is luck defined?").out
    assert re.search(r"Luck is defined as success or failure.*” \(00:\d\d\) \[doc1\]", shown), shown
    assert re.search(r"\[doc1\] talk\.mp4 · 00:\d\d", shown), shown

    answer = foveal("ask", "How is luck defined?", "--json").json
    (first, *_) = [c for c in answer["citations"] if c["cited"]]  # type: ignore[attr-defined]
    assert abs(first["start_ms"] / 1000 - (SAID_S - begins_s)) <= 2.0

    title = foveal("search", "Mango open movie project", "--json").json["hits"][0]  # type: ignore[index]
    assert (title["filepath"], title["feature"]) == ("engine.mp4", "text")
