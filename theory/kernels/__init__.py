"""The limiting kernels and the geometry of the inputs."""
