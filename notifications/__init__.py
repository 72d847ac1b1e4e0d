"""Telling people and systems: readers of the journal, which is the outbox."""
