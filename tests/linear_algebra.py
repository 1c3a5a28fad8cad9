"""What the libraries of linear algebra are set to."""

from threadpoolctl import threadpool_info


def blas_threads() -> set[int]:
    """The numbers of threads that they may use, one number where all agree."""
    return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}
