"""The one kind of error that is the reader's to mend, and what it says in both languages."""

from __future__ import annotations

from collections.abc import Iterable


class Said(str):
    """A text in English that has its Chinese with it; whoever knows nothing of that has a plain English text."""

    __slots__ = ("chinese",)
    chinese: str

    def __new__(cls, english: str, chinese: str) -> Said:
        """The text in both languages."""
        made = super().__new__(cls, english)
        made.chinese = chinese
        return made

    def __getnewargs__(self) -> tuple[str, str]:
        """What makes it anew where it is copied or sent to another process."""
        return str(self), self.chinese


def in_language(text: object, language: str) -> str:
    """A text in the language asked for; one that has but one form as it is."""
    return text.chinese if language == "zh" and isinstance(text, Said) else str(text)


def joined(mark: str, texts: Iterable[str]) -> Said:
    """Texts one behind the other with a mark between, in both languages."""
    parts = list(texts)
    return Said(
        *(
            in_language(mark, language).join(in_language(part, language) for part in parts)
            for language in ("en", "zh")
        )
    )


class InputError(ValueError):
    """Something given cannot be used: the message says what was found, what was expected and what to do."""

    @property
    def text(self) -> str:
        """The message as it was given: with its Chinese, where it has one."""
        return self.args[0] if self.args and isinstance(self.args[0], str) else str(self)

    def in_(self, language: str) -> str:
        """The message in a language; in English where it has no other form."""
        return in_language(self.text, language)
