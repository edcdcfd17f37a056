"""Taking back what a load wrote: planned first, sparing what people did since.

`undo` plans from the ledger and from lists of the target, then deletes what the ledger says we
made and puts back, column by column, what we overwrote.
"""

from load.undo.engine import UndoResult, undo
from load.undo.plan import UndoPlan, UndoRow
from load.undo.selection import Selection

__all__ = ["Selection", "UndoPlan", "UndoResult", "UndoRow", "undo"]
