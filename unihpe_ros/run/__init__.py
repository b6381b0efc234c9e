"""The command ``unihpe run``: videos, pictures, recordings and cameras in, files of people out."""
