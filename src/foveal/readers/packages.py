"""Office packages: ZIP archives of XML parts (ECMA-376 part 2, "Open Packaging Conventions").

Nothing is ever unpacked to disk, so that names of members are only names. What all parts together unpack to is counted
as it is read, whatever the archive says of itself. XML is parsed without a document type definition (the conventions
forbid one, section 8.1.4), so that there are no entities to expand or to fetch.
"""

from __future__ import annotations

import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree

from foveal.errors import AssetLimitError, UnreadableAssetError
from foveal.readers.limits import MAX_MARKS, MIB, Limits

Element = etree._Element
_BLOCK_BYTES = 2**18
_MOST_MEMBERS = 20_000
_ENCRYPTED = 1
_RELATIONSHIPS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"
_DC = "{http://purl.org/dc/elements/1.1/}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """A link from one part to another.

    Attributes:
        kind: Last part of the relationship's type, `image` say.
        target: Name of the part; empty for a link out of the package, which is never followed.
    """

    kind: str
    target: str


class Package:
    """The parts of one Office file."""

    def __init__(self, data: bytes, limits: Limits) -> None:
        """Open an archive.

        Raises:
            UnreadableAssetError: It is no archive, or a truncated one.
            AssetLimitError: It has too many members.
        """
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
            raise UnreadableAssetError("The Office file is broken or cut off: it has no table of contents.") from None
        infos = self._zip.infolist()
        if len(infos) > _MOST_MEMBERS:
            raise AssetLimitError(f"The Office file has {len(infos)} parts.", remedy="Save it anew.")
        self._members = {info.filename.lstrip("/").casefold(): info for info in infos}
        self._most = limits.max_inflated_bytes
        self._left = limits.max_inflated_bytes

    def __contains__(self, name: str) -> bool:
        return name.casefold() in self._members

    def names(self) -> list[str]:
        """Names of all parts, in the order of the archive."""
        return [info.filename for info in self._members.values()]

    def read(self, name: str) -> bytes:
        """The bytes of a part.

        Raises:
            UnreadableAssetError: There is no such part, or it is broken or encrypted.
            AssetLimitError: All that was read is more than the limit.
        """
        info = self._members.get(name.casefold())
        if info is None:
            raise UnreadableAssetError(f"The Office file has no part {name}.")
        if info.flag_bits & _ENCRYPTED:
            raise UnreadableAssetError("The Office file is encrypted.", remedy="Save it without a password.")
        blocks: list[bytes] = []
        try:
            with self._zip.open(info) as part:
                while block := part.read(_BLOCK_BYTES):
                    self._left -= len(block)
                    if self._left < 0:
                        raise AssetLimitError(
                            f"The Office file unpacks to more than {self._most / MIB:g} MiB.",
                            remedy="Save it anew in parts, or raise limits.inflated_bytes.",
                        )
                    blocks.append(block)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError):
            raise UnreadableAssetError(f"The part {name} of the Office file is broken.") from None
        return b"".join(blocks)

    def xml(self, name: str) -> Element:
        """The root of a part.

        Raises:
            UnreadableAssetError: As `read`, or it is no XML, or has a document type definition.
            AssetLimitError: As `read`.
        """
        return parse_xml(self.read(name), name)

    def relationships(self, name: str) -> dict[str, Relationship]:
        """By id, where a part (or the package itself, for an empty name) links to. Links out of it have no target."""
        folder, file = posixpath.split(name)
        path = posixpath.join(folder, "_rels", f"{file}.rels")
        if path not in self:
            return {}
        return {
            link.get("Id", ""): Relationship(
                kind=link.get("Type", "").rsplit("/", 1)[-1],
                target="" if link.get("TargetMode") == "External" else _resolved(folder, link.get("Target", "")),
            )
            for link in self.xml(path).iter(_RELATIONSHIPS)
        }

    def linked(self, name: str, kind: str) -> Iterator[str]:
        """Names of the parts of a kind that a part links to, those that are there."""
        for link in self.relationships(name).values():
            if link.kind == kind and link.target and link.target in self:
                yield link.target

    def main(self) -> str:
        """Name of the part that everything hangs on.

        Raises:
            UnreadableAssetError: There is none.
        """
        found = next(self.linked("", "officeDocument"), None)
        if found is None:
            raise UnreadableAssetError("The Office file has no document in it.")
        return found

    def title(self) -> str:
        """The title among its properties, empty when nobody gave it one."""
        part = next(self.linked("", "core-properties"), None)
        return " ".join((self.xml(part).findtext(f"{_DC}title") or "").split()) if part else ""


def parse_xml(data: bytes, name: str) -> Element:
    """The root of an XML document, without expanding or fetching anything.

    Raises:
        UnreadableAssetError: It is no XML, or has a document type definition.
        AssetLimitError: It has too many elements.
    """
    if data.count(b"<") > MAX_MARKS:
        raise AssetLimitError(
            f"The part {name} of the Office file has over {MAX_MARKS} marks.", remedy="Save it in parts."
        )
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise UnreadableAssetError(f"The part {name} of the Office file is no proper XML.") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableAssetError(f"The part {name} of the Office file has a document type definition.")
    return root


def local(element: Element) -> str:
    """Name of an element without its namespace: files in the strict and the transitional dialect differ in those."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Element, name: str) -> str:
    """An attribute's value by its name without a namespace, empty when there is none."""
    return next((str(value) for key, value in element.attrib.items() if str(key).rsplit("}", 1)[-1] == name), "")


def _resolved(folder: str, target: str) -> str:
    path = unquote(target)
    joined = path.lstrip("/") if path.startswith("/") else posixpath.join(folder, path)
    return posixpath.normpath(joined)
