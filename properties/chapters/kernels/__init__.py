"""The limiting kernels: closed forms, definiteness, bounds, concentration."""
