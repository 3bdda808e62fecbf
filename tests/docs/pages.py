"""The pages of the documentation and what stands in them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
ARCHITECTURE = ROOT / "ARCHITECTURE.md"
TUTORIAL = ROOT / "docs" / "tutorial.md"
DOCS = tuple(sorted((ROOT / "docs").rglob("*.md")))
PAGES = (README, ARCHITECTURE, ROOT / "CHANGELOG.md", *DOCS)


@dataclass(frozen=True)
class Block:
    """A fenced example."""

    page: str
    language: str
    text: str

    @property
    def commands(self) -> list[str]:
        """Lines that a person types."""
        return [line[2:] for line in self.text.splitlines() if line.startswith("$ ")]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[Block]:
    """The page's fenced examples in a language, in order."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [Block(page=name(page), language=language, text=text) for text in found]


def is_foveal(command: str) -> bool:
    return shlex.split(command)[:1] == ["foveal"]
