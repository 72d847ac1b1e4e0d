"""Every sheet and bulletin of the demo world as pictures, to be looked at: ``python -m tests.reports.pictures [folder]``.

Needs LibreOffice and poppler's programs (Debian: libreoffice-calc libreoffice-writer poppler-utils fonts-noto-cjk). What a
machine can see it says itself, and ends with 1: a title that is cut, a number that does not fit, a page with nothing on it,
a bulletin without its five sections. The pages are left in the folder, one picture each.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from PIL import Image

PROGRAMS = ("soffice", "pdftoppm", "pdftotext")
PERIOD, DAY = "2026-10", date(2026, 11, 23)
SECTIONS = {"zh-Hans": [f"{numeral}、" for numeral in "一二三四五"], "en": [f"{n}. " for n in range(1, 6)]}
LEAST_INK = 0.0005
"""The share of a page that must be dark; a page number alone is less."""


def main() -> int:
    """Make the world, write, render, look. Gives how the process ends."""
    if missing := [name for name in PROGRAMS if not shutil.which(name)]:
        print(f"not installed: {', '.join(missing)} (see the head of this module)", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "var/pictures").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as var:
        os.environ |= {"VAR_DIR": var, "DATABASE_URL": f"sqlite:///{var}/world.sqlite3"}
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        call_command("demo", day=DAY, verbosity=0)
        wanted = dict(write(folder))
    files = [folder / name for name in wanted]
    subprocess.run(
        ["soffice", "--headless", "--convert-to", "pdf", "--outdir", folder, *files], check=True, capture_output=True
    )
    faults = [fault for file in files for fault in look(file, *wanted[file.name])]
    print("\n".join(faults) or f"nothing to complain about; the pages of {len(files)} documents lie in {folder}")
    return 1 if faults else 0


def write(folder: Path) -> Iterator[tuple[str, tuple[str, list[str]]]]:
    """Every report in both languages; gives each file's name, its title, and what else its text must hold."""
    from django.utils import timezone

    from core.actors import SYSTEM
    from core.texts import EN, ZH
    from reports import deliverables, periods, registers
    from reports.deliverables import Wanted

    period, at = periods.read(PERIOD), timezone.now()
    asked = {f"register-{kind}": Wanted("register", period, "xlsx", register=kind) for kind in registers.REGISTERS}
    for group_by in ("department", "region", "field_member"):
        asked[f"supervision-{group_by}"] = Wanted("supervision", period, "xlsx", group_by=group_by)
    for scheme in ("department", "town"):
        asked[f"assessment-{scheme}"] = Wanted("assessment", period, "xlsx", scheme=scheme)
    asked["dimensions"] = Wanted("dimensions", period, "xlsx", questionnaire="visit", group_by="region")
    asked["evidence"] = Wanted("evidence", period, "xlsx", indicator="on_time_rate")
    asked["bulletin"] = Wanted("supervision", period, "docx")
    for language in (ZH, EN):
        for name, one in asked.items():
            made = deliverables.make(one, by=SYSTEM, at=at, language=language)
            file = deliverables.write(made, one.dress, language)
            with file.content:
                (folder / f"{name}-{language}.{one.dress}").write_bytes(file.content.read())
            title = made.bulletin.title if made.bulletin else made.tables[0].title
            yield f"{name}-{language}.{one.dress}", (title.of(language), SECTIONS[language] if made.bulletin else [])


def look(file: Path, title: str, parts: list[str]) -> Iterator[str]:
    """What is wrong with a rendered document; its pages are left as pictures."""
    pdf = file.with_suffix(".pdf")
    text = subprocess.run(["pdftotext", "-layout", pdf, "-"], check=True, capture_output=True, text=True).stdout
    first = "".join(text.partition("\f")[0].split())
    if "".join(title.split()) not in first:
        yield f"{file.name}: the title is not whole on the first page"
    if "###" in text:
        yield f"{file.name}: a number does not fit into its column"
    yield from (f"{file.name}: no {part.strip()}" for part in parts if part not in text)
    subprocess.run(["pdftoppm", "-r", "60", "-png", pdf, pdf.with_suffix("")], check=True)
    for page in sorted(pdf.parent.glob(f"{pdf.stem}-[0-9]*.png")):
        with Image.open(page) as picture:
            shades = picture.convert("L").histogram()
        if sum(shades[:128]) / sum(shades) < LEAST_INK:
            yield f"{page.name}: an empty page"


if __name__ == "__main__":
    sys.exit(main())
