"""``python -m verified_natural_gradient``: the console command, where its script is not on the path."""

import sys

from verified_natural_gradient.console import main

sys.exit(main())
