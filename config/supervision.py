"""Several long-running programs under one roof: started together, kept alive, stopped together.

The terminal's Ctrl-C reaches only the roof, because each program is a session of its own; if the roof itself is
killed, Linux asks the programs to stop, so nothing is left behind either way.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType

GRACE = 15.0
"""Seconds a program has to stop by itself."""
PATIENCE = 5
"""Deaths within a minute after which a program is given up, and everything with it."""
PR_SET_PDEATHSIG = 1


@dataclass
class Program:
    """One program to keep running."""

    name: str
    argv: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    deaths: list[float] = field(default_factory=list)
    again_at: float = 0.0


class Roof:
    """Runs programs until it is told to stop or one of them cannot be kept alive."""

    def __init__(
        self, programs: Sequence[Program], *, environment: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        self.programs = programs
        self.environment = dict(environment)
        self.say = say
        self.stopping = False
        self.failed = False

    def run(self, *, when_up: Callable[[], bool]) -> int:
        """Keep the programs running; answers the exit code. `when_up` is asked until it has had its say (True)."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._hear)
        said = False
        try:
            while not self.stopping:
                for program in self.programs:
                    self._tend(program, now=time.monotonic())
                said = said or when_up()
                time.sleep(0.1)
        finally:
            self._stop_all()
        return 1 if self.failed else 0

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _tend(self, program: Program, *, now: float) -> None:
        if program.process is not None and program.process.poll() is not None:
            code = program.process.returncode
            end_group(program.process, signal.SIGKILL)
            program.process = None
            program.deaths = [at for at in program.deaths if now - at < 60] + [now]
            if len(program.deaths) >= PATIENCE:
                self.say(f"{program.name} died {PATIENCE} times within a minute (exit {code}): giving up.")
                self.failed = self.stopping = True
                return
            pause = 2 ** (len(program.deaths) - 1) / 2
            program.again_at = now + pause
            self.say(f"{program.name} died (exit {code}); starting it again in {pause:g} s.")
        if program.process is None and now >= program.again_at:
            program.process = subprocess.Popen(
                program.argv,
                stdin=subprocess.DEVNULL,
                env=self.environment,
                start_new_session=True,
                preexec_fn=stop_with_parent,
            )

    def _stop_all(self) -> None:
        running = [program.process for program in self.programs if program.process is not None]
        for process in running:
            if process.poll() is None:
                process.terminate()
        end = time.monotonic() + GRACE
        for process in running:
            try:
                process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.say(f"process {process.pid} did not stop within {GRACE:g} s and was killed.")
            end_group(process, signal.SIGKILL)
            process.wait()


def stop_with_parent() -> None:
    """Ask Linux to stop this program when the roof dies; elsewhere there is no such wish."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    except (OSError, AttributeError):
        return


def end_group(process: subprocess.Popen[bytes], number: int) -> None:
    """Signal what is left of a program's session."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):
        return
