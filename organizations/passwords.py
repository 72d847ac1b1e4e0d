"""What a password may be: the rules of MLPS 2.0 as the office set them, and nothing that somebody would guess first.

Length and classes come from ``domain.md`` §6. Beside them a password must not be among the commonest (the list of twenty thousand
that ships with Django, which was drawn from breaches), nor one of them with the usual decoration of capitals, digits and
signs, nor made of the words of this place and this system, nor hold what is known of its owner. An installation may
add a set of breached passwords of its own (``BREACHED_PASSWORDS``, see :mod:`organizations.breaches`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Final

from django.contrib.auth.password_validation import CommonPasswordValidator

from core.problems import Fault
from core.texts import Text
from organizations import breaches

LEAST = 10
MOST = 256
CLASSES = (str.islower, str.isupper, str.isdigit, lambda character: not character.isalnum())
CONTEXT: Final = (
    "sanyuantong", "sanyuan", "syt", "changai", "chanyegongren", "gongren", "gonghui", "jiangyin", "jiangsu", "wuxi",
    "jiangyang", "huashi", "zhouzhuang", "huaxi", "lingang", "chengdong", "liaison", "instructor", "observer", "station",
    "town", "office", "auditor", "admin", "system", "console", "hrss", "embureau", "union", "demo",
    "三员通", "三员", "联络员", "指导员", "观察员", "产改办", "产改", "工会", "产业工人", "江阴", "无锡", "江苏", "管理员", "审计",
)  # fmt: skip
"""Words that anybody would try here: the system, the office, the city and its towns, the roles, the demo's accounts."""
LEFT = 3
"""Letters that must remain when the words of CONTEXT are taken out."""
_LEET = str.maketrans("0134578@$!", "oieastbasi")
_BY_LENGTH = re.compile("|".join(sorted(map(re.escape, CONTEXT), key=len, reverse=True)))
_SPLIT = re.compile(r"[\s@.,;:/_-]+")


def faults(password: str, *, username: str = "", about: Iterable[str] = (), pointer: str = "/password") -> list[Fault]:
    """Every rule that the password breaks. ``about`` holds name, phone and mail of its owner."""
    found = composition(password, pointer=pointer)
    folded = password.casefold()
    if username and username.casefold() in folded:
        found.append(Fault(pointer, "password-username", Text("密码不得包含用户名", "Must not contain the user name")))
    if any(word in folded for word in _personal(about)):
        detail = Text("密码不得包含本人的姓名、电话或邮箱", "Must not contain one's own name, phone or mail address")
        found.append(Fault(pointer, "password-personal", detail))
    if is_common(password) or breaches.holds(password):
        detail = Text("该密码属于常用或已泄露的密码", "Is one of the passwords that are tried first")
        found.append(Fault(pointer, "password-common", detail))
    elif is_of_this_place(password):
        detail = Text(
            "密码不得只由系统、单位、地名或角色的名称组成", "Is made of the names of this system, place or roles"
        )
        found.append(Fault(pointer, "password-context", detail))
    return found


def composition(password: str, *, pointer: str = "/password") -> list[Fault]:
    """The rules of length and classes alone."""
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
    return found


def is_common(password: str) -> bool:
    """Whether it is one of the commonest passwords, as it stands or under the usual decoration."""
    common = commonest()
    return any(root in common for root in _roots(password))


def is_of_this_place(password: str) -> bool:
    """Whether hardly a letter is left of it once the words of CONTEXT are gone."""
    for said in (password.casefold(), password.casefold().translate(_LEET)):
        rest = _BY_LENGTH.sub("", said)
        if rest != said and sum(map(str.isalpha, rest)) < LEFT:
            return True
    return False


@cache
def commonest() -> frozenset[str]:
    """The passwords that guessers try first, in small letters."""
    return frozenset(CommonPasswordValidator().passwords)


def _roots(password: str) -> Iterator[str]:
    """What the password is without capitals, without digits and signs around it, and with its look-alikes read as letters."""
    folded = password.casefold()
    yield folded
    for said in (folded, folded.translate(_LEET)):
        trimmed = _trimmed(said)
        yield trimmed
        yield trimmed.translate(_LEET)
        yield "".join(filter(str.isalnum, trimmed))


def _trimmed(said: str) -> str:
    letters = [place for place, character in enumerate(said) if character.isalpha()]
    return said[letters[0] : letters[-1] + 1] if letters else said


def _personal(about: Iterable[str]) -> Iterator[str]:
    """The pieces of what is known of somebody that are long enough to be a guess: two Chinese characters, else four of any."""
    for told in about:
        for piece in (told, *_SPLIT.split(told)):
            word = "".join(piece.casefold().split())
            if len(word) >= (4 if word.isascii() else 2):
                yield word
