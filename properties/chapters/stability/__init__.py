"""Condition 2: certificates of a ball and of a path, attacks, patterns."""
