"""Natural gradient descent on the squared loss."""
