"""How an extractive answer says that images relate, by language (ISO 639-1); English where there are no words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from foveal.types.relations import Relation, RelationKind


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationPhrases:
    """One language.

    Attributes:
        heading: Before the photos, one a line.
        same: A near-duplicate.
        part: A near-duplicate that shows a part of the photo; `{share}` is which.
        mirrored: Behind either, where it is.
        scene: The same scene.
        objects: The very same things, as far as looks tell; `{things}` are their names.
        kinds: Things of the same kind, likewise.
        place: Taken close to one another; `{metres}` apart.
        day: Taken on one day.
    """

    heading: str
    same: str
    part: str
    mirrored: str
    scene: str
    objects: str
    kinds: str
    place: str
    day: str


_ENGLISH: Final = RelationPhrases(
    heading="Your image relates to your photos like this:",
    same="near-duplicate",
    part="near-duplicate of a part",
    mirrored=", mirrored",
    scene="same scene",
    objects="same object",
    kinds="same kind of thing",
    place="same place",
    day="same day",
)
RELATION_PHRASES: Final[dict[str, RelationPhrases]] = {
    "en": _ENGLISH,
    "de": RelationPhrases(
        heading="So hängt dein Bild mit deinen Fotos zusammen:",
        same="fast identisch: dasselbe Bild",
        part="fast identisch: ein Teil desselben Bildes ({share} davon)",
        mirrored=", gespiegelt",
        scene="sieht nach derselben Szene aus",
        objects="dem Aussehen nach dasselbe: {things}",
        kinds="beide zeigen: {things}",
        place="{metres} m voneinander entfernt aufgenommen",
        day="am selben Tag aufgenommen",
    ),
    "es": RelationPhrases(
        heading="Tu imagen se relaciona así con tus fotos:",
        same="casi duplicado: la misma imagen",
        part="casi duplicado: una parte de la misma imagen ({share} de ella)",
        mirrored=", reflejada",
        scene="parece la misma escena",
        objects="por su aspecto, lo mismo: {things}",
        kinds="ambas muestran: {things}",
        place="tomadas a {metres} m de distancia",
        day="tomadas el mismo día",
    ),
    "fr": RelationPhrases(
        heading="Voici comment votre image se rapporte à vos photos :",
        same="quasi-doublon : la même image",
        part="quasi-doublon : une partie de la même image ({share})",
        mirrored=", en miroir",
        scene="semble montrer la même scène",
        objects="d'apparence identique : {things}",
        kinds="les deux montrent : {things}",
        place="prises à {metres} m l'une de l'autre",
        day="prises le même jour",
    ),
    "it": RelationPhrases(
        heading="La tua immagine è legata alle tue foto così:",
        same="quasi duplicato: la stessa immagine",
        part="quasi duplicato: una parte della stessa immagine ({share})",
        mirrored=", specchiata",
        scene="sembra la stessa scena",
        objects="dall'aspetto, la stessa cosa: {things}",
        kinds="entrambe mostrano: {things}",
        place="scattate a {metres} m di distanza",
        day="scattate lo stesso giorno",
    ),
    "pt": RelationPhrases(
        heading="A sua imagem relaciona-se assim com as suas fotos:",
        same="quase duplicado: a mesma imagem",
        part="quase duplicado: uma parte da mesma imagem ({share})",
        mirrored=", espelhada",
        scene="parece a mesma cena",
        objects="pelo aspeto, a mesma coisa: {things}",
        kinds="ambas mostram: {things}",
        place="tiradas a {metres} m de distância",
        day="tiradas no mesmo dia",
    ),
    "nl": RelationPhrases(
        heading="Zo hangt je afbeelding samen met je foto's:",
        same="bijna identiek: dezelfde afbeelding",
        part="bijna identiek: een deel van dezelfde afbeelding ({share} ervan)",
        mirrored=", gespiegeld",
        scene="lijkt dezelfde scène",
        objects="zo te zien hetzelfde: {things}",
        kinds="beide tonen: {things}",
        place="{metres} m uit elkaar genomen",
        day="op dezelfde dag genomen",
    ),
    "th": RelationPhrases(
        heading="ภาพของคุณเกี่ยวข้องกับภาพในคอลเลกชันดังนี้:",
        same="เกือบเหมือนกัน: เป็นภาพเดียวกัน",
        part="เกือบเหมือนกัน: เป็นส่วนหนึ่งของภาพเดียวกัน ({share})",
        mirrored=" กลับซ้ายขวา",
        scene="ดูเหมือนฉากเดียวกัน",
        objects="ดูแล้วเป็นสิ่งเดียวกัน: {things}",
        kinds="ทั้งสองภาพมี {things}",
        place="ถ่ายห่างกัน {metres} เมตร",
        day="ถ่ายในวันเดียวกัน",
    ),
    "zh": RelationPhrases(
        heading="您的图片与您的照片有如下关系：",
        same="近似重复：同一张图片",
        part="近似重复：同一张图片的一部分（{share}）",
        mirrored="，左右翻转",
        scene="看起来是同一场景",
        objects="看起来是同一个：{things}",
        kinds="两张都有：{things}",
        place="拍摄地点相距 {metres} 米",
        day="同一天拍摄",
    ),
    "ja": RelationPhrases(
        heading="この画像と写真との関係：",
        same="ほぼ重複：同じ画像",
        part="ほぼ重複：同じ画像の一部（{share}）",
        mirrored="、左右反転",
        scene="同じ場面のようです",
        objects="見た目では同一のもの：{things}",
        kinds="両方に写っているもの：{things}",
        place="{metres} m 離れて撮影",
        day="同じ日に撮影",
    ),
    "ru": RelationPhrases(
        heading="Ваше изображение связано с вашими фото так:",
        same="почти дубликат: то же изображение",
        part="почти дубликат: часть того же изображения ({share})",
        mirrored=", зеркально",
        scene="похоже на ту же сцену",
        objects="судя по виду, тот же предмет: {things}",
        kinds="на обоих: {things}",
        place="снято в {metres} м друг от друга",
        day="снято в один день",
    ),
    "ar": RelationPhrases(
        heading="ترتبط صورتك بصورك هكذا:",
        same="شبه مطابقة: الصورة نفسها",
        part="شبه مطابقة: جزء من الصورة نفسها ({share})",
        mirrored="، معكوسة",
        scene="يبدو أنه المشهد نفسه",
        objects="يبدو أنه الشيء نفسه: {things}",
        kinds="تظهر في كلتيهما: {things}",
        place="التقطتا على بعد {metres} م",
        day="التقطتا في اليوم نفسه",
    ),
    "hi": RelationPhrases(
        heading="आपकी तस्वीर आपके फ़ोटो से इस तरह जुड़ी है:",
        same="लगभग समान: वही तस्वीर",
        part="लगभग समान: उसी तस्वीर का एक हिस्सा ({share})",
        mirrored=", दर्पण-उलटी",
        scene="वही दृश्य लगता है",
        objects="देखने में वही चीज़: {things}",
        kinds="दोनों में: {things}",
        place="{metres} मी की दूरी पर ली गई",
        day="एक ही दिन ली गई",
    ),
}


def relation_phrases(language: str) -> RelationPhrases:
    """The words of a language; a region after a hyphen does not matter."""
    return RELATION_PHRASES.get(language.split("-", maxsplit=1)[0].lower(), _ENGLISH)


def said(relation: Relation, words: RelationPhrases) -> str:
    """One relation with its score; in English its whole reason follows."""
    why = f": {relation.reason.rstrip('.')}" if words is _ENGLISH else ""
    return f"{_named(relation, words)} ({relation.score:.0%}){why}"


def _named(relation: Relation, words: RelationPhrases) -> str:
    if relation.kind is RelationKind.NEAR_DUPLICATE:
        name = words.same if relation.share is None else words.part.format(share=f"{relation.share:.0%}")
        return name + (words.mirrored if relation.mirrored else "")
    if relation.kind in {RelationKind.SAME_OBJECT, RelationKind.SAME_KIND}:
        form = words.objects if relation.kind is RelationKind.SAME_OBJECT else words.kinds
        return form.format(things=", ".join(relation.labels))
    if relation.kind is RelationKind.SAME_PLACE:
        return words.place.format(metres=f"{relation.distance_m or 0:.0f}")
    return words.scene if relation.kind is RelationKind.SAME_SCENE else words.day
