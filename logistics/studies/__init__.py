"""Studies: what can be asked of a case. A kind is one file and one line in the register."""
