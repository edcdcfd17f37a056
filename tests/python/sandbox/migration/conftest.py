"""A load against the local Pipedrive, with the loader's own fixtures."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_SOURCE = Path(__file__).resolve().parents[2] / "load" / "conftest.py"
_SPEC = spec_from_file_location("loader_fixtures", _SOURCE)
assert _SPEC is not None
assert _SPEC.loader is not None
_fixtures = module_from_spec(_SPEC)
sys.modules[_SPEC.name] = _fixtures  # its dataclasses look themselves up there
_SPEC.loader.exec_module(_fixtures)

company = _fixtures.company
loader = _fixtures.loader
new_company = _fixtures.new_company
worlds = _fixtures.worlds
