"""UniHPE in PyTorch: encoders, decoder and export. Not needed at run time on a robot."""
