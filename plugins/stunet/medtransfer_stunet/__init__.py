"""Structures in CT volumes: a medtransfer plug-in."""
