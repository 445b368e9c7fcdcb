"""The reading space: studies on the left, the picture in the middle, what was found on the right."""
