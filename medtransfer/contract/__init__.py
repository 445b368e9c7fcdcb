"""What a plug-in is, and what host, worker and plug-in say to each other."""
