"""The results folder: what is written, and how it is read back."""
