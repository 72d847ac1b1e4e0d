"""A program: migrates the database of DATABASE_URL and leaves in the file that it is given what went wrong, or nothing.

Nobody imports it; ``tests/services/tables.py`` starts it and waits for the file.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path


def main(note: Path) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    trouble = ""
    try:
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connections

        call_command("migrate", verbosity=0)
        connections.close_all()
    except BaseException:
        trouble = traceback.format_exc()
        raise
    finally:
        unready = note.with_suffix(".writing")
        unready.write_text(trouble, encoding="utf-8")
        unready.rename(note)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
