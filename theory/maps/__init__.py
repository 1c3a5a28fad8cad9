"""Models with a known stability constant, and the search for the worst of them."""
