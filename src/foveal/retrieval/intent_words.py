"""Words by which a follow-up question is told from a new one, per language (lists of ours, closed word classes)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageWords:
    """Closed word classes of one language, lower case.

    Attributes:
        continuations: Openings of a question that goes on from the one before, word by word.
        back_references: Words that point at something said before.
        prepositions: Openings of a fragment ("in winter?").
        function_words: Everything that does not say what a question is about, the above included.
    """

    continuations: frozenset[tuple[str, ...]]
    back_references: frozenset[str]
    prepositions: frozenset[str]
    function_words: frozenset[str]


def _language(*, continuations: str, back: str, prepositions: str, others: str) -> LanguageWords:
    openings = frozenset(tuple(opening.split()) for opening in continuations.split(", "))
    words = f"{back} {prepositions} {others}".split()
    return LanguageWords(
        continuations=openings,
        back_references=frozenset(back.split()),
        prepositions=frozenset(prepositions.split()),
        function_words=frozenset(words) | {word for opening in openings for word in opening},
    )


SPACED: dict[str, LanguageWords] = {
    "en": _language(
        continuations="and, or, but, also, then, only, just, what about, how about, what else, same for",
        back="it its they them their theirs he she him his her hers these those one ones same first second third "
        "last other others next previous another there",
        prepositions="in on at with without near from to of under over behind beside by during before after for about",
        others="a an the is are was were be been am do does did have has had can could will would should may might "
        "must what which who whom whose where when why how i you we me my your our us any some more most all many "
        "much show find give tell see look please yes no not s t re ve ll d if so as than too very this that",
    ),
    "de": _language(
        continuations="und, oder, aber, auch, nur, dann, was ist mit, wie ist es mit, wie sieht es mit, sonst noch",
        back="er es ihn ihm ihnen dieser diese dieses diesen diesem jener jene jenes davon darauf darin damit dort "
        "dazu erste ersten erstes erster zweite zweiten zweites zweiter dritte dritten drittes dritter letzte letzten "
        "letztes letzter andere anderen anderes anderer gleiche gleichen",
        prepositions="im in am an auf mit ohne bei beim von vom zu zum zur unter über hinter neben während vor nach "
        "für um aus",
        others="der die das den dem des ein eine einen einem einer eines ist sind war waren wurde wurden sein hat "
        "haben hatte kann können wird werden würde soll was welche welcher welches welchen wer wen wem wo wann warum "
        "wie ich du sie wir ihr mich mir dich dir uns euch mein dein zeig zeige zeigen gib gibt finde bitte ja nein "
        "nicht kein keine mehr alle viele denn mal noch dass wenn so als sieht mit",
    ),
    "es": _language(
        continuations="y, e, o, pero, también, solo, sólo, qué tal, que tal, qué hay de, qué pasa con",
        back="él ella ellos ellas eso esa ese esos esas esto esta este estos estas aquel aquella primero primera "
        "primer segundo segunda tercero tercera tercer último última otro otra otros otras mismo misma allí ahí",
        prepositions="en con sin cerca de del desde sobre bajo detrás durante antes después para por",
        others="el la los las un una unos unas es son está están era fue ser hay ha han puede pueden qué que cuál "
        "cuáles quién dónde cuándo cómo como porqué yo tú me te se nos mi tu su muéstrame muestra muestran dame busca "
        "favor sí no más todos todas muchos lo le les si al a pasa",
    ),
    "fr": _language(
        continuations="et, ou, mais, aussi, seulement, qu en est il, et pour",
        back="il elle ils elles lui leur celui celle ceux celles cela ça ce cette ces premier première deuxième "
        "troisième dernier dernière autre autres même",
        prepositions="à au aux avec sans dans sur sous chez de du des en par pour près pendant avant après",
        others="le la les un une est sont était a ont qui que quoi quel quelle quels quelles où quand comment "
        "pourquoi je tu nous vous on moi mon ma mes ton ta montre oui non pas plus tous y l d s c n j m t qu",
    ),
    "it": _language(
        continuations="e, o, ma, anche, invece, solo, che ne dici di",
        back="lui lei loro questo questa questi queste quello quella quelli quelle primo prima secondo seconda terzo "
        "terza ultimo ultima altro altra altri altre stesso stessa lì",
        prepositions="in a con senza su di da nel nella nei sul sulla al alla del della per tra durante dopo",
        others="il lo la i gli le un uno una è sono era ha hanno c che chi cosa dove quando come perché quale quali "
        "mostra mostrami io tu mi ti ci vi si non più tutti tutte sì no ne",
    ),
    "pt": _language(
        continuations="e, ou, mas, também, só, que tal, e quanto a",
        back="ele ela eles elas isso isto aquilo esse essa este esta aquele aquela primeiro primeira segundo segunda "
        "terceiro terceira último última outro outra outros outras mesmo mesma lá",
        prepositions="em no na nos nas com sem de do da dos das sobre para por perto durante antes depois",
        others="o a os as um uma é são foi era tem há que quem onde quando como porquê qual quais eu você me mostra "
        "mostre não mais todos todas sim",
    ),
    "nl": _language(
        continuations="en, of, maar, ook, alleen, hoe zit het met",
        back="hij zij het hem haar hen deze die dit daar eerste tweede derde laatste andere zelfde",
        prepositions="in op met zonder bij van naar onder boven achter naast tijdens voor na",
        others="de een is zijn was waren wat welke wie waar wanneer waarom hoe ik je we er niet geen meer alle toon",
    ),
    "ru": _language(
        continuations="а, и, но, или, а как насчёт, а как насчет, только",
        back="он она оно они его её ее их это этот эта эти тот та те первый первая первое второй вторая второе третий "
        "последний последняя другой другая другие там",
        prepositions="в во на с со без у от до под над за перед около для о об зимой летом",
        others="что кто где когда почему как какой какая какие сколько есть ли не да нет я ты мы вы мне покажи найди",
    ),
}

LAST_WORDS = frozenset(("this", "that", "das", "dies", "là"))
"""Words that point back only at the end: "what is that?" does, "photos that show dogs" does not."""

WHOLE_QUESTIONS = (
    "in which",
    "in what",
    "on which",
    "at what",
    "auf welche",
    "in welche",
    "en qué",
    "dans quel",
    "in quale",
)
"""Prepositions that open a whole question, not a fragment."""

UNSPACED_OPENINGS = ("แล้ว", "และ", "หรือ", "ส่วน", "那", "还有", "では", "じゃあ", "それで", "あと")
"""Openings of follow-ups in scripts that write no blanks between words: Thai, Chinese, Japanese."""

UNSPACED_ENDINGS = ("ล่ะ", "ละ", "呢", "は")
"""Their endings."""

UNSPACED_BACK_REFERENCES = (
    *("มัน", "อันนั้น", "อันนี้", "อันแรก", "อันที่", "ตัวนั้น", "ตัวที่", "รูปที่", "ภาพที่", "พวกเขา", "เขา"),
    *("它", "他们", "她", "这个", "那个", "第二", "第一", "それ", "その", "これ", "二番目", "二つ目", "彼"),
)
"""Words in them that point back."""

UNSPACED_QUESTION_WORDS = (
    *("ครับ", "คะ", "ค่ะ", "หรือเปล่า", "หรือไม่", "อะไรบ้าง", "ที่ไหน", "เมื่อไหร่", "อย่างไร", "ทำไม", "อะไร", "ไหม", "มั้ย", "บ้าง"),
    *("什么", "哪里", "吗", "呢", "ですか", "ますか", "何", "か"),
)
"""Endings that only make a sentence a question; tried in this order."""
