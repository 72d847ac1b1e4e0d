"""The sync engine: pushes, pulls, merges and quarantine, knowing nothing of HTTP."""
