"""How wide a network has to be at initialisation."""
