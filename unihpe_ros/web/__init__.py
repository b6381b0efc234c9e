"""Web page that shows the camera's image, and the people in a 3D view."""
