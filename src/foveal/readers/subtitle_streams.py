"""Subtitles inside a container: MP4's timed text, SubRip, ASS and WebVTT; streams of pictures are not read."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from foveal.readers.streams import Opened
from foveal.readers.subtitles import LONGEST_MS, without_markup
from foveal.types.speech import TimedText

if TYPE_CHECKING:
    from av.packet import Packet
    from av.subtitles.stream import SubtitleStream

MOST_LINES: Final = 200_000
MOST_LETTERS: Final = 16 * 2**20
BEAT_S: Final = 1.0
_TEXT: Final = frozenset({"mov_text", "ass", "ssa", "srt", "subrip", "webvtt", "text"})
_FIELDS: Final = 8
"""Commas before the text of a line, as every decoder of FFmpeg gives it: read order, layer, style, name, three margins
and an effect (Matroska's ASS)."""
_BREAK: Final = re.compile(r"\\[Nnh]|\n")
_LANGUAGES: Final = (
    "af:afr ar:ara be:bel bg:bul bn:ben bs:bos ca:cat cs:ces,cze cy:cym,wel da:dan de:deu,ger el:ell,gre en:eng es:spa "
    "et:est eu:eus,baq fa:fas,per fi:fin fr:fra,fre ga:gle gl:glg he:heb hi:hin hr:hrv hu:hun hy:hye,arm id:ind "
    "is:isl,ice it:ita ja:jpn ka:kat,geo kk:kaz km:khm kn:kan ko:kor lo:lao lt:lit lv:lav mk:mkd,mac ml:mal mn:mon "
    "mr:mar ms:msa,may mt:mlt my:mya,bur ne:nep nl:nld,dut no:nor,nob,nno pa:pan pl:pol pt:por ro:ron,rum ru:rus "
    "si:sin sk:slk,slo sl:slv sq:sqi,alb sr:srp sv:swe sw:swa ta:tam te:tel th:tha tl:tgl,fil tr:tur uk:ukr ur:urd "
    "uz:uzb vi:vie yi:yid zh:zho,chi"
)
_CODES: Final = {
    long: short for pair in _LANGUAGES.split() for short, _, longs in [pair.partition(":")] for long in longs.split(",")
}
"""ISO 639-1 by ISO 639-2, of which some languages have two."""


def language_code(tag: str | None) -> str:
    """ISO 639-1 code of a stream's tag (`ger`, `deu`, `de-CH`); empty where it says nothing."""
    first = (tag or "").casefold().partition("-")[0].strip()
    return _CODES.get(first, first if first in _CODES.values() else "")


def subtitle_stream(opened: Opened) -> SubtitleStream | None:
    """The subtitles that say everything: those in the language of the sound, else the default ones, else the first.

    Streams that are only for what is foreign in the sound ("forced") say little.
    """
    from av.stream import Disposition

    usable = [
        stream
        for stream in opened.container.streams.subtitles
        if stream.codec_context is not None
        and stream.codec_context.name in _TEXT
        and not stream.disposition & Disposition.forced
    ]
    heard = language_code(opened.audio.language) if opened.audio is not None else ""

    def preference(stream: SubtitleStream) -> tuple[bool, bool]:
        same = bool(heard) and language_code(stream.language) == heard
        return not same, not stream.disposition & Disposition.default

    return min(usable, key=preference, default=None)


def subtitle_lines(opened: Opened, index: int) -> Iterator[TimedText | None]:
    """Lines of a stream in the order of the file, without markup; a None every second, while there is no line.

    Where the container breaks off they end.
    """
    import av

    letters = count = 0
    said_s = time.monotonic()
    try:
        for packet in opened.container.demux():
            if time.monotonic() - said_s >= BEAT_S:
                said_s = time.monotonic()
                yield None
            if packet.stream_index != index or not packet.size:
                continue
            for line in _lines(packet, opened.start_s):
                yield line
                letters, count = letters + len(line.text), count + 1
            if count >= MOST_LINES or letters >= MOST_LETTERS:
                return
    except (av.FFmpegError, EOFError, ValueError, OSError):
        return


def _lines(packet: Packet[Any], start_s: float) -> Iterator[TimedText]:
    import av

    if packet.pts is None or packet.time_base is None:
        return
    at_ms = round((float(packet.pts * packet.time_base) - start_s) * 1000)
    length_ms = round(float((packet.duration or 0) * packet.time_base) * 1000)
    try:
        found = packet.decode()
    except (av.FFmpegError, ValueError, NotImplementedError):
        return
    texts = [bytes(one.ass).decode("utf-8", "replace").split(",", _FIELDS)[-1] for one in found if hasattr(one, "ass")]
    text = without_markup(_BREAK.sub(" ", " ".join(texts)))
    if text and 0 <= at_ms <= LONGEST_MS:
        yield TimedText(text=text, start_ms=at_ms, end_ms=min(at_ms + max(length_ms, 0), LONGEST_MS))
