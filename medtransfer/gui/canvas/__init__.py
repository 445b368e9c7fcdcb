"""The picture area: slices of an image with what was found drawn over them."""
