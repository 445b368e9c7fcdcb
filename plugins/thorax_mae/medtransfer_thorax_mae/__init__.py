"""Findings in chest radiographs."""
