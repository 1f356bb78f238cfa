"""Sample data sets, written as raw files the way any user would have them."""
