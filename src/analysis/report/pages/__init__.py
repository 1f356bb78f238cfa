"""The pages' tables, tiles and texts: one module for each page, and the definitions every page ends with."""
