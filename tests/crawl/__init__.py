"""Walking the pages as each role does: what a page says, where it leads, what it costs."""
