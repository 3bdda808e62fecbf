"""Search across languages: nDCG@10 of questions in one language over paragraphs in another (XQuAD).

    python -m benchmarks xquad [--pairs en-en de-en es-en th-en] [--questions 200]

The paragraphs are ingested as files, then searched with each mode. `hybrid` should be above both of its legs on the
mean; where it is not, the last line says so.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.data import test_data
from foveal.runtime import Foveal
from foveal.settings import load
from foveal.types.search import Mode, Query

MODES = (Mode.KEYWORD, Mode.VECTOR, Mode.HYBRID, Mode.SEMANTIC)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks xquad")
    parser.add_argument("--pairs", nargs="+", default=["en-en", "de-en", "es-en", "th-en"])
    parser.add_argument("--questions", type=int, default=200, help="of each pair; every nth is taken")
    args = parser.parse_args(arguments)
    relevant = _relevant()
    print(f"{'question-paragraphs':<21}" + "".join(f"{mode:>10}" for mode in MODES))
    rows = []
    with tempfile.TemporaryDirectory(prefix="foveal-bench-") as folder:
        for pair in args.pairs:
            asked, written = pair.split("-")
            home, files = Path(folder) / written, Path(folder) / f"{written}-files"
            with Foveal(load({"home": home})) as foveal:
                if not files.exists():
                    _write(files, written)
                    foveal.ingest([files], index="xquad")
                rows.append([_ndcg(foveal, _questions(asked, args.questions), relevant, mode) for mode in MODES])
            print(f"{pair:<21}" + "".join(f"{value:>10.3f}" for value in rows[-1]), flush=True)
    keyword, vector, hybrid, semantic = (sum(column) / len(column) for column in zip(*rows, strict=True))
    print(f"{'mean':<21}{keyword:>10.3f}{vector:>10.3f}{hybrid:>10.3f}{semantic:>10.3f}")
    print(f"hybrid {'beats' if hybrid > max(keyword, vector) else 'DOES NOT BEAT'} both of its legs on the mean")


def _write(folder: Path, language: str) -> None:
    folder.mkdir(parents=True)
    for line in (_folder() / f"corpus.{language}.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        (folder / f"{entry['_id']}.txt").write_text(entry["text"], encoding="utf-8")


def _questions(language: str, number: int) -> list[tuple[str, str]]:
    lines = (_folder() / f"queries.{language}.jsonl").read_text(encoding="utf-8").splitlines()
    entries = [json.loads(line) for line in lines[:: max(1, len(lines) // number)][:number]]
    return [(entry["_id"], entry["text"]) for entry in entries]


def _relevant() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    with (_folder() / "qrels.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            found.setdefault(row["query-id"], set()).add(row["corpus-id"])
    return found


def _ndcg(foveal: Foveal, questions: Sequence[tuple[str, str]], relevant: dict[str, set[str]], mode: Mode) -> float:
    """Binary gains, discount log2(1 + rank), as BEIR counts it (Järvelin and Kekäläinen 2002)."""
    total = 0.0
    for question_id, text in questions:
        hits = foveal.search("xquad", Query(text=text, mode=mode, top=10)).hits
        gold = relevant[question_id]
        gains = [1 / math.log2(rank + 1) for rank, h in enumerate(hits, 1) if Path(h.chunk.filepath).stem in gold]
        total += sum(gains) / sum(1 / math.log2(rank + 1) for rank in range(1, min(len(gold), 10) + 1))
    return total / len(questions)


def _folder() -> Path:
    return test_data() / "qa" / "xquad"


if __name__ == "__main__":
    main(sys.argv[1:])
