"""Two releases side by side: the one that serves and the one that comes."""
