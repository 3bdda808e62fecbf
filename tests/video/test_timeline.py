"""Videos through ingestion with real decoding and stores, and models that hear tones and read dark pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from foveal.pipeline.adapt import AdapterKeeper
from foveal.pipeline.calibrate import CalibrationKeeper
from foveal.pipeline.ingest import Ingester, IngestRequest
from foveal.pipeline.prepare import ChunkingOptions, Preparer
from foveal.pipeline.search import Searcher
from foveal.pipeline.sidecars import all_subtitles, subtitles_by_path
from foveal.pipeline.timeline import NOBODY_SPEAKS, Listening
from foveal.pipeline.understand import ImageUnderstanding, SpeechUnderstanding, TextUnderstanding
from foveal.readers.language import detect_language
from foveal.readers.limits import Limits
from foveal.readers.sniffing import sniff
from foveal.readers.subtitles import read_subtitles
from foveal.readers.text import TextReader
from foveal.readers.video import VideoReader
from foveal.retrieval.grounding import document_text
from foveal.retrieval.text_space import build_text_space
from foveal.sources.folder import FolderSource
from foveal.stores.byte_files import FileByteStore
from foveal.stores.catalog import SqlCatalog, open_engine
from foveal.stores.ingestion_log import SqlIngestionLog
from foveal.stores.lance import LanceChunkStore
from foveal.stores.model_cache import SqlModelCache
from foveal.stores.work_queue import SqlWorkQueue
from foveal.testing.fakes_people import InMemoryWrittenWords
from foveal.testing.fakes_speech import FakeTranscriber
from foveal.testing.fakes_text import FakeTextEmbedder
from foveal.testing.fakes_vision import FakeImageEncoder
from foveal.testing.videos import Scene, silence, tone, video_of, with_subtitles
from foveal.types.assets import SourceItem
from foveal.types.chunks import Chunk, Feature, IndexSchema
from foveal.types.content import OcrLine
from foveal.types.filters import Comparison
from foveal.types.ingestions import DocumentRecord, Ingestion
from foveal.types.search import Query
from foveal.types.speech import TimedText, Transcript
from foveal.types.vectors import Pixels, Samples

from .conftest import slide

INDEX = "videos"


class Titles:
    """Reads the one word that belongs to a picture's colour."""

    identity = "titles/1"

    def __init__(self, words: dict[int, str]) -> None:
        self.words = words
        self.calls = 0

    def recognize(self, image: Pixels) -> tuple[OcrLine, ...]:
        self.calls += 1
        word = self.words.get(int(image.reshape(-1, 3).mean(axis=0).argmax()), "")
        corners = ((0.1, 0.1), (0.9, 0.1), (0.9, 0.2), (0.1, 0.2))
        return (OcrLine(text=word, score=0.9, polygon=corners),) if word else ()


class Heard:
    """Hears the same in every stretch."""

    identity = "heard/1"

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript

    def transcribe(self, samples: Samples) -> Transcript:
        return self.transcript


class Home:
    def __init__(self, root: Path, reader: VideoReader) -> None:
        self.files = root / "files"
        self.files.mkdir()
        self.reader = reader
        self.catalog = SqlCatalog(open_engine(f"sqlite:///{root / 'catalog.sqlite'}"))
        self.log = SqlIngestionLog(open_engine(f"sqlite:///{root / 'catalog.sqlite'}"))
        self.queue = SqlWorkQueue(open_engine(f"sqlite:///{root / 'catalog.sqlite'}"))
        self.cache = SqlModelCache(root / "cache.sqlite")
        self.store = LanceChunkStore(root / "indexes")
        self.derived = FileByteStore(root / "derived")
        self.encoder, self.embedder = FakeImageEncoder(), FakeTextEmbedder()
        self.titles, self.transcriber = Titles({0: "Agenda 2031", 2: "Thank you"}), FakeTranscriber()
        self.listening = Listening(
            speech=SpeechUnderstanding(self.transcriber, self.cache), read_subtitles=read_subtitles
        )
        schema = IndexSchema(text_dim=self.embedder.dim, image_dim=self.encoder.dim)
        self.catalog.create_index(INDEX, schema, self.store.create(INDEX, schema))

    @property
    def texts(self) -> TextUnderstanding:
        return TextUnderstanding(self.embedder, self.cache)

    def preparer(self) -> Preparer:
        return Preparer(
            readers=(self.reader, TextReader(Limits())),
            sniff=sniff,
            images=ImageUnderstanding(encoder=self.encoder, cache=self.cache, recognizer=self.titles),
            texts=self.texts,
            chunking=ChunkingOptions(max_tokens=64, overlap_tokens=8, count=lambda text: len(text.split())),
            detect_language=detect_language,
            severity=lambda _: 0,
            listening=self.listening,
        )

    def adapters(self) -> AdapterKeeper:
        images = ImageUnderstanding(encoder=self.encoder, cache=self.cache)
        return AdapterKeeper(
            catalog=self.catalog,
            store=self.store,
            images=lambda: images,
            texts=self.texts,
            space=lambda: build_text_space(self.embedder, self.encoder.labels, ()),
        )

    def calibrations(self) -> CalibrationKeeper:
        return CalibrationKeeper(catalog=self.catalog, store=self.store, texts=self.texts)

    def ingest(self, **words: str) -> Ingestion:
        ingester = Ingester(
            catalog=self.catalog,
            store=self.store,
            log=self.log,
            queue=self.queue,
            derived=self.derived,
            preparer=self.preparer(),
            adapters=self.adapters(),
            calibrations=self.calibrations(),
            workers=1,
            commit_assets=8,
            source_of=lambda order: FolderSource(Path(order.source)),
            words=InMemoryWrittenWords(),
        )
        return ingester.run(IngestRequest(source=FolderSource(self.files), index=INDEX, descriptions=words))

    def chunks(self, feature: Feature | None = None) -> list[Chunk]:
        where = Comparison(field="feature", op="eq", value=feature.value) if feature is not None else None
        snapshot = self.store.snapshot(INDEX, self.catalog.index(INDEX).generation)
        return sorted(snapshot.scan(where=where, vectors=True), key=lambda chunk: chunk.ordinal)

    def searcher(self) -> Searcher:
        return Searcher(
            catalog=self.catalog,
            store=self.store,
            embedder=self.embedder,
            encoder=lambda: self.encoder,
            adapters=self.adapters(),
            calibrations=self.calibrations(),
            reranker=lambda: None,  # type: ignore[arg-type, return-value]
            sentences=self.texts.embed,
        )

    def document(self, path: str) -> DocumentRecord:
        (found,) = [d for d in self.catalog.documents(INDEX) if d.item.path == path]
        return found


@pytest.fixture
def home(tmp_path: Path, reader: VideoReader) -> Home:
    return Home(tmp_path, reader)


RED, GREEN, BLUE = (200, 30, 30), (30, 180, 40), (30, 40, 200)
SCENES = [Scene(pixels=slide(color=color), seconds=3) for color in (RED, GREEN, BLUE)]
SAID = np.concatenate([silence(1), tone(1, hertz=100), silence(3), tone(1, hertz=700), silence(3)])


def talk(**options: object) -> bytes:
    return video_of(SCENES, sound=SAID, **options)  # type: ignore[arg-type]


def test_a_video_becomes_moments_of_what_is_said_shown_and_written(home: Home) -> None:
    (home.files / "talk.mp4").write_bytes(talk())
    assert home.ingest().counts.added == 1

    said = home.chunks(Feature.SPEECH)
    assert [(s.text, round(s.start_ms / 1000)) for chunk in said for s in chunk.sentences] == [
        ("one one.", 1),
        ("seven seven.", 5),
    ]
    assert said[0].content == "one one.\nseven seven."
    assert said[0].title == "talk.mp4 · 00:01"
    assert (said[0].kind, said[0].language, said[0].text_vector is not None) == ("video", "en", True)

    shown = home.chunks(Feature.VISION)
    assert [round((c.locator.start_ms or 0) / 1000) for c in shown] == [0, 3, 6]
    assert all(c.image_vector is not None and not c.ocr_text for c in shown)

    written = home.chunks(Feature.SCREEN_TEXT)
    assert [(c.ocr_text, c.title) for c in written] == [
        ("Agenda 2031", "talk.mp4 · 00:00"),
        ("Thank you", "talk.mp4 · 00:06"),
    ]
    assert [c.ordinal for c in home.chunks()] == list(range(6))


def test_text_that_stays_on_the_screen_is_one_moment_from_its_first_to_its_last_second(home: Home) -> None:
    home.titles.words = dict.fromkeys((0, 1, 2), "Quarterly figures")
    (home.files / "slides.mp4").write_bytes(video_of(SCENES))
    home.ingest()
    (written,) = home.chunks(Feature.SCREEN_TEXT)
    assert written.locator.start_ms == 0
    assert (written.locator.end_ms or 0) > 8000


def test_a_hit_on_what_is_said_carries_the_second_of_its_sentence(home: Home) -> None:
    (home.files / "talk.mp4").write_bytes(talk())
    home.ingest()
    (hit, *_) = home.searcher().search(INDEX, Query(text="seven")).hits
    assert hit.chunk.title == "talk.mp4 · 00:05"
    assert hit.chunk.locator.start_ms == pytest.approx(5000, abs=100)
    assert hit.chunk.content == "one one.\nseven seven."


def test_words_on_the_screen_are_found_by_their_words(home: Home) -> None:
    (home.files / "talk.mp4").write_bytes(talk())
    home.ingest()
    (hit, *_) = home.searcher().search(INDEX, Query(text="agenda 2031")).hits
    assert (hit.chunk.feature, hit.chunk.title) == (Feature.SCREEN_TEXT, "talk.mp4 · 00:00")


def test_words_on_the_screen_without_a_blank_are_found_in_their_parts_and_shown_as_they_stand(home: Home) -> None:
    home.titles.words = {0: "JUNE2018", 2: "TINASEELIG"}
    (home.files / "talk.mp4").write_bytes(talk())
    home.ingest()
    written = home.chunks(Feature.SCREEN_TEXT)
    assert [chunk.ocr_text for chunk in written] == ["JUNE2018", "TINASEELIG"]
    assert [document_text(chunk) for chunk in written] == ["JUNE2018", "TINASEELIG"]
    for question, chunk in (("June 2018", written[0]), ("Tina Seelig", written[1])):
        (hit, *_) = home.searcher().search(INDEX, Query(text=question)).hits
        assert (hit.chunk.chunk_id, hit.confidence > 0.9) == (chunk.chunk_id, True)


def test_ingesting_again_makes_no_model_call_and_neither_does_a_copy(home: Home) -> None:
    (home.files / "talk.mp4").write_bytes(talk())
    home.ingest()
    calls = home.transcriber.calls, home.encoder.calls, home.titles.calls
    assert home.ingest().counts.unchanged == 1
    (home.files / "copy.mp4").write_bytes((home.files / "talk.mp4").read_bytes())
    assert home.ingest().counts.added == 1
    assert (home.transcriber.calls, home.encoder.calls, home.titles.calls) == calls


def test_a_run_that_is_killed_while_it_listens_goes_on_from_what_was_heard(home: Home) -> None:
    sound = np.concatenate([tone(100, hertz=200), silence(3), tone(100, hertz=300)])
    (home.files / "long.wav").write_bytes(video_of([], format="wav", sound=sound, sound_codec="pcm_s16le"))
    listen = home.transcriber.transcribe

    def killed(samples: np.ndarray) -> object:
        if home.transcriber.calls == 1:
            raise KeyboardInterrupt
        return listen(samples)

    home.transcriber.transcribe = killed  # type: ignore[method-assign, assignment]
    with pytest.raises(KeyboardInterrupt):
        home.ingest()
    home.transcriber.transcribe = listen  # type: ignore[method-assign]
    home.ingest()
    assert home.transcriber.calls == 2
    assert {s.text for c in home.chunks() for s in c.sentences} >= {
        "two two two two two two two two two two two two two two"
    }


def test_another_speech_model_listens_again_and_looks_at_nothing(home: Home) -> None:
    (home.files / "talk.mp4").write_bytes(talk())
    home.ingest()
    looked = home.encoder.calls, home.titles.calls
    other = FakeTranscriber(identity="fake-speech/2", language="de")
    home.listening = Listening(speech=SpeechUnderstanding(other, home.cache))
    assert home.ingest().counts.changed == 1
    assert other.calls == 1
    assert (home.encoder.calls, home.titles.calls) == looked
    assert home.chunks(Feature.SPEECH)[0].language == "de"


SUBTITLES = "1\n00:00:04,000 --> 00:00:05,000\nSecond line\n\n2\n00:00:01,000 --> 00:00:02,500\nFirst line\n"


def test_subtitles_beside_a_video_take_the_place_of_listening(home: Home) -> None:
    (home.files / "talk.mp4").write_bytes(talk())
    (home.files / "talk.en.srt").write_text(SUBTITLES)
    (home.files / "notes.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nA file of its own.\n")
    job = home.ingest()
    assert (job.counts.found, job.counts.added, home.transcriber.calls) == (2, 2, 0)
    (said,) = home.chunks(Feature.SPEECH)
    assert [(s.text, s.start_ms) for s in said.sentences] == [("First line", 1000), ("Second line", 4000)]


def test_sounds_are_no_speech_and_songs_are(home: Home) -> None:
    (home.files / "talk.mp4").write_bytes(talk())
    lines = ["[Music]", "(Applause) Welcome to the harbour.", "♪ Row your boat ♪", "(SOUND EFFECT)"]
    cues = [f"00:0{at}.000 --> 00:0{at}.900\n{line}\n" for at, line in enumerate(lines)]
    (home.files / "talk.vtt").write_text("\n".join(["WEBVTT\n", *cues]))
    home.ingest()
    (said,) = home.chunks(Feature.SPEECH)
    assert [s.text for s in said.sentences] == ["Welcome to the harbour.", "Row your boat"]
    assert said.content == "Welcome to the harbour.\nRow your boat"
    assert (said.locator.start_ms, said.locator.end_ms) == (1000, 2900)


def test_sounds_that_a_model_writes_are_no_speech_either(home: Home) -> None:
    sounds = (
        TimedText(text=" (music)", start_ms=0, end_ms=800),
        TimedText(text=" [applause]", start_ms=900, end_ms=1500),
    )
    transcriber = Heard(Transcript(language="en", words=sounds))
    home.listening = Listening(speech=SpeechUnderstanding(transcriber, home.cache))
    (home.files / "talk.mp4").write_bytes(talk())
    home.ingest()
    assert not home.chunks(Feature.SPEECH)
    assert home.document("talk.mp4").warnings == (NOBODY_SPEAKS,)


def test_subtitles_inside_a_video_take_the_place_of_listening_unless_some_lie_beside_it(home: Home) -> None:
    inside = [TimedText(text="Willkommen", start_ms=1500, end_ms=2000)]
    (home.files / "talk.mp4").write_bytes(with_subtitles(talk(), inside, language="ger"))
    home.ingest()
    (said,) = home.chunks(Feature.SPEECH)
    assert (said.content, said.language, said.locator.start_ms) == ("Willkommen", "de", 1500)
    assert home.transcriber.calls == 0
    (home.files / "talk.srt").write_text(SUBTITLES)
    home.ingest()
    (said,) = home.chunks(Feature.SPEECH)
    assert [s.text for s in said.sentences] == ["First line", "Second line"]


def test_changed_subtitles_are_read_again_and_removed_ones_give_way_to_listening(home: Home) -> None:
    (home.files / "talk.mp4").write_bytes(talk())
    beside = home.files / "talk.vtt"
    beside.write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nold\n")
    home.ingest()
    beside.write_text("WEBVTT\n\n00:01.000 --> 00:02.000\nnewer\n")
    assert home.ingest().counts.changed == 1
    assert home.chunks(Feature.SPEECH)[0].content == "newer"
    beside.unlink()
    assert home.ingest().counts.changed == 1
    assert home.chunks(Feature.SPEECH)[0].sentences[0].text == "one one."


def test_subtitles_without_a_line_are_told_of_and_somebody_listens(home: Home) -> None:
    (home.files / "talk.mp4").write_bytes(talk())
    (home.files / "talk.srt").write_text("nothing here\n")
    home.ingest()
    assert "talk.srt" in home.document("talk.mp4").warnings[0]
    assert home.chunks(Feature.SPEECH)


def test_where_nobody_listens_the_file_says_why_and_the_rest_is_found(home: Home) -> None:
    home.listening = Listening(silence="Nobody listened.")
    (home.files / "talk.mp4").write_bytes(talk())
    home.ingest()
    assert home.document("talk.mp4").warnings == ("Nobody listened.",)
    assert len(home.chunks(Feature.VISION)) == 3


def test_a_recording_in_which_nobody_speaks_is_found_by_its_name(home: Home) -> None:
    (home.files / "rain on the roof.wav").write_bytes(
        video_of([], format="wav", sound=silence(3), sound_codec="pcm_s16le")
    )
    home.ingest()
    (only,) = home.chunks()
    assert (only.kind, only.content, home.transcriber.calls) == ("audio", "rain on the roof.wav", 0)
    assert home.document("rain on the roof.wav").warnings


def test_a_persons_words_on_a_video_are_found_first_and_kept_apart(home: Home) -> None:
    (home.files / "talk.mp4").write_bytes(talk())
    home.ingest(**{"talk.mp4": "Our kick-off in Lisbon"})
    whole = home.chunks()[0]
    assert (whole.description, whole.feature, whole.title) == ("Our kick-off in Lisbon", Feature.NONE, "talk.mp4")
    assert home.searcher().search(INDEX, Query(text="Lisbon kick-off")).hits[0].chunk.chunk_id == whole.chunk_id


def test_a_broken_video_is_a_line_in_the_report(home: Home) -> None:
    (home.files / "bad.mp4").write_bytes(b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(500))
    (home.files / "good.mp4").write_bytes(talk())
    job = home.ingest()
    assert (job.counts.added, job.counts.failed) == (1, 1)
    failure = home.document("bad.mp4").failure
    assert failure is not None
    assert failure.reason


def test_which_subtitles_belong_to_which_video() -> None:
    names = [
        "a/talk.mp4",
        "a/talk.de.srt",
        "a/talk.srt",
        "b/talk.srt",
        "a/song.mp3",
        "a/song.en.vtt",
        "c.srt",
        "d.txt",
        "d.srt",
    ]
    items = [SourceItem(path=name, size_bytes=1, version="1") for name in names]
    assert {path: item.path for path, item in subtitles_by_path(items).items()} == {
        "a/talk.mp4": "a/talk.srt",
        "a/song.mp3": "a/song.en.vtt",
    }
    assert all_subtitles(items) == {"a/talk.de.srt", "a/talk.srt", "a/song.en.vtt"}
