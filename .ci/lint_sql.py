"""sqlfluff, which spends a fifth of its time on looking for garbage among trees that live on.

Arguments are those of `sqlfluff`.
"""

import gc

from sqlfluff.cli.commands import cli

if __name__ == "__main__":
    gc.set_threshold(500_000, 20, 100)
    cli(prog_name="sqlfluff")
