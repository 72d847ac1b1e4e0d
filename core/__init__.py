"""Pure Python that every floor may use. Nothing here imports Django."""
