"""How an older state becomes this one."""
