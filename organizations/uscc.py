"""The unified social credit code: eighteen characters, the last a check character (GB 32100-2015). Pure."""

from __future__ import annotations

import re

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The characters of the standard in order of value; I, O, S, V and Z are left out."""
SHAPE = re.compile(rf"[{ALPHABET}]{{2}}[0-9]{{6}}[{ALPHABET}]{{10}}")
_VALUE = {character: value for value, character in enumerate(ALPHABET)}


def is_shaped(code: str) -> bool:
    """Whether the code has the length and the characters of the standard."""
    return bool(SHAPE.fullmatch(code))


def check_character(body: str) -> str:
    """The check character for the first seventeen: weights are powers of 3, modulo 31."""
    total = sum(_VALUE[character] * pow(3, place, 31) for place, character in enumerate(body[:17]))
    return ALPHABET[-total % 31]


def is_valid(code: str) -> bool:
    """Whether shape and check character are right."""
    return is_shaped(code) and check_character(code) == code[17]
