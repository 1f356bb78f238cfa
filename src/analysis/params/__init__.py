"""The settings of a run: typed, frozen, and checked against the catalogue in one message.

A company's file (``params/cdnow.yml``) overrides ``params/base.yml``, where every setting stands once with
its reason. Everything that is wrong with a file is said at once, with the nearest right name.

- ``settings``: what may be set, by name; ``table_sources``, ``mailing`` and ``own_words`` are its larger parts.
- ``files`` → ``reading`` → ``presets``: which files say it, what stands in them, and what ``like`` fills in.
- ``problems``, ``against_catalogue``: what is wrong with it, in the reader's words.
- ``loading``: all of these together, ``load_params``.
"""

from analysis.params.files import BASE_FILE, PRESETS_FOLDER, own_files
from analysis.params.hashes import code_hash, content_hash
from analysis.params.loading import Params, load_params
from analysis.params.mailing import MailServer, MailSettings, Recipient
from analysis.params.problems import ParamsError
from analysis.params.settings import DELIVERY_SETTINGS, EngineSettings, Exclusion, Settings, is_folder_name
from analysis.params.table_sources import ColumnSource, InOrderOf, TableSource, Unpivot

__all__ = [
    "BASE_FILE", "DELIVERY_SETTINGS", "PRESETS_FOLDER", "ColumnSource", "EngineSettings", "Exclusion", "InOrderOf",
    "MailServer", "MailSettings", "Params", "ParamsError", "Recipient", "Settings", "TableSource", "Unpivot",
    "code_hash", "content_hash", "is_folder_name", "load_params", "own_files",
]  # fmt: skip
