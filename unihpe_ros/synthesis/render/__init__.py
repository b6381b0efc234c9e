"""The renderer: visibility, background, light and shading."""
