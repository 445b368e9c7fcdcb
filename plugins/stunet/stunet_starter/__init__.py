"""Makes the starter model of the CT plug-in; not installed with it."""
