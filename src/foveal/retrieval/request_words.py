"""What is asked for, without the asking: "show me photos of dogs" is about dogs.

The words around the subject move a small text model's vector about as much as the subject does, so questions that
begin like a request would all look alike. The patterns are ours, for the commonest requests in eight languages; a
question that fits none is left as it is.
"""

from __future__ import annotations

import re
from typing import Final

_EN: Final = (
    r"(please )?((can|could) (you|i|we) )?(please )?(show|find|give|get|see|search)( for)?( me| us)?"
    r"( (all|some|any|every))?( of)?( (the|my|our))?( (photos?|pictures?|images?|pics?)"
    r"( (of|with|showing|where|that show|in which))?)?",
    r"((is|are) there|do (i|we|you) have|have (i|we|you) got)( (a|an|any|some))? (photos?|pictures?|images?|pics?)"
    r" (of|with|showing|where|that shows?|in which)",
    r"(which|what) (photos?|pictures?|images?|pics?)( (show|have|contain|are|is|depict)( (of|there))?)",
    r"(photos?|pictures?|images?|pics?) (of|with|showing|where)",
)
_DE: Final = (
    r"(bitte )?(zeig|zeige|zeigt|such|suche|finde|gib)( (mir|uns))?( (alle|ein|eine|einige|die|meine|unsere))?"
    r"( (fotos?|bild|bilder)( (von|mit|vom)( (einer|einem|einen|der|dem|den))?)?)?",
    r"(gibt es|habe ich|haben wir|hast du)( (ein|eine|einige|auch))? (fotos?|bild|bilder) (von|mit|vom)"
    r"( (einer|einem|einen|der|dem|den))?",
    r"(auf )?(welche|welches|welchen|welchem) (fotos?|bild|bilder|bildern) (zeigen|zeigt|haben|hat|sind|ist|sieht man"
    r")",
    r"(fotos?|bild|bilder) (von|mit|vom)( (einer|einem|einen|der|dem|den))?",
)
_ES: Final = (
    r"(por favor )?(muéstrame|muestra|enséñame|enseña|busca|búscame|dame)( (todas|algunas))?( (las|mis|unas))?"
    r"( (fotos?|imagen|imágenes)( (de|con|del)( (un|una|unos|unas))?)?)?",
    r"(hay|tengo|tenemos|tienes)( (una|alguna|algunas|unas))? (fotos?|imagen|imágenes) (de|con|del|donde)"
    r"( (un|una|unos|unas))?",
    r"(en )?(qué|cuáles) (fotos?|imagen|imágenes) (muestran|muestra|hay|tienen|aparece|aparecen|se ve)",
    r"(fotos?|imagen|imágenes) (de|con|del)( (un|una|unos|unas))?",
)
_FR: Final = (
    r"(montre|montrez|cherche|trouve)([- ](moi|nous))?( (toutes|des|les|mes))?( (photos?|images?)"
    r"( (de|d'un|d'une|avec|des|du))?)?",
    r"(y a-t-il|est-ce qu'il y a|ai-je|avons-nous|as-tu)"
    r"( (une|des))? (photos?|images?) (de|d'un|d'une|avec|des|du|où)",
    r"(photos?|images?) (de|d'un|d'une|avec|des|du)",
)
_IT: Final = (
    r"(mostrami|mostra|trova|cerca)( (tutte|alcune|le))?( (foto|immagini|immagine)( (di|con|del|della))?"
    r"( (un|una|uno))?)?",
    r"(c'è|ci sono|ho|abbiamo)( (una|delle|qualche))? (foto|immagini|immagine) (di|con|del|della)( (un|una|uno))?",
)
_PT: Final = (
    r"(mostre|mostra|mostre-me|procure|encontre)( (todas|algumas|as))?( (fotos?|imagem|imagens)"
    r"( (de|com|do|da))?( (um|uma))?)?",
    r"(há|tem|existe|tenho)( (uma|alguma|algumas))? (fotos?|imagem|imagens) (de|com|do|da)( (um|uma))?",
)
_NL: Final = (
    r"(toon|laat|zoek|vind)( (me|mij|ons))?( (alle|een|de))?( (foto's|foto|afbeeldingen|afbeelding)"
    r"( (van|met))?( (een|de|het))?)?( zien)?",
    r"(is er|zijn er|heb ik|hebben we)( een)? (foto's|foto|afbeeldingen|afbeelding) (van|met)( (een|de|het))?",
)
_SPACED: Final = re.compile(
    rf"^[\s¿¡]*(?:{'|'.join((*_EN, *_DE, *_ES, *_FR, *_IT, *_PT, *_NL))})\b[\s:,]*", re.IGNORECASE
)
_THAI: Final = re.compile(r"^\s*(?:ช่วย|ขอ|อยาก)?(?:มี|ดู|หา|แสดง|ค้นหา)?(?:รูปภาพ|รูปถ่าย|ภาพถ่าย|รูป|ภาพ)(?:ของ|ที่มี)?\s*")
_THAI_END: Final = re.compile(r"(?:บ้าง)?(?:หรือไม่|ไหม|มั้ย|หรือเปล่า)?(?:ครับ|คะ|ค่ะ)?[\s?？]*$")
_ENDS: Final = re.compile(r"[\s?？!.。]+$")


def subject_of_request(question: str) -> str:
    """The question without what merely asks; the question itself where nothing would be left."""
    spaced = _SPACED.match(question)
    thai = _THAI.match(question)
    if spaced and spaced.end():
        rest = _ENDS.sub("", question[spaced.end() :])
    elif thai and thai.end():
        rest = _THAI_END.sub("", question[thai.end() :])
    else:
        return question
    return rest.strip() if sum(map(str.isalnum, rest)) > 1 else question
