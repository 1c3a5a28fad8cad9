"""The document of a run: entries as they come in, assembled into what claims.json holds."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from properties.engine.claim import Evidence, InstanceVerdict, Verdict, weakest
from properties.engine.ratios import BINS, ratio_bin
from properties.engine.report.atomic import write_text_atomically
from properties.engine.report.commands import Commands
from properties.engine.report.entries import Entry
from properties.engine.report.plain import number, record_text
from properties.engine.report.run_verdict import RunVerdict
from theory.errors import DataFileError
from theory.proof.chain import Basis
from theory.proof.obligation import Standing

NOT_RUN = "not in this run"

CLAIMS = "claims.json"
"""The document's file in a report."""

INDEX = "index.html"
"""The page's file in a report."""

UNTITLED = "Verification"
"""The head of a report whose suite has no title."""

SCHEMA = 1
"""The version of claims.json; a reader refuses what it does not know."""


@dataclass
class Document:
    """The entries of a run, and the environment they were found in."""

    environment: Mapping[str, Any]
    title: str = field(default=UNTITLED, kw_only=True)
    """Of the suite, for the head of its reports."""
    claims: dict[str, Entry] = field(default_factory=dict)
    mutants: dict[str, Entry] = field(default_factory=dict)
    parts: dict[str, Entry] = field(default_factory=dict)
    """By kind, what was asked for beside claims (properties/engine/part.py)."""
    kinds: Sequence[str] = ()
    """Kinds of parts that the suite has: a part that was not asked for is None in claims.json."""
    replays: dict[str, Entry] = field(default_factory=dict)
    """Counterexample files evaluated again; they are part of no report."""
    baseline: Entry | None = None
    """The comparison with an earlier run: ``file``, ``compared``, ``skipped``, ``losses``, and whether it was replaced."""
    obligations: dict[str, Entry] = field(default_factory=dict)
    chains: Sequence[Entry] = ()
    """The proofs of the claims of the run."""
    chapters: Sequence[Entry] = ()
    """Which claims stand together: ``name``, ``title``, ``claims`` (ids)."""
    slack: Sequence[Entry] = ()
    """Rows of the slack table, for the claims of the run."""
    not_executable: Mapping[str, str] = field(default_factory=dict)
    """Statements of the theory that are no claims, with the reason."""
    expected: int = 0
    """How many entries the run set out to produce."""
    left_out: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By extra that is not installed, what the run was asked for and leaves out: ids of obligations, families of claims."""
    order: Sequence[str] = ()
    """Ids of claims, mutants and obligations in the order in which they are shown, whichever comes in first."""
    made: Mapping[str, Any] = field(default_factory=dict)
    """When the run started and at which commit, and its ``seconds``, where that is known."""
    history: Sequence[Entry] = ()
    """Earlier runs, the oldest first (history.py)."""
    commands: Commands = field(default_factory=Commands)
    """What a command to repeat a part of the run needs."""
    checks_counted: bool = False
    """Whether the claims' entries have the parts' checks counted in already, as those of claims.json do."""

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Document:
        """The document whose ``to_json`` is ``content``. Raises DataFileError."""
        try:
            if content["schema"] != SCHEMA:
                raise DataFileError(f"claims.json of schema {content['schema']!r}; this version reads {SCHEMA}")
            found = cls(
                content["environment"],
                title=content.get("title", UNTITLED),
                claims={entry["id"]: entry for entry in content["claims"]},
                mutants={entry["id"]: entry for entry in content["mutants"]},
                parts={key: one for key, one in content.items() if isinstance(one, dict) and one.get("kind") == key},
                baseline=content.get("baseline"),
                obligations={entry["id"]: entry for entry in content.get("obligations", ())},
                chains=content.get("proofs", ()),
                chapters=content.get("chapters", ()),
                slack=content["slack"],
                not_executable=content["not_executable"],
                left_out=content.get("left_out", {}),
                made=content.get("made", {}),
                history=content.get("history", ()),
                commands=Commands.from_json(content["commands"]) if "commands" in content else Commands(),
                checks_counted=True,
            )
            found.expected = content.get("expected", found.recorded + (not content["complete"]))
        except (KeyError, TypeError, AttributeError) as error:
            raise DataFileError(f"not the content of a claims.json ({error!r})") from error
        return found

    @classmethod
    def read(cls, path: Path) -> Document:
        """The document of a claims.json. Raises DataFileError, OSError."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise DataFileError(f"{path} is not a claims.json ({error})") from error
        try:
            return cls.from_json(content)
        except DataFileError as error:
            raise DataFileError(f"{path}: {error}") from error

    def add(self, entry: Entry) -> None:
        """Take one entry in. Raises ValueError for an entry of no known kind."""
        match entry.get("kind"):
            case "claim":
                self.claims = self._ordered({**self.claims, entry["id"]: entry})
            case "mutant":
                self.mutants = self._ordered({**self.mutants, entry["id"]: entry})
            case "obligation":
                self.obligations = self._ordered({**self.obligations, entry["id"]: entry})
            case "replay":
                self.replays = {**self.replays, entry["id"]: entry}
            case str(kind) if "told" in entry:
                self.parts = {**self.parts, kind: entry}
            case kind:
                raise ValueError(
                    f"an entry of kind {kind!r}; known are claim, mutant, obligation, replay, and the suite's parts"
                )

    def _ordered(self, entries: Mapping[str, Entry]) -> dict[str, Entry]:
        """The entries in the order shown; those that it does not name follow as they came."""
        named = {id: entries[id] for id in self.order if id in entries}
        return {**named, **entries}

    @property
    def recorded(self) -> int:
        """How many entries have come in."""
        parts = sum(_items(part) for part in self.parts.values())
        return len(self.claims) + len(self.mutants) + len(self.obligations) + len(self.replays) + parts

    @property
    def empty(self) -> bool:
        """Whether not even a part of a result has come in."""
        return not self.recorded and not self.parts

    @property
    def complete(self) -> bool:
        """Whether everything the run set out to do was done."""
        return self.recorded == self.expected

    @property
    def mutants_refuted(self) -> int:
        """How many mutants were refuted."""
        return sum(entry["verdict"] == Verdict.REFUTED.value for entry in self.mutants.values())

    @property
    def survivors(self) -> list[str]:
        """The ids of the mutants that were not refuted."""
        return [id for id, entry in self.mutants.items() if entry["verdict"] != Verdict.REFUTED.value]

    @property
    def obligation_mutants(self) -> list[Entry]:
        """The mutants of all obligations."""
        return [mutant for entry in self.obligations.values() for mutant in entry["mutants"]]

    @property
    def unsettled_obligations(self) -> list[Entry]:
        """Obligations that are not proved, and mutants of obligations that are not refuted."""
        unproved = [entry for entry in self.obligations.values() if entry["status"] != Standing.PROVED.value]
        return unproved + [one for one in self.obligation_mutants if one["status"] != Standing.REFUTED.value]

    def proofs(self) -> list[Entry]:
        """The chains with every link's standing in this run: what proves it, checks it, or where it is argued.

        A link that rests on obligations is proved when all of them are. One that rests on claims has the verdict and the
        evidence of each. Either is "not in this run" where its references were not run.
        """
        claims = {entry["id"]: entry for entry in self.merged_claims()}

        def known(basis: str, reference: str) -> str:
            if basis == Basis.ARGUED.value:
                return "argued"
            if basis == Basis.PROVED.value:
                return str(self.obligations[reference]["status"]) if reference in self.obligations else NOT_RUN
            if reference not in claims:
                return NOT_RUN
            entry = claims[reference]
            return str(entry["evidence"] if entry["verdict"] == Verdict.HOLDS.value else entry["verdict"])

        return [
            {
                "theorem": chain["theorem"],
                "links": [
                    {**link, "known": [known(link["basis"], reference) for reference in link["references"]]}
                    for link in chain["links"]
                ],
            }
            for chain in self.chains
        ]

    @property
    def checks(self) -> list[Entry]:
        """Evaluations of claims in parts."""
        return [check for part in self.parts.values() for check in part.get("checks", ())]

    def merged_claims(self) -> list[Entry]:
        """The claims' entries with the parts' checks counted in, and the verdicts of their mutants."""
        checks = [] if self.checks_counted else self.checks
        merged = []
        for id, entry in self.claims.items():
            own = [check for check in checks if check["claim"] == id]
            mutants = [
                {"id": mutant["id"], "verdict": mutant["verdict"]}
                for mutant in self.mutants.values()
                if mutant["claim"] == id
            ]
            merged.append(_with_checks(entry, own) | {"mutants": mutants})
        return merged

    def to_json(self) -> dict[str, Any]:
        """What claims.json holds; claims that were not run are absent, and ``complete`` says whether any are due."""
        return {
            "schema": SCHEMA,
            "title": self.title,
            "complete": self.complete,
            "expected": self.expected,
            "verdict": self.verdict.value,
            "claims": self.merged_claims(),
            "chapters": list(self.chapters),
            "mutants": list(self.mutants.values()),
            "obligations": list(self.obligations.values()),
            "proofs": self.proofs(),
            "left_out": {extra: list(names) for extra, names in self.left_out.items()},
            "slack": list(self.slack),
            "not_executable": dict(self.not_executable),
            **{kind: self.parts.get(kind) for kind in (*self.kinds, *self.parts)},
            "baseline": self.baseline,
            "environment": dict(self.environment),
            "made": dict(self.made),
            "history": list(self.history),
            "commands": self.commands.to_json(),
        }

    @property
    def verdict(self) -> RunVerdict:
        """Refuted when a claim, an obligation or a part is; holds when all do, every mutant is refuted, nothing is due.

        Unchecked when nothing is against it because nothing was checked; uncertified when all that there is certifies nothing.
        """
        return self._verdict([RunVerdict.UNDECIDED.value] if self.worse else [])

    @property
    def headline(self) -> str:
        """What stands first on the page: the verdict, or that nothing but the baseline speaks against it."""
        alone = self.worse and self._verdict([]) is RunVerdict.HOLDS
        return "Worse than the baseline" if alone else self.verdict.headline

    @property
    def worse(self) -> int:
        """How many losses there are beside a baseline that stays as it is."""
        return 0 if self.baseline is None or self.baseline["update"] else len(self.baseline["losses"])

    def _verdict(self, verdicts: list[str]) -> RunVerdict:
        """Of these and of all that was found."""
        verdicts += [entry["verdict"] for entry in self.merged_claims()]
        verdicts += [part["verdict"] for part in self.parts.values() if "verdict" in part]
        if any(part["error"] for part in self.parts.values()):
            verdicts.append(RunVerdict.UNDECIDED.value)
        verdicts += [_PROVED[entry["status"]] for entry in self.obligations.values()]
        if self.unsettled_obligations or self.survivors or not self.complete:
            verdicts.append(RunVerdict.UNDECIDED.value)
        for verdict in (RunVerdict.REFUTED, RunVerdict.UNDECIDED, RunVerdict.HOLDS, RunVerdict.UNCERTIFIED):
            if verdict.value in verdicts:
                return verdict
        return RunVerdict.UNCHECKED

    def text(self) -> str:
        """What claims.json holds, as text."""
        return record_text(self.to_json())

    def write(self, directory: Path, name: str = CLAIMS) -> Path:
        """Write the document, whole or not at all. Raises OSError."""
        path = directory / name
        write_text_atomically(path, self.text())
        return path


def _items(part: Entry) -> int:
    """How many items of the run the entry of a part is the result of."""
    found: int = part.get("items", 1 if part.get("complete", True) else 0)
    return found


def _with_checks(entry: Entry, checks: Sequence[Mapping[str, Any]]) -> Entry:
    """The entry with evaluations in parts added to its counts, its tightest ratio and its verdict."""
    if not checks:
        return entry
    result = deepcopy(entry)
    for check in checks:
        family = result["families"].setdefault(
            check["family"],
            {
                "instances": 0,
                "vacuous": 0,
                "undecided_hypotheses": 0,
                "undecided": 0,
                "features": {},
                "ratios": {},
                "tightest": None,
            },
        )
        key = _COUNTER[check["verdict"]]
        family[key] += 1
        result[key] += 1
        if check["verdict"] == InstanceVerdict.REFUTED.value:
            result["verdict"] = Verdict.REFUTED.value
        elif check["verdict"] == InstanceVerdict.UNDECIDED.value and result["verdict"] == Verdict.HOLDS.value:
            result["verdict"] = Verdict.UNDECIDED.value
        if key != "instances":
            continue
        for feature in check["features"]:
            family["features"][feature] = family["features"].get(feature, 0) + 1
        counts = result["evidence_counts"]
        counts[check["evidence"]] = counts.get(check["evidence"], 0) + 1
        result["evidence"] = weakest(Evidence(one) for one in counts).value
        found = _tightest(check)
        if found is not None:
            ratios = Counter(family["ratios"])
            ratios[ratio_bin(number(found["ratio"]))] += 1
            family["ratios"] = {one: ratios[one] for one in BINS if ratios[one]}
        for holder, kept in ((family, ("ratio",)), (result, found or ())):
            if found is not None and (
                holder["tightest"] is None or number(found["ratio"]) > number(holder["tightest"]["ratio"])
            ):
                holder["tightest"] = {key: found[key] for key in kept}
    return result


_PROVED = {
    Standing.PROVED.value: RunVerdict.HOLDS.value,
    Standing.REFUTED.value: RunVerdict.REFUTED.value,
    Standing.UNDECIDED.value: RunVerdict.UNDECIDED.value,
}

_COUNTER = {
    InstanceVerdict.HOLDS.value: "instances",
    InstanceVerdict.REFUTED.value: "instances",
    InstanceVerdict.UNDECIDED.value: "undecided",
    InstanceVerdict.VACUOUS.value: "vacuous",
    InstanceVerdict.UNDECIDED_HYPOTHESIS.value: "undecided_hypotheses",
}


def _tightest(check: Mapping[str, Any]) -> Entry | None:
    bounds = check["bounds"]
    if not bounds:
        return None
    found = max(bounds, key=lambda bound: (bound["verdict"] == Verdict.REFUTED.value, number(bound["ratio"])))
    kept = {key: found[key] for key in ("ratio", "label", "measured", "predicted", "rounding")}
    where = {key: check[key] for key in ("family", "description", "precision")}
    return kept | where | {"seed": check["description"].get("seed")}
