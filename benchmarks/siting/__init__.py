"""Published siting instances: formats, told apart by contents, and the audit of what is said of them."""
