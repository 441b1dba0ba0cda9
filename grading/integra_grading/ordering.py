"""Orders that look random, are the same for everybody who knows the seed, and need no generator."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence


def hash_rank(*parts: str) -> str:
    """Return SHA-256 of the parts as hexadecimal, the sort key of every seeded order here.

    Each part is preceded by its length, so that ("ab", "c") and ("a", "bc") differ.
    """
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    # A lone surrogate cannot be encoded; it may still be part of a seed that is only hashed.
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()


def shuffle(keys: Iterable[str], *, seed: str) -> tuple[str, ...]:
    """Return ``keys`` in the order of SHA-256(seed, key).

    Args:
        keys: Distinct keys, in any order.
        seed: For example the uuid of an attempt.

    Invariants: a permutation of ``keys``; independent of their input order.
    """
    return tuple(sorted(keys, key=lambda key: (hash_rank(seed, key), key)))


def shuffle_within_blocks(pairs: Sequence[tuple[str, str]], *, seed: str) -> tuple[str, ...]:
    """Return the keys of ``pairs`` (block, key): blocks in order of first appearance, shuffled inside.

    A test keeps the items of one module together and mixes them among themselves.

    Source: dossier 5.4, "shuffle item order within module blocks".
    """
    blocks: dict[str, list[str]] = {}
    for block, key in pairs:
        blocks.setdefault(block, []).append(key)
    return tuple(key for keys in blocks.values() for key in shuffle(keys, seed=seed))


def is_drawn(*parts: str, percent: int) -> bool:
    """Return whether the thing named by ``parts`` is in a deterministic sample of ``percent``.

    Used for the review sample of deliverables: ``is_drawn(str(learner_uuid), deliverable_key, percent=20)``.

    Args:
        parts: What is drawn, from the most to the least general.
        percent: Size of the sample, 0 to 100; 0 draws nothing, 100 everything.

    Invariants: drawn at p percent implies drawn at every q > p.
    """
    return int(hash_rank(*parts), 16) % 100 < percent
