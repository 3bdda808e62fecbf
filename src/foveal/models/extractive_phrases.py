"""The words an extractive answer puts around what it quotes, by language (ISO 639-1); English where there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrases:
    """One language.

    Attributes:
        description: Before a person's own description of a photo.
        caption: Before a vision model's caption.
        photo: Before one picture (a photo, a page, a frame) that is listed.
        photos: Before several.
        seen: Before what was detected in one.
        nothing: When nothing was found and the answer need not keep to the data.
        left: Opening quotation mark.
        right: Closing quotation mark.
    """

    description: str
    caption: str
    photo: str
    photos: str
    seen: str
    nothing: str
    left: str = "“"
    right: str = "”"


_ENGLISH: Final = Phrases(
    description="Your description says:",
    caption="A vision model's caption says:",
    photo="This picture shows it best:",
    photos="These pictures show it best:",
    seen="seen in it:",
    nothing="Nothing was found in your data, and no chat model is configured that could answer without it.",
)
PHRASES: Final[dict[str, Phrases]] = {
    "en": _ENGLISH,
    "de": Phrases(
        description="Deine Beschreibung sagt:",
        caption="Die Bildbeschreibung eines Modells sagt:",
        photo="Dieses Bild zeigt es am ehesten:",
        photos="Diese Bilder zeigen es am ehesten:",
        seen="darin erkannt:",
        nothing="In deinen Daten wurde nichts gefunden, und es ist kein Chatmodell eingerichtet, "
        "das ohne sie antworten könnte.",
        left="„",
        right="“",
    ),
    "es": Phrases(
        description="Tu descripción dice:",
        caption="La descripción de un modelo dice:",
        photo="Esta imagen es la que mejor lo muestra:",
        photos="Estas imágenes son las que mejor lo muestran:",
        seen="se ve:",
        nothing="No se encontró nada en tus datos y no hay ningún modelo de chat configurado "
        "que pueda responder sin ellos.",
        left="«",
        right="»",
    ),
    "fr": Phrases(
        description="Votre description dit :",
        caption="La légende d'un modèle dit :",
        photo="Cette image le montre le mieux :",
        photos="Ces images le montrent le mieux :",
        seen="on y voit :",
        nothing="Rien n'a été trouvé dans vos données, et aucun modèle de conversation n'est configuré "
        "pour répondre sans elles.",
        left="« ",
        right=" »",
    ),
    "it": Phrases(
        description="La tua descrizione dice:",
        caption="La didascalia di un modello dice:",
        photo="Questa immagine lo mostra meglio:",
        photos="Queste immagini lo mostrano meglio:",
        seen="vi si vede:",
        nothing="Non è stato trovato nulla nei tuoi dati e non è configurato alcun modello di chat "
        "che possa rispondere senza.",
        left="«",
        right="»",
    ),
    "pt": Phrases(
        description="A sua descrição diz:",
        caption="A legenda de um modelo diz:",
        photo="Esta imagem é a que melhor o mostra:",
        photos="Estas imagens são as que melhor o mostram:",
        seen="vê-se:",
        nothing="Nada foi encontrado nos seus dados e não há nenhum modelo de chat configurado "
        "que possa responder sem eles.",
    ),
    "nl": Phrases(
        description="Je beschrijving zegt:",
        caption="Het bijschrift van een model zegt:",
        photo="Deze afbeelding laat het het best zien:",
        photos="Deze afbeeldingen laten het het best zien:",
        seen="te zien:",
        nothing="In je gegevens is niets gevonden, en er is geen chatmodel ingesteld dat zonder kan antwoorden.",
    ),
    "th": Phrases(
        description="คำอธิบายของคุณบอกว่า:",
        caption="คำบรรยายจากโมเดลบอกว่า:",
        photo="ภาพนี้ตรงกับคำถามที่สุด:",
        photos="ภาพเหล่านี้ตรงกับคำถามที่สุด:",
        seen="สิ่งที่พบในภาพ:",
        nothing="ไม่พบข้อมูลในข้อมูลของคุณ และไม่ได้ตั้งค่าโมเดลแชตที่ตอบได้โดยไม่ใช้ข้อมูลนั้น",
    ),
    "zh": Phrases(
        description="您的描述写道：",
        caption="模型的图片说明写道：",
        photo="这张图片最符合：",
        photos="这些图片最符合：",
        seen="图中有：",
        nothing="在您的数据中没有找到相关内容，也没有配置可以脱离数据回答的聊天模型。",
    ),
    "ja": Phrases(
        description="あなたの説明によると：",
        caption="モデルのキャプションによると：",
        photo="最も近い画像：",
        photos="最も近い画像：",
        seen="写っているもの：",
        nothing="データの中に見つかりませんでした。データなしで答えるチャットモデルは設定されていません。",
        left="「",
        right="」",
    ),
    "ru": Phrases(
        description="В вашем описании сказано:",
        caption="В подписи, созданной моделью, сказано:",
        photo="Лучше всего подходит это изображение:",
        photos="Лучше всего подходят эти изображения:",
        seen="на нём видно:",
        nothing="В ваших данных ничего не найдено, а чат-модель, которая могла бы ответить без них, не настроена.",
        left="«",
        right="»",
    ),
    "ar": Phrases(
        description="يقول وصفك:",
        caption="يقول وصف النموذج:",
        photo="هذه الصورة هي الأقرب:",
        photos="هذه الصور هي الأقرب:",
        seen="يظهر فيها:",
        nothing="لم يُعثر على شيء في بياناتك، ولم يُضبط نموذج محادثة يمكنه الإجابة بدونها.",
        left="«",
        right="»",
    ),
    "hi": Phrases(
        description="आपके विवरण में लिखा है:",
        caption="मॉडल के कैप्शन में लिखा है:",
        photo="यह तस्वीर सबसे उपयुक्त है:",
        photos="ये तस्वीरें सबसे उपयुक्त हैं:",
        seen="इसमें दिखा:",
        nothing="आपके डेटा में कुछ नहीं मिला, और ऐसा कोई चैट मॉडल सेट नहीं है जो उसके बिना उत्तर दे सके।",
    ),
}


def phrases(language: str) -> Phrases:
    """The words of a language; a region after a hyphen does not matter."""
    return PHRASES.get(language.split("-", maxsplit=1)[0].lower(), _ENGLISH)
