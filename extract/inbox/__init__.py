"""The customer's own exports, dropped into `data/inbox/`: checked, then landed as they came.

`check_inbox` tells about the files and writes nothing. `landing.land_inbox` puts them into the raw
tables and `answers.answered_by` says which API calls they make needless; both need dlt, which takes
a second to load, and are imported by the extraction alone.
"""

from __future__ import annotations

from extract.inbox.check import CheckedFile, InboxReport, check_inbox

__all__ = ["CheckedFile", "InboxReport", "check_inbox"]
