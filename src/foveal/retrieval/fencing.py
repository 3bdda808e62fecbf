"""Fencing: text from files, images and metadata goes into a prompt as data that cannot pass for instructions.

Three measures, because none is enough alone:

1. Every stretch stands between two lines that carry a *boundary*, 64 random bits drawn anew for each request. Text
   written before the request cannot know it, so it can neither close its fence nor open another.
2. Marks that chat templates give a meaning (`<|im_start|>`, `[INST]`, `<start_of_turn>` and their like) are broken
   up, because some servers parse them wherever they stand. Sources: the chat templates of ChatML, Llama 2 and 3,
   Mistral, Gemma and Phi.
3. The system prompt that uses a fence says what the boundary is and that nothing inside is to be obeyed.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from dataclasses import dataclass, field

_TEMPLATE_MARKS = re.compile(
    r"<(?=\|)|\|(?=>)|<(?=/?(?:s|bos|eos|unk|start_of_turn|end_of_turn|system|assistant|user)>)"
    r"|\[(?=/?(?:INST|SYSTEM_PROMPT|TOOL_CALLS|AVAILABLE_TOOLS|TOOL_RESULTS)\])|<(?=</?SYS>>)",
    re.IGNORECASE,
)
_LINE_BREAKS = re.compile(r"\s+")
_BOUNDARY_BYTES = 8


def defused(text: str) -> str:
    """`text` without control characters (tab and line feed stay) and with chat-template marks broken by a space.

    Format characters (Unicode Cf: zero-width, bidirectional overrides, tag characters) go too: they hide instructions
    from the person who looks at the citation. The joiners of Indic scripts, Persian and emoji stay.
    """
    visible = "".join(c for c in text if c in "\t\n\u200c\u200d" or unicodedata.category(c) not in {"Cc", "Cf"})
    return _TEMPLATE_MARKS.sub(lambda mark: mark.group() + " ", visible)


def one_line(text: str) -> str:
    """`text` defused and on one line, for names and titles."""
    return _LINE_BREAKS.sub(" ", defused(text)).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """The fence of one request.

    Attributes:
        boundary: 16 hexadecimal digits nobody could know before.
    """

    boundary: str = field(default_factory=lambda: secrets.token_hex(_BOUNDARY_BYTES))

    def around(self, text: str, *, label: str) -> str:
        """`text` between an opening and a closing line.

        Args:
            text: Untrusted; defused here, and an occurrence of the boundary is taken out.
            label: What it is (`doc1`); Foveal's own words, never the file's.
        """
        return f"<<<{self.boundary} {label}>>>\n{self.inside(text)}\n<<<{self.boundary} end {label}>>>"

    def heading(self, label: str) -> str:
        """A line that says, inside a fence, whose words follow; nothing fenced can imitate it."""
        return f"<<{self.boundary} {label}>>"

    def inside(self, text: str) -> str:
        """`text` as it may stand between the lines of this fence."""
        words = defused(text)  # first: what it takes out could have stood in the middle of a boundary
        while self.boundary in words.lower():  # again: taking one out may join the halves of another
            words = re.sub(re.escape(self.boundary), "", words, flags=re.IGNORECASE)
        return words.strip()
