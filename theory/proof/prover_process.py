"""The process in which one prover runs: questions on its input, answers on its output, one JSON line each.

theory/proof/provers.py runs this file as a script, with z3 or cvc5 as its argument; nothing imports it, so that no other
process loads a prover. A question is ``{"query": SMT-LIB text, "limit": seconds}``. An answer is ``{"answer": "unsat", "sat"
or "unknown", "model": {name: "p/q"}, "reason": text}``; for an irrational algebraic number a model has a rational one near it.
"""

import json
import math
import signal
import sys
from fractions import Fraction
from typing import Any


def ask_z3(query: str) -> tuple[str, dict[str, str]]:
    """The answer of z3's nlsat, and its model."""
    import z3

    solver = z3.Tactic("qfnra-nlsat").solver()
    solver.add(z3.parse_smt2_string(query))
    answer = solver.check()
    if answer != z3.sat:
        return str(answer), {}
    found = solver.model()
    values = {name.name(): found[name] for name in found.decls()}
    near = {name: value.approx(40) if z3.is_algebraic_value(value) else value for name, value in values.items()}
    return "sat", {name: str(value.as_fraction()) for name, value in near.items()}


def ask_cvc5(query: str) -> tuple[str, dict[str, str]]:
    """The answer of cvc5's coverings solver, and its model."""
    import cvc5

    solver = cvc5.Solver()
    solver.setOption("nl-cov", "true")
    solver.setOption("produce-models", "true")
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, f"(set-logic QF_NRA)\n{query}\n", "question")
    while not (command := parser.nextCommand()).isNull():
        command.invoke(solver, parser.getSymbolManager())
    result = solver.checkSat()
    if not result.isSat():
        return "unsat" if result.isUnsat() else "unknown", {}
    values = {str(term): solver.getValue(term) for term in parser.getSymbolManager().getDeclaredTerms()}
    return "sat", {name: str(near(value)) for name, value in values.items()}


def near(value: Any) -> Fraction:
    """A rational value of cvc5 itself; the middle of its isolating interval for another algebraic number."""
    if value.isRealValue():
        return Fraction(value.getRealValue())
    low, high = value.getRealAlgebraicNumberLowerBound(), value.getRealAlgebraicNumberUpperBound()
    return Fraction(low.getRealValue() + high.getRealValue()) / 2


def main(name: str) -> None:
    """Answer until the input ends. A question that outlives its limit ends the process, even when nobody is left to kill it."""
    ask = {"z3": ask_z3, "cvc5": ask_cvc5}[name]
    for line in sys.stdin:
        question = json.loads(line)
        signal.alarm(math.ceil(question["limit"]) + 1)
        try:
            answer, model = ask(question["query"])
            reply = {"answer": answer, "model": model, "reason": f"{name} says unknown" if answer == "unknown" else ""}
        except Exception as error:
            reply = {"answer": "unknown", "model": {}, "reason": f"{type(error).__name__}: {error}"}
        signal.alarm(0)
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
