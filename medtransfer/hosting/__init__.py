"""Plug-ins as the host sees them: found, installed and run without ever being imported here."""
