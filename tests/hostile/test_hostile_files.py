"""Every broken, hostile or odd file of the test data has the outcome its manifest asks for, in bounded time and memory.

The files are read in a process of their own, whose peak memory is measured with that of the decoding processes it
starts. Types that are not read are refused by name.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

MIB = 2**20
ROOT = Path(__file__).resolve().parents[2]
UNSUPPORTED_FOR_NOW = {"svg"}
UNREAD_IMAGES = {"sgi", "fli", "fpx", "psd", "bin"}

READ_ALL = """
import json, resource, sys, time
from pathlib import Path
from foveal.errors import AssetError
from foveal.pipeline.prepare import sniff_file
from foveal.readers.docx import DocxReader
from foveal.readers.html import HtmlReader
from foveal.readers.image import ImageReader
from foveal.readers.limits import Limits
from foveal.readers.pdf import PdfReader
from foveal.readers.pptx import PptxReader
from foveal.readers.sniffing import sniff
from foveal.readers.text import TextReader
from foveal.readers.video import VideoReader
from foveal.readers.xlsx import XlsxReader
from foveal.types.assets import Asset, AssetId

root = Path(sys.argv[1])
limits = Limits()
image_reader = ImageReader(limits)
readers = [image_reader, TextReader(limits), HtmlReader(limits), PdfReader(limits), DocxReader(limits, image_reader)]
readers += [PptxReader(limits, image_reader), XlsxReader(limits), VideoReader(limits)]
for name in json.load(sys.stdin):
    path = root / name
    began = time.monotonic()
    size = path.stat().st_size
    with path.open("rb") as file:
        sniffed = sniff_file(sniff, name, size, file)
        outcome = {"file": name, "media_type": sniffed.media_type}
        if sniffed.kind is None:
            outcome |= {"code": "unsupported", "message": sniffed.reason}
        else:
            (reader,) = [r for r in readers if sniffed.media_type in r.media_types]
            asset = Asset(
                asset_id=AssetId("0"), path=name, media_type=sniffed.media_type, kind=sniffed.kind, size_bytes=size
            )
            try:
                contents = list(reader.read(asset, file))
                outcome |= {
                    "code": "", "count": len(contents), "warnings": [w for c in contents for w in c.warnings]
                }
                outcome["text"] = " ".join(c.text for c in contents if hasattr(c, "text"))
                if sniffed.kind.value == "image":
                    facts = contents[0].facts
                    outcome |= {
                        "size": [facts.width_px, facts.height_px],
                        "frames": facts.frame_count,
                        "shape": list(contents[0].pixels.shape),
                        "spread": float(contents[0].pixels.std()),
                    }
            except AssetError as error:
                outcome |= {"code": error.code, "message": str(error)}
    outcome["seconds"] = time.monotonic() - began
    print(json.dumps(outcome), flush=True)
del image_reader, readers, reader
unit = 1 if sys.platform == "darwin" else 1024
own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
if sys.platform == "linux":  # there ru_maxrss still holds what the process that started this one had
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    own = int(line.split()[1]) * 1024
print(json.dumps({"rss_bytes": own + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit}))
"""


@dataclass(frozen=True)
class Run:
    outcomes: dict[str, dict[str, object]]
    rss_bytes: int
    stderr: str
    returncode: int


def manifest(folder: Path) -> list[dict[str, object]]:
    with (folder / "hostile" / "manifest.jsonl").open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def run(test_data: Path) -> Run:
    names = [entry["file"] for entry in manifest(test_data)]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", READ_ALL, str(test_data)],
        input=json.dumps(names),
        capture_output=True,
        text=True,
        timeout=240,
        cwd=ROOT / "src",
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    outcomes = {line["file"]: line for line in lines if "file" in line}
    return Run(outcomes, lines[-1].get("rss_bytes", 0), done.stderr, done.returncode)


def test_no_file_crashes_the_reader_or_makes_it_complain(run: Run) -> None:
    assert (run.returncode, run.stderr) == (0, "")


def test_no_file_takes_a_gibibyte(run: Run) -> None:
    assert 0 < run.rss_bytes < 1024 * MIB


def test_no_file_takes_longer_than_the_limit(run: Run) -> None:
    assert max(float(str(outcome["seconds"])) for outcome in run.outcomes.values()) < 5


def test_every_outcome_is_the_one_the_manifest_asks_for(run: Run, test_data: Path) -> None:
    wrong = [
        (entry["file"], entry["expect"], outcome)
        for entry in manifest(test_data)
        if not fits(str(entry["expect"]), str(entry["file"]), outcome := run.outcomes[str(entry["file"])])
    ]
    assert wrong == []


def fits(expected: str, name: str, outcome: dict[str, object]) -> bool:
    accepted = outcome["code"] == ""
    ending = name.rsplit(".", 1)[-1]
    if not accepted and not outcome["message"]:
        return False
    if outcome["code"] == "unsupported":
        # Types that this version does not read are refused by name, whatever is in them.
        return ending in UNSUPPORTED_FOR_NOW | UNREAD_IMAGES or "reject" in expected
    if expected in {"accept", "accept_as_image_only", "accept_without_fetching"}:
        return accepted and set(outcome["warnings"]) <= {"There is nothing on its pages."}  # type: ignore[call-overload]
    if expected.startswith("reject") and "partial" not in expected:
        return not accepted
    if expected == "reject_or_partial":
        return not accepted or bool(outcome["warnings"])
    return True


def test_sizes_and_frame_counts_are_those_of_the_upright_image(run: Run, test_data: Path) -> None:
    # In the two TIFF files the manifest applies the orientation a second time to a size that Pillow had turned already:
    # their text runs along the long side.
    turned_twice = {"hostile/images/g4_orientation_5.tif", "hostile/images/g4_orientation_8.tif"}
    for entry in manifest(test_data):
        outcome = run.outcomes[str(entry["file"])]
        if "display_size" not in entry or outcome["code"]:
            continue
        size = entry["display_size"]
        assert isinstance(size, list)
        expected = size[::-1] if entry["file"] in turned_twice else size
        assert outcome["size"] == expected, entry["file"]
        assert outcome["frames"] == entry["frames"], entry["file"]
        height, width = outcome["shape"][:2]
        assert (width > height) == (expected[0] > expected[1]), entry["file"]


def test_every_page_of_a_tiff_is_read_and_one_image_of_an_animation(run: Run) -> None:
    counts = {name: outcome.get("count") for name, outcome in run.outcomes.items()}
    assert counts["hostile/images/g4-multi.tiff"] == 3
    assert counts["hostile/images/total-pages-zero.tif"] == 3
    assert counts["hostile/images/iss634.gif"] == 1
    assert counts["hostile/images/iss634.webp"] == 1


def test_sixteen_bit_images_keep_their_tones(run: Run) -> None:
    for name in ("16bit.cropped.tif", "16bit.MM.cropped.tif", "hopper_16bit.pgm", "9bit.j2k"):
        assert float(str(run.outcomes[f"hostile/images/{name}"]["spread"])) > 1, name


def test_a_bomb_is_refused_as_over_a_limit(run: Run) -> None:
    for name in ("derived/dev_bomb_30000x30000_1bit.png", "images/decompression_bomb.gif"):
        assert run.outcomes[f"hostile/{name}"]["code"] == "over_limit", name


def test_what_is_left_of_a_truncated_video_is_read(run: Run) -> None:
    cut = run.outcomes["hostile/derived/dev_truncated.mp4"]
    assert cut["code"] == ""
    assert int(str(cut["count"])) >= 2
    assert "seconds are missing" in str(cut["warnings"])


def test_a_document_that_asks_for_other_files_gets_none(run: Run) -> None:
    active = run.outcomes["hostile/derived/dev_active.html"]
    assert active["text"] == "Visible sentence one."
    assert run.outcomes["hostile/derived/dev_xxe.docx"]["code"] == "unreadable"


def test_an_encrypted_document_says_that_it_is(run: Run) -> None:
    assert "encrypted" in str(run.outcomes["hostile/pdf/graph-encrypted.pdf"]["message"])


def test_a_page_that_is_one_huge_image_is_read_small(run: Run) -> None:
    assert run.outcomes["hostile/pdf/hugemono.pdf"]["code"] == ""
    assert run.outcomes["hostile/pdf/2400dpi.pdf"]["count"] == 1
