"""The space of plug-ins: what each one does, and bringing, switching off and removing them."""
