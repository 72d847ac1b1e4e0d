"""Indicators, schemes, snapshots and the sheets and bulletins the office sends."""
