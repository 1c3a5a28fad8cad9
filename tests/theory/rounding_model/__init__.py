"""A machine for error analysis: the code of theory/ at any unit roundoff, each operation off by a chosen error."""
