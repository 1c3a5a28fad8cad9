"""Theorems on natural gradient descent, verified by pytest.

What is here: the options, the pytest plugin that waits for one of them, and the console command ``natural-gradient``. The
mathematics is in ``theory``, the suite in ``properties``: beside this package in a checkout, inside it in a wheel, where they
are ``verified_natural_gradient.theory`` and ``verified_natural_gradient.properties``.

PYTEST_DONT_REWRITE: the package holds no assertions and may be imported before pytest starts.
"""

__version__ = "0.1.0"
