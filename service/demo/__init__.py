"""The demo city: geo.synth's fictional city, brought in through the same actions a real city uses."""
