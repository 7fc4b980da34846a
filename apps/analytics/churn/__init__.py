"""Who is about to leave: one pooled logistic regression, and MBG/NBD until there is one."""
