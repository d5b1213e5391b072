"""A small software rasteriser: antialiased shapes over all frames at once, random style, and the camera's faults."""
