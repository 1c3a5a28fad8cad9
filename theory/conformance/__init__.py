"""What an implementation of curvature is judged by: small networks with exact rational or enclosed references."""
