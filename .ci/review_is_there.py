"""Is there a review of this change on real data, and does it fit?

    python .ci/review_is_there.py BASE [HEAD]

For a customer's repository, whose data no CI runner sees: the operator makes the review with
`aiq2pd diff BASE --data local --out 'reviews/<hash>.md'` and commits it with the change. Exit code
1, and one line that says what to do, when it is missing or does not fit.
"""

from __future__ import annotations

import sys

from migrate.diff.review import misfit
from migrate.diff.revisions import revision
from migrate.places import project_dir


def main(arguments: list[str]) -> int:
    """Check, and say."""
    if not 1 <= len(arguments) <= 2:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    project = project_dir()
    base, head = (revision(project, name) for name in [*arguments, ""][:2])
    problem = misfit(project, base.mapping, head.mapping)
    sys.stdout.write(f"{problem or 'the review fits'}\n")
    return int(bool(problem))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
