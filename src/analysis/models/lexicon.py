"""The themes comments are searched for, and which comments have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.catalogue import Text, nearest, read_yaml
from analysis.errors import InputError

from .words import BREAK, Words, read_words

LANGUAGES = ("en", "zh")
LEAST_CHINESE_CHARACTERS = 2
"""One character alone stands in too many other words: 贵 is dear, and 贵公司 is your company."""


@dataclass(frozen=True)
class Theme:
    """What comments may be about: its names, and the words that tell it."""

    id: str
    name: Text
    words: tuple[str, ...]


def read_themes(own: Mapping[str, Mapping[str, Any]] | None = None) -> tuple[Theme, ...]:
    """The themes of the catalogue with those of the company.

    Parameters
    ----------
    own : by theme id: ``words`` by language, added to those of the catalogue's theme of that id; a new theme
        has a ``name`` in both languages too. See the setting ``comment_themes``.

    Raises
    ------
    InputError
        For a new theme without names, a language other than en and zh, a word without a letter, and a Chinese
        word of one character.
    """
    records = {record["id"]: record for record in read_yaml("themes.yml")}
    for theme_id, added in (own or {}).items():
        records[theme_id] = _joined(theme_id, records.get(theme_id), added, records)
    return tuple(_theme(record) for record in records.values())


def find_themes(words: Words, themes: Sequence[Theme]) -> NDArray[np.bool_]:
    """Which texts have which themes: one row per text, one column per theme.

    English words match in all their forms and phrases word by word, within one stretch without punctuation.
    Chinese words match wherever their characters stand together, however they were cut.
    """
    found = np.zeros((words.n_texts, len(themes)), dtype=bool)
    if not len(words.word):
        return found
    is_of, phrases = _sorted_out(words, themes)
    for column in np.flatnonzero(is_of.any(axis=0)):
        found[words.text[is_of[words.word, column]], column] = True
    for spaced, patterns in phrases.items():
        searched = _joined_words(words, spaced)
        for column, pattern in patterns:
            found[searched.texts_with(pattern), column] = True
    return found


@dataclass(frozen=True, eq=False)
class _Searched:
    """All texts as one string, and where in it each begins."""

    string: str
    starts: NDArray[np.int64]

    def texts_with(self, pattern: str) -> NDArray[np.intp]:
        """The positions of the texts in which the pattern stands."""
        places, place = [], self.string.find(pattern)
        while place >= 0:
            places.append(place)
            place = self.string.find(pattern, place + 1)
        return np.searchsorted(self.starts, np.array(places, dtype=np.int64), side="right") - 1


def _joined_words(words: Words, spaced: bool) -> _Searched:
    """The texts with blanks around every word, or without any blank; a break on both sides of every text."""
    between = " " if spaced else ""
    parts = np.array([*(stem + between for stem in words.stems), BREAK + between], dtype=object)[words.word]
    lengths = np.array([*(len(stem + between) for stem in words.stems), len(BREAK + between)])[words.word]
    edges = np.searchsorted(words.text, np.arange(words.n_texts))
    head = BREAK + between
    pieces = np.insert(parts, edges, head)
    before = np.concatenate([[0], np.cumsum(lengths)])[edges]
    return _Searched("".join(pieces), before + len(head) * np.arange(words.n_texts))


def _sorted_out(
    words: Words, themes: Sequence[Theme]
) -> tuple[NDArray[np.bool_], dict[bool, list[tuple[int, str]]]]:
    """Which single words tell which themes; and by whether blanks count, what else to look for, by theme.

    English words that no text says are left out at once.
    """
    entries = [(column, word) for column, theme in enumerate(themes) for word in theme.words]
    entry_words = read_words([word for _, word in entries])
    code_of = {stem: code for code, stem in enumerate(words.stems)}
    is_of = np.zeros((len(words.stems) + 1, len(themes)), dtype=bool)  # the last row is a break's
    phrases: dict[bool, list[tuple[int, str]]] = {True: [], False: []}
    for position, (column, _) in enumerate(entries):
        is_spaced, stems = _looked_for(entry_words, position)
        if not is_spaced:
            phrases[False].append((column, "".join(stems)))
        elif len(stems) == 1 and stems[0] in code_of:
            is_of[code_of[stems[0]], column] = True
        elif all(stem in code_of for stem in stems):
            phrases[True].append((column, f" {' '.join(stems)} "))
    return is_of, phrases


def _looked_for(words: Words, position: int) -> tuple[bool, list[str]]:
    """Whether blanks count, and the words to look for."""
    said = [word for word in words.word[words.text == position] if word >= 0]
    return not any(words.is_han[word] for word in said), [words.stems[word] for word in said]


def _joined(
    theme_id: str, known: dict[str, Any] | None, added: Mapping[str, Any], records: Iterable[str]
) -> dict[str, Any]:
    """The catalogue's theme with a company's words, or a company's own theme."""
    name, words = added.get("name") or (known or {}).get("name"), added.get("words") or {}
    if not name or set(name) != set(LANGUAGES):
        raise InputError(
            f"comment_themes.{theme_id}: a theme of your own needs a name in en and zh{nearest(theme_id, records)}"
        )
    if unknown := set(words) - set(LANGUAGES):
        raise InputError(f"comment_themes.{theme_id}.words: languages are en and zh; found {min(unknown)!r}")
    before = (known or {}).get("words", {})
    return {
        "id": theme_id,
        "name": name,
        "words": {language: [*before.get(language, ()), *words.get(language, ())] for language in LANGUAGES},
    }


def _theme(record: Mapping[str, Any]) -> Theme:
    listed = [str(word) for language in LANGUAGES for word in record["words"].get(language, ())]
    _check_words(record["id"], listed)
    return Theme(record["id"], Text(**record["name"]), tuple(dict.fromkeys(listed)))


def _check_words(theme_id: str, listed: Sequence[str]) -> None:
    words = read_words(listed)
    spoken = words.word >= 0
    is_read = np.isin(np.arange(len(listed)), words.text[spoken])
    lengths = np.array([len(each) for each in words.stems], dtype=int)[words.word[spoken]]
    has_han = np.isin(np.arange(len(listed)), words.text[spoken][words.is_han[words.word[spoken]]])
    length = np.bincount(words.text[spoken], lengths, len(listed))
    for position, word in enumerate(listed):
        if not is_read[position]:
            raise InputError(f"comment_themes.{theme_id}: {word!r} has no word of English or Chinese")
        if has_han[position] and length[position] < LEAST_CHINESE_CHARACTERS:
            raise InputError(
                f"comment_themes.{theme_id}: {word!r} is one character and would be found within other words; "
                "give two or more"
            )
