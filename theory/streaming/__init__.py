"""Certificates of networks that no memory holds: neurons are drawn a chunk at a time, and reduced to n x n numbers."""
