"""Near copies are near, different pictures are far."""

from __future__ import annotations

import io
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from media.likeness import NEAR, bands, distance, likeness, neighbours, signed, unsigned
from tests.media.scenes import encoded, scene

hashes = st.integers(0, 2**64 - 1)


def hash_of(image: Image.Image) -> int:
    found = likeness(image)
    assert found is not None
    return found


def test_a_recompressed_shrunk_or_brightened_copy_is_near() -> None:
    for seed in range(12):
        original = scene(seed)
        copies = [
            Image.open(io.BytesIO(encoded(original, quality=35))),
            original.resize((400, 300)),
            ImageEnhance.Brightness(original).enhance(1.15),
            original.crop((8, 6, 1592, 1194)),
        ]
        assert all(distance(hash_of(original), hash_of(copy)) <= NEAR for copy in copies), seed


def test_different_pictures_are_far_apart() -> None:
    found = [hash_of(scene(seed, 320, 240)) for seed in range(60)]
    assert all(distance(one, other) > NEAR for one, other in combinations(found, 2))


def test_a_blank_wall_resembles_nothing() -> None:
    assert likeness(Image.new("RGB", (800, 600), "white")) is None


@given(hashes)
def test_a_hash_survives_its_column(hash_: int) -> None:
    assert unsigned(signed(hash_)) == hash_
    assert -(2**63) <= signed(hash_) < 2**63


@given(hashes, st.sets(st.integers(0, 63), max_size=NEAR))
def test_the_bands_find_whatever_is_near(hash_: int, flipped: set[int]) -> None:
    other = hash_
    for bit in flipped:
        other ^= 1 << bit
    assert any(there in neighbours(here) for here, there in zip(bands(hash_), bands(other), strict=True))
