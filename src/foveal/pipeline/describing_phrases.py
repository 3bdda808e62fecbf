"""The words the local describer puts around what it saw, and how it tells what is asked, by language (ISO 639-1).

Object names stay the detector's class words, which are English, so that what is named can be found in the image.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

Wish = Literal["count", "text", "color", "where", "when", "exists", "describe", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """One language.

    Attributes:
        sees: `{}` is what was seen.
        likely: `{}` are the labels of the whole picture.
        reads: `{}` is the text in it.
        no_text: There is none.
        colors: `{}` are its main colours.
        taken: `{}` is when, where and with what.
        no_facts: The file does not say so.
        nothing: Nothing was recognised.
        unanswered: Before what is told of a video in place of an answer.
        none_of: `{}` is what was looked for and not seen.
        picture: `{}` is its number; before what is said of one of several.
        limits: Said when something else is asked than what can be seen.
        alone: Said when there is no picture.
        places: Of the nine fields of the picture, row by row from the upper left.
        left: Opening quotation mark.
        right: Closing quotation mark.
    """

    sees: str
    likely: str
    reads: str
    no_text: str
    colors: str
    taken: str
    no_facts: str
    nothing: str
    unanswered: str
    none_of: str
    picture: str
    limits: str
    alone: str
    places: tuple[str, ...]
    left: str = "“"
    right: str = "”"


_ENGLISH: Final = Wording(
    sees="I see {}.",
    likely="The picture looks like: {}.",
    reads="The text in it reads: {}.",
    no_text="I find no text in it.",
    colors="Its main colours: {}.",
    taken="Taken: {}.",
    no_facts="The file does not say when or where it was taken.",
    nothing="I recognise nothing in it.",
    unanswered="I find no answer to that in what is said, written or recognised. This is what goes on:",
    none_of="I see no {} in it.",
    picture="Picture {}:",
    limits="I am Foveal's local describer, without a language model: I can only say what I see.",
    alone="I am Foveal's local describer and work without a language model: I say what is in a picture that you "
    "attach, and I answer from your documents when you name an index. For anything else the operator can set up a chat "
    "model.",
    places=("upper left", "top", "upper right", "left", "centre", "right", "lower left", "bottom", "lower right"),
)
WORDINGS: Final[dict[str, Wording]] = {
    "en": _ENGLISH,
    "de": Wording(
        sees="Ich erkenne {}.",
        likely="Das Bild sieht aus nach: {}.",
        reads="Der Text darin lautet: {}.",
        no_text="Ich finde keinen Text darin.",
        colors="Hauptfarben: {}.",
        taken="Aufgenommen: {}.",
        no_facts="Die Datei sagt nicht, wann oder wo es aufgenommen wurde.",
        nothing="Ich erkenne nichts darin.",
        unanswered="Darauf finde ich in dem, was gesagt, geschrieben und erkannt wird, keine Antwort. "
        "Das geschieht darin:",
        none_of="Ich sehe darin nichts davon: {}.",
        picture="Bild {}:",
        limits="Ich bin Foveals lokaler Beschreiber, ohne Sprachmodell: Ich kann nur sagen, was ich sehe.",
        alone="Ich bin Foveals lokaler Beschreiber und arbeite ohne Sprachmodell: Ich sage, was auf einem angehängten "
        "Bild zu sehen ist, und antworte aus deinen Dokumenten, wenn du einen Index nennst. Für alles andere kann der "
        "Betreiber ein Chatmodell einrichten.",
        places=(
            "oben links",
            "oben",
            "oben rechts",
            "links",
            "Mitte",
            "rechts",
            "unten links",
            "unten",
            "unten rechts",
        ),
        left="„",
        right="“",
    ),
    "es": Wording(
        sees="Veo {}.",
        likely="La imagen parece: {}.",
        reads="El texto dice: {}.",
        no_text="No encuentro texto en ella.",
        colors="Colores principales: {}.",
        taken="Tomada: {}.",
        no_facts="El archivo no dice cuándo ni dónde se tomó.",
        nothing="No reconozco nada en ella.",
        unanswered="No encuentro respuesta en lo que se dice, se lee o se reconoce. Esto es lo que ocurre:",
        none_of="No veo nada de esto: {}.",
        picture="Imagen {}:",
        limits="Soy el descriptor local de Foveal, sin modelo de lenguaje: solo puedo decir lo que veo.",
        alone="Soy el descriptor local de Foveal y trabajo sin modelo de lenguaje: digo lo que hay en una imagen "
        "adjunta y respondo con sus documentos si nombra un índice. Para lo demás, el operador puede configurar un "
        "modelo de chat.",
        places=(
            "arriba a la izquierda",
            "arriba",
            "arriba a la derecha",
            "izquierda",
            "centro",
            "derecha",
            "abajo a la izquierda",
            "abajo",
            "abajo a la derecha",
        ),
        left="«",
        right="»",
    ),
    "fr": Wording(
        sees="Je vois {}.",
        likely="L'image ressemble à : {}.",
        reads="Le texte dit : {}.",
        no_text="Je n'y trouve pas de texte.",
        colors="Couleurs principales : {}.",
        taken="Prise : {}.",
        no_facts="Le fichier ne dit pas quand ni où elle a été prise.",
        nothing="Je n'y reconnais rien.",
        unanswered="Je ne trouve pas de réponse dans ce qui est dit, écrit ou reconnu. Voici ce qui se passe :",
        none_of="Je n'y vois pas : {}.",
        picture="Image {} :",
        limits="Je suis le descripteur local de Foveal, sans modèle de langage : je ne peux dire que ce que je vois.",
        alone="Je suis le descripteur local de Foveal et je travaille sans modèle de langage : je dis ce que montre "
        "une image jointe et je réponds d'après vos documents si vous nommez un index. Pour le reste, l'opérateur peut "
        "configurer un modèle de conversation.",
        places=(
            "en haut à gauche",
            "en haut",
            "en haut à droite",
            "à gauche",
            "au centre",
            "à droite",
            "en bas à gauche",
            "en bas",
            "en bas à droite",
        ),
        left="« ",
        right=" »",
    ),
    "it": Wording(
        sees="Vedo {}.",
        likely="L'immagine sembra: {}.",
        reads="Il testo dice: {}.",
        no_text="Non vi trovo testo.",
        colors="Colori principali: {}.",
        taken="Scattata: {}.",
        no_facts="Il file non dice quando o dove è stata scattata.",
        nothing="Non vi riconosco nulla.",
        unanswered="Non trovo una risposta in ciò che viene detto, scritto o riconosciuto. Ecco che cosa accade:",
        none_of="Non vi vedo: {}.",
        picture="Immagine {}:",
        limits="Sono il descrittore locale di Foveal, senza modello linguistico: posso dire solo ciò che vedo.",
        alone="Sono il descrittore locale di Foveal e lavoro senza modello linguistico: dico che cosa mostra "
        "un'immagine allegata e rispondo dai tuoi documenti se indichi un indice. Per il resto l'operatore può "
        "configurare un modello di chat.",
        places=(
            "in alto a sinistra",
            "in alto",
            "in alto a destra",
            "a sinistra",
            "al centro",
            "a destra",
            "in basso a sinistra",
            "in basso",
            "in basso a destra",
        ),
        left="«",
        right="»",
    ),
    "th": Wording(
        sees="ฉันเห็น {}",
        likely="ภาพนี้ดูเหมือน: {}",
        reads="ข้อความในภาพ: {}",
        no_text="ไม่พบข้อความในภาพ",
        colors="สีหลัก: {}",
        taken="ถ่ายเมื่อ/ที่: {}",
        no_facts="ไฟล์ไม่ได้บอกว่าถ่ายเมื่อใดหรือที่ไหน",
        nothing="ฉันไม่รู้จักสิ่งใดในภาพ",
        unanswered="ไม่พบคำตอบในสิ่งที่พูด เขียน หรือมองเห็น นี่คือสิ่งที่เกิดขึ้น:",
        none_of="ฉันไม่เห็น {} ในภาพ",
        picture="ภาพที่ {}:",
        limits="ฉันคือตัวบรรยายภาพในเครื่องของ Foveal ซึ่งไม่มีโมเดลภาษา จึงบอกได้เฉพาะสิ่งที่เห็น",
        alone="ฉันคือตัวบรรยายภาพในเครื่องของ Foveal และทำงานโดยไม่มีโมเดลภาษา: ฉันบอกสิ่งที่อยู่ในภาพที่แนบมา "
        "และตอบจากเอกสารของคุณเมื่อระบุดัชนี สำหรับเรื่องอื่น ผู้ดูแลสามารถตั้งค่าโมเดลแชตได้",
        places=("ซ้ายบน", "ด้านบน", "ขวาบน", "ซ้าย", "ตรงกลาง", "ขวา", "ซ้ายล่าง", "ด้านล่าง", "ขวาล่าง"),
    ),
}

_PATTERNS: Final[tuple[tuple[Wish, str], ...]] = (
    (
        "count",
        r"\bhow many\b|\bnumber of\b|\bcount\b|\bwie ?viele\b|\bcu[aá]nt[oa]s\b|\bcombien\b|\bquant[ie]\b|กี่|จำนวน",
    ),
    (
        "text",
        r"\btext\b|\bwords?\b|\bread(s|ing)?\b|\bwritten\b|\bsay(s)?\b|\bocr\b|\btranscribe\b|\bsigns?\b.*\bsay"
        r"|\bsteht\b|\bgeschrieben\b|\blies\b|\blautet\b|\btexto\b|\bdice\b|\bescrito\b|\btexte\b|\bécrit\b"
        r"|\btesto\b|\bscritto\b|ข้อความ|เขียนว่า|อ่าน",
    ),
    ("color", r"\bcolou?rs?\b|\bfarben?\b|\bcolor(es)?\b|\bcouleurs?\b|\bcolor[ei]\b|สี(?:อะไร|ใด|ไหน)"),
    (
        "when",
        r"\bwhen\b|\bwhat (date|day|year|time)\b|\btaken\b|\bwhere was\b|\bwann\b|\baufgenommen\b|\bcu[aá]ndo\b"
        r"|\bquand\b|\bquando\b|\bwhich camera\b|เมื่อไร|เมื่อไหร่|วันที่",
    ),
    ("where", r"\bwhere\b|\bposition\b|\blocat|\bwo\b|\bdónde\b|\boù\b|\bdove\b|ที่ไหน|ตรงไหน"),
    (
        "exists",
        r"\b(is|are) there\b|\b(do|can) you see\b|\bdoes it (show|have|contain)\b|\bgibt es\b|มี.*(ไหม|หรือไม่)"
        r"|\bsiehst du\b|\bist (da|dort)\b|\bhay\b|\bves\b|\by a-t-il\b|\bvois-tu\b|\bc'è\b|\bci sono\b",
    ),
    (
        "describe",
        r"\bdescri(be|bes|ption|bing)\b|\bcaption\b|\bwhat('s| is| are| do you see| can you see)\b|\bwhats\b"
        r"|\bshow(s|n)?\b|\btell me\b|\bsummar|\bin (the|this) (image|picture|photo)\b"
        r"|\bbeschreib|\bwas (ist|sieht|siehst|zeigt)\b|\bdescri(be|pci)|\bqu[eé] (es|hay|ves|muestra)\b"
        r"|\bdécri(s|vez|re)\b|\bqu'est-ce\b|\bque (vois|voit|montre)\b|\bdescrivi\b|\bche cosa\b|\bcosa\b"
        r"|อธิบาย|บรรยาย|คืออะไร|เห็นอะไร|อะไร",
    ),
)
"""Patterns of ours for the commonest questions about a picture; the first that fits counts."""
_WISHES: Final = tuple((wish, re.compile(pattern, re.IGNORECASE)) for wish, pattern in _PATTERNS)


def wording(language: str) -> Wording:
    """The words of a language; English where there are none."""
    return WORDINGS.get(language.split("-", maxsplit=1)[0].lower(), _ENGLISH)


def wish_of(question: str) -> Wish:
    """What a question about a picture is after; no question at all asks for a description."""
    if not question.strip():
        return "describe"
    return next((wish for wish, pattern in _WISHES if pattern.search(question)), "other")
