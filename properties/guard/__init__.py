"""A step of the user's own against the claims: loaded, called, compared with the exact step, and its convention named."""
