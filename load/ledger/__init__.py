"""The loader's memory of what it intended, sent and got: a SQLite file that is never dropped."""

from load.ledger.publish import publish
from load.ledger.store import Ledger

__all__ = ["Ledger", "publish"]
