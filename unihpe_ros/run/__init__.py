"""What ``unihpe run`` does: videos, pictures, recordings and cameras in, files of people out."""
