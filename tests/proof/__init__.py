"""What is proven by which test, and the page that says so: `make proof` writes docs/proof.md."""
