"""Load the suite's pytest options."""

pytest_plugins = ["properties.plugin"]
