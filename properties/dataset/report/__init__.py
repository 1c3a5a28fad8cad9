"""The data set's entry, its words, its section of the report."""
