"""The links of all proofs as text, a link a line, and the mutations of each obligation. ``python -m tests.theory.links > tests/theory/links.txt`` renews the list."""

from pathlib import Path

from theory.catalogue import chains, obligations

FILE = Path(__file__).with_name("links.txt")


def lines() -> list[str]:
    """Theorem, what the link rests on, its step, its references; obligation and its mutations: whoever takes one away says so there."""
    links = [
        f"{theorem} | {link.basis.value} | {link.step} | {'; '.join(link.references)}"
        for theorem, chain in chains.items()
        for link in chain.links
    ]
    return links + [
        f"{id} | mutations | {' '.join(sorted(one.name for one in obligation.mutations))}"
        for id, obligation in sorted(obligations.items())
    ]


if __name__ == "__main__":
    print("\n".join(lines()))
