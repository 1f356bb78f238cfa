"""Text in the encoding it is said to be in, or an error that says where it is not and what it looks like."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path

from analysis.catalogue import nearest
from analysis.tables import TablesError

CHUNK_BYTES = 1 << 20
KNOWN = ("utf-8", "utf-16", "gb18030", "gbk", "big5", "cp1252", "latin-1", "shift_jis")


def _decoder(encoding: str, name: str) -> codecs.IncrementalDecoder:
    try:
        return codecs.getincrementaldecoder(encoding)()
    except LookupError:
        raise TablesError(f"{name}: there is no encoding {encoding!r}{nearest(encoding, KNOWN)}") from None


def first_text(path: Path, name: str, encoding: str) -> str:
    """The beginning of a file, without byte-order mark; raises as ``decoded_chunks`` does."""
    decoder = _decoder(encoding, name)
    with path.open("rb") as stream:
        start = stream.read(CHUNK_BYTES)
    try:
        return decoder.decode(start).lstrip("\ufeff")
    except UnicodeDecodeError as error:
        raise TablesError(_not_in_encoding(path, name, encoding, error.start)) from None


def decoded_chunks(path: Path, name: str, encoding: str) -> Iterator[str]:
    """The text of a file, piece by piece.

    Raises
    ------
    TablesError
        If the bytes are not in the stated encoding: with the position of the first that is not, and the
        encodings they look like.
    """
    decoder, position = _decoder(encoding, name), 0
    with path.open("rb") as stream:
        while True:
            chunk = stream.read(CHUNK_BYTES)
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                at = position - pending + error.start
                raise TablesError(_not_in_encoding(path, name, encoding, at)) from None
            position += len(chunk)
            yield text
            if not chunk:
                return


def without_lines(texts: Iterable[str], count: int) -> Iterator[str]:
    """The text, piece by piece, without its first so many lines."""
    for text in texts:
        while count and (end := text.find("\n")) >= 0:
            text, count = text[end + 1 :], count - 1
        if not count:
            yield text


def _not_in_encoding(path: Path, name: str, encoding: str, position: int) -> str:
    with path.open("rb") as stream:
        start = stream.read(4)
        stream.seek(max(position - CHUNK_BYTES // 2, 0))
        around = stream.read(CHUNK_BYTES)
    likely = " or ".join(likely_encodings(start, around, encoding))
    return (
        f"{name}: byte {position + 1:,} cannot be read as {encoding}; the file looks like {likely}: "
        "set `encoding:` for this table, or save the file as UTF-8"
    )


def likely_encodings(start: bytes, around: bytes, stated: str = "") -> list[str]:
    """The encodings that bytes look like, likeliest first.

    Chinese text in GBK comes in pairs of high bytes; in Western European text a high byte stands alone
    between plain letters. Japanese text has bytes that mean nothing there.
    """
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ["utf-16"]
    if _decodes(around, "utf-8"):
        return ["utf-8"]
    high = [i for i, byte in enumerate(around) if byte >= 0xA1]
    paired = sum(1 for a, b in zip(high, high[1:], strict=False) if b == a + 1)
    found = ["gb18030", "big5", "cp1252"] if 2 * paired >= len(high) > 0 else ["cp1252", "cp932", "latin-1"]
    return [encoding for encoding in found if encoding != stated and _decodes(around, encoding)] or [
        "latin-1"
    ]


def _decodes(data: bytes, encoding: str) -> bool:
    """Whether bytes cut out of a file are sound text; the cut may go through a character."""
    whole = data.lstrip(bytes(range(0x80, 0xC0))) if encoding == "utf-8" else data
    try:
        codecs.getincrementaldecoder(encoding)().decode(whole)
    except UnicodeDecodeError:
        return False
    return True
