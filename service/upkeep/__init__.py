"""What an operator does to an installation as a whole: back it up, bring it back, ask whether it is well."""
