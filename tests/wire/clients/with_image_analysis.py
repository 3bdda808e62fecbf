"""azure-ai-vision-imageanalysis 1.0.0: every feature of a picture, and what it makes of errors."""

from __future__ import annotations

from azure.ai.vision.imageanalysis import ImageAnalysisClient
from azure.ai.vision.imageanalysis.models import VisualFeatures
from azure.core.credentials import AzureKeyCredential
from cases import ENDPOINT, IMAGE, KEY, case


def client(key=KEY):
    return ImageAnalysisClient(endpoint=ENDPOINT, credential=AzureKeyCredential(key), retry_total=0)


def everything():
    found = client().analyze(IMAGE.read_bytes(), list(VisualFeatures), smart_crops_aspect_ratios=[1.0])
    box = found.objects.list[0].bounding_box if found.objects.list else None
    crop = found.smart_crops.list[0]
    return {
        "size": [found.metadata.width, found.metadata.height],
        "caption": found.caption.text,
        "dense": [one.text for one in found.dense_captions.list],
        "tags": [one.name for one in found.tags.list],
        "objects": [one.tags[0].name for one in found.objects.list],
        "box": [box.x, box.y, box.width, box.height] if box else None,
        "people": len(found.people.list),
        "blocks": len(found.read.blocks),
        "crop": [crop.bounding_box.width, crop.bounding_box.height],
        "model": found.model_version,
    }


def one_feature():
    found = client().analyze(IMAGE.read_bytes(), [VisualFeatures.TAGS], language="en", gender_neutral_caption=True)
    return {"tags": [one.name for one in found.tags.list], "caption": found.caption}


def bad_image():
    return {"found": str(client().analyze(b"no image", [VisualFeatures.TAGS]))}


def bad_address():
    return {"found": str(client().analyze_from_url("https://nowhere.invalid/a.png", [VisualFeatures.TAGS]))}


def bad_key():
    return {"found": str(client("wrong").analyze(IMAGE.read_bytes(), [VisualFeatures.TAGS]))}


for name, call in (
    ("everything", everything),
    ("one feature", one_feature),
    ("bad image", bad_image),
    ("bad address", bad_address),
    ("bad key", bad_key),
):
    case(name, call)
