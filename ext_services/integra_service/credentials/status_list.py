"""Bitstring Status List: one bit per credential, the leftmost bit of the first byte is index 0.

Source: W3C "Bitstring Status List v1.0", section 3.2 (GZIP, base64url without padding, at least 131 072 bits).
"""

import gzip
import zlib
from collections.abc import Iterable

from .multibase import decode_base64url, encode_base64url

LENGTH = 131_072


class StatusListError(ValueError):
    """The encoded list cannot be read or does not hold the index."""


def encode_list(indices: Iterable[int]) -> str:
    """Return the list in which exactly ``indices`` (each in 0…131 071) are set."""
    bits = bytearray(LENGTH // 8)
    for index in indices:
        if not 0 <= index < LENGTH:
            raise StatusListError("index outside the list")
        bits[index // 8] |= 0x80 >> (index % 8)
    # A time in the GZIP header would make equal lists differ.
    return encode_base64url(gzip.compress(bytes(bits), mtime=0))


def is_set(encoded: str, index: int) -> bool:
    """Tell whether the bit ``index`` is set; raise StatusListError for a list that cannot be trusted."""
    try:
        compressed = decode_base64url(encoded)
        reader = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        # One byte more than allowed shows a longer list without unpacking a bomb.
        bits = reader.decompress(compressed, LENGTH // 8 + 1)
    except (ValueError, zlib.error) as error:
        raise StatusListError("not a compressed bitstring") from error
    if len(bits) != LENGTH // 8 or not reader.eof or reader.unused_data:
        raise StatusListError("not a list of 131072 bits")
    if not 0 <= index < LENGTH:
        raise StatusListError("index outside the list")
    return bool(bits[index // 8] & (0x80 >> (index % 8)))
