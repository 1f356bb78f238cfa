"""The figures of the report's pages, one module per page, all drawn in the style of `figures.style`."""
