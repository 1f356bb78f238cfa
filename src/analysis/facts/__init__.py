"""Facts: SQL views over the checked tables, one grain each, and the Book that opens them."""

from analysis.facts.book import Book, Coverage, NotMeasured, open_book

__all__ = ["Book", "Coverage", "NotMeasured", "open_book"]
