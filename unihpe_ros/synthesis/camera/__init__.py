"""Camera effects: lens distortion, exposure, blur, noise and compression."""
