"""The unified social credit code against its published vectors."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from core.actors import SYSTEM
from core.problems import Invalid
from organizations import enterprises, uscc

FILE = Path(__file__).parents[1] / "vectors" / "vectors_uscc.csv"
VECTORS = list(csv.DictReader(FILE.read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["code"])
def test_vectors(vector):
    assert uscc.is_valid(vector["code"]) == (vector["valid"] == "yes")


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["code"])
def test_only_a_well_shaped_code_can_be_overridden_with_a_reason(cast, vector):
    def enter(**values):
        return cast.enterprise("某厂", cast.xiake, uscc=vector["code"], **values)

    if vector["valid"] != "yes":
        with pytest.raises(Invalid) as refused:
            enter()
        assert refused.value.errors[0].pointer == "/uscc"
    if vector["valid"] == "override":
        assert enter(uscc_override="营业执照原件已核对").uscc == vector["code"]


def test_every_single_wrong_character_is_noticed():
    code = "91350100M000100Y43"
    for place in range(17):
        for other in uscc.ALPHABET:
            if other != code[place]:
                assert not uscc.is_valid(code[:place] + other + code[place + 1 :])


def test_a_code_belongs_to_one_enterprise(cast):
    cast.enterprise("甲", cast.xiake, uscc="91350100M000100Y43")
    with pytest.raises(Invalid) as refused:
        cast.enterprise("乙", cast.xiake, uscc="91350100m000100y43")
    assert refused.value.errors[0].code == "taken"


def test_an_enterprise_may_keep_its_own_code(cast):
    row = cast.enterprise("甲", cast.xiake, uscc="91350100M000100Y43")
    values = {"uscc": "91350100M000100Y43", "name": "甲厂"}
    assert enterprises.change(row.id, values, by=SYSTEM, at=cast.at).name == "甲厂"
