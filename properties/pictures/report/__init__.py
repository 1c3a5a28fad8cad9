"""The paper's pictures, drawn, in words, in numbers."""
