"""The process that stands beside a service and sees to it that nothing outlives its user.

Run as a program with one argument, a JSON object ``{"argv", "log", "stop", "grace", "remove", "run_as"}``. It
reads words from standard input: ``start`` starts the service, ``kill`` kills it at once; both are answered with the
process id or ``0``. The end of the input (the user closed it, or died in any way) stops the service and removes its
folders. It takes no notice of Ctrl-C: the terminal's signal reaches the user, and the user's end reaches it.

It knows nothing but the standard library, so that starting it costs a few hundredths of a second.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask Linux to kill this process with its parent; elsewhere the keeper alone has to do."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    except (OSError, AttributeError):
        return


def start(order: dict[str, Any]) -> subprocess.Popen[bytes]:
    run_as = order.get("run_as")
    other = {} if run_as is None else {"user": run_as, "group": run_as, "extra_groups": []}
    with Path(order["log"]).open("ab") as log:
        return subprocess.Popen(
            order["argv"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            cwd="/",
            preexec_fn=die_with_parent,
            **other,
        )


def stop(service: subprocess.Popen[bytes], how: int, grace: float) -> None:
    """Stop the service, by force if it takes longer than its grace in seconds."""
    if service.poll() is None:
        service.send_signal(how)
        try:
            service.wait(grace)
        except subprocess.TimeoutExpired:
            service.kill()
            service.wait()
    try:
        os.killpg(service.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def main() -> None:
    order = json.loads(sys.argv[1])
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    service: subprocess.Popen[bytes] | None = None
    for word in sys.stdin:
        if service is not None:
            stop(service, signal.SIGKILL if word.strip() == "kill" else order["stop"], order["grace"])
            service = None
        if word.strip() == "start":
            service = start(order)
        print(service.pid if service else 0, flush=True)
    if service is not None:
        stop(service, order["stop"], order["grace"])
    for folder in order["remove"]:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
