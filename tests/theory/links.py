"""The links of all proofs as text, a link a line. ``python -m tests.theory.links > tests/theory/links.txt`` renews the list."""

from pathlib import Path

from theory.catalogue import chains

FILE = Path(__file__).with_name("links.txt")


def lines() -> list[str]:
    """Theorem, what the link rests on, its step, its references."""
    return [
        f"{theorem} | {link.basis.value} | {link.step} | {'; '.join(link.references)}"
        for theorem, chain in chains.items()
        for link in chain.links
    ]


if __name__ == "__main__":
    print("\n".join(lines()))
