"""The independent checker of end states: what the destination holds, against plan and ledger.

It shares no code with the loader: it reads the ledger's file, the frozen plan's Parquet, and the
destination's state as JSON lines, and says which of the invariants I1 to I15 do not hold.
"""

from checker.report import NothingExamined, Report, check

__all__ = ["NothingExamined", "Report", "check"]
