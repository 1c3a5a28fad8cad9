"""The claims, a chapter a family of statements."""
