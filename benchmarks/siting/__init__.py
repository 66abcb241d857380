"""Published siting instances: their formats, told apart by contents, and the audit of what is said of them."""
