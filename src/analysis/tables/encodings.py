"""Text in the encoding it is said to be in, or an error that says where it is not and what it looks like."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from pathlib import Path

from analysis.catalogue import nearest, say_problem
from analysis.errors import Said, joined
from analysis.tables import TablesError

CHUNK_BYTES = 1 << 20
KNOWN = (
    "utf-8", "utf-16", "gb18030", "gbk", "big5", "cp1252", "latin-1", "shift_jis", "cp1251", "cp1253", "cp1255",
    "cp1256",
)  # fmt: skip
COMMONEST = {"cp1251": "оеаинтсрвл", "cp1253": "αοιετσνηυρ", "cp1255": "יוהלאתרשמב", "cp1256": "الميونرتبة"}
"""The ten commonest letters of Russian, Greek, Hebrew and Arabic: about two thirds of any text in it."""
_MANY_COMMON, _MANY_FREQUENT = 0.4, 0.7


def _decoder(encoding: str, name: str) -> codecs.IncrementalDecoder:
    try:
        return codecs.getincrementaldecoder(encoding)()
    except LookupError:
        hint = nearest(encoding, KNOWN)
        raise TablesError(say_problem("no_encoding", file=name, encoding=encoding, hint=hint)) from None


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


def _not_in_encoding(path: Path, name: str, encoding: str, position: int) -> Said:
    with path.open("rb") as stream:
        start = stream.read(4)
        stream.seek(max(position - CHUNK_BYTES // 2, 0))
        around = stream.read(CHUNK_BYTES)
    likely = joined(say_problem("either"), likely_encodings(start, around, encoding))
    return say_problem("other_encoding", file=name, position=position + 1, encoding=encoding, likely=likely)


def likely_encodings(start: bytes, around: bytes, stated: str = "") -> list[str]:
    """The encodings that bytes look like, likeliest first.

    Chinese text in GBK comes in pairs of high bytes; in Western European text a high byte stands alone
    between plain letters. Japanese text has bytes that mean nothing there. Whole words of high bytes that would be
    rare characters in Chinese are of another alphabet: the one of which they are the commonest letters.
    """
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return ["utf-16"]
    if _decodes(around, "utf-8"):
        return ["utf-8"]
    high = [i for i, byte in enumerate(around) if byte >= 0xA1]
    paired = sum(1 for a, b in zip(high, high[1:], strict=False) if b == a + 1)
    found = ["cp1252", "cp932", "latin-1"]
    if 2 * paired >= len(high) > 0:
        found = [*_alphabets(around)[:1], "gb18030", "big5", "cp1252"]
    return [encoding for encoding in found if encoding != stated and _decodes(around, encoding)] or [
        "latin-1"
    ]


def _alphabets(data: bytes) -> list[str]:
    """The encodings of another alphabet in which most letters are common ones, likeliest first; none for Chinese."""
    controls = sum(0x80 <= byte < 0xA0 for byte in data)
    if _is_frequent_chinese(data) or 20 * controls > sum(byte >= 0x80 for byte in data):
        return []
    shares = {encoding: _common_share(data, encoding) for encoding in COMMONEST}
    return sorted((one for one in shares if shares[one] >= _MANY_COMMON), key=lambda one: -shares[one])


def _common_share(data: bytes, encoding: str) -> float:
    letters = [
        sign for sign in data.decode(encoding, "ignore").lower() if sign.isalpha() and not sign.isascii()
    ]
    return sum(sign in COMMONEST[encoding] for sign in letters) / max(len(letters), 1)


def _is_frequent_chinese(data: bytes) -> bool:
    """Whether these bytes read as Chinese of characters in frequent use: the first level of GB 2312."""
    signs = [sign for sign in data.decode("gb18030", "ignore") if "\u4e00" <= sign <= "\u9fff"]
    leads = [sign.encode("gb18030")[0] for sign in signs]
    return sum(0xB0 <= lead <= 0xD7 for lead in leads) >= _MANY_FREQUENT * max(len(leads), 1)


def _decodes(data: bytes, encoding: str) -> bool:
    """Whether bytes cut out of a file are sound text; the cut may go through a character."""
    whole = data.lstrip(bytes(range(0x80, 0xC0))) if encoding == "utf-8" else data
    try:
        codecs.getincrementaldecoder(encoding)().decode(whole)
    except UnicodeDecodeError:
        return False
    return True
