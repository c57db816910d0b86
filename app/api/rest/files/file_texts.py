"""A definition as the text of a file, in one of the languages of files."""

import json
from enum import StrEnum
from typing import Any

from app.api.rest.files.yaml_writing import yaml_text


class FileFormat(StrEnum):
    YAML = "yaml"
    JSON = "json"


MEDIA_TYPES = {FileFormat.YAML: "application/yaml", FileFormat.JSON: "application/json"}


def file_text(document: dict[str, Any], format: FileFormat) -> str:
    """The text. In both languages its fields have the order of the document."""
    if format is FileFormat.YAML:
        return yaml_text([document])
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
