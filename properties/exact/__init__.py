"""Networks with rational weights, the identities of their quantities without rounding, and the rounding of float64's."""
