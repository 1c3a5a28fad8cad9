"""From a command line to a run: options, items, progress, the record, the comparison with an earlier run."""
