"""A file of settings as it is written: YAML in which nothing is written twice, and words stay words."""

from __future__ import annotations

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from analysis.catalogue import say_problem
from analysis.errors import Said, in_language
from analysis.params.problems import ParamsError


def read_settings(file: Path) -> dict[str, Any]:
    """The values of a file, as written.

    Raises
    ------
    ParamsError
        If it may not be read, is no YAML in UTF-8, or holds no `setting: value` lines.
    """
    try:
        values = yaml.load(file.read_text(encoding="utf-8-sig"), _Loader)
    except OSError as error:
        raise ParamsError(say_problem("params_unread", file=file, error=error.strerror)) from None
    except UnicodeDecodeError as error:
        raise ParamsError(say_problem("params_not_utf8", file=file.name, error=error)) from None
    except (yaml.YAMLError, ValueError) as error:
        raise ParamsError(say_problem("params_not_yaml", file=file.name, error=_problem_in(error))) from None
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ParamsError(say_problem("params_no_lines", file=file.name, kind=type(values).__name__))
    return values


def mapping_in(values: Any, key: str) -> dict[str, Any]:
    """What stands under a key, if both are mappings; anything else is refused by its type and empty here."""
    found = values.get(key) if isinstance(values, dict) else None
    return found if isinstance(found, dict) else {}


def _problem_in(error: Exception) -> Said:
    """What YAML's error says, on one line; in both languages as far as its words are ours."""
    said, ours = str(error), getattr(error, "problem", None)
    chinese = said.replace(ours, in_language(ours, "zh")) if ours else said
    return Said(*(" ".join(text.replace('"<unicode string>", ', "").split()) for text in (said, chinese)))


class _Loader(yaml.SafeLoader):
    """YAML in which no setting is written twice, and what only looks like a date or a number stays text.

    ``no``, ``on`` and ``01`` are words and codes of a company's data, as in YAML 1.2; 31 June is no date.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping of a node."""
        written = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in written:
                raise yaml.constructor.ConstructorError(
                    None, None, say_problem("written_twice", name=key.value), key.start_mark
                )
            written.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return super().construct_mapping(node, deep)

    def construct_date(self, node: yaml.ScalarNode) -> Any:
        """The date or instant of a node."""
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            return node.value


_TAG = "tag:yaml.org,2002:"
_NARROWER = {
    _TAG + "bool": ("true|True|false|False", "tTfF"),
    _TAG + "int": ("[-+]?(0|[1-9][0-9_]*)", "-+0123456789"),
}
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag not in _NARROWER]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _tag, (_pattern, _firsts) in _NARROWER.items():
    _Loader.add_implicit_resolver(_tag, re.compile(f"^({_pattern})$"), list(_firsts))
_Loader.add_constructor(_TAG + "timestamp", _Loader.construct_date)
