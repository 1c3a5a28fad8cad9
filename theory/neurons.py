"""Certificates of networks of any width, under the name that others rely on."""

from theory.streaming.certificate import stream_certificate

__all__ = ["stream_certificate"]
