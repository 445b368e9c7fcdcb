"""Breast tumours under the microscope."""
