"""The password rules of MLPS 2.0 as the office set them: at least ten characters of three classes. Pure."""

from __future__ import annotations

from core.problems import Fault
from core.texts import Text

LEAST = 10
MOST = 256
CLASSES = (str.islower, str.isupper, str.isdigit, lambda character: not character.isalnum())


def faults(password: str, *, username: str = "", pointer: str = "/password") -> list[Fault]:
    """Every rule that the password breaks."""
    found = []
    if not LEAST <= len(password) <= MOST:
        detail = Text("密码长度应为 {least} 到 {most} 个字符", "Must have {least} to {most} characters")
        found.append(Fault(pointer, "password-length", detail.fill(least=LEAST, most=MOST)))
    if sum(any(map(belongs, password)) for belongs in CLASSES) < 3:
        detail = Text(
            "密码应包含大写字母、小写字母、数字、符号中的至少三类",
            "Must mix at least three of: upper case, lower case, digits, signs",
        )
        found.append(Fault(pointer, "password-classes", detail))
    if username and username.casefold() in password.casefold():
        found.append(Fault(pointer, "password-username", Text("密码不得包含用户名", "Must not contain the user name")))
    return found
