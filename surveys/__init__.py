"""Questionnaires and the answers to them."""
