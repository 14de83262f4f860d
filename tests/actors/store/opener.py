"""What a user without rights is told: ``python -m tests.actors.store.opener PATH``.

Prints what the check says, then what opening says; an empty line for nothing.
"""

import os
import sys
from pathlib import Path

from actors.store.database import check_database, open_database
from actors.store.errors import StoreOpenError

_NOBODY = 65534


def main(path: Path) -> None:
    """Look, after giving up root's right to pass any permission."""
    if os.getuid() == 0:
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
    lines = [check_database(path) or ""]
    try:
        open_database(path).close()
        lines.append("")
    except StoreOpenError as error:
        lines.append(str(error))
    sys.stdout.write("\n".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
