"""A file's text with the places of its syntax nodes."""

import ast


class Source:
    """A file's text with positions of syntax nodes as indices of characters."""

    def __init__(self, text: str, name: str) -> None:
        """Parse a text; ``name`` is the path of its file, relative to the project. Raises SyntaxError."""
        self.name = name
        self.text = text
        self.lines = self.text.splitlines(keepends=True)
        self.offsets = [0]
        for line in self.lines:
            self.offsets.append(self.offsets[-1] + len(line))
        self.tree = ast.parse(self.text)

    def index(self, line: int, column: int) -> int:
        """The character at a line (from 1) and a column in UTF-8 bytes."""
        return self.offsets[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def span(self, node: ast.expr | ast.stmt | ast.alias) -> tuple[int, int]:
        """The characters of a node."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.index(node.lineno, node.col_offset), self.index(node.end_lineno, node.end_col_offset)

    def span_of(self, statement: ast.stmt) -> tuple[int, int]:
        """The characters of a statement with its decorators."""
        start, end = self.span(statement)
        decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
        return (self.offsets[decorators[0].lineno - 1] if decorators else start), end

    def code(self, node: ast.expr | ast.stmt) -> str:
        """The text of a node."""
        start, end = self.span(node)
        return self.text[start:end]


def wrapped(source: Source, node: ast.expr) -> str:
    """An operand's text, in parentheses unless it is a single term."""
    text = source.code(node)
    return text if isinstance(node, ast.Name | ast.Constant | ast.Call | ast.Attribute | ast.Subscript) else f"({text})"
