"""Behind the real gate on the real server: an application that says how many bytes of a body came."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from config.admission import Admission  # noqa: E402 - its imports need Django set up


def count(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    came = 0
    while piece := environ["wsgi.input"].read(1 << 16):
        came += len(piece)
    print(came, flush=True)  # also when nobody is left to be answered
    start_response("200 OK", [("Content-Length", str(len(str(came))))])
    return [str(came).encode()]


application = Admission(count)
