"""A page in the browser: the camera's picture, and the people in a room that one can turn."""
