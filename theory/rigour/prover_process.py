"""The process in which one prover runs: questions on its input, answers on its output, one JSON line each.

theory/rigour/provers.py runs this file as a script, with z3 or cvc5 as its argument; nothing imports it, so that no other
process loads a prover. A question is ``{"query": SMT-LIB text, "limit": seconds}``. An answer is ``{"answer": "unsat", "sat"
or "unknown", "model": {name: "p/q"}}``; in place of an algebraic number that is not rational a model has one near it.
"""

import json
import math
import signal
import sys


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


def near(value):  # type: ignore[no-untyped-def]
    """A rational value of cvc5 itself, the middle of its isolating interval for another algebraic number."""
    if value.isRealValue():
        return value.getRealValue()
    return (value.getRealAlgebraicNumberLowerBound().getRealValue() + value.getRealAlgebraicNumberUpperBound().getRealValue()) / 2


def main(name: str) -> None:
    """Answer until the input ends. A question that outlives its limit ends the process, even when nobody is left to kill it."""
    ask = {"z3": ask_z3, "cvc5": ask_cvc5}[name]
    for line in sys.stdin:
        question = json.loads(line)
        signal.alarm(math.ceil(question["limit"]) + 1)
        answer, model = ask(question["query"])
        signal.alarm(0)
        print(json.dumps({"answer": answer, "model": model}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
