"""JSON's objects by name: bodies as they were read, and answers before they are written."""

from collections.abc import Mapping
from typing import Any

JsonObject = dict[str, Any]
JsonMapping = Mapping[str, Any]
"""An object that is only read."""
