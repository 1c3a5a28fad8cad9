"""What a run leaves for its readers: the closing table, claims.json, index.html with its figures."""
