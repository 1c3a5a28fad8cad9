"""Certificates and trajectories of networks of any width, under the names that others rely on."""

from theory.streaming.certificate import stream_certificate
from theory.streaming.trajectory import stream_trajectory

__all__ = ["stream_certificate", "stream_trajectory"]
