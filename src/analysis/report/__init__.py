"""Report: what pages show, how they look, and the run that makes them."""
