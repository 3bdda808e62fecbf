"""Videos: errors in what is heard, whether moments are found to the second, time and memory.

`python -m benchmarks video` prints all tables; `python -m benchmarks.video speech moments memory` those named, and
`memory=1,10` the lengths in minutes. Word error rates are of texts after the normaliser of Whisper's paper (appendix
C), as far as it matters here: case, punctuation, what stands in brackets, numbers in words.

A line of a transcript, and a text on the screen, is asked for in other words (`PARAPHRASES`), and found when a hit of
the right file begins within two seconds of it, or of a moment at which the text can be read. The peer in the same run
is keyword search alone.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.data import test_data

if TYPE_CHECKING:
    import numpy.typing as npt

    from foveal import Foveal
    from foveal.types.chunks import Chunk
    from foveal.types.content import Content
    from foveal.types.search import Mode

Fits = Callable[["Chunk"], bool]

TOLERANCE_MS = 2000
PARAPHRASES = {
    "I've spent nearly two decades": "for how long has she been doing this",
    "observing what makes people luckier than others": "why do some have more fortune",
    "and trying to help people increase their luck.": "helping others to become luckier",
    "You see, I teach entrepreneurship,": "which subject does she teach",
    "and we all know that most new ventures fail,": "startups usually do not survive",
    "and innovators and entrepreneurs need all the luck they can get.": "founders need good fortune",
    "So what is luck?": "the question what luck is",
    "Luck is defined as success or failure apparently caused by chance.": "definition of luck",
    "Apparently.": "seemingly",
    "That's the operative word.": "the word that matters",
    "It looks like it's chance": "it seems random",
    "because we rarely see all the levers that come into play to make people lucky.": "hidden levers behind luck",
    "But I've realized, by watching so long,": "what she understood after long observation",
    "that luck is rarely a lightning strike,": "luck seldom strikes like lightning",
    "isolated and dramatic.": "a single dramatic event",
    "TED": "TED logo",
    "JUNE 2018": "June 2018",
    "NEW YORK": "New York",
    "the Mango Open Movie project": "open movie project named Mango",
    "Blender Foundation Presents": "presented by the Blender Foundation",
}
_NUMBERS = {"2": "two", "3": "three", "4": "four", "1": "one", "20": "twenty"}


def main(arguments: list[str]) -> None:
    wanted = arguments or ["speech", "moments", "memory=1,10"]
    for argument in wanted:
        name, _, value = argument.partition("=")
        match name:
            case "speech":
                speech()
            case "moments":
                moments()
            case "memory":
                memory([float(minutes) for minutes in (value or "1,10,60").split(",")])
            case "one":
                _one(Path(value))


def clips() -> Iterator[tuple[Path, dict[str, Any]]]:
    for line in (test_data() / "video" / "video.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        yield test_data() / entry["file"], entry


# --- speech -----------------------------------------------------------------------------------------------


def speech() -> None:
    """Word error rate of every clip with a transcript, and seconds of work for a second of sound."""
    from foveal.models.pull import ModelFolder
    from foveal.models.speech import LocalTranscriber
    from foveal.models.speech_cards import BASE
    from foveal.settings import load

    model = LocalTranscriber(ModelFolder(load().models), BASE)
    print(f"{'clip':<48}{'words':>7}{'errors':>8}{'WER':>8}{'of real time':>14}")
    total = wrong = 0
    for path, entry in clips():
        if not entry.get("transcript"):
            continue
        sounds = list(_sounds(path))
        model.transcribe(sounds[0][:16_000])  # opened before the clock starts
        began = time.perf_counter()
        heard = " ".join(model.transcribe(samples).text for samples in sounds)
        seconds = time.perf_counter() - began
        said, got = normalised(str(entry["transcript"])), normalised(heard)
        errors = edits(said, got)
        total, wrong = total + len(said), wrong + errors
        length = sum(len(samples) for samples in sounds) / 16_000
        print(
            f"{path.name:<48}{len(said):>7}{errors:>8}{errors / len(said):>8.3f}{seconds / length:>14.2f}", flush=True
        )
    print(f"{'all':<48}{total:>7}{wrong:>8}{wrong / total:>8.3f}")


def normalised(text: str) -> list[str]:
    """Words without case, punctuation and what stands in brackets; numerals as words."""
    text = re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", text.lower()).replace("'ve", " have").replace("'s", " is")
    words = re.sub(r"[^\w\s]", " ", text).split()
    return [_NUMBERS.get(word, word) for word in words]


def edits(said: list[str], heard: list[str]) -> int:
    """Words to put in, take out or exchange."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, 1):
        before, row[0] = row[0], number
        for place, other in enumerate(heard, 1):
            before, row[place] = row[place], min(row[place] + 1, row[place - 1] + 1, before + (word != other))
    return row[-1]


def _sounds(path: Path) -> Iterator[npt.NDArray[np.int16]]:
    from foveal.types.content import SoundContent

    for content in _contents(path):
        if isinstance(content, SoundContent):
            yield content.samples


def _contents(path: Path) -> Iterator[Content]:
    from foveal.readers.limits import Limits
    from foveal.readers.sniffing import sniff
    from foveal.readers.video import VideoReader
    from foveal.types.assets import Asset, AssetId, MediaKind

    with path.open("rb") as file:
        sniffed = sniff(path.name, file.read(4096), path.stat().st_size)
        file.seek(0)
        asset = Asset(
            asset_id=AssetId("0"),
            path=path.name,
            media_type=sniffed.media_type,
            kind=sniffed.kind or MediaKind.VIDEO,
            size_bytes=path.stat().st_size,
        )
        yield from VideoReader(Limits()).read(asset, file)


# --- moments ----------------------------------------------------------------------------------------------


def moments() -> None:
    """Moments asked for in other words, at rank 1 and 5; seconds of ingestion for a minute of video."""
    from foveal.runtime import Foveal
    from foveal.settings import load
    from foveal.types.search import Mode

    with tempfile.TemporaryDirectory() as home, Foveal(load({"home": home})) as foveal:
        minutes = sum(float(str(entry["duration_s"])) for _, entry in clips()) / 60
        began = time.perf_counter()
        foveal.ingest([test_data() / "video"])
        seconds = time.perf_counter() - began
        print(f"ingest: {seconds / minutes:.0f} s a minute of video or sound, models cold ({minutes:.1f} min)\n")
        print(f"{'what':<22}{'mode':<10}{'asked':>7}{'rank 1':>9}{'rank 5':>9}")
        for what, questions in (("said", list(_said())), ("on the screen", list(_written(foveal)))):
            for mode in (Mode.HYBRID, Mode.KEYWORD):
                ranks = [_rank(foveal, mode, question, fits) for question, fits in questions]
                shares = [sum(r is not None and r <= limit for r in ranks) / len(ranks) for limit in (1, 5)]
                print(f"{what:<22}{mode.value:<10}{len(ranks):>7}{shares[0]:>9.2f}{shares[1]:>9.2f}", flush=True)


def _said() -> Iterator[tuple[str, Fits]]:
    for path, entry in clips():
        for line in entry.get("segments") or ():
            if line["text"] in PARAPHRASES:
                at_ms = line["start"] * 1000
                yield PARAPHRASES[line["text"]], partial(_is_near, path.name, [at_ms], "speech")


def _written(foveal: Foveal) -> Iterator[tuple[str, Fits]]:
    """A text is where an independent look at a frame a second reads it."""
    for path, entry in clips():
        for text in entry.get("on_screen_text") or ():
            spans = _read_at(foveal, path, text)
            if spans and text in PARAPHRASES:
                yield PARAPHRASES[text], partial(_is_near, path.name, spans, None)


def _is_near(name: str, starts_ms: Sequence[float], feature: str | None, chunk: Chunk) -> bool:
    at_ms = chunk.locator.start_ms
    return (
        chunk.filepath.endswith(name)
        and feature in {None, chunk.feature}
        and at_ms is not None
        and any(abs(at_ms - start_ms) <= TOLERANCE_MS for start_ms in starts_ms)
    )


_READ: dict[tuple[str, int], str] = {}


def _read_at(foveal: Foveal, path: Path, text: str) -> list[int]:
    import av

    ocr = foveal.models.ocr
    assert ocr is not None, "text on the screen needs the OCR models"
    bare = re.sub(r"\W", "", text.lower())
    found = []
    with av.open(path) as container:
        next_s = 0.0
        for frame in container.decode(video=0):
            if frame.time is None or frame.time < next_s:
                continue
            next_s = frame.time + 1.0
            key = path.name, round(frame.time * 1000)
            if key not in _READ:
                lines = ocr.recognize(frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False))
                _READ[key] = re.sub(r"\W", "", " ".join(line.text for line in lines).lower())
            if bare in _READ[key]:
                found.append(key[1])
    return found


def _rank(foveal: Foveal, mode: Mode, question: str, fits: Fits) -> int | None:
    from foveal.types.search import Query

    hits = foveal.search("default", Query(text=question, mode=mode, top=5)).hits
    return next((rank for rank, hit in enumerate(hits, 1) if fits(hit.chunk)), None)


# --- memory -----------------------------------------------------------------------------------------------


def memory(lengths_min: list[float]) -> None:
    """Peak memory of reading one clip, looped to these lengths, and time for a minute of it."""
    print(f"{'minutes':>8}{'seconds a minute':>18}{'MiB, reader':>13}{'MiB, decoder':>14}{'key frames':>12}")
    with tempfile.TemporaryDirectory() as folder:
        for minutes in lengths_min:
            clip = Path(folder) / "long.mp4"
            _looped(next(path for path, entry in clips() if entry.get("segments")), clip, minutes * 60)
            command = [sys.executable, "-m", "benchmarks.video", f"one={clip}"]
            began = time.perf_counter()
            found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            seconds = (time.perf_counter() - began) / minutes
            print(
                f"{minutes:>8g}{seconds:>18.1f}{found['own']:>13.0f}{found['child']:>14.0f}{found['frames']:>12}",
                flush=True,
            )


def _one(clip: Path) -> None:
    import resource

    from foveal.types.content import ImageContent

    frames = sum(isinstance(content, ImageContent) for content in _contents(clip))
    unit = 2**20 if sys.platform == "darwin" else 2**10
    own, child = (resource.getrusage(who).ru_maxrss / unit for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    if sys.platform == "linux":  # there ru_maxrss still holds what the process that started this one had
        (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
        own = int(line.split()[1]) / 1024
    print(json.dumps({"own": own, "child": child, "frames": frames}))


def _looped(source: Path, target: Path, seconds: float) -> None:
    """The clip again and again, its packets copied with later times."""
    import av

    with av.open(target, "w") as out:
        with av.open(source) as first:
            wanted = (first.streams.video[0], first.streams.audio[0])
            streams = [out.add_stream_from_template(stream) for stream in wanted]
            length_s = (first.duration or 0) / 1e6
        shift_s = 0.0
        while shift_s < seconds:
            with av.open(source) as again:
                inputs = (again.streams.video[0], again.streams.audio[0])
                for packet in again.demux(*inputs):
                    if packet.dts is None or packet.pts is None:
                        continue
                    shift = round(shift_s / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = streams[inputs.index(packet.stream)]
                    out.mux(packet)
            shift_s += length_s


if __name__ == "__main__":
    main(sys.argv[1:])
