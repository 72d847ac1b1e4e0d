"""Visits and issues: what field members see, and how departments answer it."""
