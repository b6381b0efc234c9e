"""Who is who from image to image: association, smoothing and placing of people."""
