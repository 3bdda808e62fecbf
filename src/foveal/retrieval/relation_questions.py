"""Whether a question that comes with an image asks how that image relates to the collection.

Such a question has no subject to search for: its words ("my photos", "related") would only pull in what is unlike the
image. The patterns are ours, for the commonest ways to ask in thirteen languages; a question that fits none is
searched by its words and its image together.
"""

from __future__ import annotations

import re
from typing import Final

_LONGEST: Final = 120
"""Characters; who writes more has more to ask."""
_PATTERNS: Final = (
    # English
    r"\b(relate|relates|related|relation|relationship|connection|connected|correspond|corresponds)\b",
    r"\bdo (i|we) (already )?(have|own) (this|that|it|a copy)\b|\b(near[- ])?duplicates?\b|\bcopy of\b",
    r"\b(is|are) (this|that|it|these)\b.*\b(in|among|one of|from|part of) (my|our|the)\b",
    r"\b(what|which|any|find|show)\b.*\b(like|similar to) (this|that|it)\b|\bcompares? (to|with) my\b",
    # German
    r"\b(hängt|hängen|steht|stehen)\b.*\b(zusammen|verbindung|beziehung|bezug)\b|\bbezug\b|\bbeziehung\b|\bzusammenhang\b",
    r"\b(habe ich|haben wir)\b.*\b(dieses|das|es)\b.*\bschon\b|\bduplikat\w*|\bdoppelt\b|\bähnlich(e|en|es)? wie dies",
    r"\bverhält\b.*\bzu mein|\bverwandt\b|\bpasst\b.*\bzu mein",
    # Spanish, Portuguese, Italian, French
    r"\b(relaciona|relacionada|relacionado|relación|relação|relazione|rapport|rapporte|lien|correspond)\b",
    r"\b(duplicad[oa]s?|duplicat[oaie]|doublons?|comme celle-ci)\b",
    r"\b(parecid[oa]s?|semelhantes?|simil[ei]) a (est|quest)",
    r"\b(collegat[oaie]|c'entra|legat[oaie] alle mie|ya tengo est|já tenho est|ho già quest|ai-je déjà)\w*",
    # Dutch
    r"\b(verhoudt|verband|gerelateerd|hangt\b.*\bsamen|dubbel|heb ik dez?e)\b",
    # Russian, Arabic, Hindi
    r"связан|относится|отношени|дубликат|похож\w* на эт",
    r"علاقة|ترتبط|يرتبط|مكررة|تشبه هذه",
    r"संबंध|संबंधित|जुड़ी|जुड़ा|डुप्लिकेट",
    # Thai, Chinese, Japanese
    r"เกี่ยวข้อง|เกี่ยวกับรูป|สัมพันธ์|ซ้ำ|คล้ายกับ(ภาพ|รูป)นี้|เหมือน(ภาพ|รูป)ไหน",
    r"关系|关联|有关|重复|相似|關係|關聯|有關|重複",
    r"関係|関連|重複|似て",
)
_ASKS: Final = re.compile("|".join(_PATTERNS), re.IGNORECASE)


def asks_for_relation(question: str) -> bool:
    """Whether it does; a question without any words does too: the image is all there is to ask about."""
    words = question.strip()
    return not words or (len(words) <= _LONGEST and _ASKS.search(words) is not None)
