"""What the figures are worth: judged against targets, and what drove them."""
