"""The settings of one company, from its file over the base file: all that is wrong is said at once."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, ValidationError

from analysis.catalogue import Page, Text, load_catalogue, say_problem
from analysis.errors import joined
from analysis.params.against_catalogue import catalogue_problems
from analysis.params.files import base_file_of, find_params_file, root_of
from analysis.params.hashes import content_hash
from analysis.params.own_words import OwnPage
from analysis.params.presets import with_presets
from analysis.params.problems import ParamsError, in_words, unknown_keys
from analysis.params.reading import read_settings
from analysis.params.settings import DELIVERY_SETTINGS, NAMES_OF_VALUES, Settings


class Params(BaseModel):
    """The settings of one company, and where its files are."""

    model_config = ConfigDict(frozen=True)

    settings: Settings
    path: Path
    root: Path

    @property
    def company_id(self) -> str:
        """The folder name of the company's reports: ``company_id``, or the params file's name."""
        return self.settings.company_id or self.path.stem

    @property
    def zone(self) -> ZoneInfo:
        """The company's time zone."""
        return ZoneInfo(self.settings.time_zone)

    @property
    def fingerprint(self) -> str:
        """A hash of every setting that a number may depend on."""
        without = DELIVERY_SETTINGS | {NAMES_OF_VALUES}
        return content_hash(self.settings.model_dump(mode="json", exclude=without))

    @property
    def pages(self) -> dict[str, Page]:
        """Every page that can be made: the workbook's, then the company's own."""
        return load_catalogue().pages | {one.id: self._page_of(one) for one in self.settings.own_pages}

    def _page_of(self, own: OwnPage) -> Page:
        file = self.resolve(own.notebook)
        return Page(
            id=own.id, notebook=file.name, folder=str(file.parent), title=Text(**own.title),
            question=Text(**own.question),
        )  # fmt: skip

    def resolve(self, file: str) -> Path:
        """Where a file named in the params lies: as given if absolute, else below the project."""
        return (self.root / file).resolve()


def load_params(path: str | Path, overrides: dict[str, Any] | None = None) -> Params:
    """The checked settings of a params file.

    Parameters
    ----------
    path
        The company's file. A relative path is looked for below the working folder and its parents, so that a
        notebook opened in ``notebooks/`` finds ``params/cdnow.yml``.
    overrides
        Settings that replace the file's (command-line options).

    Raises
    ------
    ParamsError
        One line for everything that is wrong, with the nearest right name.
    """
    file = find_params_file(Path(path))
    own = read_settings(file)
    base = base_file_of(file)
    values, problems = with_presets(_merge(read_settings(base), own, overrides or {}), base)
    problems += unknown_keys(values)
    try:
        settings = Settings.model_validate(_without_unknown(values))
    except ValidationError as error:
        problems += [in_words(one) for one in error.errors()]
    problems += catalogue_problems(values, load_catalogue())
    if problems:
        head = say_problem("params_unusable", file=file.name)
        raise ParamsError(joined("\n  - ", [head, *dict.fromkeys(problems)]))
    return Params(settings=settings, path=file, root=root_of(file))


def _merge(*layers: dict[str, Any]) -> dict[str, Any]:
    """Later layers win; the settings of ``engine`` and ``mail`` are merged one by one."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            both = key in ("engine", "mail") and isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = {**merged[key], **value} if both else value
    return merged


def _without_unknown(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key in Settings.model_fields}
