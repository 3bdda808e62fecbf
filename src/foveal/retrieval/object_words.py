"""The words people use for the classes of the object detector (COCO's 80; T.-Y. Lin et al., arXiv:1405.0312).

Synonyms, narrower words and common compounds, singular and in lower case; plurals are made by rule or listed. The
lists are ours: everyday English of image descriptions. A class that is not here goes by its own name.
"""

from __future__ import annotations

from typing import Final

SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    "person": (
        "man",
        "woman",
        "boy",
        "girl",
        "child",
        "kid",
        "baby",
        "toddler",
        "infant",
        "guy",
        "lady",
        "gentleman",
        "individual",
        "human",
        "adult",
        "teenager",
        "pedestrian",
        "player",
        "skier",
        "snowboarder",
        "surfer",
        "rider",
        "skateboarder",
        "cyclist",
        "biker",
        "motorcyclist",
        "batter",
        "pitcher",
        "catcher",
        "umpire",
        "hitter",
        "baseball player",
        "tennis player",
        "soccer player",
        "football player",
        "runner",
        "swimmer",
        "climber",
        "worker",
        "chef",
        "driver",
        "passenger",
        "spectator",
        "bystander",
        "crowd",
        "bride",
        "groom",
        "couple",
        "hiker",
        "policeman",
        "police officer",
        "soldier",
        "farmer",
        "photographer",
        "elderly man",
        "someone",
    ),
    "bicycle": ("bike", "cycle"),
    "car": ("automobile", "sedan", "taxi", "cab", "vehicle", "suv", "minivan", "police car", "sports car"),
    "motorcycle": ("motorbike", "dirt bike", "moped", "scooter"),
    "airplane": ("plane", "aeroplane", "aircraft", "jet", "airliner", "jetliner", "biplane"),
    "bus": ("coach", "double decker", "double-decker", "minibus", "school bus"),
    "train": ("locomotive", "railcar", "subway train", "steam engine"),
    "truck": ("lorry", "pickup", "pickup truck", "fire truck", "fire engine", "semi"),
    "boat": ("ship", "sailboat", "canoe", "kayak", "ferry", "rowboat", "yacht", "raft", "speedboat"),
    "traffic light": ("stoplight", "traffic signal", "stop light"),
    "fire hydrant": ("hydrant",),
    "stop sign": (),
    "parking meter": (),
    "bench": ("park bench",),
    "bird": (
        "seagull",
        "gull",
        "pigeon",
        "duck",
        "goose",
        "swan",
        "parrot",
        "owl",
        "eagle",
        "crow",
        "chicken",
        "rooster",
        "hen",
        "flamingo",
        "pelican",
        "penguin",
        "sparrow",
        "hawk",
        "heron",
        "dove",
    ),
    "cat": ("kitten", "kitty", "feline", "tabby"),
    "dog": (
        "puppy",
        "pup",
        "doggy",
        "canine",
        "hound",
        "terrier",
        "retriever",
        "labrador",
        "poodle",
        "bulldog",
        "collie",
        "golden retriever",
        "greyhound",
        "beagle",
        "spaniel",
        "dachshund",
        "husky",
        "german shepherd",
        "pug",
    ),
    "horse": ("pony", "stallion", "mare", "foal", "colt"),
    "sheep": ("lamb", "ram", "ewe"),
    "cow": ("cattle", "bull", "calf", "ox", "steer"),
    "elephant": (),
    "bear": ("polar bear", "grizzly", "grizzly bear", "brown bear", "black bear"),
    "zebra": (),
    "giraffe": (),
    "backpack": ("rucksack", "knapsack"),
    "umbrella": ("parasol",),
    "handbag": ("purse", "bag", "tote bag", "shoulder bag"),
    "tie": ("necktie", "bow tie"),
    "suitcase": ("luggage", "baggage"),
    "frisbee": ("flying disc", "disc"),
    "skis": ("ski",),
    "snowboard": (),
    "sports ball": (
        "ball",
        "soccer ball",
        "football",
        "basketball",
        "baseball",
        "tennis ball",
        "volleyball",
        "rugby ball",
    ),
    "kite": (),
    "baseball bat": ("bat",),
    "baseball glove": ("mitt", "glove", "baseball mitt", "catcher's mitt"),
    "skateboard": (),
    "surfboard": ("surf board", "board"),
    "tennis racket": ("racket", "racquet", "tennis racquet"),
    "bottle": ("beer bottle", "wine bottle", "water bottle"),
    "wine glass": ("goblet",),
    "cup": ("mug", "coffee cup", "coffee mug", "teacup"),
    "fork": (),
    "knife": (),
    "spoon": (),
    "bowl": (),
    "banana": (),
    "apple": (),
    "sandwich": ("burger", "hamburger", "sub", "panini"),
    "orange": ("tangerine", "clementine"),
    "broccoli": (),
    "carrot": (),
    "hot dog": ("hotdog", "sausage"),
    "pizza": ("pizza pie", "slice of pizza"),
    "donut": ("doughnut",),
    "cake": ("birthday cake", "cupcake", "cheesecake"),
    "chair": ("armchair", "stool", "seat"),
    "couch": ("sofa", "loveseat", "settee"),
    "potted plant": ("plant", "houseplant", "flower pot"),
    "bed": (),
    "dining table": ("table", "kitchen table", "desk"),
    "toilet": ("commode",),
    "tv": ("television", "tv screen", "monitor", "screen"),
    "laptop": ("laptop computer", "notebook computer"),
    "mouse": ("computer mouse",),
    "remote": ("remote control", "wii remote", "wiimote", "game controller", "controller"),
    "keyboard": ("computer keyboard",),
    "cell phone": ("cellphone", "phone", "smartphone", "mobile phone", "telephone"),
    "microwave": ("microwave oven",),
    "oven": ("stove",),
    "toaster": (),
    "sink": ("washbasin", "basin"),
    "refrigerator": ("fridge", "freezer"),
    "book": ("novel", "textbook"),
    "clock": ("clock face", "clock tower"),
    "vase": (),
    "scissors": ("pair of scissors",),
    "teddy bear": ("stuffed bear", "stuffed animal", "teddy", "plush toy"),
    "hair drier": ("hair dryer", "blow dryer"),
    "toothbrush": (),
}
"""Words a person may use for a thing of the class."""

PEOPLE: Final = frozenset({
    "man", "woman", "boy", "girl", "child", "kid", "baby", "toddler", "infant", "guy", "lady", "gentleman", "adult",
    "teenager", "pedestrian", "crowd", "couple", "elderly man",
})  # fmt: skip
"""Words for people that say more than the detector can tell, though a picture of somebody often shows one."""

NARROWER: Final = frozenset({
    *(word for word in SYNONYMS["person"] if word not in PEOPLE | {"individual", "human", "someone"}),
    *SYNONYMS["bird"], *SYNONYMS["bear"], *(word for word in SYNONYMS["dog"] if word not in {"doggy", "canine"}),
    *SYNONYMS["horse"], *SYNONYMS["sheep"], *(word for word in SYNONYMS["cow"] if word != "cattle"), "kitten", "tabby",
    *(word for word in SYNONYMS["boat"] if word != "ship"), "biplane", "jet", "double decker", "double-decker",
    "minibus", "school bus", "subway train", "steam engine", "fire truck", "fire engine", "pickup", "pickup truck",
    "taxi", "cab", "sedan", "suv", "minivan", "police car", "sports car", "moped", "scooter", "dirt bike",
    *(word for word in SYNONYMS["sports ball"] if word != "ball"), *SYNONYMS["bottle"], "teacup", "burger", "hamburger",
    "sub", "panini", "tangerine", "clementine", "sausage", "birthday cake", "cupcake", "cheesecake", "armchair",
    "stool", "loveseat", "kitchen table", "desk", "monitor", "wii remote", "wiimote", "game controller", "controller",
    "clock tower", "novel", "textbook", "flower pot", "bow tie", "tote bag", "shoulder bag",
})  # fmt: skip
"""Words for some things of a class alone: that the class is there does not say that one of these is."""

PLURALS: Final[dict[str, str]] = {
    "person": "people", "man": "men", "woman": "women", "child": "children", "gentleman": "gentlemen",
    "policeman": "policemen", "knife": "knives", "calf": "calves", "goose": "geese", "mouse": "mice", "ox": "oxen",
    "computer mouse": "computer mice", "elderly man": "elderly men",
}  # fmt: skip
"""Irregular ones."""

ALWAYS_MANY: Final = frozenset({"crowd", "couple", "cattle", "luggage", "baggage"})
"""Singular in form, more than one in meaning."""
AS_ONE: Final = frozenset({"sheep", "skis", "scissors", "pair of scissors", "broccoli", "aircraft"})
"""The plural looks like the singular."""
NOT_BEFORE: Final = (
    "stop", "station", "park", "parking", "lot", "bowl", "food", "house", "collar", "leash", "driver", "lane", "track",
    "tracks", "court", "field", "game", "match", "table", "top", "tray", "shop", "store", "wash", "door", "window",
    "shelf", "case", "pot", "tail", "hair", "fur", "skin",
)  # fmt: skip
"""A name right before one of these names something else: a bus stop is no bus, a dog bowl no dog."""


def plurals(word: str) -> tuple[str, ...]:
    """The plurals of a noun or of a compound's last word: the irregular one, and by the rules of English spelling."""
    irregular = (PLURALS[word],) if word in PLURALS else ()
    if word in AS_ONE or word in ALWAYS_MANY:
        return irregular
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return (*irregular, f"{word}es")
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return (*irregular, f"{word[:-1]}ies")
    return (*irregular, f"{word}s")


def words_of(label: str) -> tuple[str, ...]:
    """Every word for a thing of a class, the class's name first."""
    return (label, *SYNONYMS.get(label, ()))
