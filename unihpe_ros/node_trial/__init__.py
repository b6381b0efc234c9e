"""The node run on trial in processes of its own, with a camera that is played to it."""
