"""Words of comments in English and Chinese, in the order they were said.

Chinese is cut by jieba's dictionary and rules in their kept implementation (the ``rjieba`` package: silent, no
cache file, nothing downloaded), without its guessing of unknown words; these come as single characters and are
put together again as phrases where they stand together. English words lose their endings by simple rules.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.catalogue import read_yaml

HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff"
KANA_OR_HANGUL = re.compile("[\u3040-\u30fa\u30fc-\u30ff\u1100-\u11ff\u3131-\u318e\uac00-\ud7af]")
OTHER_SCRIPT_SHARE = 0.3
"""From this share of kana or hangul among a comment's East Asian characters it is not Chinese. Chinese with a
decorative の stays below; Japanese prose has about half."""

MOST_CHARACTERS = 5_000
"""Of a longer comment the beginning is read: about two pages, and no pasted log file outweighs customers."""
TEXTS_AT_ONCE = 20_000

MIXED_FROM = 0.2
"""A comment is in both languages if each has at least a fifth of it, a Chinese character counted like a word."""

BREAK = "|"
BREAK_CODE = -1

_TAG = re.compile(r"</?[a-z!][^<>]*>", re.IGNORECASE)
_IGNORABLE = re.compile("[\u0300-\u036f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff]")
_ADDRESS = re.compile(r"\bhttps?://[!-~]+|\bwww\.[!-~]+|(?<![a-z0-9._+-])[a-z0-9._+-]+@[a-z0-9.-]+", re.ASCII)
_NOT = re.compile("n['\u2019]t\\b")
_ENDING = re.compile("['\u2019](?:(?:s|re|ve|ll|d|m)\\b)?")
_CANNOT = re.compile(r"\b(?:cannot|(?:can|ca|wo|sha) not)\b")
_HYPHEN = re.compile(r"(?<=[a-z])-(?=[a-z])")
_NO_WORD = re.compile(f"[^a-z{HAN}\n ]+|(?<=[{HAN}]) +(?=[{HAN}])")
_HAN = re.compile(f"[{HAN}]")


@dataclass(frozen=True, eq=False)
class Words:
    """The words of some texts, one entry per word or break in the order said, and what the words are.

    ``text`` is the position of the text, ``word`` that of its word in ``stems``, −1 for a break (punctuation, a
    number, an address). ``shown`` is the commonest form of each word, ``is_han`` whether it is Chinese,
    ``is_stop`` whether it tells nothing by itself, ``is_negation`` whether it negates what follows.
    """

    n_texts: int
    text: NDArray[np.int32]
    word: NDArray[np.int32]
    stems: list[str]
    shown: list[str]
    is_han: NDArray[np.bool_]
    is_stop: NDArray[np.bool_]
    is_negation: NDArray[np.bool_]


def read_words(texts: Sequence[str], ignored: Sequence[str] = ()) -> Words:
    """The words of each text.

    Parameters
    ----------
    texts : any strings; nothing in them can break or slow down the reading.
    ignored : further words that tell nothing, such as the company's own name.
    """
    forms, codes, rows = _coded_forms(texts)
    stems = [form if _HAN.search(form) else stem(form) for form in forms]
    stem_of_form, found = pd.factorize(np.array(stems, dtype=object))
    word = np.where(codes < 0, BREAK_CODE, stem_of_form[codes] if len(forms) else BREAK_CODE).astype(np.int32)
    negations = _declared("negations_en", "negations_zh")
    stops = _declared("en", "zh") | negations | {form for words in ignored for form in _forms_of(words)}
    return Words(
        n_texts=len(texts),
        text=rows,
        word=word,
        stems=list(found),
        shown=_commonest_forms(forms, codes, stem_of_form, len(found)),
        is_han=np.array([bool(_HAN.search(each)) for each in found], dtype=bool),
        is_stop=_holds(forms, stops, stem_of_form, len(found)),
        is_negation=_holds(forms, negations, stem_of_form, len(found)),
    )


def measure_languages(words: Words) -> NDArray[np.object_]:
    """The language of each text: ``en``, ``zh``, ``mixed``, or ``none`` where no word could be read.

    By the share of Chinese characters among Chinese characters and English words. Any text in Latin letters
    counts as English.
    """
    spoken = words.word >= 0
    word, text = words.word[spoken], words.text[spoken]
    lengths = np.array([len(each) for each in words.stems], dtype=float)
    han = np.bincount(text, np.where(words.is_han, lengths, 0.0)[word], words.n_texts)
    latin = np.bincount(text, np.where(words.is_han, 0.0, 1.0)[word], words.n_texts)
    with np.errstate(invalid="ignore"):
        share = han / (han + latin)
    cases = [np.isnan(share), share < MIXED_FROM, share > 1 - MIXED_FROM]
    return np.select(cases, ["none", "en", "zh"], "mixed").astype(object)


def languages_spoken(words: Words) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each text has an English word, and whether it has a Chinese one."""
    said = words.word >= 0
    is_han, text = words.is_han[words.word[said]], words.text[said]
    return tuple(np.bincount(text[of], minlength=words.n_texts) > 0 for of in (~is_han, is_han))


def plain_texts(texts: Sequence[str]) -> list[str]:
    """The texts as they are searched: simplified characters, small letters, breaks for all that is no word."""
    if not len(texts):
        return []
    joined = "\n".join(_without_markup(text) for text in texts)
    joined = _IGNORABLE.sub("", unicodedata.normalize("NFKD", joined).casefold())
    joined = _ENDING.sub("", _NOT.sub(" not", _ADDRESS.sub(BREAK, joined)))
    joined = _CANNOT.sub("not", _HYPHEN.sub(" ", joined))
    return _simplified(_NO_WORD.sub(f" {BREAK} ", joined)).split("\n")


def stem(word: str) -> str:
    """The English word without its plural, -ed, -ing and silent e: delayed, delays, delaying → delay.

    Plurals follow Harman (1991), "How effective is suffixing?", JASIS 42, 7–15; the rest is the inflection
    that customers' words show most. Endings that make another word (-er, -ness, -ly) stay.
    """
    if len(word) < 4:
        return word
    word = _singular(word)
    for ending in ("ing", "ed"):
        root = word.removesuffix(ending)
        if root != word and len(root) >= 3 and root[-1] != "e" and re.search("[aeiouy]", root):
            doubled = root[-1] == root[-2] and root[-1] not in "aeioulsz"
            word = root[:-1] if doubled else root
            break
    word = word[:-1] + "y" if word.endswith("i") and len(word) > 3 else word
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zzes")):
        return word[:-2]
    return word if word.endswith(("ss", "us", "is")) else word.removesuffix("s")


def _without_markup(text: str) -> str:
    text = html.unescape(text[:MOST_CHARACTERS]) if "&" in text else text[:MOST_CHARACTERS]
    text = _TAG.sub(BREAK, text) if "<" in text else text
    return text.replace("\n", BREAK) if _is_readable(text) else ""


def _is_readable(text: str) -> bool:
    other = 0 if text.isascii() else len(KANA_OR_HANGUL.findall(text))
    return not other or other < OTHER_SCRIPT_SHARE * (other + len(_HAN.findall(text)))


@lru_cache(maxsize=1)
def _converter():
    # loaded where first needed: a company without Chinese comments never waits for the tables
    import opencc

    return opencc.OpenCC("t2s")


def _simplified(text: str) -> str:
    return text if text.isascii() else _converter().convert(text)


@lru_cache(maxsize=1)
def _cutter():
    # an instance of our own: the module's shared one could be taught words by others in the process
    import rjieba

    return rjieba.Jieba()


def cut(plain: str) -> list[str]:
    """The pieces of a plain text in order, blanks and line ends among them."""
    if plain.isascii():
        return re.findall(r"[a-z]+|[|]|\n", plain)
    return _cutter().cut(plain, False)


def _coded_forms(texts: Sequence[str]) -> tuple[list[str], NDArray[np.int32], NDArray[np.int32]]:
    """The distinct words as said; and per word or break its code (−1 for a break) and its text's position."""
    codes_of: dict[str, int] = {}
    codes, rows = [np.empty(0, np.int32)], [np.empty(0, np.int32)]
    for start, chunk in _chunks(texts):
        piece, pieces = pd.factorize(np.array(cut("\n".join(plain_texts(chunk))), dtype=object))
        kinds = np.array([_code(each, codes_of) for each in pieces], dtype=np.int32)[piece]
        row = start + np.cumsum(kinds == LINE_END, dtype=np.int32)
        said = kinds >= BREAK_CODE
        codes.append(kinds[said])
        rows.append(row[said])
    return list(codes_of), np.concatenate(codes), np.concatenate(rows)


LINE_END, BLANK = -2, -3


def _code(piece: str, codes_of: dict[str, int]) -> int:
    if piece == "\n":
        return LINE_END
    if not piece.strip():
        return BLANK
    return BREAK_CODE if piece == BREAK else codes_of.setdefault(piece, len(codes_of))


def _chunks(texts: Sequence[str]) -> Iterator[tuple[int, Sequence[str]]]:
    for start in range(0, len(texts), TEXTS_AT_ONCE):
        yield start, texts[start : start + TEXTS_AT_ONCE]


def _commonest_forms(
    forms: list[str], codes: NDArray[np.int32], stem_of_form: NDArray[np.intp], n_stems: int
) -> list[str]:
    counts = np.bincount(codes[codes >= 0], minlength=len(forms))
    # the commonest comes last and stays; of equally common forms the first in the alphabet
    alphabetical = np.argsort(np.array(forms, dtype=object), kind="stable")[::-1]
    order = alphabetical[np.argsort(counts[alphabetical], kind="stable")]
    shown = [""] * n_stems
    for form in order:
        shown[stem_of_form[form]] = forms[form]
    return shown


def _holds(forms: list[str], some: set[str], stem_of_form: NDArray[np.intp], n_stems: int) -> NDArray:
    held = np.zeros(n_stems, dtype=bool)
    held[stem_of_form[[position for position, form in enumerate(forms) if form in some]]] = True
    return held


def _declared(*keys: str) -> set[str]:
    declared = _stop_words()
    return {word for key in keys for word in declared[key].split()}


@lru_cache(maxsize=1)
def _stop_words() -> dict[str, str]:
    return read_yaml("stop_words.yml")


def _forms_of(words: str) -> list[str]:
    """The single words of a setting's entry, as comments would show them."""
    return [piece for piece in cut("\n".join(plain_texts([words]))) if piece.strip(BREAK + " \n")]
