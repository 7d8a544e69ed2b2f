"""Ticket numbers: short, the same every time, and not to be guessed from the next one."""

import xxhash


def ticket_for(description: str) -> str:
    """The ticket of a thing. Case and spaces do not make it another thing."""
    plain = " ".join(description.casefold().split())
    return xxhash.xxh32_hexdigest(plain.encode()).upper()
