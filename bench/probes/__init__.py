"""Small programs on the project's own code, in processes of their own, driven line by line."""
