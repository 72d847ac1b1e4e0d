"""One line of JSON for each thing that happened, without personal data, so that machines can read the logs."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from core.tracing import request_id

BREAKS = {ord(letter): f"\\u{ord(letter):04x}" for letter in "\x7f\x85\u2028\u2029"}
"""What JSON leaves as it is and some readers take for the end of a line."""


class JSONLines(logging.Formatter):
    """``{"at", "level", "logger", "message", "request"?, "error"?, …}``; what a call passes as ``extra={"told": {…}}`` is added."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id.get():
            line["request"] = request_id.get()
        line |= getattr(record, "told", {})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str).translate(BREAKS)
