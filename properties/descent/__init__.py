"""What most chapters draw from: rules of one residual, families of maps and networks, instances and their runs."""
