"""A data set of the user's: read, certified on a ladder of networks, reported."""
