"""A city's own history against our answers: how often they agree, where they don't, and what speaks for why."""
