"""Reading an .xlsx file cell by cell, as a stream, and nothing that it may bring along besides cells.

An .xlsx file is a zip of XML parts. They are read with zlib and expat of the standard library, row by row. A
reader of tables must know where each cell stands and tell an error, or a formula that was never calculated,
from a blank; and a small file must not take all memory. Libraries that read whole sheets pass such cells over
and lay a sheet out as a rectangle: one cell in the last corner of an empty sheet ends the process.
"""

from __future__ import annotations

import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from xml.parsers import expat

from logistics.errors import InputError, Problem, Where
from logistics.network.spreadsheet_cells import (
    DATE_FORMATS,
    Cell,
    SheetReader,
    TextReader,
    shows_dates,
    unescaped,
)

MAX_FILE_BYTES = 200_000_000
MAX_EXPANDED_BYTES = 3_000_000_000
"""Of all parts together, as the zip declares them; a part gives no more than it declares."""
MAX_PARTS = 10_000
MAX_SHARED_BYTES = 500_000_000
MAX_SHARED_TEXTS = 5_000_000
MAX_TOKEN_BYTES = 10_000_000
CHUNK_BYTES = 1 << 18
OLD_OFFICE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_UNUSABLE = (zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, OSError, NotImplementedError)


class SpreadsheetFile:
    """An .xlsx file that is open for reading; use it with ``with``.

    Parameters
    ----------
    path
        The file.
    shown
        Its name for messages.

    Raises
    ------
    InputError
        When it is no such file, is protected, damaged, or too large.
    """

    def __init__(self, path: Path, shown: str) -> None:
        self.shown = shown
        self._refuse_other_files(path)
        try:
            self._zip = zipfile.ZipFile(path)
        except _UNUSABLE as error:
            raise self._unusable("workbook.damaged", str(error)) from error
        try:
            self._parts = {info.filename.replace("\\", "/").lower(): info for info in self._zip.infolist()}
            self._check_parts()
            self._read_index()
        except BaseException:
            self._zip.close()
            raise

    def __enter__(self) -> SpreadsheetFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    @property
    def sheet_names(self) -> tuple[str, ...]:
        """Names of all sheets in their order, also of hidden ones and of charts."""
        return tuple(self._sheets)

    def rows(self, sheet: str) -> Iterator[tuple[int, list[Cell]]]:
        """Rows of a sheet that have cells which hold something, each with its number from 1.

        Raises
        ------
        InputError
            When the sheet is damaged.
        """
        part = self._sheets[sheet]
        if not part:
            return
        found: list[tuple[int, list[Cell]]] = []
        reader = SheetReader(found, self._texts, self._date_styles, self._date_1904)
        for _ in self._parsed(part, reader.start, reader.end, reader.characters):
            yield from found
            found.clear()

    def _unusable(self, code: str, found: str = "", allowed: str = "") -> InputError:
        return InputError([Problem(code, Where(self.shown), found, allowed)])

    def _refuse_other_files(self, path: Path) -> None:
        """Say what the file is when it is not a zip of moderate size."""
        try:
            size = path.stat().st_size
            if not path.is_file():
                raise self._unusable("workbook.none", str(path))
            if size > MAX_FILE_BYTES:
                raise self._unusable("workbook.too_large", str(size), str(MAX_FILE_BYTES))
            with path.open("rb") as file:
                head = file.read(8)
                if head.startswith(OLD_OFFICE):
                    locked = ENCRYPTED in file.read()
                    raise self._unusable("workbook.password" if locked else "workbook.old_format")
        except OSError as error:
            raise self._unusable("workbook.none", str(error.strerror)) from error
        if not head.startswith(b"PK"):
            raise self._unusable("workbook.other_file")

    def _check_parts(self) -> None:
        """Judge by what the zip declares, before anything is expanded."""
        if len(self._parts) > MAX_PARTS:
            raise self._unusable("workbook.too_many_parts", str(len(self._parts)), str(MAX_PARTS))
        whole = sum(info.file_size for info in self._parts.values())
        if whole > MAX_EXPANDED_BYTES:
            raise self._unusable("workbook.too_large", str(whole), str(MAX_EXPANDED_BYTES))
        if any(info.flag_bits & 1 for info in self._parts.values()):
            raise self._unusable("workbook.password")
        if "xl/workbook.bin" in self._parts:
            raise self._unusable("workbook.old_format")
        if "[content_types].xml" not in self._parts:
            raise self._unusable("workbook.other_file")

    def _read_index(self) -> None:
        """Sheets, texts they share, and which styles show numbers as dates."""
        book = next((t for _, kind, t in self._relations("") if kind == "officeDocument"), "")
        if book not in self._parts:
            raise self._unusable("workbook.other_file")
        relations = self._relations(book)
        targets = {name: target for name, kind, target in relations if kind == "worksheet"}
        self._sheets: dict[str, str] = {}
        self._date_1904 = False

        def start(name: str, attributes: dict[str, str]) -> None:
            if name == "sheet" and "name" in attributes:
                link = next((v for k, v in attributes.items() if k.endswith(":id")), "")
                self._sheets[unescaped(attributes["name"])] = targets.get(link, "")
            elif name == "workbookPr":
                self._date_1904 = attributes.get("date1904", "0") in ("1", "true")

        self._parse(book, start)
        self._texts: list[str] = []
        self._date_styles: set[str] = set()
        for _, kind, target in relations:
            if kind == "sharedStrings" and target in self._parts:
                self._read_texts(target)
            elif kind == "styles" and target in self._parts:
                self._read_styles(target)

    def _relations(self, part: str) -> list[tuple[str, str, str]]:
        """Id, kind and target of each part that `part` refers to."""
        folder, name = posixpath.split(part)
        found: list[tuple[str, str, str]] = []

        def start(name: str, attributes: dict[str, str]) -> None:
            if name == "Relationship" and attributes.get("TargetMode") != "External":
                target = posixpath.normpath(posixpath.join("/", folder, attributes.get("Target", "")))
                kind = attributes.get("Type", "").rpartition("/")[2]
                found.append((attributes.get("Id", ""), kind, target.strip("/").lower()))

        index = posixpath.join(folder, "_rels", f"{name}.rels")
        if index in self._parts:
            self._parse(index, start)
        return found

    def _read_texts(self, part: str) -> None:
        size = self._parts[part].file_size
        if size > MAX_SHARED_BYTES:
            raise self._unusable("workbook.too_large", str(size), str(MAX_SHARED_BYTES))
        reader = TextReader()

        def end(name: str) -> None:
            if name == "si":
                if len(self._texts) >= MAX_SHARED_TEXTS:
                    raise self._unusable("workbook.too_many_texts", "", str(MAX_SHARED_TEXTS))
                self._texts.append(reader.taken())
            else:
                reader.end(name)

        self._parse(part, reader.start, end, reader.characters)

    def _read_styles(self, part: str) -> None:
        custom: dict[str, bool] = {}
        formats: list[str] = []
        inside = False

        def start(name: str, attributes: dict[str, str]) -> None:
            nonlocal inside
            if name == "numFmt":
                custom[attributes.get("numFmtId", "")] = shows_dates(attributes.get("formatCode", ""))
            elif name == "cellXfs":
                inside = True
            elif name == "xf" and inside:
                formats.append(attributes.get("numFmtId", "0"))

        def end(name: str) -> None:
            nonlocal inside
            inside = inside and name != "cellXfs"

        self._parse(part, start, end)
        for style, number in enumerate(formats):
            if custom.get(number, number.isdigit() and int(number) in DATE_FORMATS):
                self._date_styles.add(str(style))

    def _parse(
        self,
        part: str,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None] | None = None,
        characters: Callable[[str], None] | None = None,
    ) -> None:
        for _ in self._parsed(part, start, end, characters):
            pass

    def _parsed(
        self,
        part: str,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None] | None = None,
        characters: Callable[[str], None] | None = None,
    ) -> Iterator[None]:
        """Parse one part, chunk after chunk; element names come without their prefix."""
        parser = expat.ParserCreate()
        parser.buffer_text = True

        def first(name: str, attributes: dict[str, str]) -> None:
            """Handle the root, and all others as it is written: without a prefix, or with one."""
            bare: Callable[[str], str] = lru_cache(1000)(lambda name: name.rpartition(":")[2])
            if ":" in name:
                parser.StartElementHandler = lambda name, attributes: start(bare(name), attributes)
                parser.EndElementHandler = end and (lambda name: end(bare(name)))
            else:
                parser.StartElementHandler = start
                parser.EndElementHandler = end
            parser.CharacterDataHandler = characters
            start(bare(name), attributes)

        def refuse(*_: object) -> None:
            raise self._unusable("workbook.damaged", "DOCTYPE")

        parser.StartElementHandler = first
        parser.StartDoctypeDeclHandler = refuse
        fed = 0
        try:
            with self._zip.open(self._parts[part]) as file:
                while chunk := file.read(CHUNK_BYTES):
                    parser.Parse(chunk)
                    fed += len(chunk)
                    if fed - parser.CurrentByteIndex > MAX_TOKEN_BYTES:
                        raise self._unusable("workbook.damaged", part)
                    yield
                parser.Parse(b"", True)
                yield
        except (*_UNUSABLE, KeyError, ValueError, IndexError) as error:
            raise self._unusable("workbook.damaged", f"{part}: {error}") from error
