"""How departments and towns work in the demo world: some well, some badly, some getting better or worse."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Temper:
    """Probabilities of doing right: acknowledge in time, answer in time, answer soundly, leave people content.

    ``drift`` is added to each of them every month.
    """

    prompt: float
    steady: float
    sound: float
    liked: float
    drift: float = 0.0

    def in_month(self, number: int) -> Temper:
        """The temper so many months after the beginning."""
        grown = (
            min(0.99, max(0.2, each + self.drift * number))
            for each in (self.prompt, self.steady, self.sound, self.liked)
        )
        return Temper(*grown)


EXEMPLARY = Temper(0.97, 0.96, 0.97, 0.97)
GOOD = Temper(0.93, 0.91, 0.93, 0.93)
FAIR = Temper(0.88, 0.82, 0.90, 0.88)
IMPROVING = Temper(0.66, 0.58, 0.78, 0.76, drift=0.05)
DECLINING = Temper(0.95, 0.93, 0.93, 0.92, drift=-0.06)
POOR = Temper(0.66, 0.55, 0.80, 0.72)

_OF = {
    "FTU": EXEMPLARY, "PSB": EXEMPLARY, "HPF": EXEMPLARY, "ORG": GOOD, "EMB": GOOD, "NHSA": GOOD, "JUS": GOOD, "OFFICE": GOOD,
    "HRSS": FAIR, "MIIT": FAIR, "PUB": FAIR, "SAMR": FAIR, "EDU": IMPROVING, "NHC": DECLINING, "HUD": POOR,
    "320281110": POOR, "320281009": POOR, "320281104": FAIR, "320281106": EXEMPLARY,
}  # fmt: skip


def of(code: str) -> Temper:
    return _OF.get(code, GOOD)
